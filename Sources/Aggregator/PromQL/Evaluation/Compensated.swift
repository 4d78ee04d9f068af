/// A sum that keeps the low bits which plain addition loses (Neumaier's form of Kahan's algorithm).
struct CompensatedSum: Sendable {
    private(set) var sum = 0.0
    private(set) var compensation = 0.0

    init(_ first: Double = 0) { sum = first }

    mutating func add(_ value: Double) {
        let total = sum + value
        // An infinite sum has no low bits; its compensation would be NaN.
        if total.isInfinite {
            compensation = 0
        } else if sum.magnitude >= value.magnitude {
            compensation += (sum - total) + value
        } else {
            compensation += (value - total) + sum
        }
        sum = total
    }

    mutating func scale(_ factor: Double) {
        sum *= factor
        compensation *= factor
    }

    var value: Double { sum + compensation }
}

/// A mean that is the sum by the count until the sum overflows, and an incremental mean from there on.
struct CompensatedMean: Sendable {
    private var total = CompensatedSum()
    private var count = 0.0
    private var isIncremental = false

    mutating func add(_ value: Double) {
        count += 1
        if !isIncremental {
            var next = total
            next.add(value)
            if count == 1 || !next.value.isInfinite || total.value.isInfinite {
                total = next
                return
            }
            isIncremental = true
            total.scale(1 / (count - 1))
        }
        total.scale((count - 1) / count)
        total.add(value / count)
    }

    var value: Double { isIncremental ? total.value : total.sum / count + total.compensation / count }
}

/// Mean and sum of squared deviations in one pass (Welford).
struct Deviation: Sendable {
    private var count = 0.0
    private var mean = CompensatedSum()
    private var squares = CompensatedSum()

    mutating func add(_ value: Double) {
        count += 1
        let delta = value - mean.value
        mean.add(delta / count)
        squares.add(delta * (value - mean.value))
    }

    /// Of the population, not of a sample.
    var variance: Double { squares.value / count }
    var standardDeviation: Double { variance.squareRoot() }
}

enum Statistic {
    /// The `phi` quantile with linear interpolation; sorts its argument. NaN counts as the smallest.
    static func quantile(_ phi: Double, _ values: [Double]) -> Double {
        guard !values.isEmpty, !phi.isNaN else { return .nan }
        if phi < 0 { return -.infinity }
        if phi > 1 { return .infinity }
        let sorted = values.sorted { $0.isNaN ? !$1.isNaN : $0 < $1 }
        let rank = phi * Double(sorted.count - 1)
        let lower = max(0, Int(rank.rounded(.down)))
        let upper = min(sorted.count - 1, lower + 1)
        let weight = rank - rank.rounded(.down)
        return sorted[lower] * (1 - weight) + sorted[upper] * weight
    }
}
