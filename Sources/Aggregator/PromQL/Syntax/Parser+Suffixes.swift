import QuerySyntax
import Telemetry

/// What follows a selector or an expression: `[5m]`, `offset`, `@`, and the lengths in them.
extension Parser {
    // MARK: Suffixes

    /// A primary with `[..]`, `offset` and `@`.
    mutating func suffixed() throws(SyntaxFault) -> Expression {
        var expression = try primary()
        var hasOffset = false
        var hasAnchor = false
        while true {
            let place = token.position
            if isSymbol("[") {
                if hasOffset || hasAnchor, case .selector = expression.node {
                    // foo offset 5m [1h:] is a subquery; foo offset 5m [1h] has its parts in the wrong order.
                    expression = try bracket(after: expression, mustBeSubquery: true)
                } else {
                    expression = try bracket(after: expression, mustBeSubquery: false)
                }
                hasOffset = false
                hasAnchor = false
            } else if isKeyword("offset", token) {
                advance()
                guard !hasOffset else { throw SyntaxFault(message: "offset may stand once only", position: place) }
                hasOffset = true
                let offset = try length(allowsSign: true, isBracketed: false)
                try shift(&expression, place) { $0.offset = offset }
            } else if isSymbol("@") {
                advance()
                guard !hasAnchor else { throw SyntaxFault(message: "@ may stand once only", position: place) }
                hasAnchor = true
                let anchor = try anchor()
                try shift(&expression, place) { $0.anchor = anchor }
            } else if let word = [SelectorExtension.anchored, .smoothed].first(where: { isKeyword($0.rawValue, token) }), isExtensible(expression, word) {
                advance()
                try extend(&expression, word, place)
            } else {
                return expression
            }
            expression.position = expression.position.lowerBound..<lastEnd
        }
    }

    func shift(_ expression: inout Expression, _ place: Range<Int>, _ change: (inout TimeShift) -> Void) throws(SyntaxFault) {
        switch expression.node {
        case .selector(var selector):
            change(&selector.shift)
            expression.node = .selector(selector)
        case .range(var range):
            change(&range.selector.shift)
            expression.node = .range(range)
        case .subquery(var subquery):
            change(&subquery.shift)
            expression.node = .subquery(subquery)
        default:
            throw SyntaxFault(message: "offset and @ must follow a selector or a subquery directly", position: place)
        }
    }

    /// `anchored` and `smoothed` are modifiers only where a selector allows them, names elsewhere.
    private func isExtensible(_ expression: Expression, _ word: SelectorExtension) -> Bool {
        switch expression.node {
        case .range: true
        case .selector: word == .smoothed
        default: false
        }
    }

    private func extend(_ expression: inout Expression, _ word: SelectorExtension, _ place: Range<Int>) throws(SyntaxFault) {
        let again = SyntaxFault(message: "anchored or smoothed may stand once only", position: place)
        switch expression.node {
        case .selector(var selector):
            guard selector.looksBeyond == nil else { throw again }
            selector.looksBeyond = word
            expression.node = .selector(selector)
        case .range(var range):
            guard range.selector.looksBeyond == nil else { throw again }
            range.selector.looksBeyond = word
            expression.node = .range(range)
        default: break
        }
    }

    mutating func anchor() throws(SyntaxFault) -> TimeShift.Anchor {
        for (word, anchor) in [("start", TimeShift.Anchor.start), ("end", .end)] where isKeyword(word, token) {
            advance()
            try expect("(", "after @ \(word)")
            try expect(")", "after @ \(word)(")
            return anchor
        }
        var sign = 1.0
        if isSymbol("-") || isSymbol("+") {
            if isSymbol("-") { sign = -1 }
            advance()
        }
        guard case .number(let seconds) = token.kind else { throw unexpected("a time in Unix seconds, start() or end() after @") }
        guard (seconds * 1000).magnitude < 0x1p62 else { throw SyntaxFault(message: "the time after @ is out of range", position: token.position) }
        advance()
        return .time(Timestamp(seconds: sign * seconds))
    }

