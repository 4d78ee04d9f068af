import Pattern
import Telemetry

/// Reads PromQL (contracts/metrics.md 5.1) by precedence climbing and checks types on the way.
public struct Parser {
    private static let maximumDepth = 128

    let text: [UInt8]
    private let tokens: [Token]
    private var index = 0
    private var depth = 0

    /// Parses a whole query. Throws `badData` with line, column and what was expected.
    public static func parse(_ query: String) throws(QueryError) -> Expression {
        let text = Array(query.utf8)
        do throws(SyntaxFault) {
            var parser = Parser(text: text, tokens: try Lexer.tokens(of: text))
            guard parser.token.kind != .end else { throw SyntaxFault(message: "no expression found, the query is empty", position: 0..<0) }
            let expression = try parser.expression(above: 0)
            guard parser.token.kind == .end else { throw parser.unexpected("an operator or the end of the query") }
            return expression
        } catch {
            let place = LineColumn(offset: error.position.lowerBound, in: text)
            throw QueryError(.badData, "\(place): parse error: \(error.message)", at: error.position)
        }
    }

    /// Parses a selector alone, as `match[]` holds; returns its conditions.
    public static func parseSelector(_ text: String) throws(QueryError) -> [Matcher] {
        let expression = try parse(text)
        guard case .selector(let selector) = expression.node, selector.shift == TimeShift() else {
            throw QueryError(.badData, "1:1: parse error: \"\(text)\" is not a plain selector such as up{job=\"node\"}", at: expression.position)
        }
        return selector.matchers
    }

    private init(text: [UInt8], tokens: [Token]) {
        self.text = text
        self.tokens = tokens
    }

    // MARK: Words

    var token: Token { tokens[index] }
    var following: Token { tokens[min(index + 1, tokens.count - 1)] }
    /// Where the last word that was taken ends.
    var lastEnd: Int { index > 0 ? tokens[index - 1].position.upperBound : 0 }

    mutating func advance() { if index < tokens.count - 1 { index += 1 } }

    func isSymbol(_ symbol: String) -> Bool { token.kind == .symbol(symbol) }

    mutating func take(_ symbol: String) -> Bool {
        guard isSymbol(symbol) else { return false }
        advance()
        return true
    }

    func isKeyword(_ word: String, _ token: Token) -> Bool {
        if case .identifier(let found) = token.kind { found.lowercased() == word } else { false }
    }

    mutating func takeKeyword(_ word: String) -> Bool {
        guard isKeyword(word, token) else { return false }
        advance()
        return true
    }

    func unexpected(_ expected: String) -> SyntaxFault {
        SyntaxFault(message: "unexpected \(token.shown(in: text)), expected \(expected)", position: token.position)
    }

    mutating func expect(_ symbol: String, _ context: String) throws(SyntaxFault) {
        guard take(symbol) else { throw unexpected("\"\(symbol)\" \(context)") }
    }

    // MARK: Operators

    /// An expression whose operators all bind tighter than `precedence`.
    mutating func expression(above precedence: Int) throws(SyntaxFault) -> Expression {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Parser.maximumDepth else {
            throw SyntaxFault(message: "the query is nested more than \(Parser.maximumDepth) deep", position: token.position)
        }
        var left = try unary()
        while let operation = binaryOperation, operation.precedence > precedence {
            let operatorPosition = token.position
            advance()
            var binary = Binary(operation: operation, left: left, right: left)
            try modifiers(of: &binary, operatorPosition)
            // `^` groups to the right, the others to the left.
            binary.right = try expression(above: operation == .power ? operation.precedence - 1 : operation.precedence)
            try check(&binary, operatorPosition)
            left = Expression(.binary(binary), at: left.position.lowerBound..<binary.right.position.upperBound)
        }
        return left
    }

    private var binaryOperation: Binary.Operation? {
        switch token.kind {
        case .symbol(let symbol): Binary.Operation(rawValue: symbol)
        case .identifier(let word):
            switch word.lowercased() {
            case "and": .and
            case "or": .or
            case "unless": .unless
            case "atan2": .atan2
            default: nil
            }
        default: nil
        }
    }

