import Telemetry

/// What a query yields, and what is to be said about it.
public struct QueryResult: Sendable {
    public struct Sample: Sendable {
        public var labels: Labels
        public var timestamp: Timestamp
        public var value: Double
        public init(labels: Labels, timestamp: Timestamp, value: Double) {
            self.labels = labels
            self.timestamp = timestamp
            self.value = value
        }
    }

    public enum Value: Sendable {
        case scalar(Timestamp, Double)
        case string(Timestamp, String)
        /// In the order that the query asks for (`sort`, `topk`), else by labels.
        case vector([Sample])
        /// By labels.
        case matrix([SeriesSamples])

        /// The `resultType` of the HTTP API.
        public var typeName: String {
            switch self {
            case .scalar: "scalar"
            case .string: "string"
            case .vector: "vector"
            case .matrix: "matrix"
            }
        }
    }

    public struct Statistics: Sendable {
        /// Samples that the source gave.
        public var samplesRead = 0
        public var seriesRead = 0
        public var chunksDecoded = 0
        /// Samples and points held at once at most.
        public var peakSamples = 0
        /// The same with labels, as memory; an estimate.
        public var peakBytes = 0
        /// Samples in the windows of each step, those in several windows several times; only if `Engine.Options.countsSamplesPerStep` is set.
        public var samplesPerStep: [(time: Timestamp, samples: Int)] = []
        public init() {}
    }

    public var value: Value
    public var warnings: [String]
    public var infos: [String]
    public var statistics: Statistics
    /// What was done, in the order in which it began; only if `Engine.Options.explainClock` is set.
    public var plan: [PlanStep]

    public init(value: Value, warnings: [String] = [], infos: [String] = [], statistics: Statistics = Statistics(), plan: [PlanStep] = []) {
        self.value = value
        self.warnings = warnings
        self.infos = infos
        self.statistics = statistics
        self.plan = plan
    }
}

/// A node of a query that was evaluated, for `--explain`.
public struct PlanStep: Sendable {
    /// How deep it lies in the expression.
    public var depth: Int
    public var expression: String
    /// Moments at which it was evaluated.
    public var steps: Int
    /// With all that lies in it.
    public var nanoseconds: Int64
    /// Series that came out.
    public var series = 0
    /// Samples that were read, for a selector.
    public var samples = 0
    public var chunks = 0
}