    /// `[5m]` or `[1h:5m]`.
    mutating func bracket(after expression: Expression, mustBeSubquery: Bool) throws(SyntaxFault) -> Expression {
        let place = token.position
        advance()
        let range = try length(allowsSign: false, isBracketed: true)
        guard range.formula != nil || range.milliseconds > 0 else {
            throw SyntaxFault(message: "a range must be longer than nothing", position: place.lowerBound..<lastEnd)
        }
        if take("]") {
            guard case .selector(let selector) = expression.node else {
                throw SyntaxFault(
                    message: "a range in brackets must follow a selector; for any other expression write a subquery such as [1h:1m]",
                    position: place.lowerBound..<lastEnd)
            }
            if mustBeSubquery { throw SyntaxFault(message: "offset and @ must stand after the range, not before it", position: place.lowerBound..<lastEnd) }
            return Expression(.range(RangeSelector(selector: selector, range: range)), at: expression.position)
        }
        try expect(":", "or \"]\" after the range")
        var step: Length?
        if !isSymbol("]") {
            step = try length(allowsSign: false, isBracketed: true)
            if let step, step.formula == nil, step.milliseconds <= 0 {
                throw SyntaxFault(message: "a subquery's step must be longer than nothing", position: place.lowerBound..<lastEnd)
            }
        }
        try expect("]", "after the subquery's step")
        guard expression.type == .vector else {
            throw SyntaxFault(message: "a subquery needs an instant vector, not a \(expression.type.phrase)", position: expression.position)
        }
        return Expression(.subquery(Subquery(inner: expression, range: range, step: step)), at: expression.position)
    }

    // MARK: Durations

    /// A length: `5m`, `300`, or a formula of such. Outside brackets and parentheses there are no operators in it.
    mutating func length(allowsSign: Bool, isBracketed: Bool) throws(SyntaxFault) -> Length {
        let start = token.position
        let formula = isBracketed ? try durationSum(above: 0) : try durationTerm(isInside: false)
        guard formula.isConstant else { return Length(milliseconds: 0, formula: formula) }
        guard let seconds = formula.value(step: 0, range: 0) else { throw SyntaxFault(message: "the duration divides by zero", position: start) }
        guard seconds.isFinite, (seconds * 1000).magnitude < 0x1p53 else { throw SyntaxFault(message: "the duration is out of range", position: start) }
        if seconds < 0, !allowsSign { throw SyntaxFault(message: "the duration must not be negative here", position: start) }
        return Length(milliseconds: Int64((seconds * 1000).rounded()))
    }

    private mutating func durationSum(above precedence: Int) throws(SyntaxFault) -> DurationFormula {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Parser.maximumDepth else { throw SyntaxFault(message: "the duration is nested too deep", position: token.position) }
        var left = try durationTerm(isInside: true)
        while case .symbol(let symbol) = token.kind, let operation = Binary.Operation(rawValue: symbol), !operation.isComparison, !operation.isTrim,
            operation.precedence > precedence
        {
            advance()
            left = .binary(operation, left, try durationSum(above: operation == .power ? operation.precedence - 1 : operation.precedence))
        }
        return left
    }

    /// `isInside`: in brackets or parentheses, where a sign binds looser than `^`.
    private mutating func durationTerm(isInside: Bool) throws(SyntaxFault) -> DurationFormula {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Parser.maximumDepth else { throw SyntaxFault(message: "the duration is nested too deep", position: token.position) }
        switch token.kind {
        case .symbol("-"), .symbol("+"):
            let isMinus = isSymbol("-")
            advance()
            let inner = isInside ? try durationSum(above: Binary.unaryPrecedence) : try durationTerm(isInside: false)
            return isMinus ? .negative(inner) : inner
        case .symbol("("):
            advance()
            let value = try durationSum(above: 0)
            try expect(")", "in the duration")
            return value
        case .number(let value):
            advance()
            return .seconds(value)
        case .duration(let milliseconds):
            advance()
            return .duration(milliseconds: milliseconds)
        case .identifier(let word) where following.kind == .symbol("("):
            return try durationCall(word.lowercased())
        default:
            throw unexpected("a duration such as 5m")
        }
    }

    private mutating func durationCall(_ name: String) throws(SyntaxFault) -> DurationFormula {
        guard ["step", "range", "min_of", "max_of"].contains(name) else {
            throw unexpected("a duration; only step(), range(), min_of() and max_of() can be called in one")
        }
        advance()
        advance()
        if name == "step" || name == "range" {
            try expect(")", "after \(name)(")
            return name == "step" ? .step : .range
        }
        let first = try durationSum(above: 0)
        try expect(",", "between the durations of \(name)()")
        let second = try durationSum(above: 0)
        try expect(")", "after the durations of \(name)()")
        return name == "min_of" ? .least(first, second) : .greatest(first, second)
    }
}
