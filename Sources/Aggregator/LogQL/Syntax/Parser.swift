import Pattern
import QuerySyntax
import Telemetry

extension LogExpression {
    /// Parses LogQL. Throws `LogQLError` of kind `.syntax` that points at the fault.
    ///
    /// - Parameter isStrict: only what Loki takes: a selector needs a condition that an absent label does not meet, and
    ///   our own stages are unknown.
    public static func parse(_ text: String, isStrict: Bool = false) throws(LogQLError) -> LogExpression {
        let bytes = Array(text.utf8)
        do throws(SyntaxFault) {
            var parser = try Parser(bytes, isStrict: isStrict)
            return try parser.whole()
        } catch {
            throw .syntax(error, in: bytes)
        }
    }
}

/// Reads the words of a query into its tree, by recursive descent; operators by their precedence.
struct Parser {
    /// Deeper nesting is refused, so that no text exhausts the stack.
    static let maximumDepth = 128
    /// Longer texts are no query of a person.
    static let maximumBytes = 1 << 20

    let text: [UInt8]
    private let tokens: [Token]
    private var index = 0
    private var depth = 0
    let isStrict: Bool

    init(_ text: [UInt8], isStrict: Bool) throws(SyntaxFault) {
        guard text.count <= Parser.maximumBytes else { throw SyntaxFault(message: "the query is longer than \(Parser.maximumBytes) bytes", position: 0..<0) }
        self.text = text
        self.isStrict = isStrict
        tokens = try Lexer.tokens(of: text)
    }

    mutating func whole() throws(SyntaxFault) -> LogExpression {
        if token.kind == .end { throw SyntaxFault(message: "the query is empty; write a selector such as {pod=\"web\"}", position: token.position) }
        let expression = try expression()
        guard token.kind == .end else { throw unexpected("the end of the query, a stage or an operator") }
        return expression
    }

    // MARK: Words

    var token: Token { tokens[index] }
    func peek(_ ahead: Int = 1) -> Token { tokens[min(index + ahead, tokens.count - 1)] }

    mutating func advance() { if index < tokens.count - 1 { index += 1 } }

    func at(_ symbol: String) -> Bool { token.kind == .symbol(symbol) }

    mutating func take(_ symbol: String) -> Bool {
        guard at(symbol) else { return false }
        advance()
        return true
    }

    mutating func expect(_ symbol: String, _ place: String) throws(SyntaxFault) {
        guard take(symbol) else { throw unexpected("\"\(symbol)\" \(place)") }
    }

    /// The lower-case word, if the token is a name.
    var word: String? { if case .identifier(let name) = token.kind { name.lowercased() } else { nil } }

    mutating func takeWord(_ expected: String) -> Bool {
        guard word == expected else { return false }
        advance()
        return true
    }

    func unexpected(_ expected: String, near candidates: [String] = []) -> SyntaxFault {
        var message = "unexpected \(token.shown(in: text)), expected \(expected)"
        if let word, let nearest = NearestName.match(word, among: candidates) { message += "; did you mean \"\(nearest)\"?" }
        return SyntaxFault(message: message, position: token.position)
    }

    mutating func name(_ what: String) throws(SyntaxFault) -> String {
        guard case .identifier(let name) = token.kind else { throw unexpected(what) }
        advance()
        return name
    }

    mutating func string(_ what: String) throws(SyntaxFault) -> String {
        guard case .string(let value) = token.kind else { throw unexpected(what) }
        advance()
        return value
    }

    /// A count that fits 32 bits.
    mutating func whole(_ what: String) throws(SyntaxFault) -> Int {
        guard case .number(let value) = token.kind, let whole = Int32(exactly: value), whole >= 0 else { throw unexpected(what) }
        advance()
        return Int(whole)
    }

    /// Runs `body` one level deeper.
    mutating func nested<Result>(_ body: (inout Parser) throws(SyntaxFault) -> Result) throws(SyntaxFault) -> Result {
        depth += 1
        guard depth <= Parser.maximumDepth else {
            throw SyntaxFault(message: "the query is nested deeper than \(Parser.maximumDepth) levels", position: token.position)
        }
        let result = try body(&self)
        depth -= 1
        return result
    }

    // MARK: Expressions

    mutating func expression(above precedence: Int = 0) throws(SyntaxFault) -> LogExpression {
        try nested { parser throws(SyntaxFault) in try parser.operators(above: precedence) }
    }

