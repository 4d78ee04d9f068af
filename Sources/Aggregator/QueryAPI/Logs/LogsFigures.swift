import HTTP
import JSON
import LogQL
import LogStore
import Telemetry

/// Figures of what is found: counts by label and time, histograms by severity, the most frequent values.
extension LogsAPI {
    private static let groupLabels = ["namespace", "pod", "container", "node", "stream", "restart"]
    /// Groups of one answer; more are refused.
    private static let maximumGroups = 100_000

    struct Grouping: Sendable {
        /// Nanoseconds; nil for one total.
        var step: Int64?
        var bySeverity = false
        var labels: [String] = []
    }
    struct Group: Hashable, Sendable {
        /// The start of the step in nanoseconds since 1970.
        var start: Int64?
        var severity: LogRecord.Severity?
        /// The values of the grouping's labels.
        var values: [String] = []
    }
    struct Counts: Sendable {
        var groups: [Group: Int64] = [:]
        var statistics = LogStatistics()
        var total: Int64 { groups.values.reduce(0, +) }
    }

    /// Counts by the source's own minutes where they tell it, else by reading.
    func counts(_ query: LogsQuery, by grouping: Grouping) async throws -> Counts {
        let minute: Int64 = 60_000_000_000
        let ownLabels = Set(Self.groupLabels)
        if query.runner == nil, grouping.step.map({ $0 % minute == 0 }) ?? true, grouping.labels.allSatisfy({ ownLabels.contains($0) }),
            let counts = try await source.counts(query.selection)
        {
            var result = Counts()
            for entry in counts.entries {
                let labels = counts.streams[Int(entry.stream)]
                let group = Group(
                    start: grouping.step.map { ElasticTime.floor(entry.minute * minute, $0) }, severity: grouping.bySeverity ? entry.severity : nil,
                    values: grouping.labels.map { labels[$0] })
                result.groups[group, default: 0] += entry.lines
            }
            return result
        }
        let (parts, statistics) = try await source.scan(query.selection) {
            Counts()
        } _: { counts, rows in
            if query.runner == nil {
                for row in 0..<rows.count {
                    counts.add(
                        rows.streams[Int(rows.stream[row])], rows.fields.isEmpty ? Labels() : rows.fields[row], rows.times[row], rows.severities[row], grouping)
                }
                return
            }
            for line in try query.lines(rows) { counts.add(line.stream, line.fields, line.time, line.severity, grouping) }
            guard counts.groups.count <= Self.maximumGroups else {
                throw LogsRequestError(parameter: "by", problem: "gives more than \(Self.maximumGroups) groups", hint: "group by fewer labels or longer steps")
            }
        }
        var result = Counts(statistics: statistics)
        for part in parts { result.groups.merge(part.groups) { $0 + $1 } }
        return result
    }

    func count(_ request: HTTPRequest) async throws -> HTTPResponse {
        let parameters = try LogsParameters(request, now: now(), also: ["by", "step"])
        let query = try parameters.query()
        var grouping = Grouping(step: try parameters.duration("step"))
        for name in parameters.names("by") {
            switch name {
            case "minute": grouping.step = 60_000_000_000
            case "hour": grouping.step = 3_600_000_000_000
            case "day": grouping.step = 86_400_000_000_000
            case "severity", "level": grouping.bySeverity = true
            case _ where Self.groupLabels.contains(name) || query.runner != nil: grouping.labels.append(name)
            default:
                throw LogsRequestError(
                    parameter: "by", problem: "\"\(name)\" is not known",
                    hint: "use minute, hour, day, severity, \(Self.groupLabels.joined(separator: ", "))")
            }
        }
        let start = ContinuousClock.now
        let counts = try await counts(query, by: grouping)
        let rows = counts.groups.sorted { left, right in
            if left.key.start != right.key.start { return left.key.start ?? 0 < right.key.start ?? 0 }
            if left.key.values != right.key.values { return left.key.values.lexicographicallyPrecedes(right.key.values) }
            return left.key.severity ?? .unknown < right.key.severity ?? .unknown
        }.map { group, count -> JSON in
            var row = JSONObject()
            if let start = group.start { row["time"] = LogsEncoding.time(start) }
            if let severity = group.severity { row["severity"] = JSON("\(severity)") }
            for (name, value) in zip(grouping.labels, group.values) { row[name] = JSON(value) }
            row["count"] = .integer(count)
            return .object(row)
        }
        return Self.figures([("counts", .array(rows)), ("total", .integer(counts.total))], counts.statistics, Int(counts.total), since: start)
    }

