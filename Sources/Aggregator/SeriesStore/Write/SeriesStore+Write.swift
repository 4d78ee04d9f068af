import Telemetry

extension SeriesStore {
    /// Makes samples of any series durable, in any order of time within the out-of-order window.
    ///
    /// Of two values of one series at one time the later write counts. A batch that is sent again changes nothing.
    /// What is refused is counted by reason and does not hold up the rest; an error means that nothing is
    /// promised, and that the whole may be sent again: `overloaded` and `headFull` after a while (429).
    @discardableResult
    public func write(_ batches: [SeriesBatch], metadata: [MetricMetadata] = []) async throws(SeriesStoreError) -> WriteSummary {
        let ticket = try shared.enqueue(.batches(batches, metadata: metadata))
        return try await writer.commit(ticket).write
    }

    /// Makes all frames durable. Sending them again is harmless. A caller hands over the frames of a second together.
    ///
    /// At the limit of series, series that are known are stored and `seriesLimit` is thrown for the others.
    @discardableResult
    public func append(_ frames: [SampleFrame]) async throws(SeriesStoreError) -> AppendSummary {
        let ticket = try shared.enqueue(.frames(frames))
        return try await writer.commit(ticket).append
    }
}
