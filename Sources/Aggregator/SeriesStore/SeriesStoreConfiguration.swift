import Telemetry

/// The bounds and periods of a store. The defaults suit one node; each bound has a metric.
public struct SeriesStoreConfiguration: Sendable {
    /// For `retention`, `outOfOrderWindow` and `futureWindow`: no bound. About 300,000 years.
    public static let unlimited: Duration = .seconds(10_000_000_000_000)

    /// A retention of its own for some series.
    public struct Rule: Sendable {
        /// Which series: `Matcher`s of Telemetry, as text `{name="value"}` is parsed by the caller.
        public var matchers: [Matcher]
        public var retention: Duration
        public init(matchers: [Matcher], retention: Duration) {
            self.matchers = matchers
            self.retention = retention
        }
    }

    /// Day files wholly older than this are removed.
    public var retention: Duration = .seconds(15 * 86_400)
    /// Series that are kept for less; one that satisfies several rules is kept for the shortest.
    public var retentionRules: [Rule] = []
    /// Bytes of all files; beyond it the oldest days are removed. nil: no bound.
    public var maxBytes: Int?
    /// Rollups are kept longer than samples.
    public var rollup5mRetention: Duration = .seconds(90 * 86_400)
    public var rollup1hRetention: Duration = .seconds(730 * 86_400)
    /// Whether days that have ended get rollups.
    public var makesRollups = true
    /// Samples older than the newest that is stored by more than this are refused. Where that one is deleted, older samples
    /// are taken again. Native histograms are held to it, but do not move it.
    public var outOfOrderWindow: Duration = .seconds(86_400)
    /// Samples further ahead of the clock than this are refused: one absurd time would make all that follows too old.
    /// Not if the out-of-order window is unlimited: then times up to the year 9999 are kept.
    public var futureWindow: Duration = .seconds(3600)
    /// Samples rest in the head, and are replayed at a start, for about this long.
    public var flushInterval: Duration = .seconds(300)
    /// Series with samples in this hour or the one before. New ones beyond it are refused.
    public var maxSeries = 1_000_000
    /// Of these, series of one metric.
    public var maxSeriesPerMetric = 1_000_000
    /// All series whose data are within the retention: the index holds about a hundred bytes of memory for each.
    public var maxTotalSeries = 10_000_000
    /// Memory for samples that are in no day file yet; beyond half of it all is flushed at once.
    public var maxHeadBytes = 256 << 20
    /// Samples that are in no day file yet; beyond it all is flushed at once. They are what a start replays, some millions a second.
    public var maxHeadSamples = 4_000_000
    /// Samples that wait for their commit, over all callers.
    public var maxWaitingSamples = 2_000_000
    /// What one query may return.
    public var maxSamplesPerQuery = 50_000_000
    /// The newest exemplars are kept.
    public var maxExemplars = 100_000
    /// Memory for directories and decoded columns of parts that queries read lately.
    public var maxCacheBytes = 64 << 20
    /// Series whose label sets are kept for queries: each takes a few hundred bytes.
    public var maxCachedLabels = 50_000
    /// Threads that read day files.
    public var readerCount = 2
    /// Columns in one part.
    public var maxColumnsPerPart = 256

    public init() {}
}
