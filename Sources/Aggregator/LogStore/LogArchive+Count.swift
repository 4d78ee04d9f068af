public import LogQL
public import Telemetry

/// How many lines fall in one group.
public struct LogCount: Hashable, Sendable {
    /// The start of the step in nanoseconds since 1970; nil if there are no steps.
    public var start: Int64?
    /// nil unless the counts are grouped by severity.
    public var severity: LogRecord.Severity?
    /// The labels that the counts are grouped by.
    public var labels: Labels
    public var count: Int
}

/// What to group counts by.
public struct LogGrouping: Sendable, Hashable {
    /// The length of a step in nanoseconds; nil for one total.
    public var step: Int64?
    public var bySeverity: Bool
    /// Names of stream labels.
    public var labels: [String]

    public init(step: Int64? = nil, bySeverity: Bool = false, labels: [String] = []) {
        self.step = step
        self.bySeverity = bySeverity
        self.labels = labels
    }
}

extension LogArchive {
    /// Counts matching lines; limit, direction and cursor of the query do not matter. Sorted by start, labels and severity.
    ///
    /// Without conditions on the text, and with steps of whole minutes, chunks that lie wholly in the span are
    /// counted from their minute counts; no text is read.
    @concurrent public func count(_ query: LogQuery, by grouping: LogGrouping) async throws -> (counts: [LogCount], statistics: LogStatistics) {
        var query = query
        query.cursor = nil
        let plan = plan(query, streams: catalogue.matching(query.streams))
        let step = grouping.step.map { max(1, $0) }
        let usesMinutes = plan.matcher.isTrivial && (step ?? MinuteCounts.nanoseconds) % MinuteCounts.nanoseconds == 0
        var groups = Groups(step: step, grouping: grouping)
        if usesMinutes {
            let (sums, statistics) = try await minuteSums(plan)
            for entry in sums.entries {
                groups.add(
                    stream: entry.key.stream, time: entry.key.minute * MinuteCounts.nanoseconds, severity: entry.key.severity, Int(entry.count.lines))
            }
            return (groups.counts(catalogue), statistics)
        }
        var statistics = LogStatistics()
        for (day, entry) in view.snapshot()
        where plan.overlaps(day: day) {
            for source in try sources(plan, day, entry, &statistics) {
                try Task.checkCancellation()
                guard let found = evaluate(plan, source, &statistics) else { continue }
                for (index, row) in found.rows.enumerated() {
                    groups.add(stream: found.streams[index], time: found.columns.times[row], severity: found.columns.severities[row], 1)
                }
            }
        }
        return (groups.counts(catalogue), statistics)
    }
}

/// Counts by stream first, since a stream's labels are looked up only once at the end.
private struct Groups {
    private struct Key: Hashable {
        var start: Int64?
        var severity: UInt8?
        var stream: Int
    }
    let step: Int64?
    let grouping: LogGrouping
    private var counts: [Key: Int] = [:]

    init(step: Int64?, grouping: LogGrouping) {
        self.step = step
        self.grouping = grouping
    }

    mutating func add(stream: Int, time: Int64, severity: UInt8, _ count: Int) {
        let start = step.map { floorDivide(time, $0) * $0 }
        let key = Key(start: start, severity: grouping.bySeverity ? severity : nil, stream: grouping.labels.isEmpty ? 0 : stream)
        counts[key, default: 0] += count
    }

    func counts(_ catalogue: StreamCatalogue) -> [LogCount] {
        let labels = catalogue.labels(of: Set(counts.keys.map(\.stream))).mapValues { labels in
            labels.filter { grouping.labels.contains($0.name) }
        }
        var merged: [LogCount: Int] = [:]
        for (key, count) in counts {
            let severity = key.severity.map { LogRecord.Severity(rawValue: $0) ?? .unknown }
            let group = LogCount(start: key.start, severity: severity, labels: labels[key.stream] ?? Labels(), count: 0)
            merged[group, default: 0] += count
        }
        return merged.map { group, count in
            var group = group
            group.count = count
            return group
        }.sorted { left, right in
            if left.start != right.start { return left.start ?? 0 < right.start ?? 0 }
            if left.labels != right.labels { return left.labels < right.labels }
            return left.severity ?? .unknown < right.severity ?? .unknown
        }
    }
}
