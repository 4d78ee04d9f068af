/// The series of a source in a fixed order. A new object is made only when the set changes, so that a
/// receiver can keep what it worked out for a set (series numbers, columns) by its identity.
public final class SeriesSet: Sendable {
    public let labels: [Labels]
    public init(_ labels: [Labels]) { self.labels = labels }
    public var count: Int { labels.count }
}

/// All values that one source (a container, a pod, a node, a scraped target) had at one moment.
///
/// This is the only form in which samples cross from the Collector to the Aggregator: one time stamp for
/// many series is what lets the store keep a column of times once.
public struct SampleFrame: Sendable {
    /// What was read, unique on this node: `node/NAME`, `cgroup/PATH`, `target/URL`.
    public var source: String
    public var timestamp: Timestamp
    public var series: SeriesSet
    /// One value a series, in the set's order. `Double.stale` ends a series here; `Double.absent` says nothing about it.
    public var values: [Double]

    public init(source: String, timestamp: Timestamp, series: SeriesSet, values: [Double]) {
        precondition(series.count == values.count, "one value a series")
        self.source = source
        self.timestamp = timestamp
        self.series = series
        self.values = values
    }
}

extension Double {
    /// Prometheus' staleness marker: the series has ended at this moment.
    public static let stale = Double(bitPattern: 0x7ff0_0000_0000_0002)
    /// No value at this moment, and no statement that the series ended. Never stored.
    public static let absent = Double(bitPattern: 0x7ff0_0000_0000_0004)
    public var isStale: Bool { bitPattern == 0x7ff0_0000_0000_0002 }
    public var isAbsent: Bool { bitPattern == 0x7ff0_0000_0000_0004 }
}

/// A series and its samples in one span of time, ascending, at most one a time stamp.
public struct SeriesSamples: Sendable {
    public var labels: Labels
    /// Milliseconds since 1970.
    public var timestamps: [Int64]
    /// May hold `Double.stale`.
    public var values: [Double]
    public init(labels: Labels, timestamps: [Int64], values: [Double]) {
        self.labels = labels
        self.timestamps = timestamps
        self.values = values
    }
}
