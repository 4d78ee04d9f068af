import Pattern
import QuerySyntax
import Telemetry

extension LogExpression {
    /// Parses the plain words that people type, such as `error "card declined" pod:web* -debug level:warn+`, into the tree
    /// that LogQL has. docs/logql.md has the grammar. What could be meant in two ways is an error that says both.
    public static func parseWords(_ text: String) throws(LogQLError) -> LogExpression {
        let bytes = Array(text.utf8)
        do throws(SyntaxFault) {
            guard bytes.count <= Parser.maximumBytes else {
                throw SyntaxFault(message: "the text is longer than \(Parser.maximumBytes) bytes", position: 0..<0)
            }
            var parser = WordsParser(bytes)
            return .lines(try parser.pipeline())
        } catch {
            throw .syntax(error, in: bytes)
        }
    }

    /// LogQL if the text begins as LogQL does, with a brace, a parenthesis or a function's name before a
    /// parenthesis — else plain words.
    public static func parseAny(_ text: String) throws(LogQLError) -> LogExpression {
        isLogQL(text) ? try parse(text) : try parseWords(text)
    }

    /// Whether `parseAny` takes the text for LogQL.
    public static func isLogQL(_ text: String) -> Bool {
        let bytes = text.utf8.drop { $0 == 0x20 || $0 == 0x09 || $0 == 0x0A || $0 == 0x0D }
        guard let first = bytes.first else { return false }
        if first == UInt8(ascii: "{") || first == UInt8(ascii: "(") || first == UInt8(ascii: "#") { return true }
        let word = bytes.prefix(while: Lexer.isNamePart)
        guard !word.isEmpty else { return false }
        let rest = bytes[word.endIndex...].drop { $0 == 0x20 }
        let name = String(decoding: word, as: UTF8.self).lowercased()
        guard Parser.functionNames.contains(name) else { return false }
        return rest.first == UInt8(ascii: "(") || ["by", "without"].contains { rest.starts(with: $0.utf8) }
    }
}

/// Reads plain words.
struct WordsParser {
    private let text: [UInt8]
    private var position = 0
    private var matchers: [Matcher] = []
    private var lines: [LogStage] = []
    private var levels: [LogStage] = []
    private var fields: [LogStage] = []

    init(_ text: [UInt8]) { self.text = text }

    /// What a person may call a stream's label.
    private static let streamNames = [
        "namespace": "namespace", "ns": "namespace", "pod": "pod", "container": "container", "node": "node", "stream": "stream", "app": "app", "job": "job",
        "unit": "unit", "host": "host", "file": "file", "restart": "restart",
    ]
    private static let comparisons = [">=", "<=", "!=", ">", "<", "="]

    mutating func pipeline() throws(SyntaxFault) -> LogPipeline {
        while true {
            skipBlanks()
            guard position < text.count else { break }
            try item()
        }
        var stages = lines + levels
        if !fields.isEmpty {
            // A field may stand in JSON or in logfmt; a line of neither form is none of an error here.
            stages += [
                .json([]), .logfmt(isStrict: false, keepsEmpty: false, []), .drop([.name(LabelSet.errorName), .name(LabelSet.errorDetailsName)]),
            ]
            stages += fields
        }
        return LogPipeline(matchers: matchers, stages: stages)
    }