    /// A document with what it cost and what it lacks.
    static func figures(_ members: [(String, JSON)], _ statistics: LogStatistics, _ matched: Int, since start: ContinuousClock.Instant) -> HTTPResponse {
        let stats = LogsEncoding.statistics(statistics, matched: matched, seconds: (ContinuousClock.now - start).inSeconds)
        let warnings = LogsEncoding.warnings(statistics)
        return .json(.object(members + [("stats", stats)] + (warnings.isEmpty ? [] : [("warnings", .array(warnings))])))
    }

    /// Lines by severity in equal steps, also empty ones, for a drawing.
    func histogram(_ request: HTTPRequest) async throws -> HTTPResponse {
        let parameters = try LogsParameters(request, now: now(), also: ["step", "buckets"])
        var query = try parameters.query()
        let wanted = try parameters.integer("buckets", 60, 1...5000)
        // Without ends, the last hour.
        let end = query.selection.range.upperBound == .max ? now() : query.selection.range.upperBound
        let begin = query.selection.range.lowerBound == .min ? end - 3_600_000_000_000 : query.selection.range.lowerBound
        guard begin < end else { throw LogsRequestError(parameter: "from", problem: "is not before to", hint: "exchange the two") }
        let step = try parameters.duration("step") ?? Self.roundStep((end - begin) / Int64(wanted))
        guard (end - begin) / step <= 5000 else {
            throw LogsRequestError(parameter: "step", problem: "gives more than 5000 steps", hint: "ask for longer steps or a shorter time")
        }
        let first = ElasticTime.floor(begin, step)
        query.selection.range = begin..<end
        let start = ContinuousClock.now
        let counts = try await counts(query, by: Grouping(step: step, bySeverity: true))
        var buckets: [JSON] = []
        for time in stride(from: first, to: end, by: Int64.Stride(step)) {
            var members: [(String, JSON)] = []
            for severity in LogRecord.Severity.allCases {
                if let count = counts.groups[Group(start: time, severity: severity)] { members.append(("\(severity)", .integer(count))) }
            }
            buckets.append(["time": LogsEncoding.time(time), "counts": .object(members)])
        }
        return Self.figures(
            [("step", JSON(Double(step) / 1e9)), ("buckets", .array(buckets)), ("total", .integer(counts.total))], counts.statistics, Int(counts.total),
            since: start)
    }

