import Pattern
import QuerySyntax
import Telemetry

extension Parser {
    static let stageWords = [
        "json", "logfmt", "regexp", "pattern", "unpack", "line_format", "label_format", "decolorize", "drop", "keep", "unwrap", "context", "sort", "dedup",
        "limit",
        "sample", "template", "redact", "since",
    ]
    private static let ownWords: Set<String> = ["context", "sort", "dedup", "limit", "sample", "template", "redact", "since"]

    private var lineOperation: LineCondition.Operation? {
        guard case .symbol(let symbol) = token.kind else { return nil }
        return LineCondition.Operation(rawValue: symbol)
    }

    /// Whether the next words are a stage of the pipeline.
    var startsStage: Bool { at("|") && peek().kind != .identifier("unwrap") || lineOperation != nil }

    mutating func stage() throws(SyntaxFault) -> LogStage {
        if let operation = lineOperation {
            if isStrict, operation == .containsIgnoringCase || operation == .lacksIgnoringCase { throw unexpected("one of Loki's line filters") }
            advance()
            return .line(try lineCondition(operation))
        }
        try expect("|", "before a stage")
        guard case .identifier = token.kind, let word else {
            if at("(") { return .label(try labelFilter()) }
            throw unexpected("a stage such as json, logfmt, a label filter or line_format")
        }
        // A label may be called as a stage is: what follows tells.
        guard Parser.stageWords.contains(word), !startsComparison(peek(), after: word), !(isStrict && Parser.ownWords.contains(word)) else {
            return .label(try labelFilter())
        }
        advance()
        switch word {
        case "json": return .json(try extractions())
        case "logfmt": return try logfmt()
        case "regexp": return try regexp()
        case "pattern":
            let place = token.position
            let text = try string("a pattern in quotes")
            do throws(FieldPatternError) { _ = try FieldPattern(text) } catch { throw SyntaxFault(message: error.message, position: place) }
            return .pattern(text)
        case "unpack": return .unpack
        case "line_format":
            let place = token.position
            let text = try string("a template in quotes")
            try check(template: text, at: place)
            return .lineFormat(text)
        case "label_format": return .labelFormat(try labelFormats())
        case "decolorize": return .decolorize
        case "drop": return .drop(try choices())
        case "keep": return .keep(try choices())
        default: return try ownStage(word)
        }
    }

    private static let lonelyWords: Set<String> = ["json", "logfmt", "unpack", "decolorize", "template", "redact"]

    private func startsComparison(_ token: Token, after word: String) -> Bool {
        guard case .symbol(let symbol) = token.kind else { return false }
        // `| json != "x"` is a stage and a line filter.
        if Parser.lonelyWords.contains(word), symbol == "!=" || symbol == "!~" { return false }
        return ["=", "==", "!=", "=~", "!~", ">", ">=", "<", "<="].contains(symbol)
    }

    // MARK: Lines

    private mutating func lineCondition(_ operation: LineCondition.Operation) throws(SyntaxFault) -> LineCondition {
        var alternatives: [LineCondition.Alternative] = []
        repeat {
            let place = token.position
            if word == "ip", peek().kind == .symbol("(") {
                guard operation == .contains || operation == .lacks else {
                    throw SyntaxFault(message: "ip() stands behind |= and != only", position: place)
                }
                advance()
                alternatives.append(.address(try address()))
                continue
            }
            let text = try string("a string in quotes after \"\(operation.rawValue)\"")
            switch operation {
            case .matches, .notMatches:
                do throws(PatternError) { _ = try Pattern(text) } catch {
                    throw SyntaxFault(message: "the regular expression is wrong: \(error.message)", position: place)
                }
            case .fits, .notFits:
                do throws(FieldPatternError) { _ = try FieldPattern(text, isFilter: true) } catch { throw SyntaxFault(message: error.message, position: place) }
            default: break
            }
            alternatives.append(.text(text))
        } while takeWord("or")
        return LineCondition(operation, alternatives)
    }

    /// `("10.0.0.0/8")`
    private mutating func address() throws(SyntaxFault) -> String {
        try expect("(", "after ip")
        let place = token.position
        let text = try string("an address in quotes, such as \"10.0.0.0/8\"")
        guard AddressRange(text) != nil else {
            throw SyntaxFault(message: "\"\(text)\" is no address, network (10.0.0.0/8) or range (10.0.0.1-10.0.0.9)", position: place)
        }
        try expect(")", "after the address")
        return text
    }

    // MARK: Parsers

