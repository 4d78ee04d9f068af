/// A PromQL text as it is typed: whether it is whole, and what the word at the cursor is. It knows brackets, quotes and
/// comments only, since what is typed is seldom a right query yet.
public enum QueryText {
    /// What may stand at the cursor.
    public enum Wanted: Sendable, Equatable {
        /// A metric, a function or an operator's word.
        case name
        /// A label's name: of the metric if one is known.
        case label(metric: String)
        case value(label: String, metric: String)
        case nothing
    }

    public struct Place: Sendable, Equatable {
        public var wanted: Wanted
        /// What of it is typed, and where that begins, in characters.
        public var prefix: String
        public var start: Int
    }

    /// Whether brackets or quotes are open, or an operator or comma waits for what follows.
    public static func isOpen(_ text: String) -> Bool {
        let scan = Scan(Array(text))
        if !scan.brackets.isEmpty || scan.quote != nil { return true }
        let trimmed = text.reversed().drop { $0.isWhitespace }
        guard let last = trimmed.first else { return false }
        if "+-*/%^,<>=!~".contains(last) { return true }
        let word = String(trimmed.prefix { $0.isLetter || $0 == "_" }.reversed())
        return operators.contains(word) && trimmed.count > word.count
    }

    private static let operators: Set = ["and", "or", "unless", "bool", "offset", "atan2", "on", "ignoring", "group_left", "group_right", "by", "without"]
    private static let listing: Set = ["by", "without", "on", "ignoring", "group_left", "group_right"]

    public static func place(_ text: [Character], cursor: Int) -> Place {
        let scan = Scan(Array(text[..<cursor]))
        if let quote = scan.quote {
            let prefix = String(text[(quote + 1)..<cursor])
            guard scan.brackets.last?.symbol == "{", !scan.label.isEmpty, scan.isAfterOperator else {
                return Place(wanted: .nothing, prefix: prefix, start: quote + 1)
            }
            return Place(wanted: .value(label: scan.label, metric: scan.brackets.last?.word ?? ""), prefix: prefix, start: quote + 1)
        }
        var start = cursor
        while start > 0, isName(text[start - 1]) { start -= 1 }
        let prefix = String(text[start..<cursor])
        func place(_ wanted: Wanted) -> Place { Place(wanted: wanted, prefix: prefix, start: start) }
        switch scan.brackets.last?.symbol {
        case "{": return place(scan.isAfterOperator ? .nothing : .label(metric: scan.brackets.last?.word ?? ""))
        case "[": return place(.nothing)
        case "(" where listing.contains(scan.brackets.last?.word ?? ""): return place(.label(metric: ""))
        default: return place(prefix.first?.isNumber == true ? .nothing : .name)
        }
    }

    private static func isName(_ character: Character) -> Bool {
        character.isASCII && (character.isLetter || character.isNumber || character == "_" || character == ":")
    }

    /// One way through the text.
    private struct Scan {
        /// Open ones, each with the word before it.
        var brackets: [(symbol: Character, word: String)] = []
        /// Where an open quote stands.
        var quote: Int?
        /// In braces: the name before the operator.
        var label = ""
        var isAfterOperator = false

        init(_ text: [Character]) {
            var word = ""
            var last = ""
            var index = 0
            while index < text.count {
                let character = text[index]
                if let open = quote {
                    if character == "\\", text[open] != "`" { index += 1 } else if character == text[open] { quote = nil }
                    index += 1
                    continue
                }
                if QueryText.isName(character) {
                    word.append(character)
                    index += 1
                    continue
                }
                if !word.isEmpty { last = word }
                word = ""
                switch character {
                case "\"", "'", "`": quote = index
                case "#": while index + 1 < text.count, text[index + 1] != "\n" { index += 1 }
                case "(", "[", "{":
                    brackets.append((character, last))
                    (label, isAfterOperator, last) = ("", false, "")
                case ")", "]", "}":
                    if !brackets.isEmpty { brackets.removeLast() }
                    last = ""
                case "=", "!", "~":
                    if brackets.last?.symbol == "{" { (label, isAfterOperator) = (isAfterOperator ? label : last, true) } else { last = "" }
                case ",":
                    (label, isAfterOperator, last) = ("", false, "")
                case _ where character.isWhitespace: break
                default: last = ""
                }
                index += 1
            }
        }
    }
}

/// What can be put in for a word that is begun.
public struct Completion: Sendable, Equatable {
    /// All that begin as the word does, in order.
    public var candidates: [String]
    /// What they have in common, at least the word itself.
    public var common: String

    public init(_ prefix: String, among names: some Sequence<String>) {
        candidates = Set(names).filter { $0.hasPrefix(prefix) }.sorted()
        common = candidates.first ?? prefix
        for candidate in candidates.dropFirst() {
            while !candidate.hasPrefix(common) { common.removeLast() }
        }
    }

    /// In columns, at most `limit` of them.
    public func list(width: Int, limit: Int = 60) -> String {
        let shown = candidates.prefix(limit).map { TerminalText.shorten(TerminalText.escaped($0), to: max(4, width - 2)) }
        let column = (shown.map(TerminalText.width).max() ?? 0) + 2
        let perRow = max(1, width / column)
        let rows = (shown.count + perRow - 1) / perRow
        var text = ""
        for row in 0..<rows {
            let line = stride(from: row, to: shown.count, by: rows).map { shown[$0] + String(repeating: " ", count: column - TerminalText.width(shown[$0])) }
            text += String(line.joined().reversed().drop { $0 == " " }.reversed()) + "\n"
        }
        return candidates.count > limit ? text + "and \(candidates.count - limit) more\n" : text
    }
}
