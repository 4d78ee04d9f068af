import Telemetry

/// A state that can take in one that comes after it.
protocol Mergeable: Sendable {
    init()
    mutating func merge(_ later: Self)
}

/// Folds over windows that move forward, with a bounded number of steps a sample however much windows overlap.
///
/// Windows that hardly overlap are read as they are. For others the samples are parted at a boundary inside the
/// window: runs that end at the boundary are kept for each start, one that begins at it grows with the window. A
/// window is then one run of each kind. Nothing is ever subtracted, so no digits are lost.
enum SlidingFold<State> {}

extension SlidingFold where State: Mergeable {
    @inline(__always)
    static func run(count: Int, _ cuts: WindowCuts, add: (inout State, Int) -> Void, emit: (Int, State, Range<Int>) -> Void) {
        guard cuts.total > 2 * count else {
            for step in 0..<cuts.count {
                let range = cuts.range(step)
                guard !range.isEmpty else { continue }
                var state = State()
                for index in range { add(&state, index) }
                emit(step, state, range)
            }
            return
        }
        var boundary = 0
        // `tails[i]` is the run from `base + i` up to the boundary.
        var tails: [State] = []
        var base = 0
        var front = State()
        var frontEnd = 0
        for step in 0..<cuts.count {
            let range = cuts.range(step)
            guard !range.isEmpty else { continue }
            if range.lowerBound >= boundary || range.upperBound < frontEnd {
                // The window has left the boundary behind: part it anew at its end.
                boundary = range.upperBound
                base = range.lowerBound
                tails = Array(repeating: State(), count: range.count)
                for index in range.reversed() {
                    var state = State()
                    add(&state, index)
                    if index + 1 < boundary { state.merge(tails[index + 1 - base]) }
                    tails[index - base] = state
                }
                front = State()
                frontEnd = boundary
            }
            while frontEnd < range.upperBound {
                add(&front, frontEnd)
                frontEnd += 1
            }
            var state = tails[range.lowerBound - base]
            if frontEnd > boundary { state.merge(front) }
            emit(step, state, range)
        }
    }
}

/// An accumulator as a sliding state.
private struct Sliding<A: Accumulator>: Mergeable {
    var accumulator = A()
    mutating func merge(_ later: Sliding<A>) { accumulator.merge(later.accumulator) }
}

extension SlidingFold where State: Accumulator {
    static func run(_ values: [Double], _ cuts: WindowCuts, into result: inout [Double]) {
        SlidingFold<Sliding<State>>.run(count: values.count, cuts) {
            $0.accumulator.add(values[$1])
        } emit: { step, state, _ in
            result[step] = state.accumulator.value
        }
    }
}

/// The place of the least or greatest value of each window. NaN only if there is nothing else.
enum SlidingExtreme {
    /// Places in the window, best first, each later than the one before (a monotone queue). With `isBetter` true for
    /// equal values the last of them counts.
    @inline(__always)
    static func run(_ values: [Double], _ cuts: WindowCuts, isBetter: (Double, Double) -> Bool, emit: (Int, Int) -> Void) {
        var queue: [Int] = []
        var head = 0
        var next = 0
        for step in 0..<cuts.count {
            let range = cuts.range(step)
            guard !range.isEmpty else { continue }
            next = max(next, range.lowerBound)
            while next < range.upperBound {
                let value = values[next]
                while queue.count > head, let back = queue.last, values[back].isNaN || isBetter(value, values[back]) {
                    queue.removeLast()
                }
                queue.append(next)
                next += 1
            }
            while head < queue.count, queue[head] < range.lowerBound { head += 1 }
            if head > 1024, head * 2 > queue.count {
                queue.removeFirst(head)
                head = 0
            }
            emit(step, queue[head])
        }
    }
}
