import Telemetry

/// A function of the samples of one series in a window of time (contracts/metrics.md 5.4).
enum WindowFunction: String, Sendable, CaseIterable {
    case rate, increase, delta, irate, idelta, changes, resets, deriv
    case predictLinear = "predict_linear"
    case doubleExponentialSmoothing = "double_exponential_smoothing"
    case holtWinters = "holt_winters"
    case avgOverTime = "avg_over_time"
    case minOverTime = "min_over_time"
    case maxOverTime = "max_over_time"
    case sumOverTime = "sum_over_time"
    case countOverTime = "count_over_time"
    case quantileOverTime = "quantile_over_time"
    case stddevOverTime = "stddev_over_time"
    case stdvarOverTime = "stdvar_over_time"
    case lastOverTime = "last_over_time"
    case firstOverTime = "first_over_time"
    case presentOverTime = "present_over_time"
    case madOverTime = "mad_over_time"
    case tsOfMinOverTime = "ts_of_min_over_time"
    case tsOfMaxOverTime = "ts_of_max_over_time"
    case tsOfLastOverTime = "ts_of_last_over_time"
    case tsOfFirstOverTime = "ts_of_first_over_time"

    var parameters: [ValueType] {
        switch self {
        case .quantileOverTime: [.scalar, .matrix]
        case .predictLinear: [.matrix, .scalar]
        case .doubleExponentialSmoothing, .holtWinters: [.matrix, .scalar, .scalar]
        default: [.matrix]
        }
    }

    var keepsName: Bool { self == .lastOverTime || self == .firstOverTime }
    /// Whether Prometheus doubts the metric's name if it does not look like a counter's.
    var isForCounters: Bool { self == .rate || self == .increase }
    /// Whether the value depends on more than the window: the step's time or a parameter of the step.
    var dependsOnStep: Bool {
        switch self {
        case .predictLinear, .quantileOverTime, .doubleExponentialSmoothing, .holtWinters: true
        default: false
        }
    }
    var stretches: Bool { self == .rate || self == .increase || self == .delta }
    var isLimit: Bool { self == .minOverTime || self == .maxOverTime }
    /// Whether only where samples are counts.
    var needsValues: Bool {
        switch self {
        case .countOverTime, .presentOverTime, .tsOfLastOverTime, .tsOfFirstOverTime: false
        default: true
        }
    }
}

/// What a window function reads besides the samples.
struct WindowContext: Sendable {
    /// Milliseconds.
    var range: Int64
    /// Where each window ends.
    var ends: Steps
    /// The query's moments, which offset does not move. As many as `ends`, or `ends` has one for all.
    var steps: Steps
    /// The function's scalars at each step; empty if it has none.
    var first: [Double] = []
    var second: [Double] = []
    var isFixed = false

    func end(_ step: Int) -> Int64 { isFixed ? ends.start : ends.time(step) }
}

extension WindowFunction {
    /// The values at all steps for samples without markers; `Double.absent` where there is none.
    /// `stretches` and `segments` are those of `timestamps`, if they are known already; `isAscending` says that no value is known to be
    /// below the one before it.
    func column(
        _ timestamps: [Int64], _ values: [Double], _ cuts: WindowCuts, _ context: WindowContext, stretches: RateStretches? = nil,
        segments: WindowSegments? = nil, isAscending: Bool = false
    ) -> [Double] {
        var result = Array(repeating: Double.absent, count: cuts.count)
        switch self {
        case .rate, .increase, .delta:
            let stretches = stretches ?? RateStretches(timestamps, cuts, context, isRate: self == .rate)
            extrapolate(values, cuts, stretches, isAscending: isAscending, into: &result)
        case .irate, .idelta: differences(timestamps, values, cuts, into: &result)
        case .changes: countSteps(values, cuts, into: &result) { $0 != $1 && !($0.isNaN && $1.isNaN) }
        case .resets: countSteps(values, cuts, into: &result) { $1 < $0 }
        case .deriv, .predictLinear: regress(timestamps, values, cuts, context, into: &result)
        case .doubleExponentialSmoothing, .holtWinters: smooth(values, cuts, context, into: &result)
        case .avgOverTime: SlidingFold<CompensatedMean>.run(values, cuts, into: &result)
        case .sumOverTime: SlidingFold<CompensatedSum>.run(values, cuts, into: &result)
        case .minOverTime: SlidingLimit<Least>.run(values, cuts, segments, into: &result)
        case .maxOverTime: SlidingLimit<Greatest>.run(values, cuts, segments, into: &result)
        case .stddevOverTime: SlidingFold<DeviationAccumulator>.run(values, cuts, into: &result)
        case .stdvarOverTime: SlidingFold<VarianceAccumulator>.run(values, cuts, into: &result)
        case .quantileOverTime where RankWindow.suits(cuts): RankWindow.run(values, cuts, phi: context.first, into: &result)
        case .quantileOverTime: SlidingQuantile.run(values, cuts, into: &result) { $0.quantile(context.first[$1]) }
        case .madOverTime: SlidingQuantile.run(values, cuts, into: &result) { window, _ in window.medianDeviation }
        case .countOverTime: eachWindow(cuts) { result[$0] = Double($1.count) }
        case .presentOverTime: eachWindow(cuts) { step, _ in result[step] = 1 }
        case .lastOverTime: eachWindow(cuts) { result[$0] = values[$1.upperBound - 1] }
        case .firstOverTime: eachWindow(cuts) { result[$0] = values[$1.lowerBound] }
        case .tsOfLastOverTime: eachWindow(cuts) { result[$0] = Double(timestamps[$1.upperBound - 1]) / 1000 }
        case .tsOfFirstOverTime: eachWindow(cuts) { result[$0] = Double(timestamps[$1.lowerBound]) / 1000 }
        case .tsOfMinOverTime: SlidingExtreme.run(values, cuts, isBetter: { $0 <= $1 }) { result[$0] = Double(timestamps[$1]) / 1000 }
        case .tsOfMaxOverTime: SlidingExtreme.run(values, cuts, isBetter: { $0 >= $1 }) { result[$0] = Double(timestamps[$1]) / 1000 }
        }
        return result
    }

