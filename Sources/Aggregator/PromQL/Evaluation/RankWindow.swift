/// Quantiles of windows that hold a good part of a series: all samples are sorted once, and a window is the set of the
/// places that its samples have in that order. A sample then comes and goes by one bit, where a sorted window would
/// have to be searched and moved.
struct RankWindow {
    /// One bit a place.
    private var words: [UInt64]
    /// The word in which the last answer lay, and how many places of the window lie in words before it.
    private var word = 0
    private var before = 0
    private var count = 0

    private init(places: Int) { words = Array(repeating: 0, count: (places + 63) / 64) }

    /// Whether it is quicker than `SlidingQuantile`: windows must overlap, and words must not be mostly empty.
    static func suits(_ cuts: WindowCuts) -> Bool {
        let samples = cuts.used.count
        return cuts.total > 2 * samples && cuts.total / cuts.count * 256 > samples
    }

    /// The quantile `phi` of each step; out of range it is infinite, as in `SlidingQuantile`.
    static func run(_ values: [Double], _ cuts: WindowCuts, phi: [Double], into result: inout [Double]) {
        let used = cuts.used
        let order = RankOrder(values, used)
        let samples = values.span, sorted = order.sorted.span, places = order.places.span
        var window = RankWindow(places: used.count)
        var held = used.lowerBound..<used.lowerBound
        for step in 0..<cuts.count {
            let range = cuts.range(step)
            guard !range.isEmpty else { continue }
            for index in held.lowerBound..<min(held.upperBound, range.lowerBound) { window.remove(Int(places[index - used.lowerBound])) }
            for index in max(held.upperBound, range.lowerBound)..<range.upperBound { window.insert(Int(places[index - used.lowerBound])) }
            held = range
            let phi = phi[step]
            guard phi >= 0, phi <= 1 else {
                result[step] = phi.isNaN ? .nan : phi < 0 ? -.infinity : .infinity
                continue
            }
            let rank = phi * Double(window.count - 1)
            let lower = Int(rank.rounded(.down))
            let weight = rank - rank.rounded(.down)
            let (first, second) = window.places(lower)
            let low = samples[used.lowerBound + Int(sorted[first])], high = samples[used.lowerBound + Int(sorted[second])]
            result[step] = low * (1 - weight) + high * weight
        }
    }

    @inline(__always)
    private mutating func insert(_ place: Int) {
        words[place >> 6] |= 1 << UInt64(place & 63)
        if place >> 6 < word { before += 1 }
        count += 1
    }

    @inline(__always)
    private mutating func remove(_ place: Int) {
        words[place >> 6] &= ~(1 << UInt64(place & 63))
        if place >> 6 < word { before -= 1 }
        count -= 1
    }

    /// The places with the rank and with the one after it; twice the same for the last.
    private mutating func places(_ rank: Int) -> (Int, Int) {
        while rank < before {
            word -= 1
            before -= words[word].nonzeroBitCount
        }
        while rank >= before + words[word].nonzeroBitCount {
            before += words[word].nonzeroBitCount
            word += 1
        }
        var bits = words[word]
        for _ in before..<rank { bits &= bits &- 1 }
        let first = word * 64 + bits.trailingZeroBitCount
        if rank + 1 >= count { return (first, first) }
        bits &= bits &- 1
        var next = word
        while bits == 0 {
            next += 1
            bits = words[next]
        }
        return (first, next * 64 + bits.trailingZeroBitCount)
    }
}

/// The order of a range of samples, NaN first: a radix sort, which only looks at bytes in which the samples differ.
struct RankOrder {
    /// For each place the sample that has it, counted from the range's start.
    private(set) var sorted: [UInt32]
    /// For each sample its place.
    private(set) var places: [UInt32]

    init(_ values: [Double], _ range: Range<Int>) {
        let count = range.count
        var keys = values[range].map(RankOrder.key)
        var order = (0..<UInt32(count)).map { $0 }
        var otherKeys = keys
        var otherOrder = order
        var differing: UInt64 = 0
        for key in keys { differing |= key ^ keys[0] }
        var starts = Array(repeating: 0, count: 256)
        for shift in stride(from: UInt64(0), to: 64, by: 8) where differing >> shift & 0xFF != 0 {
            RankOrder.pass(keys.span, order.span, shift, &starts, &otherKeys, &otherOrder)
            swap(&keys, &otherKeys)
            swap(&order, &otherOrder)
        }
        for place in order.indices { otherOrder[Int(order[place])] = UInt32(place) }
        sorted = order
        places = otherOrder
    }

    /// One pass by the byte at `shift`; keeps the order of samples that have it in common.
    private static func pass(
        _ keys: Span<UInt64>, _ order: Span<UInt32>, _ shift: UInt64, _ starts: inout [Int], _ newKeys: inout [UInt64], _ newOrder: inout [UInt32]
    ) {
        var starts = starts.mutableSpan, newKeys = newKeys.mutableSpan, newOrder = newOrder.mutableSpan
        for bucket in 0..<256 { starts[bucket] = 0 }
        for index in keys.indices { starts[Int(keys[index] >> shift & 0xFF)] += 1 }
        var next = 0
        for bucket in 0..<256 {
            let size = starts[bucket]
            starts[bucket] = next
            next += size
        }
        for index in keys.indices {
            let bucket = Int(keys[index] >> shift & 0xFF)
            let place = starts[bucket]
            starts[bucket] = place + 1
            newKeys[place] = keys[index]
            newOrder[place] = order[index]
        }
    }

    /// A whole number that is ordered as the value is.
    private static func key(_ value: Double) -> UInt64 {
        if value.isNaN { return 0 }
        let bits = value.bitPattern
        return bits >> 63 == 0 ? bits | 1 << 63 : ~bits
    }
}