    private mutating func unary() throws(SyntaxFault) -> Expression {
        let start = token.position.lowerBound
        guard isSymbol("-") || isSymbol("+") else { return try suffixed() }
        let isMinus = isSymbol("-")
        advance()
        let inner = try expression(above: Binary.unaryPrecedence)
        guard inner.type == .scalar || inner.type == .vector else {
            throw SyntaxFault(
                message: "a sign needs a scalar or an instant vector, not a \(inner.type.phrase)", position: start..<inner.position.upperBound)
        }
        let position = start..<inner.position.upperBound
        if case .number(let value) = inner.node { return Expression(.number(isMinus ? -value : value), at: position) }
        return Expression(.unary(isMinus: isMinus, inner), at: position)
    }

    /// `bool`, `on (..)`, `group_left (..)` after an operator.
    private mutating func modifiers(of binary: inout Binary, _ operatorPosition: Range<Int>) throws(SyntaxFault) {
        if binary.operation.isSet { binary.matching.cardinality = .manyToMany }
        if isKeyword("bool", token) {
            guard binary.operation.isComparison else {
                throw SyntaxFault(message: "bool goes with comparisons only, not with \"\(binary.operation.rawValue)\"", position: token.position)
            }
            advance()
            binary.returnsBool = true
        }
        if isKeyword("on", token) || isKeyword("ignoring", token) {
            binary.matching.isOn = isKeyword("on", token)
            let word = binary.matching.isOn ? "on" : "ignoring"
            advance()
            binary.matching.labels = try labelNames("after \(word)")
            if isKeyword("group_left", token) || isKeyword("group_right", token) {
                guard !binary.operation.isSet else {
                    throw SyntaxFault(message: "the set operator \"\(binary.operation.rawValue)\" takes no grouping", position: token.position)
                }
                binary.matching.cardinality = isKeyword("group_left", token) ? .manyToOne : .oneToMany
                let place = token.position
                advance()
                if isSymbol("(") { binary.matching.include = try labelNames("after the grouping") }
                if binary.matching.isOn, let both = binary.matching.include.first(where: binary.matching.labels.contains) {
                    throw SyntaxFault(message: "the label \"\(both)\" must not stand in both on and group", position: place)
                }
            }
        } else if isKeyword("group_left", token) || isKeyword("group_right", token) {
            throw unexpected("on (..) or ignoring (..) before the grouping")
        }
        if isKeyword("fill", token) || isKeyword("fill_left", token) || isKeyword("fill_right", token), following.kind == .symbol("(") {
            throw SyntaxFault(message: "fill modifiers are not evaluated yet", position: token.position)
        }
    }

    private func check(_ binary: inout Binary, _ operatorPosition: Range<Int>) throws(SyntaxFault) {
        for side in [binary.left, binary.right] where side.type != .scalar && side.type != .vector {
            throw SyntaxFault(
                message: "the operator \"\(binary.operation.rawValue)\" needs scalars or instant vectors, not a \(side.type.phrase)", position: side.position)
        }
        let scalars = [binary.left, binary.right].filter { $0.type == .scalar }.count
        if binary.operation.isSet, scalars > 0 {
            throw SyntaxFault(message: "the set operator \"\(binary.operation.rawValue)\" needs instant vectors on both sides", position: operatorPosition)
        }
        if scalars == 2, binary.operation.isComparison, !binary.returnsBool {
            throw SyntaxFault(
                message: "comparisons between scalars must use bool, as in 1 \(binary.operation.rawValue) bool 2", position: operatorPosition)
        }
        if scalars > 0, binary.matching != Binary.Matching() {
            throw SyntaxFault(message: "vector matching is only possible between instant vectors", position: operatorPosition)
        }
    }

    // MARK: Suffixes

