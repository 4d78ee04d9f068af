/// A cgroup that somebody owns, as the Collector is told of it.
public struct ContainerReference: Sendable {
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
    /// Who told us: `binnacle`, `docker`, `podman`, `containerd`, `crio`, `systemd`; empty for a bare cgroup.
    public var runtime = ""
    /// The runtime's id of the container, whole; `name` may be a name that a person gave.
    public var containerID = ""
    /// Other names under which the container is known.
    public var aliases: [String] = []
    /// Labels and environment that the allow-lists let through.
    public var containerLabels: [(name: String, value: String)] = []
    public var environment: [(name: String, value: String)] = []
    /// Nanoseconds since 1970; 0 if not told. A restart changes `started`, not this.
    public var created: Int64 = 0
    public var restarts: UInt64 = 0
    /// 1 healthy, 0 starting or unhealthy, -1 no health check; nil if the owner does not say.
    public var health: Int?
    /// The owner's requests and limits: thousandths of a core, bytes. Nil is none, or not told.
    public var cpuRequest: UInt64?
    public var cpuLimit: UInt64?
    public var memoryRequest: UInt64?
    public var memoryLimit: UInt64?
    /// A pod's volumes on this node: name, directory, claim (empty if none).
    public var volumes: [(name: String, path: String, claim: String)] = []

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

/// Whoever runs containers on this node: our kubelet, Docker, Podman, containerd, CRI-O, systemd.
///
/// Asked each round, so it answers from what it knows already and never waits for a socket.
public protocol ContainerSource: Sendable {
    /// The pods' own rows and the containers that run now.
    func containers() async -> [ContainerReference]
    /// Who owns these cgroups, which were found by walking the tree; what nobody owns is left out. A cgroup that is
    /// seen before its owner is known is asked about again in the next round.
    func owners(of paths: [String]) async -> [ContainerReference]
}

extension ContainerSource {
    public func owners(of paths: [String]) async -> [ContainerReference] { [] }
}

/// A source without containers: the node alone is measured.
public struct NoContainers: ContainerSource {
    public init() {}
    public func containers() async -> [ContainerReference] { [] }
}
