import Telemetry

/// One alert of a rule: an element of the expression's result that holds, or did until lately.
public struct Alert: Sendable, Hashable {
    public enum State: String, Sendable, Hashable { case inactive, pending, firing }

    public var state: State
    /// With `alertname` and the rule's labels.
    public var labels: Labels
    public var annotations: [String: String]
    public var value: Double
    /// Since when the expression has held.
    public var activeAt: Timestamp
    public var firedAt: Timestamp?
    public var resolvedAt: Timestamp?
    public var lastSentAt: Timestamp?
    /// Until when a receiver may take it for firing without hearing of it again.
    public var validUntil: Timestamp?
    /// Since when it fires only because of `keep_firing_for`.
    public var keepFiringSince: Timestamp?

    public init(labels: Labels, annotations: [String: String], value: Double, activeAt: Timestamp) {
        state = .pending
        self.labels = labels
        self.annotations = annotations
        self.value = value
        self.activeAt = activeAt
    }
}
