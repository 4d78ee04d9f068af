public import Telemetry

/// Where a tailer's records go. Returning means that they are durable: the tailer then forgets them.
/// Throwing means that none of them is; the tailer sends the same batches again.
public protocol LogSink: Sendable {
    func append(_ batches: [LogBatch]) async throws
}
