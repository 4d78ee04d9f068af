import Glibc

/// A range, an offset or a subquery's step.
///
/// Most are fixed as they are written. A formula that needs the query's own step or range is worked out when the
/// query starts (`Expression.resolved`).
public struct Length: Sendable, Hashable {
    /// Zero while there is a formula.
    public var milliseconds: Int64
    public var formula: DurationFormula?

    public init(milliseconds: Int64, formula: DurationFormula? = nil) {
        self.milliseconds = milliseconds
        self.formula = formula
    }

    /// As a query has it.
    var text: String { formula.map { $0.isBare ? $0.text : "(\($0.text))" } ?? NumberText.duration(milliseconds: milliseconds) }
    /// As it stands in brackets, where a formula needs no parentheses.
    var bracketText: String { formula?.text ?? NumberText.duration(milliseconds: milliseconds) }
}

/// An expression of durations, such as `step() * 2 + 1m`. Values are seconds.
public indirect enum DurationFormula: Sendable, Hashable {
    /// A plain number.
    case seconds(Double)
    case duration(milliseconds: Int64)
    /// The query's step, 0 for an instant query.
    case step
    /// The time from the query's start to its end.
    case range
    case negative(DurationFormula)
    case binary(Binary.Operation, DurationFormula, DurationFormula)
    case least(DurationFormula, DurationFormula)
    case greatest(DurationFormula, DurationFormula)

    /// Whether it can follow `offset` without parentheses.
    var isBare: Bool {
        switch self {
        case .seconds, .duration, .step, .range, .least, .greatest: true
        case .negative(let inner): inner.isBare
        case .binary: false
        }
    }

    /// Whether the value depends on the query.
    var isConstant: Bool {
        switch self {
        case .seconds, .duration: true
        case .step, .range: false
        case .negative(let inner): inner.isConstant
        case .binary(_, let left, let right), .least(let left, let right), .greatest(let left, let right): left.isConstant && right.isConstant
        }
    }

    /// The value in seconds; nil if something is divided by nought.
    func value(step stepSeconds: Double, range rangeSeconds: Double) -> Double? {
        switch self {
        case .seconds(let value): return value
        case .duration(let milliseconds): return Double(milliseconds) / 1000
        case .step: return stepSeconds
        case .range: return rangeSeconds
        case .negative(let inner): return inner.value(step: stepSeconds, range: rangeSeconds).map { -$0 }
        case .binary(let operation, let left, let right):
            guard let a = left.value(step: stepSeconds, range: rangeSeconds), let b = right.value(step: stepSeconds, range: rangeSeconds) else { return nil }
            if b == 0, operation == .divide || operation == .modulo { return nil }
            return operation.apply(a, b)
        case .least(let left, let right), .greatest(let left, let right):
            guard let a = left.value(step: stepSeconds, range: rangeSeconds), let b = right.value(step: stepSeconds, range: rangeSeconds) else { return nil }
            if case .least = self { return Double.minimum(a, b) }
            return Double.maximum(a, b)
        }
    }

    var text: String {
        switch self {
        case .seconds(let value): return NumberText.string(value)
        case .duration(let milliseconds): return NumberText.duration(milliseconds: milliseconds)
        case .step: return "step()"
        case .range: return "range()"
        case .negative(let inner): return "-\(inner.operand(above: Binary.unaryPrecedence))"
        case .binary(let operation, let left, let right):
            let isPower = operation == .power
            let leftText = left.operand(above: operation.precedence - (isPower ? 0 : 1))
            return "\(leftText) \(operation.rawValue) \(right.operand(above: operation.precedence - (isPower ? 1 : 0)))"
        case .least(let left, let right): return "min_of(\(left.text), \(right.text))"
        case .greatest(let left, let right): return "max_of(\(left.text), \(right.text))"
        }
    }

    /// The text, in parentheses unless it binds tighter than `precedence`.
    private func operand(above precedence: Int) -> String {
        let own =
            switch self {
            case .binary(let operation, _, _): operation.precedence
            case .negative: Binary.unaryPrecedence
            default: Int.max
            }
        return own > precedence ? text : "(\(text))"
    }
}

extension Expression {
    /// The expression with all durations worked out for a query of this step and range.
    func resolved(stepMilliseconds: Int64, rangeMilliseconds: Int64) throws(QueryError) -> Expression {
        func resolve(_ length: inout Length, isSigned: Bool, _ place: Swift.Range<Int>) throws(QueryError) {
            guard let formula = length.formula else { return }
            guard let seconds = formula.value(step: Double(stepMilliseconds) / 1000, range: Double(rangeMilliseconds) / 1000) else {
                throw QueryError(.execution, "the duration \(formula.text) divides by zero", at: place)
            }
            guard seconds.isFinite, (seconds * 1000).magnitude < 0x1p53 else {
                throw QueryError(.execution, "the duration \(formula.text) is out of range", at: place)
            }
            guard isSigned || seconds > 0 else {
                throw QueryError(.execution, "the duration \(formula.text) is \(NumberText.string(seconds)) s here, and must be greater than 0", at: place)
            }
            length = Length(milliseconds: Int64(seconds * 1000))
        }
        func walk(_ expression: Expression) throws(QueryError) -> Expression {
            var result = expression
            switch expression.node {
            case .number, .string: return expression
            case .selector(var selector):
                try resolve(&selector.shift.offset, isSigned: true, expression.position)
                result.node = .selector(selector)
            case .range(var range):
                try resolve(&range.selector.shift.offset, isSigned: true, expression.position)
                try resolve(&range.range, isSigned: false, expression.position)
                result.node = .range(range)
            case .subquery(var subquery):
                try resolve(&subquery.shift.offset, isSigned: true, expression.position)
                try resolve(&subquery.range, isSigned: false, expression.position)
                if var step = subquery.step {
                    try resolve(&step, isSigned: false, expression.position)
                    subquery.step = step
                }
                subquery.inner = try walk(subquery.inner)
                result.node = .subquery(subquery)
            case .call(let name, var arguments):
                for index in arguments.indices { arguments[index] = try walk(arguments[index]) }
                result.node = .call(name, arguments)
            case .aggregation(var aggregation):
                if let parameter = aggregation.parameter { aggregation.parameter = try walk(parameter) }
                aggregation.inner = try walk(aggregation.inner)
                result.node = .aggregation(aggregation)
            case .unary(let isMinus, let inner): result.node = .unary(isMinus: isMinus, try walk(inner))
            case .parentheses(let inner): result.node = .parentheses(try walk(inner))
            case .binary(var binary):
                binary.left = try walk(binary.left)
                binary.right = try walk(binary.right)
                result.node = .binary(binary)
            }
            return result
        }
        return try walk(self)
    }
}
