import NodeStats

/// Someone who runs containers and can say whose a cgroup is: Docker, Podman, containerd, CRI-O, systemd.
///
/// The answer is what is known now: an owner watches its runtime in the background and never makes the
/// Collector's round wait for a socket.
public protocol Owner: Sendable {
    /// Who this is among the owners, for metrics and the status page: `docker`, `podman`, `podman-1000`.
    var name: String { get }
    /// What is at this cgroup; nil if it is not this owner's, or not known yet, in which case the owner asks its
    /// runtime soon. Costs a look into a dictionary.
    func reference(for path: String, identity: CgroupIdentity) -> ContainerReference?
    /// All that run now and whose cgroups are known, pods' own rows included.
    func containers() -> [ContainerReference]
    /// Changes whenever an answer may have changed.
    var generation: UInt64 { get }
    var status: OwnerStatus { get }
    /// Keeps what is known up to date until the task is cancelled.
    func run() async
}

/// How an owner is doing, for the status page and the metrics.
public struct OwnerStatus: Sendable, Hashable {
    public enum State: String, Sendable {
        /// There is no socket: the runtime is not installed, or not running.
        case absent
        /// There is a socket, but nobody has answered well yet, or any more.
        case failing
        case connected
    }

    public var owner: String
    /// `docker`, `podman`, `containerd`, `crio`, `systemd`.
    public var runtime: String
    /// The socket.
    public var endpoint: String
    public var state: State
    /// As the runtime gives it: `20.10.24`.
    public var version = ""
    /// What runs and is known.
    public var containers = 0
    /// Cgroups that look like this runtime's and that it does not know.
    public var unknown = 0
    /// The last failure, with what mends it; empty since the last success.
    public var problem = ""

    public init(owner: String, runtime: String, endpoint: String, state: State) {
        self.owner = owner
        self.runtime = runtime
        self.endpoint = endpoint
        self.state = state
    }
}