    private mutating func operators(above precedence: Int) throws(SyntaxFault) -> LogExpression {
        let start = token.position
        var left = try primary()
        // A chain of operators makes a tree as deep as it is long.
        var length = 0
        while let operation = self.operation, operation.precedence > precedence {
            length += 1
            guard length <= Parser.maximumDepth else {
                throw SyntaxFault(message: "more than \(Parser.maximumDepth) operators in a row", position: token.position)
            }
            guard case .metric(let leftMetric) = left else {
                throw SyntaxFault(
                    message: "\"\(operation.rawValue)\" needs numbers on its left, and this is a query for lines; wrap it in count_over_time(… [5m])",
                    position: start)
            }
            advance()
            let (returnsBool, matching) = try modifiers(operation)
            let rightStart = token.position
            guard case .metric(let right) = try expression(above: operation.isRightAssociative ? operation.precedence - 1 : operation.precedence) else {
                throw SyntaxFault(
                    message: "\"\(operation.rawValue)\" needs numbers on its right, and this is a query for lines; wrap it in count_over_time(… [5m])",
                    position: rightStart)
            }
            if operation.isSet {
                for side in [leftMetric, right] where side.isScalar {
                    throw SyntaxFault(message: "\"\(operation.rawValue)\" stands between vectors only, and one side is a number", position: rightStart)
                }
            }
            left = .metric(.binary(LogBinary(operation, leftMetric, right, returnsBool: returnsBool, matching: matching)))
        }
        return left
    }

    private var operation: LogBinary.Operation? {
        switch token.kind {
        case .symbol(let symbol): LogBinary.Operation(rawValue: symbol)
        case .identifier(let name): LogBinary.Operation(rawValue: name.lowercased())
        default: nil
        }
    }

    private mutating func modifiers(_ operation: LogBinary.Operation) throws(SyntaxFault) -> (Bool, LogBinary.Matching) {
        var matching = LogBinary.Matching()
        var returnsBool = false
        if word == "bool" {
            guard operation.isComparison else { throw SyntaxFault(message: "bool belongs behind a comparison", position: token.position) }
            returnsBool = true
            advance()
        }
        if word == "on" || word == "ignoring" {
            matching.isOn = word == "on"
            advance()
            matching.labels = try names("labels to match by")
            if word == "group_left" || word == "group_right" {
                guard !operation.isSet else {
                    throw SyntaxFault(message: "\(operation.rawValue) matches many to many; it takes no group_left or group_right", position: token.position)
                }
                matching.cardinality = word == "group_left" ? .manyToOne : .oneToMany
                advance()
                if at("(") { matching.include = try names("labels to take along") }
            }
        }
        return (returnsBool, matching)
    }

    /// `(a, b)`, possibly empty.
    mutating func names(_ what: String) throws(SyntaxFault) -> [String] {
        try expect("(", "before the \(what)")
        var names: [String] = []
        while !at(")") {
            names.append(try name("a label's name"))
            guard take(",") else { break }
        }
        try expect(")", "after the \(what)")
        return names
    }

    private mutating func primary() throws(SyntaxFault) -> LogExpression {
        switch token.kind {
        case .symbol("{"): return .lines(try pipeline())
        case .symbol("("):
            advance()
            var inner = try expression()
            try expect(")", "to close the parenthesis")
            if case .lines(var pipeline) = inner {
                while startsStage { pipeline.stages.append(try stage()) }
                inner = .lines(pipeline)
            }
            return inner
        case .number, .symbol("-"), .symbol("+"): return .metric(.number(try signedNumber("a number")))
        case .identifier: return .metric(try call())
        default: throw unexpected("a selector such as {pod=\"web\"}, a function or a number")
        }
    }

    mutating func signedNumber(_ what: String) throws(SyntaxFault) -> Double {
        let isNegative = at("-")
        if isNegative || at("+") { advance() }
        if case .identifier(let name) = token.kind, let value = ["inf": Double.infinity, "nan": .nan][name.lowercased()] {
            advance()
            return isNegative ? -value : value
        }
        guard case .number(let value) = token.kind else { throw unexpected(what) }
        advance()
        return isNegative ? -value : value
    }
}

extension LogMetric {
    /// Whether the value is one number without labels rather than a vector.
    var isScalar: Bool {
        switch self {
        case .number: true
        case .binary(let binary): binary.left.isScalar && binary.right.isScalar
        default: false
        }
    }
}
