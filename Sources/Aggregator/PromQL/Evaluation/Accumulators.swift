import Telemetry

/// What is known of a run of values. Runs that follow each other can be joined, so that sliding windows need not be
/// read anew and two cores can share an aggregation.
protocol Accumulator: Sendable {
    init()
    mutating func add(_ value: Double)
    /// Joins a run that comes after this one.
    mutating func merge(_ later: Self)
    /// Of at least one value.
    var value: Double { get }
    /// Whether values do not matter, so that many of one moment can be taken in at once.
    static var isBlind: Bool { get }
    /// Takes in `count` values at once; only if it is blind.
    mutating func add(count: Int)
}

extension Accumulator {
    static var isBlind: Bool { false }
    mutating func add(count: Int) { preconditionFailure("the values matter") }
}

extension CompensatedSum: Accumulator {
    init() { self.init(0) }
    mutating func merge(_ later: CompensatedSum) {
        add(later.sum)
        addCompensation(later.compensation)
    }
}

extension CompensatedMean: Accumulator {}

struct CountAccumulator: Accumulator {
    private(set) var value = 0.0
    static var isBlind: Bool { true }
    mutating func add(_: Double) { value += 1 }
    mutating func add(count: Int) { value += Double(count) }
    mutating func merge(_ later: CountAccumulator) { value += later.value }
}

/// Always 1.
struct GroupAccumulator: Accumulator {
    var value: Double { 1 }
    static var isBlind: Bool { true }
    mutating func add(_: Double) {}
    mutating func add(count: Int) {}
    mutating func merge(_: GroupAccumulator) {}
}

/// NaN gives way to any number.
struct MinimumAccumulator: Accumulator {
    private(set) var value = Double.nan
    mutating func add(_ other: Double) { if other < value || value.isNaN { value = other } }
    mutating func merge(_ later: MinimumAccumulator) { add(later.value) }
}

struct MaximumAccumulator: Accumulator {
    private(set) var value = Double.nan
    mutating func add(_ other: Double) { if other > value || value.isNaN { value = other } }
    mutating func merge(_ later: MaximumAccumulator) { add(later.value) }
}

/// Population variance.
struct VarianceAccumulator: Accumulator {
    private var deviation = Deviation()
    mutating func add(_ value: Double) { deviation.add(value) }
    mutating func merge(_ later: VarianceAccumulator) { deviation.merge(later.deviation) }
    var value: Double { deviation.variance }
}

struct DeviationAccumulator: Accumulator {
    private var deviation = Deviation()
    mutating func add(_ value: Double) { deviation.add(value) }
    mutating func merge(_ later: DeviationAccumulator) { deviation.merge(later.deviation) }
    var value: Double { deviation.standardDeviation }
}

/// Least squares of values over time in seconds, by centred moments (Chan, Golub and LeVeque), which lose no digits
/// to a far origin.
struct Regression: Sendable {
    private var count = 0.0
    private var meanX = 0.0
    private var meanY = 0.0
    private var momentXX = 0.0
    private var momentXY = 0.0
    private var first = 0.0
    private var isConstant = true

    mutating func add(x: Double, y: Double) {
        if count == 0 { first = y } else if y != first { isConstant = false }
        count += 1
        let deltaX = x - meanX
        meanX += deltaX / count
        meanY += (y - meanY) / count
        momentXX += deltaX * (x - meanX)
        momentXY += deltaX * (y - meanY)
    }

    mutating func merge(_ later: Regression) {
        guard later.count > 0 else { return }
        guard count > 0 else {
            self = later
            return
        }
        let total = count + later.count
        let deltaX = later.meanX - meanX, deltaY = later.meanY - meanY
        let weight = count * later.count / total
        momentXX += later.momentXX + deltaX * deltaX * weight
        momentXY += later.momentXY + deltaX * deltaY * weight
        meanX += deltaX * later.count / total
        meanY += deltaY * later.count / total
        count = total
        isConstant = isConstant && later.isConstant && first == later.first
    }

    /// Exactly nought for equal values, where rounding would leave a trace; NaN for equal infinities.
    var slope: Double { isConstant ? (first.isInfinite ? .nan : 0) : momentXY / momentXX }

    func value(at x: Double) -> Double {
        if isConstant { return first.isInfinite ? .nan : first }
        return meanY + slope * (x - meanX)
    }
}
