public import Telemetry

/// The moments of a metric query: an instant is one step.
public struct LogSteps: Sendable, Hashable {
    /// Nanoseconds since 1970.
    public var start: Int64
    public var step: Int64
    public var count: Int

    public init(at time: Int64) { (start, step, count) = (time, 1_000_000_000, 1) }

    /// `start`, `start + step` … up to `end`. A step must be above 0.
    public init(from start: Int64, through end: Int64, step: Int64) {
        precondition(step > 0, "a step is above 0")
        self.start = start
        self.step = step
        count = end < start ? 0 : Int((end - start) / step) + 1
    }

    public func time(_ index: Int) -> Int64 { start + Int64(index) * step }
}

/// The numbers of one series, one for each step.
public struct LogSeries: Sendable, Hashable {
    public var labels: Labels
    /// `.absent` where there is none.
    public var values: [Double]

    public init(_ labels: Labels, _ values: [Double]) {
        self.labels = labels
        self.values = values
    }

    var isEmpty: Bool { values.allSatisfy(\.isAbsent) }
}

public struct LogMetricResult: Sendable {
    public enum Value: Sendable {
        /// A number for each step.
        case scalar([Double])
        /// By labels, or for an instant in the order that the query asks for.
        case vector([LogSeries])
    }
    public var value: Value
    public var steps: LogSteps
    public var statistics: LogStatistics
    /// Whether the answer came from counts that were kept when the lines were written.
    public var isFromCounts: Bool
}
