import Telemetry

@testable import LogQL

/// Lines in memory, in the order of their arrival, as a source. It heeds what a selection asks, one row at a time.
struct MemorySource: LogSource {
    struct Row: Sendable {
        var stream: Labels
        var time: Int64
        var line: String
        var severity = LogRecord.Severity.unknown
        var fields = Labels()
    }
    var rows: [Row]
    /// Whether counts are answered.
    var hasCounts = false
    /// Rows of a batch of a scan.
    var batch = 7

    func chosen(_ selection: LogSelection) -> [(sequence: Int, row: Row)] {
        rows.enumerated().filter { _, row in
            selection.range.contains(row.time) && selection.matchers.allSatisfy { $0.accepts(row.stream) } && row.severity >= selection.minimumSeverity
                && selection.filters.allSatisfy { $0.accepts(Array(row.line.utf8).span) }
        }.map { ($0.offset, $0.element) }.sorted { ($0.row.time, $0.sequence) < ($1.row.time, $1.sequence) }
    }

    func batch(_ rows: [(sequence: Int, row: Row)]) -> LogRows {
        var streams: [Labels] = []
        var stream: [Int32] = []
        for (_, row) in rows {
            if !streams.contains(row.stream) { streams.append(row.stream) }
            stream.append(Int32(streams.firstIndex(of: row.stream)!))
        }
        var text = LogText(bytes: [], starts: [], ends: [])
        for (_, row) in rows {
            text.starts.append(text.bytes.count)
            text.bytes += Array(row.line.utf8)
            text.ends.append(text.bytes.count)
        }
        let fixed = text
        return LogRows(
            streams: streams, stream: stream, times: rows.map(\.row.time), sequences: rows.map { Int64($0.sequence) }, severities: rows.map(\.row.severity),
            fields: rows.allSatisfy { $0.row.fields.isEmpty } ? [] : rows.map(\.row.fields), text: { fixed })
    }

    func page(_ selection: LogSelection, direction: LogDirection, after cursor: LogCursor?, limit: Int) async throws -> LogPage {
        var all = chosen(selection)
        if direction == .backward { all.reverse() }
        if let cursor {
            all.removeAll {
                let place = LogCursor(time: $0.row.time, sequence: Int64($0.sequence))
                return direction == .forward ? place <= cursor : place >= cursor
            }
        }
        let page = Array(all.prefix(limit))
        let next = all.count > limit ? page.last.map { LogCursor(time: $0.row.time, sequence: Int64($0.sequence)) } : nil
        return LogPage(rows: batch(page), next: next, statistics: LogStatistics())
    }

    func scan<Partial: Sendable>(
        _ selection: LogSelection, into initial: @escaping @Sendable () -> Partial, _ fold: @escaping @Sendable (inout Partial, LogRows) throws -> Void
    ) async throws -> (partials: [Partial], statistics: LogStatistics) {
        let all = chosen(selection)
        var partials = [initial(), initial()]
        for (number, start) in stride(from: 0, to: all.count, by: batch).enumerated() {
            try fold(&partials[number % 2], batch(Array(all[start..<min(all.count, start + batch)])))
        }
        return (partials, LogStatistics())
    }

    func counts(_ selection: LogSelection) async throws -> LogCounts? {
        guard hasCounts, selection.filters.isEmpty else { return nil }
        var counts = LogCounts(streams: [], entries: [], fieldNames: Set(rows.flatMap { $0.fields.list.map(\.name) }))
        for (_, row) in chosen(selection) {
            if !counts.streams.contains(row.stream) { counts.streams.append(row.stream) }
            let bytes = Int64(row.line.utf8.count), isAtStart = row.time % 60_000_000_000 == 0
            counts.entries.append(
                .init(
                    stream: Int32(counts.streams.firstIndex(of: row.stream)!), minute: row.time.floorDivided(by: 60_000_000_000), severity: row.severity,
                    lines: 1, bytes: bytes, linesAtStart: isAtStart ? 1 : 0, bytesAtStart: isAtStart ? bytes : 0))
        }
        return counts
    }

    func streams(_ matchers: [Matcher], in range: Range<Int64>) async throws -> [Labels] {
        Array(Set(chosen(LogSelection(matchers, in: range)).map(\.row.stream))).sorted()
    }
}

let second: Int64 = 1_000_000_000

extension MemorySource {
    /// The lines of a query in order of time.
    func run(_ query: String, direction: LogDirection = .forward, limit: Int = 1000, options: LogEngine.Options = LogEngine.Options()) async throws
        -> [LogEntry]
    {
        guard case .lines(let pipeline) = try LogExpression.parse(query) else { return [] }
        return try await LogEngine(self, options: options).lines(pipeline, LogLinesRequest(0..<(1 << 62), direction: direction, limit: limit)).entries
    }

    /// The vector of a metric query at a second, as texts.
    func value(_ query: String, at seconds: Int64, options: LogEngine.Options = LogEngine.Options()) async throws -> [String] {
        guard case .metric(let metric) = try LogExpression.parse(query) else { return [] }
        let result = try await LogEngine(self, options: options).metric(metric, LogSteps(at: seconds * second))
        switch result.value {
        case .scalar(let values): return ["\(number: values[0])"]
        case .vector(let series): return series.map { "\($0.labels) \(number: $0.values[0])" }
        }
    }
}
