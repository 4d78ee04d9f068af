/// The state of one part of the cluster, as `kubectl get componentstatuses` shows it.
public struct ComponentCondition: Hashable, Sendable {
    public var name: String
    public var isHealthy: Bool
    /// `ok`, or what is wrong.
    public var message: String
    public init(name: String, isHealthy: Bool, message: String = "ok") {
        self.name = name
        self.isHealthy = isHealthy
        self.message = message
    }
}

/// Tells how the parts are that the API server does not know itself: scheduler, controllers, kubelet, proxy.
public protocol ComponentHealth: Sendable {
    func components() async -> [ComponentCondition]
}