    /// The steps whose windows hold samples.
    @inline(__always)
    private func eachWindow(_ cuts: WindowCuts, _ body: (Int, Range<Int>) -> Void) {
        for step in 0..<cuts.count {
            let range = cuts.range(step)
            if !range.isEmpty { body(step, range) }
        }
    }

    /// How many neighbours in each window differ as `isCounted` says: by sums from the start, which are exact for counts.
    private func countSteps(_ values: [Double], _ cuts: WindowCuts, into result: inout [Double], _ isCounted: (Double, Double) -> Bool) {
        var sums = Array(repeating: Int32(0), count: values.count)
        for index in values.indices.dropFirst() { sums[index] = sums[index - 1] + (isCounted(values[index - 1], values[index]) ? 1 : 0) }
        eachWindow(cuts) { result[$0] = Double(sums[$1.upperBound - 1] - sums[$1.lowerBound]) }
    }

    private func differences(_ timestamps: [Int64], _ values: [Double], _ cuts: WindowCuts, into result: inout [Double]) {
        eachWindow(cuts) { step, range in
            guard range.count > 1 else { return }
            let last = range.upperBound - 1
            let milliseconds = timestamps[last] - timestamps[last - 1]
            guard milliseconds > 0 else { return }
            let before = values[last - 1], now = values[last]
            result[step] = self == .irate ? (now < before ? now : now - before) / (Double(milliseconds) / 1000) : now - before
        }
    }

    private func regress(_ timestamps: [Int64], _ values: [Double], _ cuts: WindowCuts, _ context: WindowContext, into result: inout [Double]) {
        guard let origin = timestamps.first else { return }
        SlidingFold<RegressionWindow>.run(count: values.count, cuts) { window, index in
            window.regression.add(x: Double(timestamps[index] - origin) / 1000, y: values[index])
        } emit: { step, window, range in
            guard range.count > 1 else { return }
            if self == .deriv {
                result[step] = window.regression.slope
            } else {
                // From the step's own time, which offset does not move.
                let x = Double(context.steps.time(step) - origin) / 1000
                result[step] = window.regression.value(at: x) + window.regression.slope * context.first[step]
            }
        }
    }

    /// Holt's linear method: a smoothed level and a smoothed trend. Its state depends on where the window begins, so
    /// each window is read anew.
    private func smooth(_ values: [Double], _ cuts: WindowCuts, _ context: WindowContext, into result: inout [Double]) {
        eachWindow(cuts) { step, range in
            guard range.count > 1 else { return }
            let levelFactor = context.first[step], trendFactor = context.second[step]
            var before = 0.0
            var level = values[range.lowerBound]
            var trend = values[range.lowerBound + 1] - level
            for index in range.dropFirst() {
                if index > range.lowerBound + 1 { trend = trendFactor * (level - before) + (1 - trendFactor) * trend }
                before = level
                level = levelFactor * values[index] + (1 - levelFactor) * (level + trend)
            }
            result[step] = level
        }
    }
}

/// A regression that slides.
struct RegressionWindow: Mergeable {
    var regression = Regression()
    mutating func merge(_ later: RegressionWindow) { regression.merge(later.regression) }
}
