public import LogQL
public import LogStore
public import Telemetry

/// Lines in memory as a source: files that were read whole, and tests.
public struct MemoryLogSource: LogSource {
    /// Rows that go to one fold of a scan.
    private static let batchRows = 10_000

    /// In order of their places.
    private let lines: [LogLine]

    /// - Parameter lines: each with a place of its own.
    public init(_ lines: [LogLine]) { self.lines = lines.sorted { $0.position < $1.position } }

    public func page(
        _ selection: LogSelection, direction: LogDirection, after cursor: LogCursor?, limit: Int
    ) async throws -> LogPage {
        var found: [LogLine] = []
        var statistics = LogStatistics()
        // One more than asked for tells whether there is a next page.
        func take(_ line: LogLine) -> Bool {
            if let cursor, direction == .forward ? line.position <= cursor : line.position >= cursor { return true }
            statistics.lines += 1
            statistics.bytes += line.body.count
            if Self.accepts(line, selection) { found.append(line) }
            return found.count <= limit
        }
        if direction == .forward {
            for line in lines { guard take(line) else { break } }
        } else {
            for line in lines.reversed() { guard take(line) else { break } }
        }
        let hasMore = found.count > limit
        if hasMore { found.removeLast() }
        return LogPage(rows: LogRows(lines: found), next: hasMore ? found.last?.position : nil, statistics: statistics)
    }

    public func scan<Partial: Sendable>(
        _ selection: LogSelection, into initial: @escaping @Sendable () -> Partial,
        _ fold: @escaping @Sendable (inout Partial, LogRows) throws -> Void
    ) async throws -> (partials: [Partial], statistics: LogStatistics) {
        var partial = initial()
        var statistics = LogStatistics()
        var batch: [LogLine] = []
        for line in lines {
            statistics.lines += 1
            statistics.bytes += line.body.count
            guard Self.accepts(line, selection) else { continue }
            batch.append(line)
            if batch.count == Self.batchRows {
                try fold(&partial, LogRows(lines: batch))
                batch.removeAll(keepingCapacity: true)
            }
        }
        if !batch.isEmpty { try fold(&partial, LogRows(lines: batch)) }
        return ([partial], statistics)
    }

    public func counts(_ selection: LogSelection) async throws -> LogCounts? { nil }

    public func streams(_ matchers: [Matcher], in range: Range<Int64>) async throws -> [Labels] {
        var found: Set<Labels> = []
        for line in lines where range.contains(line.time) && !found.contains(line.stream) && matchers.allSatisfy({ $0.accepts(line.stream) }) {
            found.insert(line.stream)
        }
        return found.sorted()
    }

    private static func accepts(_ line: LogLine, _ selection: LogSelection) -> Bool {
        selection.range.contains(line.time) && line.severity >= selection.minimumSeverity
            && selection.matchers.allSatisfy { $0.accepts(line.stream) } && selection.filters.allSatisfy { $0.accepts(line.body.span) }
    }
}

extension LogRows {
    /// Lines as columns.
    init(lines: [LogLine]) {
        var numbers: [Labels: Int32] = [:]
        var streams: [Labels] = []
        let stream = lines.map { line -> Int32 in
            if let number = numbers[line.stream] { return number }
            numbers[line.stream] = Int32(streams.count)
            streams.append(line.stream)
            return Int32(streams.count - 1)
        }
        self.init(
            streams: streams, stream: stream, times: lines.map(\.time), sequences: lines.map(\.position.sequence), severities: lines.map(\.severity),
            fields: lines.contains { !$0.fields.isEmpty } ? lines.map(\.fields) : [],
            text: {
                var text = LogText(bytes: [], starts: [], ends: [])
                for line in lines {
                    text.starts.append(text.bytes.count)
                    text.bytes += line.body
                    text.ends.append(text.bytes.count)
                }
                return text
            })
    }
}
