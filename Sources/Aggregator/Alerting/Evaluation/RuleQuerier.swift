import PromQL
import Telemetry

/// One element of a rule's result.
public struct RuleSample: Sendable, Hashable {
    public var labels: Labels
    public var value: Double
    public init(labels: Labels, value: Double) {
        self.labels = labels
        self.value = value
    }
}

/// Answers rules' queries; the engine does, and tests.
public protocol RuleQuerier: Sendable {
    /// The value at one moment; a scalar is one element without labels.
    func instant(_ query: String, at time: Timestamp) async throws -> [RuleSample]
    /// The newest sample of each series in (`from`, `through`], with its time.
    func newest(_ query: String, from: Timestamp, through: Timestamp) async throws -> [(sample: RuleSample, time: Timestamp)]
}
