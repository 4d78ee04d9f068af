/// Which of two values a window keeps. NaN gives way to any number.
protocol Limit {
    static func pick(_ earlier: Double, _ later: Double) -> Double
}

enum Least: Limit {
    @inline(__always) static func pick(_ earlier: Double, _ later: Double) -> Double { later < earlier || earlier.isNaN ? later : earlier }
}

enum Greatest: Limit {
    @inline(__always) static func pick(_ earlier: Double, _ later: Double) -> Double { later > earlier || earlier.isNaN ? later : earlier }
}

/// The least or greatest value of each window: `SlidingFold` for states that are plain numbers.
enum SlidingLimit<Kept: Limit> {
    static func run(_ values: [Double], _ cuts: WindowCuts, into result: inout [Double]) {
        let samples = values.span, lows = cuts.low.span, highs = cuts.high.span
        var output = result.mutableSpan
        guard cuts.total > 2 * values.count else {
            for step in lows.indices where lows[step] < highs[step] {
                var best = samples[Int(lows[step])]
                for index in Int(lows[step]) + 1..<Int(highs[step]) { best = Kept.pick(best, samples[index]) }
                output[step] = best
            }
            return
        }
        // As in `SlidingFold`: `tails[i]` is the best from `i` up to the boundary, `front` that from the boundary on.
        var kept = values
        var tails = kept.mutableSpan
        var boundary = 0
        var front = 0.0
        var frontEnd = 0
        for step in lows.indices {
            let low = Int(lows[step]), high = Int(highs[step])
            guard low < high else { continue }
            if low >= boundary || high < frontEnd {
                boundary = high
                frontEnd = high
                var best = samples[high - 1]
                tails[high - 1] = best
                var index = high - 2
                while index >= low {
                    best = Kept.pick(samples[index], best)
                    tails[index] = best
                    index -= 1
                }
            }
            while frontEnd < high {
                front = frontEnd == boundary ? samples[frontEnd] : Kept.pick(front, samples[frontEnd])
                frontEnd += 1
            }
            output[step] = frontEnd > boundary ? Kept.pick(tails[low], front) : tails[low]
        }
    }
}
