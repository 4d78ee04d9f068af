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
        /// Samples and points held at once at most; counted by what was made, so never too low.
        public var peakSamples = 0
        public init() {}
    }

    public var value: Value
    public var warnings: [String]
    public var infos: [String]
    public var statistics: Statistics

    public init(value: Value, warnings: [String] = [], infos: [String] = [], statistics: Statistics = Statistics()) {
        self.value = value
        self.warnings = warnings
        self.infos = infos
        self.statistics = statistics
    }
}