    /// The next longer of the steps that people read easily.
    static func roundStep(_ length: Int64) -> Int64 {
        let seconds: [Int64] = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400]
        return seconds.map { $0 * 1_000_000_000 }.first { $0 >= length } ?? ElasticTime.floor(length, 86_400_000_000_000) + 86_400_000_000_000
    }

    /// The most frequent values of a field, whether it is a label, known beside the line, or in a line of JSON.
    func top(_ request: HTTPRequest) async throws -> HTTPResponse {
        let parameters = try LogsParameters(request, now: now(), also: ["field", "limit"])
        let query = try parameters.query()
        guard let field = request.parameter("field"), !field.isEmpty else {
            throw LogsRequestError(parameter: "field", problem: "is missing", hint: "name a label or a field, such as pod or status")
        }
        let limit = try parameters.integer("limit", 10, 1...10_000)
        let start = ContinuousClock.now
        let (parts, statistics) = try await source.scan(query.selection) {
            (values: [String: Int64](), total: 0)
        } _: { partial, rows in
            for line in try query.lines(rows) {
                let one = LogRows(line)
                let values = ElasticDocument(one, try one.text(), 0).values(of: field)
                partial.total += 1
                for value in values where partial.values[value] != nil || partial.values.count < Self.maximumGroups { partial.values[value, default: 0] += 1 }
            }
        }
        var values: [String: Int64] = [:]
        for part in parts { values.merge(part.values) { $0 + $1 } }
        let rows = values.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(limit).map { value, count -> JSON in
            ["value": JSON(value), "count": .integer(count)]
        }
        let total = parts.reduce(0) { $0 + $1.total }
        return Self.figures(
            [("field", JSON(field)), ("values", .array(rows)), ("distinct", JSON(values.count)), ("total", JSON(total))], statistics, total, since: start)
    }

    /// Names of fields with how often and how variously they occur, from the newest lines found.
    func fields(_ request: HTTPRequest) async throws -> HTTPResponse {
        let parameters = try LogsParameters(request, now: now(), also: ["limit"])
        let query = try parameters.query()
        let limit = try parameters.integer("limit", 1000, 1...10_000)
        let start = ContinuousClock.now
        let page = try await source.page(query.selection, direction: .backward, after: nil, limit: limit)
        let text = try page.rows.text()
        var found: [String: (count: Int, values: Set<String>)] = [:]
        for row in 0..<page.rows.count {
            let document = ElasticDocument(page.rows, text, row)
            // A level may be known beside the line and in it.
            for name in Set(document.fieldNames) where name != "@timestamp" && name != "message" {
                found[name, default: (0, [])].count += 1
                found[name]?.values.formUnion(document.values(of: name).prefix(10))
            }
        }
        let rows = found.sorted { $0.key < $1.key }.map { name, field -> JSON in
            [
                "name": JSON(name), "lines": JSON(field.count), "distinct": JSON(field.values.count),
                "examples": .array(field.values.sorted().prefix(3).map { JSON($0) }),
            ]
        }
        return Self.figures([("fields", .array(rows)), ("sampled", JSON(page.rows.count))], page.statistics, page.rows.count, since: start)
    }

    /// How the query is understood and what answering it costs, from a run that gives out nothing.
    func explain(_ request: HTTPRequest) async throws -> HTTPResponse {
        let parameters = try LogsParameters(request, now: now(), also: [])
        let query = try parameters.query()
        let start = ContinuousClock.now
        let streams = try await source.streams(query.selection.matchers, in: query.selection.range).count
        let streamSeconds = (ContinuousClock.now - start).inSeconds
        let (parts, statistics) = try await source.scan(query.selection) {
            (read: 0, passed: 0)
        } _: { partial, rows in
            partial.read += rows.count
            partial.passed += try query.runner?.entries(rows).count ?? rows.count
        }
        let range = query.selection.range
        let plan: JSON = [
            "matchers": .array(query.selection.matchers.map { JSON("\($0)") }), "filters": JSON(query.selection.filters.count),
            "from": range.lowerBound == .min ? .null : LogsEncoding.time(range.lowerBound),
            "to": range.upperBound == .max ? .null : LogsEncoding.time(range.upperBound - 1),
            "minimumSeverity": JSON("\(query.selection.minimumSeverity)"), "hasPipeline": JSON(query.runner != nil), "query": JSON(query.text),
        ]
        let passed = parts.reduce(0) { $0 + $1.passed }
        return Self.figures(
            [
                ("plan", plan), ("streams", JSON(streams)), ("chunksRead", JSON(statistics.chunks - statistics.chunksSkipped)),
                ("chunksPruned", JSON(statistics.chunksSkipped)), ("rowsBeforePipeline", JSON(parts.reduce(0) { $0 + $1.read })),
                ("secondsForStreams", JSON(streamSeconds)),
            ], statistics, passed, since: start)
    }
}

extension LogsAPI.Counts {
    fileprivate mutating func add(_ stream: Labels, _ fields: Labels, _ time: Int64, _ severity: LogRecord.Severity, _ grouping: LogsAPI.Grouping) {
        let group = LogsAPI.Group(
            start: grouping.step.map { ElasticTime.floor(time, $0) }, severity: grouping.bySeverity ? severity : nil,
            values: grouping.labels.map { name in
                let value = fields.isEmpty ? "" : fields[name]
                return value.isEmpty ? stream[name] : value
            })
        groups[group, default: 0] += 1
    }
}
