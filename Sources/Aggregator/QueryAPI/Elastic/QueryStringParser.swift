/// Lucene's query language as `query_string` takes it: `error AND pod:web* -level:debug "card declined" size:>100
/// @timestamp:[2026-01-01 TO now}`.
///
/// In its simple form nothing is an error, `+ | -` are the operators, and fields are not known.
struct QueryStringParser {
    private static let maximumDepth = 64

    private let text: [Character]
    private var index = 0
    private let defaultField: String?
    private let isAnd: Bool
    private let time: ElasticTime
    private let isSimple: Bool
    private var depth = 0

    init(_ text: String, field: String?, isAnd: Bool, time: ElasticTime, isSimple: Bool = false) {
        self.text = Array(text)
        defaultField = field
        self.isAnd = isAnd
        self.time = time
        self.isSimple = isSimple
    }

    mutating func parse() throws(ElasticError) -> ElasticQuery {
        guard text.contains(where: { !$0.isWhitespace }) else { return .none }
        let query = try sequence(field: nil)
        guard index == text.count || isSimple else { throw failure("a \")\" without its \"(\"") }
        return query
    }

    private func failure(_ what: String) -> ElasticError {
        ElasticError(400, "query_shard_exception", "Failed to parse query [\(String(text))] at character \(index + 1): \(what)")
    }

    // MARK: Clauses

    private mutating func skipSpaces() { while index < text.count, text[index].isWhitespace { index += 1 } }

    /// `a OR b AND c -d` up to the end or a closing parenthesis. As in Lucene, AND makes its two neighbours required.
    private mutating func sequence(field: String?) throws(ElasticError) -> ElasticQuery {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.maximumDepth else { throw failure("parentheses are nested too deep") }
        var must: [ElasticQuery] = []
        var should: [ElasticQuery] = []
        var mustNot: [ElasticQuery] = []
        /// The last clause was put in `should` and a following AND takes it out again.
        var lastIsShould = false
        while true {
            skipSpaces()
            guard index < text.count, text[index] != ")" else { break }
            var isRequired = isAnd
            switch takeOperator() {
            case .and:
                isRequired = true
                if lastIsShould, let last = should.popLast() { must.append(last) }
            case .or:
                isRequired = false
                // With AND as the default an OR loosens what stood before it.
                if isAnd, !lastIsShould, let last = must.popLast() { should.append(last) }
            case nil: break
            }
            skipSpaces()
            guard index < text.count, text[index] != ")" else {
                if isSimple { break }
                throw failure("a clause is missing after the operator")
            }
            var isProhibited = false
            if takeWord("NOT") || takeSymbol("!") || takeSymbol("-") { isProhibited = true } else if takeSymbol("+") { isRequired = true }
            skipSpaces()
            let query = try clause(field: field)
            if isProhibited {
                mustNot.append(query)
                lastIsShould = false
            } else if isRequired {
                must.append(query)
                lastIsShould = false
            } else {
                should.append(query)
                lastIsShould = true
            }
        }
        if mustNot.isEmpty, must.isEmpty, should.count == 1 { return should[0] }
        if mustNot.isEmpty, should.isEmpty { return must.isEmpty ? .all : .and(must) }
        return .bool(must: must, should: should, mustNot: mustNot, minimumShould: must.isEmpty && !should.isEmpty ? 1 : 0)
    }

    private enum Operator { case and, or }

    private mutating func takeOperator() -> Operator? {
        if takeWord("AND") || takeSymbols("&&") { return .and }
        if takeWord("OR") || takeSymbols("||") || (isSimple && takeSymbol("|")) { return .or }
        return nil
    }

    /// A capital word that stands alone.
    private mutating func takeWord(_ word: String) -> Bool {
        let end = index + word.count
        guard end < text.count, String(text[index..<end]) == word, text[end].isWhitespace || text[end] == "(" else { return false }
        index = end
        return true
    }

