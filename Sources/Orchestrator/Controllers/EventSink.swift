import JSON

/// Where controllers tell people what they did: `kubectl describe` shows it. Never blocks and never fails.
public protocol EventSink: Sendable {
    /// - Parameters:
    ///   - object: what the event is about, with its `apiVersion`, `kind` and `metadata`.
    ///   - type: `Normal` or `Warning`.
    ///   - reason: one CamelCase word, such as `ScalingReplicaSet`.
    func record(_ object: JSON, type: String, reason: String, message: String)
}

/// Drops every event.
public struct NoEvents: EventSink {
    public init() {}
    public func record(_ object: JSON, type: String, reason: String, message: String) {}
}
