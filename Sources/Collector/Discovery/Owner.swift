import NodeStats

/// Someone who runs containers and can say whose a cgroup is: Docker, Podman, containerd, CRI-O, systemd.
///
/// The answer is what is known now: an owner watches its runtime in the background and never makes the
/// Collector's round wait for a socket.
public protocol Owner: Sendable {
    /// The runtime's name, for metrics and labels: `docker`, `containerd`.
    var name: String { get }
    /// The container at this cgroup; nil if it is not this owner's, or not known yet.
    func reference(for path: String) -> ContainerReference?
    /// Keeps what is known up to date until the task is cancelled.
    func run() async
}
