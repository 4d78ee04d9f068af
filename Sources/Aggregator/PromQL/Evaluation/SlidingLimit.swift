/// The least or greatest value of each window: `SlidingFold` for states that are plain numbers, several times as fast.
enum SlidingLimit {
    /// `pick` gives one of two values, the earlier one first.
    @inline(__always)
    static func run(_ values: [Double], _ cuts: WindowCuts, into result: inout [Double], pick: (Double, Double) -> Double) {
        guard cuts.total > 2 * values.count else {
            for step in 0..<cuts.count {
                let range = cuts.range(step)
                guard !range.isEmpty else { continue }
                var best = values[range.lowerBound]
                for index in range.dropFirst() { best = pick(best, values[index]) }
                result[step] = best
            }
            return
        }
        // As in `SlidingFold`: `tails[i]` is the best from `i` up to the boundary, `front` that from the boundary on.
        var tails = values
        var boundary = 0
        var front = 0.0
        var frontEnd = 0
        for step in 0..<cuts.count {
            let low = Int(cuts.low[step]), high = Int(cuts.high[step])
            guard low < high else { continue }
            if low >= boundary || high < frontEnd {
                boundary = high
                frontEnd = high
                var best = values[high - 1]
                tails[high - 1] = best
                var index = high - 2
                while index >= low {
                    best = pick(values[index], best)
                    tails[index] = best
                    index -= 1
                }
            }
            while frontEnd < high {
                front = frontEnd == boundary ? values[frontEnd] : pick(front, values[frontEnd])
                frontEnd += 1
            }
            result[step] = frontEnd > boundary ? pick(tails[low], front) : tails[low]
        }
    }
}
