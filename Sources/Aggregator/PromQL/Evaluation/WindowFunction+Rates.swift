import Telemetry

/// How a difference between a window's first and last sample is stretched over the window: the same for all series that
/// share their moments (Prometheus promql/functions.go, extrapolatedRate).
struct RateStretch: Sendable {
    /// Seconds between the first and the last sample; NaN if there are not two.
    private(set) var sampled: Double
    private var toStart: Double
    private var toEnd: Double
    /// 1, or the window's seconds for rate.
    private var divisor: Double
    fileprivate private(set) var factor: Double
    /// A counter whose first value is at most this times the difference may have been zero inside the window.
    fileprivate var nearZero: Double { toStart / sampled * 1.000_001 }

    /// Times are in milliseconds; the window is `(start, end]`.
    init(count: Int, from: Int64, through: Int64, start: Int64, end: Int64, isRate: Bool) {
        var toStart = Double(from - start) / 1000
        var toEnd = Double(end - through) / 1000
        sampled = count > 1 ? Double(through - from) / 1000 : .nan
        let averageGap = sampled / Double(count - 1)
        // An edge 1.1 average gaps from the nearest sample or farther means that the series began or ended
        // inside the window: then half a gap is added, not the way to the edge.
        let threshold = averageGap * 1.1
        if toStart >= threshold { toStart = averageGap / 2 }
        if toEnd >= threshold { toEnd = averageGap / 2 }
        self.toStart = toStart
        self.toEnd = toEnd
        // The nominal length, not the time between samples.
        divisor = isRate ? Double(end - start) / 1000 : 1
        factor = (sampled + toStart + toEnd) / sampled / divisor
    }

    /// The difference over the whole window. A counter cannot have been below zero, so it is not stretched past the
    /// moment when it would have been.
    func apply(_ difference: Double, firstValue: Double, isCounter: Bool) -> Double {
        if isCounter, difference > 0, firstValue >= 0 {
            let toZero = sampled * (firstValue / difference)
            if toZero < toStart { return difference * ((sampled + toZero + toEnd) / sampled / divisor) }
        }
        return difference * factor
    }
}

/// The stretches of all windows, and by themselves the two figures with which most samples are done: most counters are far from zero.
struct RateStretches: Sendable {
    private let all: [RateStretch]
    private let factors: [Double]
    private let nearZero: [Double]

    init(_ timestamps: [Int64], _ cuts: WindowCuts, _ context: WindowContext, isRate: Bool) {
        all = (0..<cuts.count).map { step in
            let range = cuts.range(step)
            let end = context.end(step)
            return RateStretch(
                count: range.count, from: range.isEmpty ? 0 : timestamps[range.lowerBound], through: range.isEmpty ? 0 : timestamps[range.upperBound - 1],
                start: end - context.range, end: end, isRate: isRate)
        }
        factors = all.map(\.factor)
        nearZero = all.map(\.nearZero)
    }

    /// For samples that never fall, or a gauge's.
    fileprivate func apply(_ samples: Span<Double>, _ cuts: WindowCuts, isCounter: Bool, into output: inout MutableSpan<Double>) {
        let lows = cuts.low.span, highs = cuts.high.span, factors = factors.span, nearZero = nearZero.span
        for step in lows.indices {
            let first = Int(lows[step]), last = Int(highs[step]) - 1
            guard last > first else { continue }
            let firstValue = samples[first]
            let difference = samples[last] - firstValue
            let isNear = isCounter && difference > 0 && firstValue >= 0 && firstValue <= nearZero[step] * difference
            output[step] = isNear ? all[step].apply(difference, firstValue: firstValue, isCounter: true) : difference * factors[step]
        }
    }

    fileprivate func apply(_ difference: Double, firstValue: Double, step: Int) -> Double {
        all[step].apply(difference, firstValue: firstValue, isCounter: true)
    }
}

