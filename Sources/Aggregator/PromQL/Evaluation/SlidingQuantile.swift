import Telemetry

/// The values of a window in order. A step puts in what is new and takes out what has left, each by a search and one move
/// of memory, rather than sorting the window again.
struct SlidingQuantile {
    /// Ascending, without NaN.
    private var sorted: [Double] = []
    /// NaN counts as smaller than any number.
    private var nanCount = 0

    var count: Int { sorted.count + nanCount }

    @inline(__always)
    static func run(_ values: [Double], _ cuts: WindowCuts, into result: inout [Double], _ value: (SlidingQuantile, Int) -> Double) {
        var window = SlidingQuantile()
        var held = 0..<0
        for step in 0..<cuts.count {
            let range = cuts.range(step)
            guard !range.isEmpty else { continue }
            let arriving = max(held.upperBound, range.lowerBound)..<range.upperBound
            if range.lowerBound >= held.upperBound || arriving.count * 4 > range.count {
                window.fill(values[range])
            } else {
                let pairs = min(range.lowerBound - held.lowerBound, arriving.count)
                for pair in 0..<pairs { window.replace(values[held.lowerBound + pair], values[arriving.lowerBound + pair]) }
                for index in held.lowerBound + pairs..<range.lowerBound { window.remove(values[index]) }
                for index in arriving.lowerBound + pairs..<arriving.upperBound { window.insert(values[index]) }
            }
            held = range
            result[step] = value(window, step)
        }
    }

    private mutating func fill(_ values: ArraySlice<Double>) {
        sorted.removeAll(keepingCapacity: true)
        for value in values where !value.isNaN { sorted.append(value) }
        nanCount = values.count - sorted.count
        sorted.sort()
    }

    private mutating func insert(_ value: Double) {
        if value.isNaN { nanCount += 1 } else { sorted.insert(value, at: place(of: value)) }
    }

    private mutating func remove(_ value: Double) {
        if value.isNaN { nanCount -= 1 } else { sorted.remove(at: place(of: value)) }
    }

    /// Takes one value out and puts another in: only what lies between their places moves.
    private mutating func replace(_ old: Double, _ new: Double) {
        guard !old.isNaN, !new.isNaN else {
            remove(old)
            insert(new)
            return
        }
        let from = place(of: old)
        let to = place(of: new)
        unsafe sorted.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            // `old` is in the list, so `from` is below its count, and `to` is at most that.
            if to > from {
                unsafe (base + from).update(from: base + from + 1, count: to - from - 1)
                unsafe base[to - 1] = new
            } else {
                unsafe (base + to + 1).update(from: base + to, count: from - to)
                unsafe base[to] = new
            }
        }
    }

    /// The first place whose value is not below `value`.
    private func place(of value: Double) -> Int {
        // Halves without branches, which cannot be foreseen.
        let span = sorted.span
        var base = 0
        var count = span.count
        while count > 0 {
            let half = (count + 1) / 2
            base += span[base + half - 1] < value ? half : 0
            count -= half
        }
        return base
    }

    private func element(_ rank: Int) -> Double { rank < nanCount ? .nan : sorted[rank - nanCount] }

    /// With linear interpolation between neighbours.
    func quantile(_ phi: Double) -> Double {
        guard count > 0, !phi.isNaN else { return .nan }
        if phi < 0 { return -.infinity }
        if phi > 1 { return .infinity }
        let rank = phi * Double(count - 1)
        let lower = max(0, Int(rank.rounded(.down)))
        let upper = min(count - 1, lower + 1)
        let weight = rank - rank.rounded(.down)
        return element(lower) * (1 - weight) + element(upper) * weight
    }

    /// The median of the distances from the median.
    var medianDeviation: Double {
        let median = quantile(0.5)
        var distances = SlidingQuantile()
        distances.fill(sorted.map { ($0 - median).magnitude }[...])
        distances.nanCount += nanCount
        return distances.quantile(0.5)
    }
}
