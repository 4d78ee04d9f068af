import HTTP
import JSON
import LogQL
import LogStore
import Pattern
import Telemetry

/// What is wrong with a request for logs: what, where, and how to mend it.
struct LogsRequestError: Error {
    var parameter: String
    var problem: String
    var hint: String
    var status = 400

    var response: HTTPResponse {
        .json(.object([("error", JSON("parameter \(parameter): \(problem)")), ("hint", JSON(hint))]), status: status)
    }
}

/// The parameters that all requests for logs share, read and checked.
struct LogsParameters {
    static let maximumLimit = 100_000

    private let request: HTTPRequest
    /// Nanoseconds since 1970.
    private let now: Int64

    /// - Parameter known: the names that the request may have beside the common ones.
    init(_ request: HTTPRequest, now: Int64, also known: [String]) throws(LogsRequestError) {
        self.request = request
        self.now = now
        let names = Self.common + known
        for (name, _) in request.query where !names.contains(name) {
            throw LogsRequestError(parameter: name, problem: "is not known here", hint: "use one of \(names.sorted().joined(separator: ", "))")
        }
    }

    /// What narrows a query beside its text.
    private static let conditions: Set<String> = [
        "regex", "exclude", "exclude_regex", "namespace", "pod", "container", "node", "stream", "level", "exclude_pod", "exclude_container", "selector",
    ]
    private static let common = [
        "q", "regex", "exclude", "ignore_case", "namespace", "pod", "container", "node", "stream", "level", "from", "to",
        "lang", "exclude_regex", "exclude_pod", "exclude_container", "selector",
    ]

    /// What is asked for, in whichever language.
    ///
    /// - Parameter allowsWhole: also with stages that look at the answer as a whole, which then is all that is asked.
    func query(allowsWhole: Bool = false) throws(LogsRequestError) -> LogsQuery {
        let range = try range()
        var query = LogsQuery(selection: LogSelection([], in: range))
        switch try choice("lang", ["plain", "text", "logql"]) {
        case "text": if let text = try wholeText() { query = try LogsLanguage.words(text, range, now: now, allowsWhole: allowsWhole) }
        case "logql": if let text = try wholeText() { query = try LogsLanguage.logQL(text, range, now: now, allowsWhole: allowsWhole) }
        default:
            for text in request.parameters("q") where !text.isEmpty { query.selection.filters.append(.contains(text, ignoringCase: try flag("ignore_case"))) }
        }
        if query.whole != nil {
            let more = request.query.first { Self.conditions.contains($0.name) && !$0.value.isEmpty }
            guard let more else { return query }
            throw LogsRequestError(
                parameter: more.name, problem: "does not go with a query whose stages look at the answer as a whole", hint: "write the condition into the query"
            )
        }
        try addFilters(&query.selection)
        try addStreams(&query.selection)
        query.selection.minimumSeverity = max(query.selection.minimumSeverity, try level())
        return query
    }

    /// The one `q` of a language.
    private func wholeText() throws(LogsRequestError) -> String? {
        let texts = request.parameters("q")
        guard texts.count <= 1 else {
            throw LogsRequestError(parameter: "q", problem: "is given more than once", hint: "with lang= the whole query is one text")
        }
        return texts.first.flatMap { $0.isEmpty ? nil : $0 }
    }

    private func addFilters(_ selection: inout LogSelection) throws(LogsRequestError) {
        let ignoringCase = try flag("ignore_case")
        for text in request.parameters("exclude") where !text.isEmpty { selection.filters.append(.notContains(text, ignoringCase: ignoringCase)) }
        for (name, isNegated) in [("regex", false), ("exclude_regex", true)] {
            for text in request.parameters(name) where !text.isEmpty {
                do {
                    selection.filters.append(LineFilter([.matches(try Pattern(text, ignoringCase: ignoringCase))], isNegated: isNegated))
                } catch {
                    throw LogsRequestError(
                        parameter: name, problem: "\"\(text)\" is no regular expression, at byte \(error.offset): \(error.message)",
                        hint: "use RE2 syntax, or give the text as q to search for it as it is")
                }
            }
        }
    }

    private func addStreams(_ selection: inout LogSelection) throws(LogsRequestError) {
        for name in ["namespace", "container", "node", "stream"] {
            let values = request.parameters(name).filter { !$0.isEmpty }
            guard !values.isEmpty else { continue }
            if values.count == 1 {
                selection.matchers.append(Matcher(name, equals: values[0]))
            } else if let matcher = try? Matcher(name, .matches, values.map { ElasticPlan.quoted($0) }.joined(separator: "|")) {
                selection.matchers.append(matcher)
            }
        }
        for (name, label, operation) in [
            ("pod", "pod", Matcher.Operation.matches), ("exclude_pod", "pod", .notMatches), ("exclude_container", "container", .notMatches),
        ] {
            for text in request.parameters(name) where !text.isEmpty {
                do {
                    selection.matchers.append(try Matcher(label, operation, text))
                } catch {
                    throw LogsRequestError(
                        parameter: name, problem: "\"\(text)\" is no regular expression, at byte \(error.offset): \(error.message)",
                        hint: "give a \(label)'s whole name, or an expression such as api-.*")
                }
            }
        }
        for text in request.parameters("selector") where !text.isEmpty {
            do {
                selection.matchers += try LokiParameters.matchers(text.hasPrefix("{") ? text : "{\(LogsLanguage.selector(text))}")
            } catch {
                throw LogsRequestError(parameter: "selector", problem: error.message, hint: "write conditions on labels, such as app=web,tier!=test")
            }
        }
    }

