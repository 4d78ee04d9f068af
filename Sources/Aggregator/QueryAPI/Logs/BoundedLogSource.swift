public import LogQL
public import Runtime
public import Telemetry

/// A source that reads for a bounded number of queries at once, and lets a bounded number wait: each page and each scan takes a
/// place, whichever interface asks, so that a slow reader of an answer holds none.
public struct BoundedLogSource: LogSource {
    private let source: any LogSource
    private let gate: QueryGate

    public init(_ source: any LogSource, places: Int = 8, queueLength: Int = 200, metrics: MetricRegistry) {
        self.source = source
        let refused = metrics.counter("binnacle_log_reads_refused_total", "Reads of log lines refused because too many were waiting.")
        gate = QueryGate(places: places, queueLength: queueLength, refused: refused)
    }

    private func reading<Result: Sendable>(_ body: () async throws -> Result) async throws -> Result {
        try await gate.enter()
        do {
            // Who has gone meanwhile is not read for.
            try Task.checkCancellation()
            let result = try await body()
            await gate.leave()
            return result
        } catch {
            await gate.leave()
            throw error
        }
    }

    public func page(_ selection: LogSelection, direction: LogDirection, after cursor: LogCursor?, limit: Int) async throws -> LogPage {
        try await reading { try await source.page(selection, direction: direction, after: cursor, limit: limit) }
    }

    public func scan<Partial: Sendable>(
        _ selection: LogSelection, into initial: @escaping @Sendable () -> Partial,
        _ fold: @escaping @Sendable (inout Partial, LogRows) throws -> Void
    ) async throws -> (partials: [Partial], statistics: LogStatistics) {
        try await reading { try await source.scan(selection, into: initial, fold) }
    }

    public func counts(_ selection: LogSelection) async throws -> LogCounts? { try await reading { try await source.counts(selection) } }

    public func streams(_ matchers: [Matcher], in range: Range<Int64>) async throws -> [Labels] {
        try await reading { try await source.streams(matchers, in: range) }
    }
}
