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
    var isForCounters: Bool { self == .rate || self == .increase || self == .irate || self == .resets }

    /// The window and what else a value depends on. Times are in milliseconds.
    struct Window {
        /// The window is `(start, end]`.
        var start: Int64
        var end: Int64
        /// The step's own time, which offset does not move.
        var stepTime: Int64
        var firstParameter: Double
        var secondParameter: Double
    }

    /// The value for the samples `range` of a series without stale markers; `Double.absent` if there is none.
    /// `resets` are the places where the series falls.
    func value(_ series: SeriesSamples, _ range: Range<Int>, _ window: Window, resets: [Int], firstReset: Int) -> Double {
        guard let first = range.first else { return .absent }
        let last = range.upperBound - 1
        switch self {
        case .rate, .increase, .delta: return extrapolated(series, range, window, resets, firstReset)
        case .irate, .idelta: return instantaneous(series, range)
        case .changes:
            return Double(
                range.dropFirst().count { index in
                    let before = series.values[index - 1], now = series.values[index]
                    return before != now && !(before.isNaN && now.isNaN)
                })
        case .resets: return Double(range.dropFirst().count { series.values[$0] < series.values[$0 - 1] })
        case .deriv:
            guard range.count > 1 else { return .absent }
            return regression(series, range, origin: series.timestamps[first]).slope
        case .predictLinear:
            guard range.count > 1 else { return .absent }
            let (slope, intercept) = regression(series, range, origin: window.stepTime)
            return slope * window.firstParameter + intercept
        case .doubleExponentialSmoothing, .holtWinters: return smoothed(series, range, window.firstParameter, window.secondParameter)
        case .avgOverTime:
            var mean = CompensatedMean()
            for index in range { mean.add(series.values[index]) }
            return mean.value
        case .sumOverTime:
            var sum = CompensatedSum()
            for index in range { sum.add(series.values[index]) }
            return sum.value
        case .minOverTime: return series.values[extreme(series, range, isBetter: <)]
        case .maxOverTime: return series.values[extreme(series, range, isBetter: >)]
        case .tsOfMinOverTime: return Double(series.timestamps[extreme(series, range, isBetter: <=)]) / 1000
        case .tsOfMaxOverTime: return Double(series.timestamps[extreme(series, range, isBetter: >=)]) / 1000
        case .tsOfLastOverTime: return Double(series.timestamps[last]) / 1000
        case .tsOfFirstOverTime: return Double(series.timestamps[first]) / 1000
        case .countOverTime: return Double(range.count)
        case .presentOverTime: return 1
        case .lastOverTime: return series.values[last]
        case .firstOverTime: return series.values[first]
        case .quantileOverTime: return Statistic.quantile(window.firstParameter, Array(series.values[range]))
        case .madOverTime:
            let median = Statistic.quantile(0.5, Array(series.values[range]))
            return Statistic.quantile(0.5, series.values[range].map { ($0 - median).magnitude })
        case .stddevOverTime, .stdvarOverTime:
            var deviation = Deviation()
            for index in range { deviation.add(series.values[index]) }
            return self == .stddevOverTime ? deviation.standardDeviation : deviation.variance
        }
    }

    /// The change over the window, carried to its edges where the series plausibly reaches them.
    private func extrapolated(_ series: SeriesSamples, _ range: Range<Int>, _ window: Window, _ resets: [Int], _ firstReset: Int) -> Double {
        guard range.count > 1 else { return .absent }
        let first = range.lowerBound, last = range.upperBound - 1
        let firstValue = series.values[first]
        var result = series.values[last] - firstValue
        if self != .delta {
            // What was counted before each fall to a lower value is not lost.
            var reset = firstReset
            while reset < resets.count, resets[reset] <= last {
                if resets[reset] > first { result += series.values[resets[reset] - 1] }
                reset += 1
            }
        }
        var toStart = Double(series.timestamps[first] - window.start) / 1000
        var toEnd = Double(window.end - series.timestamps[last]) / 1000
        let sampled = Double(series.timestamps[last] - series.timestamps[first]) / 1000
        let averageGap = sampled / Double(range.count - 1)
        // An edge 1.1 average gaps from the nearest sample or farther means that the series began or ended
        // inside the window: then half a gap is added, not the way to the edge.
        let threshold = averageGap * 1.1
        if toStart >= threshold { toStart = averageGap / 2 }
        if self != .delta, result > 0, firstValue >= 0 {
            // A counter cannot have been below zero, so do not extend past the moment when it would have been.
            toStart = min(toStart, sampled * (firstValue / result))
        }
        if toEnd >= threshold { toEnd = averageGap / 2 }
        var factor = (sampled + toStart + toEnd) / sampled
        // The nominal length, not the time between samples.
        if self == .rate { factor /= Double(window.end - window.start) / 1000 }
        return result * factor
    }

    private func instantaneous(_ series: SeriesSamples, _ range: Range<Int>) -> Double {
        guard range.count > 1 else { return .absent }
        let last = range.upperBound - 1
        let milliseconds = series.timestamps[last] - series.timestamps[last - 1]
        guard milliseconds > 0 else { return .absent }
        let before = series.values[last - 1], now = series.values[last]
        guard self == .irate else { return now - before }
        return (now < before ? now : now - before) / (Double(milliseconds) / 1000)
    }

    /// Least squares over seconds since `origin`.
    private func regression(_ series: SeriesSamples, _ range: Range<Int>, origin: Int64) -> (slope: Double, intercept: Double) {
        var sumX = CompensatedSum(), sumY = CompensatedSum(), sumXY = CompensatedSum(), sumX2 = CompensatedSum()
        let firstValue = series.values[range.lowerBound]
        var isConstant = true
        for index in range {
            let x = Double(series.timestamps[index] - origin) / 1000
            let y = series.values[index]
            if y != firstValue { isConstant = false }
            sumX.add(x)
            sumY.add(y)
            sumXY.add(x * y)
            sumX2.add(x * x)
        }
        // Exactly nought, where rounding would leave a trace of a slope.
        if isConstant { return firstValue.isInfinite ? (.nan, .nan) : (0, firstValue) }
        let count = Double(range.count)
        let covariance = sumXY.value - sumX.value * sumY.value / count
        let variance = sumX2.value - sumX.value * sumX.value / count
        let slope = covariance / variance
        return (slope, sumY.value / count - slope * sumX.value / count)
    }

    /// Holt's linear method: a smoothed level and a smoothed trend.
    private func smoothed(_ series: SeriesSamples, _ range: Range<Int>, _ levelFactor: Double, _ trendFactor: Double) -> Double {
        guard range.count > 1 else { return .absent }
        var before = 0.0
        var level = series.values[range.lowerBound]
        var trend = series.values[range.lowerBound + 1] - level
        for (offset, index) in range.dropFirst().enumerated() {
            if offset > 0 { trend = trendFactor * (level - before) + (1 - trendFactor) * trend }
            before = level
            level = levelFactor * series.values[index] + (1 - levelFactor) * (level + trend)
        }
        return level
    }

    /// The index of the least or greatest value; NaN only if there is nothing else.
    private func extreme(_ series: SeriesSamples, _ range: Range<Int>, isBetter: (Double, Double) -> Bool) -> Int {
        var best = range.lowerBound
        for index in range.dropFirst() where isBetter(series.values[index], series.values[best]) || series.values[best].isNaN { best = index }
        return best
    }
}
