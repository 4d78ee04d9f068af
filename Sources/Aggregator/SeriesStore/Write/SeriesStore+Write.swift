import Telemetry

extension SeriesStore {
    /// Makes samples of any series durable, in any order of time within the out-of-order window.
    ///
    /// Of two values of one series at one time the later write counts. A batch that is sent again changes nothing.
    /// What is refused is counted by reason and does not hold up the rest; an error means that nothing is
    /// promised, and that the whole may be sent again: `overloaded` and `headFull` after a while (429).
    @discardableResult
    public func write(_ batches: [SeriesBatch], metadata: [MetricMetadata] = []) async throws(SeriesStoreError) -> WriteSummary {
        var summary = WriteSummary()
        for (position, batch) in batches.enumerated() {
            let outcome = try await write(batch, &summary.reasons)
            if outcome.written != batch.samples.count { summary.exceptions[position] = outcome }
            summary.total += outcome
        }
        return summary
    }

    private func write(_ batch: SeriesBatch, _ reasons: inout [String]) async throws(SeriesStoreError) -> WriteOutcome {
        var outcome = WriteOutcome()
        let set = SeriesSet([batch.series.labels])
        let source = "series/\(batch.series.labels)"
        let frames = batch.samples.map {
            SampleFrame(source: source, timestamp: Timestamp(milliseconds: $0.timestamp), series: set, values: [$0.value])
        }
        do throws(SeriesStoreError) {
            let stored = try await append(frames)
            outcome.written = stored.storedFrames
            outcome.duplicates = stored.duplicateFrames
            outcome.tooOld = stored.tooOldFrames
            outcome.tooNew = stored.futureFrames
        } catch {
            guard case .seriesLimit = error else { throw error }
            outcome.overLimit = frames.count
            if reasons.count < 8 { reasons.append("\(error)") }
        }
        return outcome
    }
}