    private mutating func takeSymbol(_ symbol: Character) -> Bool {
        guard index < text.count, text[index] == symbol, index + 1 < text.count, !text[index + 1].isWhitespace else { return false }
        index += 1
        return true
    }

    private mutating func takeSymbols(_ symbols: String) -> Bool {
        let end = index + symbols.count
        guard end <= text.count, String(text[index..<end]) == symbols else { return false }
        index = end
        return true
    }

    private mutating func clause(field: String?) throws(ElasticError) -> ElasticQuery {
        guard index < text.count else {
            guard isSimple else { throw failure("a clause is missing at the end") }
            return .all
        }
        if text[index] == "(" {
            index += 1
            let query = try sequence(field: field)
            if index < text.count { index += 1 } else if !isSimple { throw failure("a \")\" is missing") }
            skipBoost()
            return query
        }
        if text[index] == "\"" { return try phrase(field: field) }
        if text[index] == "/", !isSimple { return try expression(field: field) }
        let word = try word()
        if index < text.count, text[index] == ":", !isSimple, field == nil {
            index += 1
            return try ofField(word.plain)
        }
        return try term(word, field: field)
    }

    private mutating func ofField(_ name: String) throws(ElasticError) -> ElasticQuery {
        skipSpaces()
        guard index < text.count else { throw failure("a value is missing after \(name):") }
        switch text[index] {
        case "(":
            index += 1
            let query = try sequence(field: name)
            guard index < text.count else { throw failure("a \")\" is missing") }
            index += 1
            return query
        case "\"": return try phrase(field: name)
        case "/": return try expression(field: name)
        case "[", "{": return .range(name, try interval(name))
        case ">", "<": return .range(name, try comparison(name))
        default:
            let word = try word(stopsAtColon: false)
            if name == "_exists_" { return .exists(word.plain) }
            return try term(word, field: name)
        }
    }

    // MARK: Values

    /// A word with and without its escapes.
    private struct Word {
        var plain = ""
        /// With backslashes before what is meant as it stands.
        var escaped = ""
        var hasWildcard = false
    }

    private mutating func word(stopsAtColon: Bool = true) throws(ElasticError) -> Word {
        var word = Word()
        scanning: while index < text.count {
            let character = text[index]
            switch character {
            case "\\":
                index += 1
                guard index < text.count else { break scanning }
                word.plain.append(text[index])
                word.escaped += "\\\(text[index])"
            case "*", "?":
                word.hasWildcard = true
                word.plain.append(character)
                word.escaped.append(character)
            case "(", ")", "\"", "[", "]", "{", "}", "^": break scanning
            case ":" where stopsAtColon: break scanning
            case "|" where isSimple: break scanning
            case _ where character.isWhitespace: break scanning
            default:
                word.plain.append(character)
                word.escaped.append(character)
            }
            index += 1
        }
        if word.plain.isEmpty, index < text.count {
            guard isSimple else { throw failure("\"\(text[index])\" is not expected here") }
            index += 1
        }
        skipBoost()
        return word
    }

    /// `^2` and `~1` weigh and blur, which plain search of logs does not.
    private mutating func skipBoost() {
        while index < text.count, text[index] == "^" || text[index] == "~" {
            index += 1
            while index < text.count, text[index].isNumber || text[index] == "." { index += 1 }
        }
    }

    private func term(_ word: Word, field: String?) throws(ElasticError) -> ElasticQuery {
        let field = field ?? defaultField
        if word.plain == "*" { return field.map { .exists($0) } ?? .all }
        if word.hasWildcard { return .fits(field, try ElasticQuery.wildcard(word.escaped, ignoringCase: true)) }
        let plain = word.plain.hasSuffix("~") ? String(word.plain.dropLast()) : word.plain
        guard let field, field != "message" else {
            let words = ElasticWords.split(plain)
            // `10.0.0.1` is several words in a row.
            return words.count == 1 ? .words(field, words, minimum: 1) : .phrase(field, words, isPrefix: false)
        }
        if field == "_id" { return .ids([plain]) }
        if field == "@timestamp" {
            let bounds = try (time.parse(plain), time.parse(plain, roundsUp: true))
            return .range(
                field,
                ElasticRange(
                    lower: .init(text: plain, isIncluded: true, time: bounds.0), upper: .init(text: plain, isIncluded: true, time: bounds.1)))
        }
        if ElasticDocument.plain(field) != field { return .terms(field, [plain]) }
        return .or([.terms(field, [plain]), .phrase(field, ElasticWords.split(plain), isPrefix: false)])
    }

