import Glibc
public import InternetAddresses
import Runtime

/// What a `HostRuntime` is to use and where it keeps its state.
public struct HostRuntimeConfiguration: Sendable {
    public enum ProcessNamespace: Sendable {
        /// Each container sees only its own processes and its program has process id 1, as in Kubernetes.
        case perContainer
        /// The containers of every pod share one namespace, as with `shareProcessNamespace: true`.
        case perPod
    }

    /// `<data-dir>/runtime`; made with mode 0700. Its path must hold none of `,`, `:` and control characters.
    public var stateDirectory: String
    /// The program binnacle-pause by its full path; words before it run it (`setpriv ... /path/binnacle-pause`).
    public var helperCommand: [String]
    public var bridge = "binnacle0"
    public var podRange = IPv4Network("10.88.0.0/16")!
    /// Addresses that this machine answers for all services; nil: none. See docs/decisions/sandbox.md.
    public var serviceRange: IPv4Network?
    /// What pods without a network namespace of their own use: every address of 127/8 is local without any right.
    public var loopbackRange = IPv4Network("127.88.0.0/16")!
    /// Of pods in the host's network.
    public var nodeAddress = "127.0.0.1"
    /// Bytes; 0 is the kernel's 1500.
    public var mtu = 0
    public var processNamespace = ProcessNamespace.perContainer
    /// Directories and files of the host that no container may see, such as Binnacle's data directory.
    public var hiddenPaths: [String] = []
    /// Abilities to do without, although the machine has them.
    public var disabling: Set<Ability> = []
    public var version = "1"
    public var metrics: MetricRegistry

    public init(stateDirectory: String, helperCommand: [String]? = nil, metrics: MetricRegistry = MetricRegistry()) {
        self.stateDirectory = stateDirectory
        self.helperCommand = helperCommand ?? [Self.helperBesideExecutable()]
        self.metrics = metrics
    }

    /// binnacle-pause in the directory of the running executable.
    public static func helperBesideExecutable() -> String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = unsafe readlink("/proc/self/exe", &buffer, buffer.count - 1)
        let path = String(decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return path.prefix(upTo: path.lastIndex(of: "/") ?? path.startIndex) + "/binnacle-pause"
    }
}

extension SandboxConfig {
    /// The annotation that gives all of this pod's containers one PID namespace when it is `true`.
    public static let shareProcessNamespaceKey = "binnacle.dev/share-process-namespace"
}

extension ContainerConfig {
    /// The annotation that, when it is `true`, keeps all capabilities and hides nothing of /proc and /sys.
    public static let privilegedKey = "binnacle.dev/privileged"
    /// The annotation that, when it is `true`, keeps set-user-id programs from giving rights (allowPrivilegeEscalation: false).
    public static let noNewPrivilegesKey = "binnacle.dev/no-new-privileges"
}
