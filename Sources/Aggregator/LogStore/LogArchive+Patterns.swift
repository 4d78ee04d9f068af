public import LogQL
public import Telemetry

/// Lines that differ only in their variable parts, counted.
public struct LogPattern: Sendable, Hashable {
    /// The line with marks for what varies.
    public var template: String
    public var count: Int
    /// Nanoseconds since 1970.
    public var firstSeen: Int64
    public var lastSeen: Int64
    /// The gravest severity among the lines.
    public var severity: LogRecord.Severity
    /// The streams that wrote such lines, at most ten.
    public var streams: [Labels]
    /// The newest of the lines.
    public var sample: LogLine
}

/// The patterns of a query, and what does not show in them.
public struct LogPatterns: Sendable {
    /// Most frequent first.
    public var patterns: [LogPattern]
    /// Lines whose pattern came after the bound of distinct patterns was reached.
    public var uncounted: Int
    /// All lines that matched.
    public var total: Int
    public var statistics: LogStatistics
}

extension LogArchive {
    /// Distinct templates that one call keeps.
    static let maximumTemplates = 10_000

    /// Groups all matching lines by template; the query's limit bounds the patterns returned, not the lines read.
    @concurrent public func patterns(_ query: LogQuery) async throws -> LogPatterns {
        var query = query
        query.cursor = nil
        let plan = plan(query, streams: catalogue.matching(query.streams))
        var groups: [[UInt8]: PatternGroup] = [:]
        var uncounted = 0
        var total = 0
        var statistics = LogStatistics()
        for (day, entry) in view.snapshot()
        where plan.overlaps(day: day) {
            for source in try sources(plan, day, entry, &statistics) {
                try Task.checkCancellation()
                guard let found = evaluate(plan, source, &statistics) else { continue }
                guard let text = text(plan, source, found, &statistics) else { continue }
                total += found.rows.count
                for (index, row) in found.rows.enumerated() {
                    let body = Array(text[found.starts[row]..<found.starts[row] + found.columns.lengths[row]])
                    let template = LogTemplate.of(body)
                    guard groups[template] != nil || groups.count < Self.maximumTemplates else {
                        uncounted += 1
                        continue
                    }
                    groups[template, default: PatternGroup()].add(
                        LogCursor(time: found.columns.times[row], sequence: found.columns.sequences[row]), stream: found.streams[index],
                        severity: found.columns.severities[row], body: body)
                }
            }
        }
        let best = groups.sorted { ($1.value.count, $0.key.count) < ($0.value.count, $1.key.count) }.prefix(max(1, query.limit))
        let labels = catalogue.labels(of: Set(best.flatMap { Array($0.value.streams) + [$0.value.sampleStream] }))
        let patterns = best.map { template, group in
            LogPattern(
                template: String(decoding: template, as: UTF8.self), count: group.count, firstSeen: group.first, lastSeen: group.last.time,
                severity: LogRecord.Severity(rawValue: group.severity) ?? .unknown,
                streams: group.streams.compactMap { labels[$0] }.sorted(),
                sample: LogLine(
                    position: group.last, stream: labels[group.sampleStream] ?? Labels(),
                    severity: LogRecord.Severity(rawValue: group.sampleSeverity) ?? .unknown, body: group.sample))
        }
        return LogPatterns(patterns: patterns, uncounted: uncounted, total: total, statistics: statistics)
    }
}

private struct PatternGroup {
    var count = 0
    var first = Int64.max
    var last = LogCursor(time: .min, sequence: 0)
    var severity: UInt8 = 0
    var streams: Set<Int> = []
    var sample: [UInt8] = []
    var sampleStream = 0
    var sampleSeverity: UInt8 = 0

    mutating func add(_ position: LogCursor, stream: Int, severity: UInt8, body: [UInt8]) {
        count += 1
        first = min(first, position.time)
        self.severity = max(self.severity, severity)
        if streams.count < 10 { streams.insert(stream) }
        guard count == 1 || position > last else { return }
        last = position
        (sample, sampleStream, sampleSeverity) = (body, stream, severity)
    }
}
