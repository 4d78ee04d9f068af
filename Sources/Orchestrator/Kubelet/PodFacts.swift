/// What the node's measurers need to know of a pod that has a sandbox.
public struct PodFacts: Hashable, Sendable {
    public struct Container: Hashable, Sendable {
        public var name: String
        /// 64 hexadecimal digits.
        public var id: String
        public var image: String
        public var restartCount: Int
        /// Of the first process, on the host.
        public var pid: Int32
        /// Relative to each controller's root.
        public var cgroupPath: String
        public var logPath: String
        /// Nanoseconds since 1970.
        public var started: Int64
        public var isRunning: Bool
    }
    public var namespace: String
    public var name: String
    public var uid: String
    public var labels: [String: String]
    public var qosClass: String
    public var sandboxID: String
    /// Of the process that holds the namespaces, on the host.
    public var sandboxPID: Int32
    public var address: String
    public var usesHostNetwork: Bool
    /// Relative to each controller's root.
    public var cgroupPath: String
    /// Nanoseconds since 1970.
    public var started: Int64
    public var containers: [Container]
}