extension WindowFunction {
    /// rate, increase and delta. With `isAscending` no value is known to be below the one before it.
    func extrapolate(_ values: [Double], _ cuts: WindowCuts, _ stretches: RateStretches, isAscending: Bool, into result: inout [Double]) {
        let isCounter = self != .delta
        // Where the counter falls; most never do, so a list is cheaper than a sum for each sample.
        var resets: [Int] = []
        if isCounter, !isAscending, let first = values.first {
            var before = first
            for (index, value) in values.enumerated() {
                if value < before { resets.append(index) }
                before = value
            }
        }
        var output = result.mutableSpan
        if resets.isEmpty {
            stretches.apply(values.span, cuts, isCounter: isCounter, into: &output)
        } else {
            extrapolate(values.span, cuts, stretches, resets, into: &output)
        }
    }

    /// For a counter that falls at `resets`.
    private func extrapolate(
        _ samples: Span<Double>, _ cuts: WindowCuts, _ stretches: RateStretches, _ resets: [Int], into output: inout MutableSpan<Double>
    ) {
        let lows = cuts.low.span, highs = cuts.high.span
        var reset = 0
        for step in lows.indices {
            let first = Int(lows[step]), last = Int(highs[step]) - 1
            guard last > first else { continue }
            var difference = samples[last] - samples[first]
            while reset < resets.count, resets[reset] <= first { reset += 1 }
            var next = reset
            while next < resets.count, resets[next] <= last {
                difference += samples[resets[next] - 1]
                next += 1
            }
            output[step] = stretches.apply(difference, firstValue: samples[first], step: step)
        }
    }
}

/// `anchored` and `smoothed` ranges: they read samples beyond their window, but never guess what lies between.
extension WindowFunction {
    /// `samples` reach one look-back further than each window, for `smoothed` on both sides. Stale markers are left out.
    func extended(_ samples: SampleRun, _ looksBeyond: SelectorExtension, _ context: WindowContext, lookback: Int64, count: Int) -> [Double] {
        let times = samples.timestamps
        var result = Array(repeating: Double.absent, count: count)
        var low = 0
        var high = 0
        for step in 0..<count {
            let end = context.end(step)
            let start = end - context.range
            while low < times.count, times[low] <= start - lookback { low += 1 }
            let limit = looksBeyond == .smoothed ? end + lookback : end
            while high < times.count, times[high] <= limit { high += 1 }
            guard low < high else { continue }
            // The last sample at or before the start, or else the first.
            var first = low
            while first + 1 < high, times[first + 1] <= start { first += 1 }
            var last = high - 1
            if looksBeyond == .smoothed {
                last = first
                while last + 1 < high, times[last] < end { last += 1 }
            }
            guard times[last] > start else { continue }
            result[step] = value(samples, first, last, start, end, isSmoothed: looksBeyond == .smoothed, range: context.range)
        }
        return result
    }

    private func value(_ samples: SampleRun, _ first: Int, _ last: Int, _ start: Int64, _ end: Int64, isSmoothed: Bool, range: Int64) -> Double {
        let isCounter = self == .rate || self == .increase
        let times = samples.timestamps, values = samples.values
        let left = isSmoothed && times[first] < start ? interpolate(samples, first, first + 1, start, isCounter) : values[first]
        let right = isSmoothed && last > 0 && times[last] > end ? interpolate(samples, last - 1, last, end, isCounter) : values[last]
        // Both edges are accounted for; what is between them is left.
        let inner = (times[first] <= start ? first + 1 : first)..<max(times[first] <= start ? first + 1 : first, times[last] >= end ? last : last + 1)
        if self == .changes || self == .resets {
            var count = 0.0
            var previous = left
            for value in values[inner] + [right] {
                if self == .resets ? value < previous : value != previous && !(value.isNaN && previous.isNaN) { count += 1 }
                previous = value
            }
            return count
        }
        var result = right - left
        if isCounter {
            var previous = left
            for value in values[inner] + [right] {
                if value < previous { result += previous }
                previous = value
            }
        }
        return self == .rate ? result / (Double(range) / 1000) : result
    }

    /// On the straight line between two samples; a counter that fell is taken to have started at nought.
    private func interpolate(_ samples: SampleRun, _ before: Int, _ after: Int, _ time: Int64, _ isCounter: Bool) -> Double {
        let from = isCounter && samples.values[after] < samples.values[before] ? 0 : samples.values[before]
        let share = Double(time - samples.timestamps[before]) / Double(samples.timestamps[after] - samples.timestamps[before])
        return from + (samples.values[after] - from) * share
    }
}
