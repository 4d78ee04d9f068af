import Runtime

/// What came in by one way, and what did not.
struct IngestMetrics: Sendable {
    let requests: Counter
    let samples: Counter
    let duplicates: Counter
    let histograms: Counter
    let exemplars: Counter
    let forgotten: Counter
    private let registry: MetricRegistry
    private let way: String

    init(_ registry: MetricRegistry, way: String) {
        self.registry = registry
        self.way = way
        let labels = ["protocol": way]
        requests = registry.counter("binnacle_ingest_requests_total", "Requests that came in.", labels)
        samples = registry.counter("binnacle_ingest_samples_total", "Samples that came in and are durable.", labels)
        duplicates = registry.counter("binnacle_ingest_duplicate_samples_total", "Samples that were there already: retries.", labels)
        histograms = registry.counter("binnacle_ingest_histograms_total", "Native histograms that came in.", labels)
        exemplars = registry.counter("binnacle_ingest_exemplars_total", "Exemplars that came in.", labels)
        forgotten = registry.counter(
            "binnacle_ingest_series_forgotten_total", "Remembered series that were forgotten all at once, at the bound of that memory.", labels)
    }

    /// Samples that did not come in, by reason; and requests that were refused whole, by status.
    func refuse(_ reason: String, samples count: Int) {
        guard count > 0 else { return }
        registry.counter("binnacle_ingest_refused_samples_total", "Samples that were refused.", ["protocol": way, "reason": reason]).increment(
            by: UInt64(count))
    }

    func refuse(status: Int) {
        registry.counter("binnacle_ingest_refused_requests_total", "Requests that were refused whole.", ["protocol": way, "code": "\(status)"]).increment()
    }
}
