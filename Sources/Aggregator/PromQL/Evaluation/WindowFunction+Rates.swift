import Telemetry

extension WindowFunction {
    /// rate, increase and delta with extrapolation to the window's edges (Prometheus promql/functions.go, extrapolatedRate).
    func extrapolate(_ timestamps: [Int64], _ values: [Double], _ cuts: WindowCuts, _ context: WindowContext, into result: inout [Double]) {
        let isCounter = self != .delta
        // Where the counter falls; most never do, so a list is cheaper than a sum for each sample.
        var resets: [Int] = []
        if isCounter {
            for index in values.indices.dropFirst() where values[index] < values[index - 1] { resets.append(index) }
        }
        var reset = 0
        for step in 0..<cuts.count {
            let range = cuts.range(step)
            guard range.count > 1 else { continue }
            let first = range.lowerBound, last = range.upperBound - 1
            var difference = values[last] - values[first]
            while reset < resets.count, resets[reset] <= first { reset += 1 }
            var next = reset
            while next < resets.count, resets[next] <= last {
                difference += values[resets[next] - 1]
                next += 1
            }
            let end = context.end(step)
            result[step] = spread(
                difference, firstValue: values[first], count: range.count, from: timestamps[first], through: timestamps[last],
                start: end - context.range, end: end)
        }
    }

    /// A difference between samples, stretched over the window `(start, end]`. Times are in milliseconds.
    @inline(__always)
    private func spread(
        _ difference: Double, firstValue: Double, count: Int, from: Int64, through: Int64, start: Int64, end: Int64
    ) -> Double {
        var toStart = Double(from - start) / 1000
        var toEnd = Double(end - through) / 1000
        let sampled = Double(through - from) / 1000
        let averageGap = sampled / Double(count - 1)
        // An edge 1.1 average gaps from the nearest sample or farther means that the series began or ended
        // inside the window: then half a gap is added, not the way to the edge.
        let threshold = averageGap * 1.1
        if toStart >= threshold { toStart = averageGap / 2 }
        if self != .delta, difference > 0, firstValue >= 0 {
            // A counter cannot have been below zero, so do not extend past the moment when it would have been.
            toStart = min(toStart, sampled * (firstValue / difference))
        }
        if toEnd >= threshold { toEnd = averageGap / 2 }
        var factor = (sampled + toStart + toEnd) / sampled
        // The nominal length, not the time between samples.
        if self == .rate { factor /= Double(end - start) / 1000 }
        return difference * factor
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
