import Glibc
import HTTP
import JSON
import LogQL
import LogStore
import Telemetry

/// Lines that differ only in their variable parts, counted; two spans of time compared.
struct LogPatternCounts: Sendable {
    struct Entry: Sendable {
        var count: Int64 = 0
        var first = Int64.max
        var severity = LogRecord.Severity.unknown
        /// The newest line, with its place.
        var sample: LogLine?
        var streams: Set<Labels> = []
        /// By step, if steps were asked for.
        var steps: [Int64: Int64] = [:]
    }
    /// Distinct templates that one count keeps, and streams of each.
    static let maximumTemplates = 10_000
    private static let maximumStreams = 10

    private(set) var entries: [[UInt8]: Entry] = [:]
    /// Lines whose pattern came after the bound was reached.
    private(set) var uncounted: Int64 = 0
    private(set) var total: Int64 = 0
    private(set) var statistics = LogStatistics()

    static func read(_ query: LogsQuery, step: Int64? = nil, from source: any LogSource) async throws -> LogPatternCounts {
        let (parts, statistics) = try await source.scan(query.selection) {
            LogPatternCounts()
        } _: { counts, rows in
            for line in try query.lines(rows) { counts.add(line, step) }
        }
        var counts = LogPatternCounts()
        for part in parts { counts.merge(part) }
        counts.statistics = statistics
        return counts
    }

    private mutating func add(_ line: LogLine, _ step: Int64?) {
        total += 1
        let template = LogTemplate.of(line.body)
        guard entries[template] != nil || entries.count < Self.maximumTemplates else {
            uncounted += 1
            return
        }
        entries[template, default: Entry()].add(line, step)
    }

    private mutating func merge(_ other: LogPatternCounts) {
        total += other.total
        uncounted += other.uncounted
        for (template, entry) in other.entries {
            guard entries[template] != nil || entries.count < Self.maximumTemplates else {
                uncounted += entry.count
                continue
            }
            entries[template, default: Entry()].merge(entry)
        }
    }

    /// The most frequent first.
    func best(_ limit: Int) -> [(template: String, entry: Entry)] {
        entries.sorted { ($1.value.count, $0.key.count) < ($0.value.count, $1.key.count) }.prefix(limit).map {
            (String(decoding: $0.key, as: UTF8.self), $0.value)
        }
    }
}

extension LogPatternCounts.Entry {
    fileprivate mutating func add(_ line: LogLine, _ step: Int64?) {
        count += 1
        first = min(first, line.time)
        severity = max(severity, line.severity)
        if sample.map({ $0.position < line.position }) ?? true { sample = line }
        if streams.count < 10 { streams.insert(line.stream) }
        if let step { steps[ElasticTime.floor(line.time, step), default: 0] += 1 }
    }

    fileprivate mutating func merge(_ other: Self) {
        count += other.count
        first = min(first, other.first)
        severity = max(severity, other.severity)
        if let line = other.sample, sample.map({ $0.position < line.position }) ?? true { sample = line }
        for stream in other.streams where streams.count < 10 { streams.insert(stream) }
        steps.merge(other.steps) { $0 + $1 }
    }
}

extension LogsAPI {
    func patterns(_ request: HTTPRequest) async throws -> HTTPResponse {
        let parameters = try LogsParameters(request, now: now(), also: ["limit"])
        let limit = try parameters.integer("limit", 50, 1...10_000)
        let start = ContinuousClock.now
        let counts = try await LogPatternCounts.read(try parameters.query(), from: source)
        let rows = counts.best(limit).map { template, entry in Self.pattern(template, entry, of: counts.total) }
        return Self.figures([("patterns", .array(rows)), ("uncounted", .integer(counts.uncounted))], counts.statistics, Int(counts.total), since: start)
    }

    private static func pattern(_ template: String, _ entry: LogPatternCounts.Entry, of total: Int64) -> JSON {
        let pods = Set(entry.streams.map { "\($0["namespace"])/\($0["pod"])" }).sorted()
        return [
            "template": JSON(template), "count": .integer(entry.count), "share": JSON(Double(entry.count) / Double(max(1, total))),
            "severity": JSON("\(entry.severity)"), "firstSeen": LogsEncoding.time(entry.first),
            "lastSeen": LogsEncoding.time(entry.sample?.time ?? entry.first), "pods": .array(pods.map { JSON($0) }),
            "sample": [
                "id": JSON(entry.sample?.position.description ?? ""), "line": JSON(String(decoding: entry.sample?.body ?? [], as: UTF8.self)),
            ],
        ]
    }