    /// `from` to `to`, both of them included.
    func range(_ from: String = "from", _ to: String = "to") throws(LogsRequestError) -> Range<Int64> {
        let first = try time(from) ?? .min
        let last = try time(to) ?? .max
        guard first <= last else { throw LogsRequestError(parameter: from, problem: "is later than \(to)", hint: "exchange the two") }
        return first..<(last == .max ? last : last + 1)
    }

    private func level() throws(LogsRequestError) -> LogRecord.Severity {
        guard let text = request.parameter("level"), !text.isEmpty else { return .unknown }
        let names: [String: LogRecord.Severity] = [
            "trace": .trace, "debug": .debug, "info": .info, "warn": .warning, "warning": .warning, "error": .error, "fatal": .fatal,
        ]
        // `warn+` is how the command line writes "warn or worse", which is what every level means here.
        guard let severity = names[String(text.lowercased().prefix { $0 != "+" })] else {
            throw LogsRequestError(parameter: "level", problem: "\"\(text)\" is no severity", hint: "use trace, debug, info, warn, error or fatal")
        }
        return severity
    }

    /// RFC 3339, or seconds since 1970 with or without a fraction; in nanoseconds.
    func time(_ name: String) throws(LogsRequestError) -> Int64? {
        guard let text = request.parameter(name), !text.isEmpty else { return nil }
        if let time = CivilTime.parse(text), (1678...2261).contains(time.year) { return time.nanosecondsSinceEpoch }
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        if let seconds = Int64(parts[0]), seconds.magnitude < 9_000_000_000 {
            guard parts.count == 2 else { return seconds * 1_000_000_000 }
            let digits = parts[1].prefix(9)
            if !digits.isEmpty, parts[1].utf8.allSatisfy({ $0 &- 48 < 10 }), var fraction = Int64(digits) {
                for _ in digits.utf8.count..<9 { fraction *= 10 }
                return seconds * 1_000_000_000 + (parts[0].hasPrefix("-") ? -fraction : fraction)
            }
        }
        throw LogsRequestError(
            parameter: name, problem: "\"\(text)\" is no time", hint: "use RFC 3339, such as 2026-11-24T08:00:00Z, or seconds since 1970")
    }

    func flag(_ name: String) throws(LogsRequestError) -> Bool {
        switch request.parameter(name) {
        case nil, "", "false", "0": return false
        case "true", "1": return true
        case let text?: throw LogsRequestError(parameter: name, problem: "\"\(text)\" is neither true nor false", hint: "use true or false")
        }
    }

    func integer(_ name: String, _ fallback: Int, _ range: ClosedRange<Int>) throws(LogsRequestError) -> Int {
        guard let text = request.parameter(name), !text.isEmpty else { return fallback }
        guard let value = Int(text), range.contains(value) else {
            throw LogsRequestError(
                parameter: name, problem: "\"\(text)\" is not a whole number from \(range.lowerBound) to \(range.upperBound)",
                hint: "leave it out to get \(fallback)")
        }
        return value
    }

    func choice(_ name: String, _ choices: [String]) throws(LogsRequestError) -> String {
        guard let text = request.parameter(name), !text.isEmpty else { return choices[0] }
        guard choices.contains(text) else {
            throw LogsRequestError(parameter: name, problem: "\"\(text)\" is not known", hint: "use \(choices.joined(separator: ", "))")
        }
        return text
    }

    func position(_ name: String) throws(LogsRequestError) -> LogCursor? {
        guard let text = request.parameter(name), !text.isEmpty else { return nil }
        guard let position = LogCursor(text) else {
            throw LogsRequestError(
                parameter: name, problem: "\"\(text)\" was not given out by this server", hint: "take it unchanged from an earlier answer")
        }
        return position
    }

    /// Names separated by commas, or repeated.
    func names(_ name: String) -> [String] {
        request.parameters(name).flatMap { $0.split(separator: ",").map { $0.filter { $0 != " " } } }
    }

    /// A number of seconds, or a whole number and a unit, in nanoseconds.
    func duration(_ name: String) throws(LogsRequestError) -> Int64? {
        guard let text = request.parameter(name), !text.isEmpty else { return nil }
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let units: [String: Int64] = ["": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400]
        guard let number = Int64(digits), number > 0, number <= 1_000_000, let unit = units[String(text.dropFirst(digits.count))] else {
            throw LogsRequestError(
                parameter: name, problem: "\"\(text)\" is no duration", hint: "use a whole number and s, m, h or d, such as 5m")
        }
        return number * unit * 1_000_000_000
    }
}
