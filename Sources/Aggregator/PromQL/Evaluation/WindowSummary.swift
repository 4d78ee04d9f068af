import Telemetry

/// What a source that keeps summaries instead of samples knows of one series in one window, enough to give what several
/// functions of windows would give of the samples.
public struct WindowSummary: Sendable {
    public var count: Double
    public var min: Double
    public var max: Double
    public var sum: Double
    public var first: Double
    public var last: Double
    /// The values before each fall, added up.
    public var drops: Double
    public var resets: Double
    /// Of the first and the last sample, milliseconds since 1970.
    public var firstTime: Int64
    public var lastTime: Int64

    public init(
        count: Double, min: Double, max: Double, sum: Double, first: Double, last: Double, drops: Double, resets: Double, firstTime: Int64,
        lastTime: Int64
    ) {
        self.count = count
        self.min = min
        self.max = max
        self.sum = sum
        self.first = first
        self.last = last
        self.drops = drops
        self.resets = resets
        self.firstTime = firstTime
        self.lastTime = lastTime
    }

    /// What a summary must be exact in for a function to be: see `need(of:)`.
    public enum Need: Sendable {
        /// Only what adding cannot round.
        case nothing
        /// The sum of all values.
        case sum
        /// The sum of the values before falls, in their order.
        case drops
    }

    /// What the function, by its PromQL name, needs; nil if it cannot be worked out from a summary.
    public static func need(of function: String) -> Need? {
        switch WindowFunction(rawValue: function) {
        case .minOverTime, .maxOverTime, .countOverTime, .presentOverTime, .lastOverTime, .firstOverTime, .resets, .delta, .tsOfLastOverTime,
            .tsOfFirstOverTime:
            .nothing
        case .sumOverTime, .avgOverTime: .sum
        case .rate, .increase: .drops
        default: nil
        }
    }

    /// What the function gives of the window `(end - range, end]`, milliseconds; `Double.absent` if nothing.
    public func value(of function: String, end: Int64, range: Int64) -> Double {
        guard let function = WindowFunction(rawValue: function), count > 0 else { return .absent }
        switch function {
        case .minOverTime: return min
        case .maxOverTime: return max
        case .countOverTime: return count
        case .presentOverTime: return 1
        case .lastOverTime: return last
        case .firstOverTime: return first
        case .resets: return resets
        case .sumOverTime: return sum
        case .avgOverTime: return sum / count
        case .tsOfLastOverTime: return Double(lastTime) / 1000
        case .tsOfFirstOverTime: return Double(firstTime) / 1000
        case .rate, .increase, .delta:
            guard count > 1 else { return .absent }
            let stretch = RateStretch(count: Int(count), from: firstTime, through: lastTime, start: end - range, end: end, isRate: function == .rate)
            let isCounter = function != .delta
            return stretch.apply(isCounter ? last - first + drops : last - first, firstValue: first, isCounter: isCounter)
        default: return .absent
        }
    }
}

extension SampleRequest {
    /// When each window ends that the request reads, milliseconds; only of one that may be evaluated.
    public var windowEnds: (start: Int64, step: Int64, count: Int) {
        let start = from.milliseconds - 1 + range
        guard step > 0 else { return (start, 1, 1) }
        return (start, step, Int((through.milliseconds - start) / step) + 1)
    }
}

extension SampleBlock {
    /// A column of what a function gave, at all steps; with `isFixed` they all have the same window.
    func spread(_ column: [Double], over ends: Steps, isFixed: Bool, count: Int) -> [Double] {
        if isFixed { return Array(repeating: column.first ?? .absent, count: count) }
        var result = Array(repeating: Double.absent, count: count)
        for (time, value) in zip(timestamps, column) {
            let step = Int((time - ends.start) / ends.step)
            if result.indices.contains(step) { result[step] = value }
        }
        return result
    }
}
