import Telemetry

/// What is known of the values of a bucket or a window. Cells that follow each other can be joined.
struct WindowCell {
    var count = 0
    private(set) var sum = 0.0
    private(set) var minimum = Double.nan
    private(set) var maximum = Double.nan
    private var mean = 0.0
    /// The sum of the squares of the distances from the mean (Welford).
    private var squares = 0.0
    private var first = (place: LogCursor(time: .max, sequence: .max), value: 0.0)
    private var last = (place: LogCursor(time: .min, sequence: .min), value: 0.0)

    mutating func add(_ value: Double, at place: LogCursor) {
        count += 1
        sum += value
        if !(minimum <= value), !value.isNaN { minimum = value }
        if !(maximum >= value), !value.isNaN { maximum = value }
        let delta = value - mean
        mean += delta / Double(count)
        squares += delta * (value - mean)
        if place < first.place { first = (place, value) }
        if last.place < place { last = (place, value) }
    }

    mutating func merge(_ other: WindowCell) {
        guard other.count > 0 else { return }
        guard count > 0 else {
            self = other
            return
        }
        let total = Double(count + other.count)
        let delta = other.mean - mean
        // Chan, Golub and LeVeque's way to join two variances.
        squares += other.squares + delta * delta * Double(count) * Double(other.count) / total
        mean += delta * Double(other.count) / total
        count += other.count
        sum += other.sum
        if !(minimum <= other.minimum), !other.minimum.isNaN { minimum = other.minimum }
        if !(maximum >= other.maximum), !other.maximum.isNaN { maximum = other.maximum }
        if other.first.place < first.place { first = other.first }
        if last.place < other.last.place { last = other.last }
    }

    /// The value of the operation, for a cell that is not empty.
    func value(_ operation: RangeAggregation.Operation, seconds: Double) -> Double {
        switch operation {
        case .rate: sum / seconds
        case .averageOverTime: sum / Double(count)
        case .minimumOverTime: minimum
        case .maximumOverTime: maximum
        case .firstOverTime: first.value
        case .lastOverTime: last.value
        case .varianceOverTime: squares / Double(count)
        case .deviationOverTime: (squares / Double(count)).squareRoot()
        default: sum
        }
    }
}

/// Values that must be seen one by one.
struct WindowSample {
    var place: LogCursor
    var value: Double
}

enum SampleMath {
    /// Linear interpolation between the two nearest ranks. NaN counts as the smallest.
    static func quantile(_ phi: Double, _ values: [Double]) -> Double {
        guard !values.isEmpty else { return .nan }
        if phi < 0 { return -.infinity }
        if phi > 1 { return .infinity }
        let sorted = values.sorted { $0.isNaN ? !$1.isNaN : $0 < $1 }
        let rank = phi * Double(sorted.count - 1)
        let lower = Int(rank.rounded(.down)), upper = min(sorted.count - 1, lower + 1)
        let weight = rank - rank.rounded(.down)
        return weight == 0 ? sorted[lower] : sorted[lower] * (1 - weight) + sorted[upper] * weight
    }

    /// The rise of a counter a second over a window that ends at `end`, drawn out to its edges as Prometheus' `rate` does
    /// (promql/functions.go, extrapolatedRate). One sample alone shows no rise: 0.
    static func counterRate(_ samples: ArraySlice<WindowSample>, end: Int64, range: Int64) -> Double {
        guard let first = samples.first, let last = samples.last, samples.count > 1, last.place.time > first.place.time else { return 0 }
        var rise = last.value - first.value
        var before = first.value
        for sample in samples.dropFirst() {
            // The counter began anew.
            if sample.value < before { rise += before }
            before = sample.value
        }
        let second = 1e9
        let sampled = Double(last.place.time - first.place.time) / second
        let average = sampled / Double(samples.count - 1)
        var toStart = Double(first.place.time - (end - range)) / second
        var toEnd = Double(end - last.place.time) / second
        // An edge farther than 1.1 gaps: the series began or ended within, half a gap away.
        if toStart >= average * 1.1 { toStart = average / 2 }
        if toEnd >= average * 1.1 { toEnd = average / 2 }
        // A counter does not start below zero.
        if rise > 0, first.value >= 0 { toStart = min(toStart, sampled * first.value / rise) }
        return rise * (sampled + toStart + toEnd) / sampled / (Double(range) / second)
    }
}