    private mutating func phrase(field: String?) throws(ElasticError) -> ElasticQuery {
        let field = field ?? defaultField
        index += 1
        var phrase = ""
        while index < text.count, text[index] != "\"" {
            if text[index] == "\\", index + 1 < text.count { index += 1 }
            phrase.append(text[index])
            index += 1
        }
        if index < text.count { index += 1 } else if !isSimple { throw failure("a quotation mark is missing") }
        skipBoost()
        guard let field, ElasticDocument.plain(field) != field else { return .phrase(field, ElasticWords.split(phrase), isPrefix: false) }
        return .terms(field, [phrase])
    }

    private mutating func expression(field: String?) throws(ElasticError) -> ElasticQuery {
        index += 1
        var expression = ""
        while index < text.count, text[index] != "/" {
            if text[index] == "\\", index + 1 < text.count, text[index + 1] == "/" { index += 1 }
            expression.append(text[index])
            index += 1
        }
        guard index < text.count else { throw failure("the end of a regular expression is missing, a \"/\"") }
        index += 1
        return .fits(field ?? defaultField, try ElasticQuery.pattern("(?s:\(expression))"))
    }

    /// `[a TO b]`, `{a TO b}`, mixed; `*` is open.
    private mutating func interval(_ field: String) throws(ElasticError) -> ElasticRange {
        let includesLower = text[index] == "["
        index += 1
        let lower = intervalEnd()
        skipSpaces()
        guard takeWord("TO") else { throw failure("TO is missing between the ends of a range") }
        let upper = intervalEnd()
        skipSpaces()
        guard index < text.count, text[index] == "]" || text[index] == "}" else { throw failure("the end of a range is missing, a \"]\" or \"}\"") }
        let includesUpper = text[index] == "]"
        index += 1
        return ElasticRange(
            lower: lower == "*" ? nil : try bound(lower, field, isIncluded: includesLower, roundsUp: !includesLower),
            upper: upper == "*" ? nil : try bound(upper, field, isIncluded: includesUpper, roundsUp: includesUpper))
    }

    private mutating func intervalEnd() -> String {
        skipSpaces()
        var end = ""
        if index < text.count, text[index] == "\"" {
            index += 1
            while index < text.count, text[index] != "\"" {
                end.append(text[index])
                index += 1
            }
            index = min(index + 1, text.count)
            return end
        }
        while index < text.count, !text[index].isWhitespace, text[index] != "]", text[index] != "}" {
            end.append(text[index])
            index += 1
        }
        return end
    }

    private mutating func comparison(_ field: String) throws(ElasticError) -> ElasticRange {
        let isLower = text[index] == ">"
        index += 1
        let isIncluded = index < text.count && text[index] == "="
        if isIncluded { index += 1 }
        skipSpaces()
        let value = try word(stopsAtColon: false).plain
        guard !value.isEmpty else { throw failure("a value is missing after the comparison") }
        let bound = try bound(value, field, isIncluded: isIncluded, roundsUp: isLower != isIncluded)
        return isLower ? ElasticRange(lower: bound) : ElasticRange(upper: bound)
    }

    private func bound(_ text: String, _ field: String, isIncluded: Bool, roundsUp: Bool) throws(ElasticError) -> ElasticRange.Bound {
        ElasticRange.Bound(text: text, isIncluded: isIncluded, time: field == "@timestamp" ? try time.parse(text, roundsUp: roundsUp) : nil)
    }
}
