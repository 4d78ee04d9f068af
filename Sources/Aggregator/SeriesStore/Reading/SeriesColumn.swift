import Telemetry

/// One series of a query, as columns.
public struct SeriesColumn: Sendable {
    public var labels: Labels
    /// Milliseconds since 1970, ascending, each once. Series that were read at the same moments share one array
    /// (copy on write), so that it is in memory and in cache once.
    public var timestamps: ContiguousArray<Int64>
    /// One a time stamp; may hold `Double.stale`.
    public var values: ContiguousArray<Double>
    /// Equal for series of one call whose time stamps are the same array: what was worked out for one (where steps
    /// fall) holds for all.
    public var timesGroup: Int
}

/// What a query for columns found, besides the series.
public struct ReadSummary: Sendable, Hashable {
    public var series = 0
    public var samples = 0
    /// Parts of which columns were decoded.
    public var parts = 0
    /// Name what is missing from the answer.
    public var warnings: [String] = []
    /// A series of the span that has native histograms, which are no samples and not in the answer.
    public var histogramSeries: Labels?
    public init() {}
}