    /// A primary with `[..]`, `offset` and `@`.
    private mutating func suffixed() throws(SyntaxFault) -> Expression {
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
                let offset = try duration(allowsSign: true, isBracketed: false)
                try shift(&expression, place) { $0.offsetMilliseconds = offset }
            } else if isSymbol("@") {
                advance()
                guard !hasAnchor else { throw SyntaxFault(message: "@ may stand once only", position: place) }
                hasAnchor = true
                let anchor = try anchor()
                try shift(&expression, place) { $0.anchor = anchor }
            } else if isKeyword("anchored", token) || isKeyword("smoothed", token), case .range = expression.node {
                throw SyntaxFault(message: "the experimental modifiers anchored and smoothed are not evaluated yet", position: place)
            } else {
                return expression
            }
            expression.position = expression.position.lowerBound..<lastEnd
        }
    }

    private func shift(_ expression: inout Expression, _ place: Range<Int>, _ change: (inout TimeShift) -> Void) throws(SyntaxFault) {
        switch expression.node {
        case .selector(var selector):
            change(&selector.shift)
            expression.node = .selector(selector)
        case .range(var selector, let milliseconds):
            change(&selector.shift)
            expression.node = .range(selector, milliseconds: milliseconds)
        case .subquery(var subquery):
            change(&subquery.shift)
            expression.node = .subquery(subquery)
        default:
            throw SyntaxFault(message: "offset and @ must follow a selector or a subquery directly", position: place)
        }
    }

    private mutating func anchor() throws(SyntaxFault) -> TimeShift.Anchor {
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
    private mutating func bracket(after expression: Expression, mustBeSubquery: Bool) throws(SyntaxFault) -> Expression {
        let place = token.position
        advance()
        let range = try duration(allowsSign: false, isBracketed: true)
        guard range > 0 else { throw SyntaxFault(message: "a range must be longer than nothing", position: place.lowerBound..<lastEnd) }
        if take("]") {
            guard case .selector(let selector) = expression.node else {
                throw SyntaxFault(
                    message: "a range in brackets must follow a selector; for any other expression write a subquery such as [1h:1m]",
                    position: place.lowerBound..<lastEnd)
            }
            if mustBeSubquery { throw SyntaxFault(message: "offset and @ must stand after the range, not before it", position: place.lowerBound..<lastEnd) }
            return Expression(.range(selector, milliseconds: range), at: expression.position)
        }
        try expect(":", "or \"]\" after the range")
        var step: Int64?
        if !isSymbol("]") {
            step = try duration(allowsSign: false, isBracketed: true)
            if step ?? 1 <= 0 { throw SyntaxFault(message: "a subquery's step must be longer than nothing", position: place.lowerBound..<lastEnd) }
        }
        try expect("]", "after the subquery's step")
        guard expression.type == .vector else {
            throw SyntaxFault(message: "a subquery needs an instant vector, not a \(expression.type.phrase)", position: expression.position)
        }
        return Expression(.subquery(Subquery(inner: expression, rangeMilliseconds: range, stepMilliseconds: step)), at: expression.position)
    }

    // MARK: Durations

    /// A duration in milliseconds: `5m`, `300`, or an expression of such; a bare one outside brackets has no operators.
    private mutating func duration(allowsSign: Bool, isBracketed: Bool) throws(SyntaxFault) -> Int64 {
        let start = token.position
        let seconds = isBracketed ? try durationSum(above: 0) : try durationUnary()
        guard seconds.isFinite, (seconds * 1000).magnitude < 0x1p53 else { throw SyntaxFault(message: "the duration is out of range", position: start) }
        if seconds < 0, !allowsSign { throw SyntaxFault(message: "the duration must not be negative here", position: start) }
        return Int64((seconds * 1000).rounded())
    }

    private mutating func durationSum(above precedence: Int) throws(SyntaxFault) -> Double {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Parser.maximumDepth else { throw SyntaxFault(message: "the duration is nested too deep", position: token.position) }
        var left = try durationUnary()
        while case .symbol(let symbol) = token.kind, let operation = Binary.Operation(rawValue: symbol), !operation.isComparison,
            operation.precedence > precedence
        {
            advance()
            let right = try durationSum(above: operation == .power ? operation.precedence - 1 : operation.precedence)
            left = operation.apply(left, right)
        }
        return left
    }

    private mutating func durationUnary() throws(SyntaxFault) -> Double {
        let place = token.position
        switch token.kind {
        case .symbol("-"):
            advance()
            return -(try durationUnary())
        case .symbol("+"):
            advance()
            return try durationUnary()
        case .symbol("("):
            advance()
            let value = try durationSum(above: 0)
            try expect(")", "in the duration")
            return value
        case .number(let value):
            advance()
            return value
        case .duration(let milliseconds):
            advance()
            return Double(milliseconds) / 1000
        case .identifier(let word) where ["step", "range", "min_of", "max_of"].contains(word.lowercased()):
            throw SyntaxFault(message: "\(word)() in a duration is not evaluated yet", position: place)
        default:
            throw unexpected("a duration such as 5m")
        }
    }

    // MARK: Primaries

    private mutating func primary() throws(SyntaxFault) -> Expression {
        let start = token.position
        switch token.kind {
        case .number(let value):
            advance()
            return Expression(.number(value), at: start)
        case .duration(let milliseconds):
            advance()
            return Expression(.number(Double(milliseconds) / 1000), at: start)
        case .string(let value):
            advance()
            return Expression(.string(value), at: start)
        case .symbol("("):
            advance()
            let inner = try expression(above: 0)
            try expect(")", "to close the parenthesis")
            return Expression(.parentheses(inner), at: start.lowerBound..<lastEnd)
        case .symbol("{"): return try selector(named: nil, from: start)
        case .identifier(let word):
            if let operation = Aggregation.Operation(rawValue: word.lowercased()),
                following.kind == .symbol("(") || isKeyword("by", following) || isKeyword("without", following)
            {
                return try aggregation(operation)
            }
            if following.kind == .symbol("(") { return try call(word) }
            if ["bool", "on", "ignoring", "group_left", "group_right"].contains(word.lowercased()) { throw unexpected("an expression") }
            advance()
            return try selector(named: word, from: start)
        default: throw unexpected("an expression")
        }
    }

    private mutating func call(_ name: String) throws(SyntaxFault) -> Expression {
        let start = token.position
        guard let function = Function.named(name) else {
            let known = Array(Function.table.keys) + Aggregation.Operation.allCases.map(\.rawValue)
            let hint = nearest(to: name, among: known).map { ", did you mean \"\($0)\"?" } ?? ""
            throw SyntaxFault(message: "unknown function \"\(name)\"\(hint)", position: start)
        }
        advance()
        advance()
        var arguments: [Expression] = []
        while !isSymbol(")") {
            arguments.append(try expression(above: 0))
            guard take(",") else { break }
            if isSymbol(")") { throw unexpected("an argument after \",\"") }
        }
        try expect(")", "or \",\" in the call of \(name)()")
        let position = start.lowerBound..<lastEnd
        let least = function.parameters.count - function.optionalCount
        let most = function.isVariadic ? Int.max : function.parameters.count
        guard arguments.count >= least, arguments.count <= most else {
            let wanted = least == most ? "\(least)" : most == .max ? "at least \(least)" : "\(least) to \(most)"
            throw SyntaxFault(message: "\(name)() takes \(wanted) argument\(wanted == "1" ? "" : "s"), not \(arguments.count)", position: position)
        }
        for (number, argument) in arguments.enumerated() {
            let wanted = function.parameters[min(number, function.parameters.count - 1)]
            guard argument.type == wanted else {
                let hint = wanted == .matrix && argument.type == .vector ? "; add a range, such as [5m]" : ""
                throw SyntaxFault(
                    message: "argument \(number + 1) of \(name)() must be a \(wanted.phrase), not a \(argument.type.phrase)\(hint)",
                    position: argument.position)
            }
        }
        return Expression(.call(name, arguments), at: position)
    }

    private mutating func aggregation(_ operation: Aggregation.Operation) throws(SyntaxFault) -> Expression {
        let start = token.position
        advance()
        var clause = try groupingClause()
        try expect("(", "after \(operation.rawValue)")
        var arguments: [Expression] = []
        while !isSymbol(")") {
            arguments.append(try expression(above: 0))
            guard take(",") else { break }
        }
        try expect(")", "or \",\" in \(operation.rawValue)()")
        let late = token.position
        if let second = try groupingClause() {
            guard clause == nil else { throw SyntaxFault(message: "by or without may stand once only", position: late) }
            clause = second
        }
        let position = start.lowerBound..<lastEnd
        let wantedCount = operation.parameter == nil ? 1 : 2
        guard arguments.count == wantedCount, let inner = arguments.last else {
            let form = operation.parameter == nil ? "an instant vector" : "a \(operation.parameter?.phrase ?? "") and an instant vector"
            throw SyntaxFault(
                message: "\(operation.rawValue)() takes \(form), not \(arguments.count) argument\(arguments.count == 1 ? "" : "s")", position: position)
        }
        guard inner.type == .vector else {
            throw SyntaxFault(
                message: "\(operation.rawValue)() aggregates an instant vector, not a \(inner.type.phrase)"
                    + (inner.type == .matrix ? "; use a function over time such as rate()" : ""), position: inner.position)
        }
        let parameter = wantedCount == 2 ? arguments[0] : nil
        if let parameter, let wanted = operation.parameter, parameter.type != wanted {
            throw SyntaxFault(
                message: "the parameter of \(operation.rawValue)() must be a \(wanted.phrase), not a \(parameter.type.phrase)", position: parameter.position)
        }
        return Expression(
            .aggregation(
                Aggregation(operation: operation, parameter: parameter, inner: inner, isWithout: clause?.isWithout ?? false, labels: clause?.labels ?? [])),
            at: position)
    }

    private mutating func groupingClause() throws(SyntaxFault) -> (isWithout: Bool, labels: [String])? {
        let isWithout = isKeyword("without", token)
        guard isWithout || isKeyword("by", token) else { return nil }
        advance()
        return (isWithout, try labelNames("after \(isWithout ? "without" : "by")"))
    }

    /// `(a, b, "c.d")`, a last comma allowed.
    private mutating func labelNames(_ context: String) throws(SyntaxFault) -> [String] {
        try expect("(", context)
        var names: [String] = []
        while !isSymbol(")") {
            switch token.kind {
            case .identifier(let name) where !name.contains(":"): names.append(name)
            case .string(let name) where !name.isEmpty: names.append(name)
            default: throw unexpected("a label's name")
            }
            advance()
            guard take(",") else { break }
        }
        try expect(")", "or \",\" in the list of labels")
        return names
    }

    private mutating func selector(named name: String?, from start: Range<Int>) throws(SyntaxFault) -> Expression {
        var matchers: [Matcher] = []
        var name = name
        if let name { matchers.append(Matcher(Labels.metricName, equals: name)) }
        let isBare = !isSymbol("{")
        if take("{") {
            while !isSymbol("}") {
                let place = token.position
                let label: String
                switch token.kind {
                case .identifier(let word) where !word.contains(":"): label = word
                case .string(let text):
                    label = text
                    if following.kind == .symbol(",") || following.kind == .symbol("}") {
                        // A string alone is the metric's name.
                        guard name == nil else {
                            throw SyntaxFault(message: "the metric's name is given twice: \"\(name ?? "")\" and \"\(text)\"", position: place)
                        }
                        name = text
                        matchers.append(Matcher(Labels.metricName, equals: text))
                        advance()
                        _ = take(",")
                        continue
                    }
                default: throw unexpected("a label's name or \"}\"")
                }
                advance()
                guard case .symbol(let symbol) = token.kind, let operation = Matcher.Operation(rawValue: symbol) else {
                    throw unexpected("=, !=, =~ or !~ after the label \"\(label)\"")
                }
                advance()
                guard case .string(let value) = token.kind else { throw unexpected("a string in quotes after \"\(label)\(symbol)\"") }
                if label == Labels.metricName, let name, operation == .equal {
                    throw SyntaxFault(message: "the metric's name is given twice: \"\(name)\" and \"\(value)\"", position: place)
                }
                do throws(PatternError) {
                    matchers.append(try Matcher(label, operation, value))
                } catch {
                    throw SyntaxFault(message: "the regular expression of \"\(label)\" is wrong: \(error.message)", position: token.position)
                }
                advance()
                guard take(",") else { break }
            }
            try expect("}", "or \",\" in the selector")
        }
        let position = start.lowerBound..<lastEnd
        guard isBare || matchers.contains(where: { !$0.accepts("") }) else {
            throw SyntaxFault(
                message: "a selector must have at least one condition that an absent label does not meet, such as {job=\"node\"}", position: position)
        }
        return Expression(.selector(Selector(matchers: matchers)), at: position)
    }
}
