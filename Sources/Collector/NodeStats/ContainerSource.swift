/// A cgroup that somebody owns, as the Collector is told of it.
public struct ContainerReference: Hashable, Sendable {
    /// Relative to each controller's root: `/kubepods/burstable/podUID/CID`. The `id` label.
    public var cgroupPath: String
    /// The runtime's name or id of the container; empty for a pod's own row.
    public var name: String
    public var image: String
    /// Empty for a pod's own row.
    public var container: String
    public var pod: String
    public var namespace: String
    public var podUID: String
    /// A process in the pod's network namespace, for a pod's own row; 0 elsewhere.
    public var networkPID: Int32
    /// The pod uses the node's own network, so its counters are the node's.
    public var sharesNodeNetwork: Bool
    /// Nanoseconds since 1970.
    public var started: Int64
    /// Where the container's log files are; empty if it has none.
    public var logDirectory: String
    /// The container's writable layer; empty if it has none.
    public var writableLayer: String

    public init(
        cgroupPath: String, name: String = "", image: String = "", container: String = "", pod: String = "", namespace: String = "",
        podUID: String = "", networkPID: Int32 = 0, sharesNodeNetwork: Bool = false, started: Int64 = 0, logDirectory: String = "",
        writableLayer: String = ""
    ) {
        self.cgroupPath = cgroupPath
        self.name = name
        self.image = image
        self.container = container
        self.pod = pod
        self.namespace = namespace
        self.podUID = podUID
        self.networkPID = networkPID
        self.sharesNodeNetwork = sharesNodeNetwork
        self.started = started
        self.logDirectory = logDirectory
        self.writableLayer = writableLayer
    }
}

/// Whoever runs containers on this node: our kubelet, later Docker, containerd, systemd.
public protocol ContainerSource: Sendable {
    /// The pods' own rows and the containers that run now.
    func containers() async -> [ContainerReference]
}

/// A source without containers: the node alone is measured.
public struct NoContainers: ContainerSource {
    public init() {}
    public func containers() async -> [ContainerReference] { [] }
}