    private mutating func extractions() throws(SyntaxFault) -> [Extraction] {
        var list: [Extraction] = []
        while case .identifier(let name) = token.kind {
            advance()
            let place = token.position
            let path = take("=") ? try string("a path in quotes after \"\(name)=\"") : name
            do throws(JSONPathError) { _ = try JSONPath(path) } catch {
                throw SyntaxFault(message: "the path \"\(path)\" is wrong: \(error.message)", position: place)
            }
            list.append(Extraction(name, path: path))
            guard take(",") else { break }
            guard case .identifier = token.kind else { throw unexpected("another name after \",\"") }
        }
        return list
    }

    private mutating func logfmt() throws(SyntaxFault) -> LogStage {
        var isStrict = false, keepsEmpty = false
        while case .flag(let flag) = token.kind {
            switch flag {
            case "--strict": isStrict = true
            case "--keep-empty": keepsEmpty = true
            default: throw unexpected("--strict or --keep-empty")
            }
            advance()
        }
        return .logfmt(isStrict: isStrict, keepsEmpty: keepsEmpty, try extractions())
    }

    private mutating func regexp() throws(SyntaxFault) -> LogStage {
        let place = token.position
        let text = try string("a regular expression in quotes")
        let names: [String]
        do throws(PatternError) { names = try Pattern(text).groupNames.compactMap(\.self) } catch {
            throw SyntaxFault(message: "the regular expression is wrong: \(error.message)", position: place)
        }
        guard !names.isEmpty else {
            throw SyntaxFault(message: "regexp needs at least one named group, such as (?P<status>[0-9]+)", position: place)
        }
        guard Set(names).count == names.count else { throw SyntaxFault(message: "two groups of the expression have one name", position: place) }
        return .regexp(text)
    }

    // MARK: Labels

    private mutating func labelFormats() throws(SyntaxFault) -> [LabelFormat] {
        var list: [LabelFormat] = []
        repeat {
            let place = token.position
            let destination = try name("a label's name")
            guard !list.contains(where: { $0.destination == destination }) else {
                throw SyntaxFault(message: "label_format sets \"\(destination)\" twice; use two stages", position: place)
            }
            try expect("=", "after \"\(destination)\"")
            let source = token
            switch source.kind {
            case .identifier(let label): list.append(LabelFormat(destination, .label(label)))
            case .string(let template):
                try check(template: template, at: source.position)
                list.append(LabelFormat(destination, .template(template)))
            default: throw unexpected("a label's name or a template in quotes after \"\(destination)=\"")
            }
            advance()
        } while take(",")
        return list
    }

    private mutating func choices() throws(SyntaxFault) -> [LabelChoice] {
        var list: [LabelChoice] = []
        repeat {
            let name = try name("a label's name")
            if case .symbol(let symbol) = token.kind, let operation = Matcher.Operation(rawValue: symbol) {
                advance()
                list.append(.matching(try matcher(name, operation)))
            } else {
                list.append(.name(name))
            }
        } while take(",")
        return list
    }

    private func check(template: String, at place: Range<Int>) throws(SyntaxFault) {
        do throws(LogQLError) { _ = try LineTemplate(template) } catch { throw SyntaxFault(message: error.message, position: place) }
    }

    // MARK: Our own

    private mutating func ownStage(_ word: String) throws(SyntaxFault) -> LogStage {
        switch word {
        case "context":
            let before = try whole("how many lines before")
            return .context(before: before, after: take(",") ? try whole("how many lines after") : before)
        case "sort":
            guard takeWord("by") else { throw unexpected("\"by\" after sort") }
            let isOpen = take("(")
            let label = try name("a label's name")
            let isDescending = takeWord("desc")
            if !isDescending { _ = takeWord("asc") }
            if isOpen { try expect(")", "after the label") }
            return .sort(by: label, isDescending: isDescending)
        case "dedup":
            let labels = takeWord("by") ? try names("labels") : []
            return .dedup(by: labels, isConsecutive: takeWord("consecutive"))
        case "limit":
            let place = token.position
            let count = try whole("a count of lines")
            guard count > 0 else { throw SyntaxFault(message: "limit needs a count above 0", position: place) }
            return .limit(count)
        case "sample":
            let place = token.position
            let percent = try signedNumber("a percentage such as 1%")
            try expect("%", "after the percentage")
            guard percent > 0, percent <= 100 else { throw SyntaxFault(message: "sample needs a percentage above 0 and up to 100", position: place) }
            return .sample(percent: percent)
        case "template": return .template
        case "redact": return .redact
        case "since": return .since(try string("an object in quotes, such as \"deploy/web\""))
        default:
            throw SyntaxFault(message: "unwrap belongs in a range, such as sum_over_time({app=\"web\"} | json | unwrap size [5m])", position: token.position)
        }
    }
}
