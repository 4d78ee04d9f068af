import QuerySyntax
import Telemetry

extension Parser {
    /// Filters joined by `or`; `and`, commas and blanks bind tighter.
    mutating func labelFilter() throws(SyntaxFault) -> LabelFilter {
        var filter = try conjunction()
        while word == "or" {
            advance()
            filter = .or(filter, try conjunction())
        }
        return filter
    }

    private mutating func conjunction() throws(SyntaxFault) -> LabelFilter {
        var filter = try atom()
        var length = 0
        while true {
            if !takeWord("and"), !take(",") {
                // Two filters side by side; a word that goes on otherwise (`by`, `or`, `bool`) is none.
                guard startsFilter else { return filter }
            }
            length += 1
            guard length <= Parser.maximumDepth else {
                throw SyntaxFault(message: "more than \(Parser.maximumDepth) filters in a row", position: token.position)
            }
            filter = .and(filter, try atom())
        }
    }

    private var startsFilter: Bool {
        if at("(") { return true }
        guard case .identifier = token.kind, case .symbol(let symbol) = peek().kind else { return false }
        return ["=", "==", "!=", "=~", "!~", ">", ">=", "<", "<="].contains(symbol)
    }

    private mutating func atom() throws(SyntaxFault) -> LabelFilter {
        if take("(") {
            let inner = try nested { parser throws(SyntaxFault) in try parser.labelFilter() }
            try expect(")", "to close the parenthesis")
            return inner
        }
        let start = token
        let name = try name("a label's name")
        guard case .symbol(let symbol) = token.kind, ["=", "==", "!=", "=~", "!~", ">", ">=", "<", "<="].contains(symbol) else {
            var fault = unexpected("a comparison after the label \"\(name)\"")
            if let nearest = NearestName.match(name.lowercased(), among: Parser.stageWords) {
                fault = SyntaxFault(message: "unknown stage \"\(name)\"; did you mean \"\(nearest)\"?", position: start.position)
            }
            throw fault
        }
        advance()
        switch token.kind {
        case .string:
            guard let operation = Matcher.Operation(rawValue: symbol) else {
                throw unexpected("a number, duration or size after \"\(symbol)\"; texts are compared by =, !=, =~ and !~")
            }
            return .matcher(try matcher(name, operation))
        case .identifier where word == "ip" && peek().kind == .symbol("("):
            guard symbol == "=" || symbol == "!=" else { throw unexpected("= or != before ip(…)") }
            advance()
            try expect("(", "after ip")
            let place = token.position
            let text = try string("an address in quotes, such as \"10.0.0.0/8\"")
            guard AddressRange(text) != nil else {
                throw SyntaxFault(message: "\"\(text)\" is no address, network (10.0.0.0/8) or range (10.0.0.1-10.0.0.9)", position: place)
            }
            try expect(")", "after the address")
            return .address(name, isNegated: symbol == "!=", text)
        case .number, .duration, .bytes, .symbol("-"), .symbol("+"):
            guard let comparison = LabelFilter.Comparison(rawValue: symbol == "=" ? "==" : symbol) else {
                throw unexpected("a string in quotes after \"\(symbol)\"")
            }
            return .quantity(name, comparison, try quantity())
        default: throw unexpected("a string in quotes, a number, a duration, a size or ip(\"…\") after \"\(name)\(symbol)\"")
        }
    }

    private mutating func quantity() throws(SyntaxFault) -> LabelFilter.Quantity {
        let isNegative = at("-")
        if isNegative || at("+") { advance() }
        let kind = token.kind
        switch kind {
        case .number(let value):
            advance()
            return .number(isNegative ? -value : value)
        case .duration(let value):
            advance()
            return .duration(isNegative ? -value : value)
        case .bytes(let value):
            guard !isNegative else { throw SyntaxFault(message: "a size is not negative", position: token.position) }
            advance()
            return .bytes(value)
        default: throw unexpected("a number after the sign")
        }
    }
}
