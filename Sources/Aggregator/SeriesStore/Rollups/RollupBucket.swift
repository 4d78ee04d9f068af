import Telemetry

/// How long a bucket of a rollup is.
public enum RollupResolution: Sendable, CaseIterable, Hashable {
    case fiveMinutes, oneHour

    public var milliseconds: Int64 { self == .fiveMinutes ? 300_000 : 3_600_000 }
    /// As people and file names have it.
    public var name: String { self == .fiveMinutes ? "5m" : "1h" }

    /// The end of the bucket that a sample is in. Buckets are open at the left, as PromQL's windows are: a window
    /// whose ends are multiples of the length is made of whole buckets.
    func end(of time: Int64) -> Int64 { (time - 1).floorDivided(by: milliseconds) * milliseconds + milliseconds }
}

/// What is kept of the samples of one bucket: one that ends at t and is d long holds those of t - d < time ≤ t.
/// Stale markers are no samples.
public struct RollupBucket: Hashable, Sendable {
    /// Its end, a multiple of its length; milliseconds since 1970.
    public var end: Int64
    public var count: Double
    public var min: Double
    public var max: Double
    public var sum: Double
    public var first: Double
    public var last: Double
    /// The values before each fall, added up: with them `last - first` becomes what a counter grew by.
    public var drops: Double
    /// Times that a value was smaller than the one before.
    public var resets: Double
    /// Of the first and the last sample.
    public var firstTime: Int64
    public var lastTime: Int64
    /// Whether all values are whole numbers so small that adding them rounds nowhere: sums are then exact in any order.
    public var isWhole: Bool

    /// What a counter grew by between the first and the last sample.
    public var increase: Double { last - first + drops }

    /// Of one sample.
    init(end: Int64, time: Int64, value: Double) {
        self.end = end
        count = 1
        (min, max, sum, first, last) = (value, value, value, value, value)
        (drops, resets) = (0, 0)
        (firstTime, lastTime) = (time, time)
        isWhole = RollupBucket.isWhole(value)
    }

    /// 2^53: whole numbers up to it, and sums of them that stay below it in any order, are exact.
    private static let largestWhole = 9_007_199_254_740_992.0
    private static func isWhole(_ value: Double) -> Bool { value.magnitude <= largestWhole && value.rounded(.towardZero) == value }

    /// Takes in a later sample, or a later bucket of the same samples' series.
    public mutating func add(_ later: RollupBucket) {
        // As Prometheus' min_over_time: a number beats NaN.
        if later.min < min || min.isNaN { min = later.min }
        if later.max > max || max.isNaN { max = later.max }
        if later.first < last {
            drops += last
            resets += 1
        }
        drops += later.drops
        resets += later.resets
        count += later.count
        sum += later.sum
        last = later.last
        lastTime = later.lastTime
        isWhole = isWhole && later.isWhole && count * Swift.max(min.magnitude, max.magnitude) <= RollupBucket.largestWhole
    }

    /// Buckets of ascending samples.
    public static func buckets(_ times: some Sequence<Int64>, _ values: some Sequence<Double>, _ resolution: RollupResolution) -> [RollupBucket] {
        var result: [RollupBucket] = []
        for (time, value) in zip(times, values) where !value.isStale {
            let one = RollupBucket(end: resolution.end(of: time), time: time, value: value)
            if let last = result.indices.last, result[last].end == one.end { result[last].add(one) } else { result.append(one) }
        }
        return result
    }

    // MARK: The columns of a file of rollups, by number: docs/formats/series.md.

    static let fields: [@Sendable (RollupBucket) -> Double] = [
        { $0.count }, { $0.min }, { $0.max }, { $0.sum }, { $0.first }, { $0.last }, { $0.drops }, { $0.resets },
        { Double($0.end - $0.firstTime) }, { Double($0.end - $0.lastTime) }, { $0.isWhole ? 1 : 0 },
    ]

    init(end: Int64, field: (Int) -> Double) {
        self.end = end
        (count, min, max, sum, first, last) = (field(0), field(1), field(2), field(3), field(4), field(5))
        (drops, resets) = (field(6), field(7))
        firstTime = end - Int64(field(8))
        lastTime = end - Int64(field(9))
        isWhole = field(10) == 1
    }
}

/// The rollups of one series in a span.
public struct SeriesRollups: Sendable {
    public var labels: Labels
    /// Ascending.
    public var buckets: [RollupBucket]
}

/// What `rollups` found.
public struct RollupAnswer: Sendable {
    public var series: [SeriesRollups]
    /// The UTC days of the span that have rollups, as their first milliseconds: a day that is not here must be read as samples.
    public var days: [Int64]
    public var warnings: [String]
}

/// How far rollups can stand for samples in a span; milliseconds since 1970.
public struct RollupCoverage: Sendable, Hashable {
    /// All samples before this are in rollups, and none of those from it on need be. The beginning of a day, or of the span if none is.
    public var end: Int64
    /// Samples before this are gone, and only rollups are left of them; nil if all are there.
    public var retiredEnd: Int64?
    /// Whether of some days that are gone only longer buckets are left.
    public var isCoarser = false
}
