/// A sum that keeps the low bits which plain addition loses (Neumaier's form of Kahan's algorithm).
struct CompensatedSum: Sendable {
    private(set) var sum = 0.0
    private(set) var compensation = 0.0

    init(_ first: Double = 0) { sum = first }

    mutating func add(_ value: Double) {
        let total = sum + value
        // What the addition lost, exactly, whichever of the two is greater (Knuth's TwoSum): no branch, unlike Neumaier's own form.
        let taken = total - sum
        let lost = (sum - (total - taken)) + (value - taken)
        // An infinite sum has no low bits; its compensation would be NaN.
        compensation = total.isInfinite ? 0 : compensation + lost
        sum = total
    }

    mutating func addCompensation(_ other: Double) { if !sum.isInfinite { compensation += other } }

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

    mutating func merge(_ later: CompensatedMean) {
        guard later.count > 0 else { return }
        guard count > 0 else {
            self = later
            return
        }
        if !isIncremental, !later.isIncremental {
            var next = total
            next.merge(later.total)
            if !next.value.isInfinite || total.value.isInfinite || later.total.value.isInfinite {
                total = next
                count += later.count
                return
            }
        }
        let sum = count + later.count
        var joined = CompensatedSum(value * (count / sum))
        joined.add(later.value * (later.count / sum))
        total = joined
        count = sum
        isIncremental = true
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

    /// Joins the deviation of other values (Chan, Golub and LeVeque).
    mutating func merge(_ other: Deviation) {
        guard other.count > 0 else { return }
        guard count > 0 else {
            self = other
            return
        }
        let total = count + other.count
        let delta = other.mean.value - mean.value
        squares.merge(other.squares)
        squares.add(delta * delta * (count * other.count / total))
        mean.add(delta * (other.count / total))
        count = total
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
        return quantile(phi, sorted: values.sorted { $0.isNaN ? !$1.isNaN : $0 < $1 })
    }

    /// The same of at least one value in ascending order, NaN first; `phi` is in [0, 1].
    static func quantile(_ phi: Double, sorted: [Double]) -> Double {
        let rank = phi * Double(sorted.count - 1)
        let lower = max(0, Int(rank.rounded(.down)))
        let upper = min(sorted.count - 1, lower + 1)
        let weight = rank - rank.rounded(.down)
        return sorted[lower] * (1 - weight) + sorted[upper] * weight
    }
}
