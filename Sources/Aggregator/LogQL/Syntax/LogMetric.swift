/// An expression whose value is numbers.
public indirect enum LogMetric: Sendable, Hashable {
    case number(Double)
    /// One element without labels.
    case vector(Double)
    case range(RangeAggregation)
    case aggregation(VectorAggregation)
    case binary(LogBinary)
    case labelReplace(LogMetric, destination: String, replacement: String, source: String, pattern: String)
}

/// A function over the lines of a sliding window: `rate({app="web"} | json [5m])`.
public struct RangeAggregation: Sendable, Hashable {
    public enum Operation: String, Sendable, Hashable, CaseIterable {
        case countOverTime = "count_over_time"
        case rate
        case bytesOverTime = "bytes_over_time"
        case bytesRate = "bytes_rate"
        case absentOverTime = "absent_over_time"
        case rateCounter = "rate_counter"
        case sumOverTime = "sum_over_time"
        case averageOverTime = "avg_over_time"
        case minimumOverTime = "min_over_time"
        case maximumOverTime = "max_over_time"
        case firstOverTime = "first_over_time"
        case lastOverTime = "last_over_time"
        case varianceOverTime = "stdvar_over_time"
        case deviationOverTime = "stddev_over_time"
        case quantileOverTime = "quantile_over_time"

        var allowsGrouping: Bool {
            switch self {
            case .countOverTime, .rate, .bytesOverTime, .bytesRate, .absentOverTime, .rateCounter, .sumOverTime: false
            default: true
            }
        }
        /// Whether `unwrap` must, may or must not stand in its range.
        var unwrapping: Unwrapping {
            switch self {
            case .countOverTime, .bytesOverTime, .bytesRate: .forbidden
            case .rate, .absentOverTime: .allowed
            default: .needed
            }
        }
        enum Unwrapping { case forbidden, allowed, needed }
    }

    public var operation: Operation
    /// The quantile.
    public var parameter: Double?
    public var pipeline: LogPipeline
    public var unwrap: Unwrap?
    /// Nanoseconds.
    public var range: Int64
    /// Nanoseconds; the window is moved back by it.
    public var offset: Int64
    public var grouping: LabelGrouping?

    public init(
        _ operation: Operation, _ pipeline: LogPipeline, range: Int64, parameter: Double? = nil, unwrap: Unwrap? = nil, offset: Int64 = 0,
        grouping: LabelGrouping? = nil
    ) {
        self.operation = operation
        self.parameter = parameter
        self.pipeline = pipeline
        self.unwrap = unwrap
        self.range = range
        self.offset = offset
        self.grouping = grouping
    }
}

/// The label whose value is the sample.
public struct Unwrap: Sendable, Hashable {
    public enum Conversion: String, Sendable, Hashable, CaseIterable {
        case bytes
        /// Seconds, as `duration_seconds`.
        case duration
        case durationSeconds = "duration_seconds"
    }
    public var label: String
    public var conversion: Conversion?
    /// Asked after the value was taken, so that they can drop what failed.
    public var filters: [LabelFilter]

    public init(_ label: String, conversion: Conversion? = nil, filters: [LabelFilter] = []) {
        self.label = label
        self.conversion = conversion
        self.filters = filters
    }
}

public struct LabelGrouping: Sendable, Hashable {
    public var isWithout: Bool
    public var labels: [String]

    public init(isWithout: Bool = false, _ labels: [String]) {
        self.isWithout = isWithout
        self.labels = labels
    }
}

/// An aggregation over series: `sum by (pod) (…)`.
public struct VectorAggregation: Sendable, Hashable {
    public enum Operation: String, Sendable, Hashable, CaseIterable {
        case sum, avg, min, max, count, stddev, stdvar, topk, bottomk, sort
        case sortDescending = "sort_desc"
        case approximateTopk = "approx_topk"

        var needsParameter: Bool { self == .topk || self == .bottomk || self == .approximateTopk }
    }
    public var operation: Operation
    public var parameter: Int?
    public var grouping: LabelGrouping?
    public var inner: LogMetric

    public init(_ operation: Operation, _ inner: LogMetric, parameter: Int? = nil, grouping: LabelGrouping? = nil) {
        self.operation = operation
        self.parameter = parameter
        self.grouping = grouping
        self.inner = inner
    }
}

public struct LogBinary: Sendable, Hashable {
    public enum Operation: String, Sendable, Hashable, CaseIterable {
        case or, and, unless
        case equal = "=="
        case notEqual = "!="
        case greater = ">"
        case greaterOrEqual = ">="
        case less = "<"
        case lessOrEqual = "<="
        case add = "+"
        case subtract = "-"
        case multiply = "*"
        case divide = "/"
        case modulo = "%"
        case power = "^"

        /// How strongly it binds.
        var precedence: Int {
            switch self {
            case .or: 1
            case .and, .unless: 2
            case .equal, .notEqual, .greater, .greaterOrEqual, .less, .lessOrEqual: 3
            case .add, .subtract: 4
            case .multiply, .divide, .modulo: 5
            case .power: 6
            }
        }
        var isRightAssociative: Bool { self == .power }
        var isComparison: Bool { precedence == 3 }
        var isSet: Bool { precedence < 3 }
    }
    /// By which labels the elements of both sides find each other.
    public struct Matching: Sendable, Hashable {
        public enum Cardinality: Sendable, Hashable { case oneToOne, manyToOne, oneToMany }
        public var isOn = false
        public var labels: [String] = []
        public var cardinality = Cardinality.oneToOne
        /// Labels of the one side that go to the result.
        public var include: [String] = []
        public init() {}
    }

    public var operation: Operation
    public var left: LogMetric
    public var right: LogMetric
    public var returnsBool: Bool
    public var matching: Matching

    public init(_ operation: Operation, _ left: LogMetric, _ right: LogMetric, returnsBool: Bool = false, matching: Matching = Matching()) {
        self.operation = operation
        self.left = left
        self.right = right
        self.returnsBool = returnsBool
        self.matching = matching
    }
}