    private mutating func skipBlanks() { while position < text.count, WordsParser.isBlank(text[position]) { position += 1 } }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D }

    // MARK: Items

    private mutating func item() throws(SyntaxFault) {
        let start = position
        let isNegated = text[position] == UInt8(ascii: "-")
        if isNegated {
            position += 1
            guard position < text.count, !WordsParser.isBlank(text[position]) else {
                throw SyntaxFault(
                    message: "a minus stands before what must not be there; to look for a minus, write \"-\" in quotes", position: start..<position)
            }
        }
        if try labelled(isNegated) { return }
        let (operation, first) = try term(isNegated)
        var alternatives = [first]
        while let other = try alternative(isNegated, start) {
            guard other.0 == operation else {
                throw SyntaxFault(message: "OR joins words with words, phrases with phrases or expressions with expressions", position: start..<position)
            }
            alternatives.append(other.1)
        }
        lines.append(.line(LineCondition(operation, alternatives)))
    }

    /// What follows `OR`; nil if no `OR` does.
    private mutating func alternative(_ isNegated: Bool, _ start: Int) throws(SyntaxFault) -> (LineCondition.Operation, LineCondition.Alternative)? {
        let mark = position
        skipBlanks()
        guard bareWord() == "OR" else {
            position = mark
            return nil
        }
        position += 2
        skipBlanks()
        guard !isNegated else {
            throw SyntaxFault(message: "a minus before OR is ambiguous; write -one -other for lines with neither", position: start..<position)
        }
        guard position < text.count, text[position] != UInt8(ascii: "-") else {
            throw SyntaxFault(message: "a word is missing after OR", position: mark..<position)
        }
        let place = position
        if try labelled(false) {
            throw SyntaxFault(message: "OR joins words only; for alternatives of a label write name:one,other", position: place..<position)
        }
        return try term(false)
    }

    /// The word at the place, to the next blank.
    private func bareWord() -> String { String(decoding: text[position...].prefix { !WordsParser.isBlank($0) }, as: UTF8.self) }

    /// A word, a phrase in quotes or an expression between slashes.
    private mutating func term(_ isNegated: Bool) throws(SyntaxFault) -> (LineCondition.Operation, LineCondition.Alternative) {
        let start = position
        switch text[position] {
        case UInt8(ascii: "\""): return (isNegated ? .lacks : .contains, .text(try phrase()))
        case UInt8(ascii: "/"):
            guard let close = text[(position + 1)...].firstIndex(where: { $0 == UInt8(ascii: "/") || WordsParser.isBlank($0) }),
                text[close] == UInt8(ascii: "/"),
                close + 1 == text.count || WordsParser.isBlank(text[close + 1])
            else {
                throw SyntaxFault(
                    message:
                        "a word that begins with / may be a path or an expression; write \"\(bareWord())\" in quotes for the text, /…/ for an expression (\\s for a blank)",
                    position: start..<(start + bareWord().utf8.count))
            }
            let expression = String(decoding: text[(position + 1)..<close], as: UTF8.self)
            do throws(PatternError) { _ = try Pattern(expression) } catch {
                throw SyntaxFault(message: "the regular expression is wrong: \(error.message)", position: start..<close)
            }
            position = close + 1
            return (isNegated ? .notMatches : .matches, .text(expression))
        default:
            let word = bareWord()
            let range = start..<(start + word.utf8.count)
            if word == "OR" || word == "AND" || word == "NOT" {
                let hint =
                    word == "OR"
                    ? "stands between two words" : word == "AND" ? "is not needed: all words must be there" : "is written as a minus before the word"
                throw SyntaxFault(message: "\(word) \(hint); to look for it, write it in quotes", position: range)
            }
            if word.utf8.contains(UInt8(ascii: "*")) {
                throw SyntaxFault(
                    message: "a star within a word: write \"\(word)\" in quotes for a star, or /\(word.replacing("*", with: ".*"))/ for anything in its place",
                    position: range)
            }
            if word.utf8.contains(UInt8(ascii: "\"")) { throw SyntaxFault(message: "a quote within a word; put a blank before it", position: range) }
            position += word.utf8.count
            return (isNegated ? .lacksIgnoringCase : .containsIgnoringCase, .text(word))
        }
    }

    private mutating func phrase() throws(SyntaxFault) -> String {
        let start = position
        position += 1
        var bytes: [UInt8] = []
        while position < text.count, text[position] != UInt8(ascii: "\"") {
            if text[position] == UInt8(ascii: "\\"), position + 1 < text.count,
                text[position + 1] == UInt8(ascii: "\"") || text[position + 1] == UInt8(ascii: "\\")
            {
                position += 1
            }
            bytes.append(text[position])
            position += 1
        }
        guard position < text.count else { throw SyntaxFault(message: "the quote is not closed", position: start..<text.count) }
        position += 1
        return String(decoding: bytes, as: UTF8.self)
    }

    // MARK: Labels

    /// `name:value`, `name>=5`; false if the item is none of these.
    private mutating func labelled(_ isNegated: Bool) throws(SyntaxFault) -> Bool {
        let start = position
        let rest = text[position...]
        guard let head = rest.first, Lexer.isLetter(head) else { return false }
        let nameBytes = rest.prefix { Lexer.isLetter($0) || Lexer.isDigit($0) || $0 == UInt8(ascii: ".") }
        let name = String(decoding: nameBytes, as: UTF8.self)
        let after = rest[nameBytes.endIndex...]
        if after.first == UInt8(ascii: ":") {
            position = nameBytes.endIndex + 1
            let value = try value(name, start)
            try label(name, value, isNegated, start..<position)
            return true
        }
        guard let symbol = WordsParser.comparisons.first(where: { after.starts(with: $0.utf8) }) else { return false }
        position = nameBytes.endIndex + symbol.utf8.count
        let value = try value(name, start)
        guard !isNegated else {
            throw SyntaxFault(message: "a minus before a comparison is ambiguous; turn the comparison round, as in status<500", position: start..<position)
        }
        try comparison(name.replacing(".", with: "_"), symbol, value.text, start..<position)
        return true
    }

    private mutating func value(_ name: String, _ start: Int) throws(SyntaxFault) -> (text: String, isQuoted: Bool) {
        guard position < text.count, !WordsParser.isBlank(text[position]) else {
            throw SyntaxFault(
                message: "a value is missing after \"\(String(decoding: text[start..<position], as: UTF8.self))\"; to look for this text, write it in quotes",
                position: start..<position)
        }
        if text[position] == UInt8(ascii: "\"") { return (try phrase(), true) }
        let word = bareWord()
        if word.hasPrefix("//") || word.hasPrefix(":") {
            throw SyntaxFault(
                message: "\"\(name):\(word)\" may be a text or a label with its value; write it in quotes for the text",
                position: start..<(position + word.utf8.count))
        }
        position += word.utf8.count
        return (word, false)
    }

    private mutating func label(_ name: String, _ value: (text: String, isQuoted: Bool), _ isNegated: Bool, _ range: Range<Int>) throws(SyntaxFault) {
        if name == "level" || name == "severity" {
            levels.append(.label(.matcher(try level(value.text, isNegated, range))))
            return
        }
        let stream = WordsParser.streamNames[name]
        let label = stream ?? name.replacing(".", with: "_")
        let texts = value.isQuoted ? [value.text] : value.text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        guard texts.allSatisfy({ !$0.isEmpty }) else { throw SyntaxFault(message: "a value is missing beside a comma", position: range) }
        let isPlain = value.isQuoted || texts.count == 1 && !texts[0].contains { $0 == "*" || $0 == "?" }
        let matcher =
            isPlain
            ? try WordsParser.matcher(label, isNegated ? .notEqual : .equal, texts[0], range)
            : try WordsParser.matcher(label, isNegated ? .notMatches : .matches, texts.map(WordsParser.expression).joined(separator: "|"), range)
        if stream != nil { matchers.append(matcher) } else { fields.append(.label(.matcher(matcher))) }
    }

    private static func matcher(_ name: String, _ operation: Matcher.Operation, _ value: String, _ range: Range<Int>) throws(SyntaxFault) -> Matcher {
        do throws(PatternError) { return try Matcher(name, operation, value) } catch { throw SyntaxFault(message: error.message, position: range) }
    }

    /// A star for any text, a question mark for one letter.
    private static func expression(_ glob: String) -> String {
        var result = ""
        for scalar in glob.unicodeScalars {
            switch scalar {
            case "*": result += ".*"
            case "?": result += "."
            case "\\", ".", "+", "(", ")", "[", "]", "{", "}", "|", "^", "$": result += "\\\(scalar)"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// `warn`, `warn+` (that and worse), `error,fatal`.
    private func level(_ text: String, _ isNegated: Bool, _ range: Range<Int>) throws(SyntaxFault) -> Matcher {
        let names = LogRecord.Severity.allCases.dropFirst().map(\.levelName)
        let others = ["warning": "warn", "err": "error", "critical": "fatal", "crit": "fatal", "information": "info"]
        var chosen: [String] = []
        for part in text.lowercased().split(separator: ",", omittingEmptySubsequences: false) {
            let isOpen = part.hasSuffix("+")
            let written = String(isOpen ? part.dropLast() : part)
            let name = others[written] ?? written
            guard let place = names.firstIndex(of: name) else {
                let nearest = NearestName.match(written, among: names).map { "; did you mean \"\($0)\"?" } ?? ""
                throw SyntaxFault(message: "unknown level \"\(written)\"; there are \(names.joined(separator: ", "))\(nearest)", position: range)
            }
            chosen += isOpen ? Array(names[place...]) : [name]
        }
        chosen = chosen.uniqued
        return chosen.count == 1
            ? try WordsParser.matcher(LabelSet.detectedLevelName, isNegated ? .notEqual : .equal, chosen[0], range)
            : try WordsParser.matcher(LabelSet.detectedLevelName, isNegated ? .notMatches : .matches, chosen.joined(separator: "|"), range)
    }

    private mutating func comparison(_ name: String, _ symbol: String, _ value: String, _ range: Range<Int>) throws(SyntaxFault) {
        let quantity: LabelFilter.Quantity? =
            if let number = Quantities.number(value) { .number(number) } else if let duration = Quantities.duration(value.utf8) {
                .duration(Int64(duration))
            } else { Quantities.bytes(value.utf8, isValue: false).map { .bytes($0) } }
        switch (symbol, quantity) {
        // Equality is of texts, so that 007 is not 7.
        case ("=", _): fields.append(.label(.matcher(Matcher(name, equals: value))))
        case ("!=", _): fields.append(.label(.matcher(try WordsParser.matcher(name, .notEqual, value, range))))
        case (_, let quantity?):
            guard let operation = LabelFilter.Comparison(rawValue: symbol) else { return }
            fields.append(.label(.quantity(name, operation, quantity)))
        default:
            throw SyntaxFault(
                message: "\"\(value)\" is no number, duration or size to compare \"\(name)\" with; to look for this text, write it in quotes", position: range)
        }
    }
}
