import Glibc
import Logging
import NodeStats
import Runtime

extension Owners {
    /// Where container runtimes listen, and what is taken over from them.
    public struct Configuration: Sendable {
        /// The Docker Engine's interface; Podman may be behind it.
        public var docker: [String]
        public var podman: [String]
        public var crio: [String]
        /// Asked by the CRI and by containerd's own interface.
        public var containerd: [String]
        /// Directories with one directory for each user who is logged in, whose engines are looked for in there.
        public var userDirectories = ["/run/user"]
        public var usesSystemd = true
        /// Labels of containers, and properties of units, that become labels.
        public var labels = AllowList()
        /// Variables of containers' environments that become labels.
        public var environment = AllowList()
        /// Where the host's processes are.
        public var procDirectory = "/proc"

        /// The usual places of the runtimes and of the Kubernetes distributions that bring one along.
        public init() {
            docker = ["/run/docker.sock"]
            podman = ["/run/podman/podman.sock"]
            crio = ["/run/crio/crio.sock"]
            containerd = [
                "/run/containerd/containerd.sock", "/run/k3s/containerd/containerd.sock", "/run/k0s/containerd.sock",
                "/var/snap/microk8s/common/run/containerd.sock", "/run/docker/containerd/containerd.sock",
            ]
            if let host = Self.variable("DOCKER_HOST"), host.hasPrefix("unix:///"), !docker.contains(String(host.dropFirst(7))) {
                docker.append(String(host.dropFirst(7)))
            }
        }

        /// No runtime at all; for tests and for those who name each socket.
        public static var none: Configuration {
            var configuration = Configuration()
            (configuration.docker, configuration.podman, configuration.crio, configuration.containerd) = ([], [], [], [])
            configuration.userDirectories = []
            configuration.usesSystemd = false
            return configuration
        }

        private static func variable(_ name: String) -> String? { unsafe getenv(name).map { unsafe String(cString: $0) } }
    }

    /// The owners of this node. Those whose runtime is not there cost a failed connect each few seconds.
    public static func standard(
        _ configuration: Configuration, kubelet: any ContainerSource = NoContainers(), fileSystem: any FileSystem, metrics: MetricRegistry,
        logger: Logger
    ) -> Owners {
        let maker = OwnerMaker(configuration: configuration, fileSystem: fileSystem, metrics: metrics, logger: logger)
        let docker = configuration.docker.map { maker.engine($0, name: maker.name("docker", $0, among: configuration.docker)) }
        var owners: [any Owner] = docker
        owners += configuration.podman.map { maker.engine($0, name: maker.name("podman", $0, among: configuration.podman)) } as [any Owner]
        owners += configuration.crio.map { maker.cri($0, name: maker.name("crio", $0, among: configuration.crio), runtime: "crio") } as [any Owner]
        for socket in configuration.containerd {
            let cri = maker.cri(socket, name: maker.name("containerd-cri", socket, among: configuration.containerd), runtime: "containerd")
            let own = maker.containerd(socket, name: maker.name("containerd", socket, among: configuration.containerd)) { namespace in
                // Docker tells more of its containers than containerd does of Docker's, and the CRI more of pods.
                switch namespace {
                case "moby": docker.contains { $0.status.state == .connected }
                case "k8s.io": cri.status.state == .connected
                default: false
                }
            }
            owners += [cri, own]
        }
        if configuration.usesSystemd { owners.append(SystemdOwner(labels: configuration.labels)) }
        guard !configuration.userDirectories.isEmpty else { return Owners(owners, kubelet: kubelet) }
        return Owners(owners, kubelet: kubelet) { known in maker.userEngines(known) }
    }
}

/// Makes owners for sockets.
private struct OwnerMaker: Sendable {
    let configuration: Owners.Configuration
    let fileSystem: any FileSystem
    let metrics: MetricRegistry
    let logger: Logger

    /// The first of a kind has the plain name; others are told apart by the socket's directory.
    func name(_ kind: String, _ socket: String, among sockets: [String]) -> String {
        guard let position = sockets.firstIndex(of: socket), position > 0 else { return kind }
        return "\(kind)-\(position + 1)"
    }

    func engine(_ socket: String, name: String) -> RuntimeOwner {
        owner(
            socket, name, name.hasPrefix("podman") ? "podman" : "docker",
            EngineClient(socket: socket, labels: configuration.labels, environment: configuration.environment))
    }

    func cri(_ socket: String, name: String, runtime: String) -> RuntimeOwner {
        owner(socket, name, runtime, CRIClient(socket: socket, labels: configuration.labels, environment: configuration.environment))
    }

    func containerd(_ socket: String, name: String, isLeftToOthers: @escaping @Sendable (String) -> Bool) -> RuntimeOwner {
        owner(
            socket, name, "containerd",
            ContainerdClient(socket: socket, labels: configuration.labels, environment: configuration.environment, isLeftToOthers: isLeftToOthers))
    }

    private func owner(_ socket: String, _ name: String, _ runtime: String, _ client: any RuntimeClient) -> RuntimeOwner {
        let processes = ProcessCgroup(fileSystem: fileSystem, procDirectory: configuration.procDirectory)
        return RuntimeOwner(name: name, runtime: runtime, endpoint: socket, client: client, processes: processes, metrics: metrics, logger: logger)
    }

    /// Rootless engines: `/run/user/1000/podman/podman.sock`, `/run/user/1000/docker.sock`.
    func userEngines(_ known: Set<String>) -> [any Owner] {
        var found: [any Owner] = []
        for directory in configuration.userDirectories {
            for user in ((try? fileSystem.list(directory)) ?? []).sorted() where user.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
                for (kind, file) in [("podman", "podman/podman.sock"), ("docker", "docker.sock")] {
                    let socket = "\(directory)/\(user)/\(file)"
                    if !known.contains(socket), fileSystem.exists(socket) { found.append(engine(socket, name: "\(kind)-\(user)")) }
                }
            }
        }
        return found
    }
}
