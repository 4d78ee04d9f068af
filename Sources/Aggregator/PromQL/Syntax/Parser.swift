import Pattern
import QuerySyntax
import Telemetry

/// Reads PromQL (contracts/metrics.md 5.1) by precedence climbing and checks types on the way.
public struct Parser {
    static let maximumDepth = 128

    let text: [UInt8]
    private let tokens: [Token]
    private var index = 0
    var depth = 0

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

    var binaryOperation: Binary.Operation? {
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

    mutating func unary() throws(SyntaxFault) -> Expression {
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
    mutating func modifiers(of binary: inout Binary, _ operatorPosition: Range<Int>) throws(SyntaxFault) {
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
        try fills(of: &binary)
    }

    /// `fill (0)`, `fill_left (0)`, `fill_right (0)`: numbers for missing elements. Without a parenthesis they are metrics' names.
    private mutating func fills(of binary: inout Binary) throws(SyntaxFault) {
        while following.kind == .symbol("("), let word = ["fill", "fill_left", "fill_right"].first(where: { isKeyword($0, token) }) {
            let place = token.position
            guard !binary.operation.isSet else {
                throw SyntaxFault(message: "the set operator \"\(binary.operation.rawValue)\" takes no \(word)", position: place)
            }
            advance()
            advance()
            var sign = 1.0
            while isSymbol("-") || isSymbol("+") {
                if isSymbol("-") { sign = -sign }
                advance()
            }
            guard case .number(let value) = token.kind else { throw unexpected("a number in \(word)") }
            advance()
            try expect(")", "after the number of \(word)")
            let fillsLeft = word != "fill_right", fillsRight = word != "fill_left"
            if fillsLeft && binary.matching.fillLeft != nil || fillsRight && binary.matching.fillRight != nil {
                throw SyntaxFault(message: "\(word) fills a side that is filled already", position: place)
            }
            if fillsLeft { binary.matching.fillLeft = sign * value }
            if fillsRight { binary.matching.fillRight = sign * value }
        }
    }

    func check(_ binary: inout Binary, _ operatorPosition: Range<Int>) throws(SyntaxFault) {
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
}
