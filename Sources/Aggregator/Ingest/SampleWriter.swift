import SeriesStore

/// Where what came in goes: the embedded store, or a test's.
public protocol SampleWriter: Sendable {
    /// Returns when everything that the summary counts as accepted is durable.
    func write(_ batches: [SeriesBatch], metadata: [MetricMetadata]) async throws(SeriesStoreError) -> WriteSummary
}

extension SeriesStore: SampleWriter {}
