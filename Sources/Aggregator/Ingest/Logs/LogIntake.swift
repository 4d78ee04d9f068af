import Runtime
import Synchronization
import Telemetry

/// What all ways in share: the store, the patience with it, the clock and the bounds.
public final class LogIntake: Sendable {
    let writer: any LogWriter
    let clock: any WallClock
    let limits: LogIngestLimits
    let registry: MetricRegistry
    private let sleep: @Sendable (Duration) async -> Void
    private let waiting = Atomic<Int>(0)
    private let bytes = Atomic<Int>(0)

    /// - Parameter sleep: how it waits for room in the store.
    public init(
        writer: any LogWriter, clock: any WallClock, metrics: MetricRegistry, limits: LogIngestLimits = .init(),
        sleep: @escaping @Sendable (Duration) async -> Void = { try? await Task.sleep(for: $0) }
    ) {
        self.writer = writer
        self.clock = clock
        self.limits = limits
        self.sleep = sleep
        registry = metrics
        metrics.gauge("binnacle_log_ingest_waiting_requests", "Requests that wait for room in the log store.") { [weak self] in
            Double(self?.waiting.load(ordering: .relaxed) ?? 0)
        }
        metrics.gauge("binnacle_log_ingest_waiting_requests_limit", "The bound of that.") { Double(limits.patientRequests) }
        metrics.gauge("binnacle_log_ingest_bytes", "Of requests with log lines that are being read and written, unpacked, by estimate.") { [weak self] in
            Double(self?.bytes.load(ordering: .relaxed) ?? 0)
        }
        metrics.gauge("binnacle_log_ingest_bytes_limit", "The bound of that.") { Double(limits.bytesAtOnce) }
    }

    /// Runs `body` while `count` bytes as they came count against the bound of what is read at once.
    func holding<Result>(_ count: Int, _ body: () async throws(IngestError) -> Result) async throws(IngestError) -> Result {
        // Bodies unpack to about four times their size, at most to the limit.
        let weight = count + min(count * 4, limits.unpackedBytes)
        let sum = bytes.wrappingAdd(weight, ordering: .relaxed).newValue
        defer { bytes.wrappingSubtract(weight, ordering: .relaxed) }
        // One request is always let in, however large, or it could never be.
        guard sum <= limits.bytesAtOnce || sum == weight else {
            throw IngestError(429, "requests of \(sum) bytes are being read, the limit is \(limits.bytesAtOnce): send less at once", retryAfter: 1)
        }
        return try await body()
    }

    /// Makes batches durable. While the store has no room it waits a little, for many senders drop what they are told to keep.
    func store(_ batches: [LogBatch], _ metrics: LogIngestMetrics) async throws(IngestError) {
        guard !batches.isEmpty else { return }
        try await patiently(batches)
        var records = 0
        var text = 0
        for batch in batches {
            records += batch.records.count
            for record in batch.records { text += record.body.count }
        }
        metrics.records.increment(by: UInt64(records))
        metrics.bytes.increment(by: UInt64(text))
    }

    private func patiently(_ batches: [LogBatch]) async throws(IngestError) {
        let step = Duration.milliseconds(50)
        var waited = Duration.zero
        while true {
            do throws(LogWriteError) {
                return try await writer.append(batches)
            } catch {
                guard case .overloaded = error, waited < limits.patience, !Task.isCancelled else { throw error.refusal }
                guard waiting.wrappingAdd(1, ordering: .relaxed).newValue <= limits.patientRequests else {
                    waiting.wrappingSubtract(1, ordering: .relaxed)
                    throw error.refusal
                }
                await sleep(step)
                waiting.wrappingSubtract(1, ordering: .relaxed)
                waited += step
            }
        }
    }
}
