/// Which of two values a window keeps. NaN gives way to any number.
protocol Limit {
    static func pick(_ earlier: Double, _ later: Double) -> Double
    /// The same where neither is NaN, for which the processor has an instruction.
    static func pickOfNumbers(_ earlier: Double, _ later: Double) -> Double
}

enum Least: Limit {
    @inline(__always) static func pick(_ earlier: Double, _ later: Double) -> Double { later < earlier || earlier.isNaN ? later : earlier }
    @inline(__always) static func pickOfNumbers(_ earlier: Double, _ later: Double) -> Double { later < earlier ? later : earlier }
}

enum Greatest: Limit {
    @inline(__always) static func pick(_ earlier: Double, _ later: Double) -> Double { later > earlier || earlier.isNaN ? later : earlier }
    @inline(__always) static func pickOfNumbers(_ earlier: Double, _ later: Double) -> Double { later > earlier ? later : earlier }
}

/// Windows as runs of segments, the pieces into which the edges of all windows cut the samples: worked out once for all series that
/// share their moments. A window of an hour each minute is 60 segments, whatever the samples are.
struct WindowSegments: Sendable {
    /// Where each segment begins, and where the last one ends.
    private(set) var edges: [Int32] = []
    /// For each step its first segment and the one after its last; equal if the window is empty.
    private(set) var low: [Int32] = []
    private(set) var high: [Int32] = []

    init(_ cuts: WindowCuts) {
        // Both lists of edges ascend.
        var next = 0
        var nextHigh = 0
        while next < cuts.count || nextHigh < cuts.count {
            let takesLow = next < cuts.count && (nextHigh == cuts.count || cuts.low[next] <= cuts.high[nextHigh])
            let edge = takesLow ? cuts.low[next] : cuts.high[nextHigh]
            if takesLow { next += 1 } else { nextHigh += 1 }
            if edges.last != edge { edges.append(edge) }
        }
        low = WindowSegments.places(of: cuts.low, edges)
        high = WindowSegments.places(of: cuts.high, edges)
    }

    private static func places(of cuts: [Int32], _ edges: [Int32]) -> [Int32] {
        var place = 0
        return cuts.map { cut in
            while edges[place] < cut { place += 1 }
            return Int32(place)
        }
    }
}

/// The least or greatest value of each window. The best of each segment comes first, so that each sample is looked at once and without
/// a branch; then windows slide over segments, as in `SlidingFold`. In any order the result is the same, unlike a sum's.
enum SlidingLimit<Kept: Limit> {
    /// `segments` are those of the cuts, if they are known already.
    static func run(_ values: [Double], _ cuts: WindowCuts, _ segments: WindowSegments? = nil, into result: inout [Double]) {
        // Windows that hardly overlap are read as they are, and what lies between them is not.
        guard cuts.total > 2 * cuts.used.count else { return search(values, cuts, into: &result) }
        let segments = segments ?? WindowSegments(cuts)
        guard let first = segments.edges.first, let last = segments.edges.last, first < last else { return }
        let hasNaN = values.hasNaN(in: Int(first)..<Int(last))
        let best = hasNaN ? best(values, segments, Kept.pick) : best(values, segments, Kept.pickOfNumbers)
        slide(best, segments, into: &result)
    }

    private static func search(_ values: [Double], _ cuts: WindowCuts, into result: inout [Double]) {
        let samples = values.span, lows = cuts.low.span, highs = cuts.high.span
        var output = result.mutableSpan
        for step in lows.indices where lows[step] < highs[step] {
            var best = samples[Int(lows[step])]
            for index in Int(lows[step]) + 1..<Int(highs[step]) { best = Kept.pick(best, samples[index]) }
            output[step] = best
        }
    }

    @inline(__always)
    private static func best(_ values: [Double], _ segments: WindowSegments, _ pick: (Double, Double) -> Double) -> [Double] {
        let samples = values.span, edges = segments.edges.span
        return [Double](capacity: edges.count - 1) { output in
            for segment in 0..<(edges.count - 1) {
                let start = Int(edges[segment]), end = Int(edges[segment + 1])
                // Edges ascend, so no segment is empty.
                var best = samples[start]
                for index in start + 1..<end { best = pick(best, samples[index]) }
                output.append(best)
            }
        }
    }

    private static func slide(_ best: [Double], _ segments: WindowSegments, into result: inout [Double]) {
        let samples = best.span, lows = segments.low.span, highs = segments.high.span
        var output = result.mutableSpan
        // `tails[i]` is the best from segment `i` up to the boundary, `front` that from the boundary on.
        var kept = best
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
