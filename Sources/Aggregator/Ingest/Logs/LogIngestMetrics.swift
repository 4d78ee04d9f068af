import Runtime

/// What log lines came in by one way, and what did not.
struct LogIngestMetrics: Sendable {
    let requests: Counter
    let records: Counter
    let bytes: Counter
    let repeated: Counter
    let unreadTimes: Counter
    private let registry: MetricRegistry
    private let way: String

    init(_ registry: MetricRegistry, way: String) {
        self.registry = registry
        self.way = way
        let labels = ["protocol": way]
        requests = registry.counter("binnacle_log_ingest_requests_total", "Requests and messages that came in.", labels)
        records = registry.counter("binnacle_log_ingest_records_total", "Lines that came in and are durable.", labels)
        bytes = registry.counter("binnacle_log_ingest_bytes_total", "Text of these lines.", labels)
        repeated = registry.counter("binnacle_log_ingest_repeated_total", "Requests, chunks and documents that were there already: retries.", labels)
        unreadTimes = registry.counter(
            "binnacle_log_ingest_unread_times_total", "Lines whose time stamp could not be read; they got the time of their arrival.", labels)
    }

    /// Lines that did not come in, by reason.
    func refuse(_ reason: String, records count: Int) {
        guard count > 0 else { return }
        registry.counter("binnacle_log_ingest_refused_records_total", "Lines that were refused.", ["protocol": way, "reason": reason])
            .increment(by: UInt64(count))
    }

    /// Requests that were refused whole, by status.
    func refuse(status: Int) {
        registry.counter("binnacle_log_ingest_refused_requests_total", "Requests that were refused whole.", ["protocol": way, "code": "\(status)"])
            .increment()
    }
}
