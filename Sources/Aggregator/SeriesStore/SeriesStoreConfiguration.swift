/// The bounds and periods of a store. The defaults suit one node; each bound has a metric.
public struct SeriesStoreConfiguration: Sendable {
    /// Day files wholly older than this are removed.
    public var retention: Duration = .seconds(15 * 86_400)
    /// Frames older than their source's newest by more than this are refused.
    public var outOfOrderWindow: Duration = .seconds(86_400)
    /// Frames further ahead of the clock than this are refused: one absurd time would make all that follows too old.
    public var futureWindow: Duration = .seconds(3600)
    /// Samples rest in the head, and are replayed at a start, for about this long.
    public var flushInterval: Duration = .seconds(300)
    /// All series whose data are within the retention.
    public var maxSeries = 1_000_000
    /// Memory for samples that are in no day file yet; beyond half of it all is flushed at once.
    public var maxHeadBytes = 256 << 20
    /// Samples that wait for their commit, over all callers.
    public var maxWaitingSamples = 2_000_000
    /// What one query may return.
    public var maxSamplesPerQuery = 50_000_000
    /// Threads that read day files.
    public var readerCount = 2
    /// Columns in one part: a query for one series reads its whole part.
    public var maxColumnsPerPart = 128

    public init() {}
}