    /// What is new, gone, or much more or less frequent in `from` to `to` than in `a_from` to `a_to`.
    ///
    /// Rates are compared by the G-test of a two by two table; a change shows if chance would bring it about once in a thousand.
    func patternDifference(_ request: HTTPRequest) async throws -> HTTPResponse {
        let parameters = try LogsParameters(request, now: now(), also: ["limit", "a_from", "a_to"])
        let query = try parameters.query()
        guard request.parameter("a_from") != nil || request.parameter("a_to") != nil else {
            throw LogsRequestError(parameter: "a_from", problem: "is missing", hint: "say which earlier time to compare with, by a_from and a_to")
        }
        var earlier = query
        earlier.selection.range = try parameters.range("a_from", "a_to")
        let limit = try parameters.integer("limit", 50, 1...10_000)
        let start = ContinuousClock.now
        async let readingBefore = LogPatternCounts.read(earlier, from: source)
        async let readingAfter = LogPatternCounts.read(query, from: source)
        let (before, after) = try await (readingBefore, readingAfter)
        var statistics = before.statistics
        statistics.add(after.statistics)
        let rows = Self.differences(before, after).prefix(limit).map { change -> JSON in
            var row = Self.pattern(change.template, change.entry, of: change.kind == "gone" ? before.total : after.total).members
            row["change"] = JSON(change.kind)
            row["before"] = .integer(change.before)
            row["after"] = .integer(change.after)
            row["significance"] = JSON(change.score)
            return .object(row)
        }
        return Self.figures(
            [("changes", .array(rows)), ("before", .integer(before.total)), ("after", .integer(after.total))], statistics, Int(after.total), since: start)
    }

    struct Difference {
        var template: String
        /// `new`, `gone`, `more` or `less`.
        var kind: String
        var before: Int64
        var after: Int64
        var score: Double
        var entry: LogPatternCounts.Entry
    }

    /// The 99.9th percentile of the chi-squared distribution with one degree of freedom.
    private static let threshold = 10.83

    static func differences(_ before: LogPatternCounts, _ after: LogPatternCounts) -> [Difference] {
        var changes: [Difference] = []
        for template in Set(before.entries.keys).union(after.entries.keys) {
            let (old, new) = (before.entries[template], after.entries[template])
            guard let entry = new ?? old else { continue }
            let (a, b) = (old?.count ?? 0, new?.count ?? 0)
            let score = gTest(a, before.total, b, after.total)
            let kind = a == 0 ? "new" : b == 0 ? "gone" : Double(b) / Double(max(1, after.total)) > Double(a) / Double(max(1, before.total)) ? "more" : "less"
            guard a == 0 || score > threshold else { continue }
            changes.append(Difference(template: String(decoding: template, as: UTF8.self), kind: kind, before: a, after: b, score: score, entry: entry))
        }
        // What is new and grave first, then by significance.
        return changes.sorted { left, right in
            if (left.kind == "new") != (right.kind == "new") { return left.kind == "new" }
            if left.kind == "new", left.entry.severity != right.entry.severity { return left.entry.severity > right.entry.severity }
            return left.score != right.score ? left.score > right.score : left.template < right.template
        }
    }

    /// Twice the sum of observed times log of observed over expected (Sokal and Rohlf, Biometry, 17.2).
    static func gTest(_ a: Int64, _ totalA: Int64, _ b: Int64, _ totalB: Int64) -> Double {
        let total = Double(totalA + totalB)
        guard totalA > 0, totalB > 0 else { return 0 }
        let (x, y) = (Double(a + b), total - Double(a + b))
        let cells: [(observed: Double, expected: Double)] = [
            (Double(a), x * Double(totalA) / total), (Double(b), x * Double(totalB) / total), (Double(totalA - a), y * Double(totalA) / total),
            (Double(totalB - b), y * Double(totalB) / total),
        ]
        return 2 * cells.reduce(0) { $1.observed > 0 ? $0 + $1.observed * log($1.observed / $1.expected) : $0 }
    }
}
