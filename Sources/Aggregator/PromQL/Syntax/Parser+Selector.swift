import Pattern
import QuerySyntax
import Telemetry

extension Parser {
    mutating func selector(named name: String?, from start: Range<Int>, mayMatchAll: Bool = false) throws(SyntaxFault) -> Expression {
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
        guard isBare || mayMatchAll || matchers.contains(where: { !$0.accepts("") }) else {
            throw SyntaxFault(
                message: "a selector must have at least one condition that an absent label does not meet, such as {job=\"node\"}", position: position)
        }
        return Expression(.selector(Selector(matchers: matchers)), at: position)
    }
}
