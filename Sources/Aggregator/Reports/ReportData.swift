import Telemetry

/// What a report asks for. The query engine, the log store and the events stand behind it.
public protocol ReportData: Sendable {
    /// PromQL at one moment.
    func instant(_ query: String, at moment: Timestamp) async throws -> [(labels: Labels, value: Double)]
    /// PromQL over the period.
    func range(_ query: String, from: Timestamp, through: Timestamp, step: Duration) async throws -> [SeriesSamples]
    /// Patterns of lines of severity error or worse, the most frequent first.
    func errorPatterns(from: Timestamp, through: Timestamp, namespace: String?) async throws -> [ErrorPattern]
    /// Kubernetes events of the period, the newest first.
    func events(from: Timestamp, through: Timestamp, namespace: String?) async throws -> [ClusterEvent]
}

public struct ErrorPattern: Sendable {
    public var pattern: String
    public var count: Int
    public var first: Timestamp
    public var last: Timestamp
    public var pods: [String]
    public var example: String

    public init(pattern: String, count: Int, first: Timestamp, last: Timestamp, pods: [String], example: String) {
        self.pattern = pattern
        self.count = count
        self.first = first
        self.last = last
        self.pods = pods
        self.example = example
    }
}

public struct ClusterEvent: Sendable {
    public var last: Timestamp
    public var isWarning: Bool
    public var reason: String
    /// `pod/web-1`, in its namespace.
    public var object: String
    public var namespace: String
    public var message: String
    public var count: Int

    public init(last: Timestamp, isWarning: Bool, reason: String, object: String, namespace: String, message: String, count: Int) {
        self.last = last
        self.isWarning = isWarning
        self.reason = reason
        self.object = object
        self.namespace = namespace
        self.message = message
        self.count = count
    }
}
