import Telemetry

/// The series that a scrape says of itself, and the frame that holds them with what was scraped.
struct TargetReport: Sendable {
    struct Values: Sendable {
        var isUp: Bool
        var seconds: Double
        var scraped: Int
        var kept: Int
        var added: Int
        var timeoutSeconds: Double
        var sampleLimit: Int
        /// -1 if it was beyond its limit.
        var bodyBytes: Int

        var list: [Double] {
            [isUp ? 1 : 0, seconds, Double(scraped), Double(kept), Double(added), timeoutSeconds, Double(sampleLimit), Double(bodyBytes)]
        }
    }

    static let names = [
        "up", "scrape_duration_seconds", "scrape_samples_scraped", "scrape_samples_post_metric_relabeling", "scrape_series_added",
        "scrape_timeout_seconds", "scrape_sample_limit", "scrape_body_size_bytes",
    ]

    private let own: [Labels]
    private let source: String
    private var set = SeriesSet([])
    private var generation = -1

    init(target: Labels) {
        own = TargetReport.names.map { name in
            var labels = target
            labels[Labels.metricName] = name
            return labels
        }
        source = "target/\(target)"
    }

    /// The frame of a scrape; without values all of the report ends too.
    mutating func frame(_ page: ScrapePage, values: Values?, at timestamp: Int64) -> ScrapeResult {
        if generation != page.generation {
            generation = page.generation
            set = SeriesSet(own + page.labels)
        }
        let report = values?.list ?? Array(repeating: Double.stale, count: own.count)
        return ScrapeResult(
            frame: SampleFrame(source: source, timestamp: Timestamp(milliseconds: timestamp), series: set, values: report + page.values))
    }
}
