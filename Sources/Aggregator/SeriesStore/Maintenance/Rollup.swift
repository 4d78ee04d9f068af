import Telemetry

/// How long a bucket of a rollup is.
public enum RollupResolution: Sendable, CaseIterable, Hashable {
    case fiveMinutes, oneHour

    public var milliseconds: Int64 { self == .fiveMinutes ? 300_000 : 3_600_000 }
    var name: String { self == .fiveMinutes ? "5m" : "1h" }
}

/// What is kept of the samples of one bucket. A bucket that begins at t holds the samples of t ≤ time < t + its length.
/// Stale markers are no samples.
public struct RollupBucket: Hashable, Sendable {
    /// Its beginning, a multiple of its length; milliseconds since 1970.
    public var start: Int64
    public var count: Double
    public var min: Double
    public var max: Double
    public var sum: Double
    public var first: Double
    public var last: Double
    /// What a counter grew by between the bucket's first and last sample, with resets added up. The growth from the
    /// bucket before is `first` less its `last`, or `first` if that is smaller.
    public var increase: Double
    /// Times that a value was smaller than the one before.
    public var resets: Double
    /// Of the first and the last sample.
    public var firstTime: Int64
    public var lastTime: Int64

    /// Buckets of ascending samples. NaN values (but for stale markers, which are left out) make their sums NaN.
    static func buckets(_ times: ContiguousArray<Int64>, _ values: ContiguousArray<Double>, _ resolution: RollupResolution) -> [RollupBucket] {
        var result: [RollupBucket] = []
        for (time, value) in zip(times, values) where !value.isStale {
            let start = time.floorDivided(by: resolution.milliseconds) * resolution.milliseconds
            guard var bucket = result.last, bucket.start == start else {
                result.append(
                    RollupBucket(
                        start: start, count: 1, min: value, max: value, sum: value, first: value, last: value, increase: 0, resets: 0, firstTime: time,
                        lastTime: time))
                continue
            }
            bucket.count += 1
            // As Prometheus' min_over_time: a number beats NaN.
            if value < bucket.min || bucket.min.isNaN { bucket.min = value }
            if value > bucket.max || bucket.max.isNaN { bucket.max = value }
            bucket.sum += value
            bucket.increase += value < bucket.last ? value : value - bucket.last
            if value < bucket.last { bucket.resets += 1 }
            bucket.last = value
            bucket.lastTime = time
            result[result.count - 1] = bucket
        }
        return result
    }

    /// The columns of a file of rollups, by number.
    static let fields: [@Sendable (RollupBucket) -> Double] = [
        { $0.count }, { $0.min }, { $0.max }, { $0.sum }, { $0.first }, { $0.last }, { $0.increase }, { $0.resets },
        { Double($0.firstTime - $0.start) }, { Double($0.lastTime - $0.start) },
    ]

    init(
        start: Int64, count: Double, min: Double, max: Double, sum: Double, first: Double, last: Double, increase: Double, resets: Double,
        firstTime: Int64, lastTime: Int64
    ) {
        self.start = start
        self.count = count
        self.min = min
        self.max = max
        self.sum = sum
        self.first = first
        self.last = last
        self.increase = increase
        self.resets = resets
        self.firstTime = firstTime
        self.lastTime = lastTime
    }

    init(start: Int64, fields: [Double]) {
        self.init(
            start: start, count: fields[0], min: fields[1], max: fields[2], sum: fields[3], first: fields[4], last: fields[5], increase: fields[6],
            resets: fields[7], firstTime: start + Int64(fields[8]), lastTime: start + Int64(fields[9]))
    }
}

/// The rollups of one series in a span.
public struct SeriesRollups: Sendable {
    public var labels: Labels
    public var buckets: [RollupBucket]
}

/// What `rollups` found.
public struct RollupAnswer: Sendable {
    public var series: [SeriesRollups]
    /// The UTC days of the span that have rollups, as their first milliseconds: a day that is not here must be read as samples.
    public var days: [Int64]
    public var warnings: [String]
}
