import Telemetry

/// Which samples each step's window holds: worked out once for all series that share their moments.
struct WindowCuts: Sendable {
    /// For each step the first sample in the window and the one after the last; equal if there is none.
    private(set) var low: [Int32]
    private(set) var high: [Int32]
    /// Samples in all windows together: how much work reading each window anew would be.
    private(set) var total = 0

    var count: Int { low.count }
    /// From the first sample of any window to the last.
    var used: Range<Int> {
        guard let first = low.first, let last = high.last, first < last else { return 0..<0 }
        return Int(first)..<Int(last)
    }
    func range(_ step: Int) -> Range<Int> { Int(low[step])..<Int(high[step]) }

    /// Windows `(end - length, end]` at each of `ends`.
    init(_ timestamps: [Int64], ends: Steps, length: Int64) {
        low = []
        high = []
        low.reserveCapacity(ends.count)
        high.reserveCapacity(ends.count)
        var first = 0, next = 0
        for step in 0..<ends.count {
            let end = ends.time(step)
            let start = end - length
            next = WindowCuts.advance(timestamps, from: next, past: end)
            first = WindowCuts.advance(timestamps, from: first, past: start)
            low.append(Int32(min(first, next)))
            high.append(Int32(next))
            total += max(0, next - first)
        }
    }

    /// The same window at each of `count` steps.
    init(repeating window: Range<Int>, count: Int) {
        low = Array(repeating: Int32(window.lowerBound), count: count)
        high = Array(repeating: Int32(window.upperBound), count: count)
        total = window.count * count
    }

    /// The first index at or after `from` whose time is later than `limit`: by leaps, then by halves.
    private static func advance(_ timestamps: [Int64], from: Int, past limit: Int64) -> Int {
        var low = from
        var leap = 1
        while low + leap <= timestamps.count, timestamps[low + leap - 1] <= limit {
            low += leap
            leap *= 2
        }
        // The answer lies less than `leap` further.
        var high = min(timestamps.count, low + leap - 1)
        while low < high {
            let middle = (low + high) / 2
            if timestamps[middle] <= limit { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

/// The samples of one series without markers.
struct SampleRun: Sendable {
    var timestamps: [Int64]
    var values: [Double]

    /// Leaves gaps and stale markers out. An empty column has an ordinary value at each moment.
    init(compacting timestamps: [Int64], _ values: [Double]) {
        if values.isEmpty {
            self.timestamps = timestamps
            self.values = Array(repeating: 1, count: timestamps.count)
            return
        }
        self.timestamps = []
        self.values = []
        self.timestamps.reserveCapacity(timestamps.count)
        self.values.reserveCapacity(timestamps.count)
        for index in timestamps.indices where !values[index].isMarker {
            self.timestamps.append(timestamps[index])
            self.values.append(values[index])
        }
    }

    /// Leaves gaps out only.
    init(withoutGaps timestamps: [Int64], _ values: [Double]) {
        self.timestamps = []
        self.values = []
        for index in timestamps.indices where !values[index].isAbsent {
            self.timestamps.append(timestamps[index])
            self.values.append(values[index])
        }
    }
}
