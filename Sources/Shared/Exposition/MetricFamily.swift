import Telemetry

/// A metric's name, meaning and samples, as a scrape shows them.
public struct MetricFamily: Sendable {
    public enum Kind: String, Sendable { case counter, gauge, histogram, summary, untyped }

    public struct Sample: Sendable {
        /// Appended to the family's name: `_bucket`, `_sum`, `_count` or nothing.
        public var suffix: String
        /// Without the metric's name; need not be sorted.
        public var labels: [(name: String, value: String)]
        public var value: Double
        public var timestamp: Timestamp?

        public init(suffix: String = "", labels: [(name: String, value: String)] = [], value: Double, timestamp: Timestamp? = nil) {
            self.suffix = suffix
            self.labels = labels
            self.value = value
            self.timestamp = timestamp
        }
    }

    public var name: String
    public var help: String
    public var kind: Kind
    public var samples: [Sample]

    public init(name: String, help: String, kind: Kind, samples: [Sample] = []) {
        self.name = name
        self.help = help
        self.kind = kind
        self.samples = samples
    }
}
