/// Runs pods' sandboxes and containers on this machine, and outlives none of them: what it starts goes on
/// when Binnacle dies, and is found again by `sandboxes()` when it comes back.
///
/// The shape is CRI's: a sandbox holds a pod's namespaces and address, containers run in it. This issue's
/// implementation runs commands of the host's file system (`HostRuntime`, image name `host`); OCI images follow.
public protocol ContainerRuntime: Sendable {
    /// What this runtime can do here, found by trying.
    var abilities: RuntimeAbilities { get }

    /// Makes the pod's cgroup and namespaces and gives it an address. A second call for a uid whose sandbox is ready returns it.
    func runSandbox(_ config: SandboxConfig) async throws(RuntimeError) -> SandboxStatus
    /// Kills what still runs in the sandbox, takes its address back and removes its cgroup, its mounts and its
    /// records; the log directory stays. Unknown ids are no error.
    func removeSandbox(id: String) async throws(RuntimeError)

    /// Starts a container; returns once its program runs (exec succeeded) or throws `RuntimeError.start`.
    func startContainer(_ config: ContainerConfig, sandbox id: String) async throws(RuntimeError) -> ContainerStatus
    /// Sends `signal` (SIGTERM by default), and SIGKILL to all of the container's cgroup after `gracePeriod`. Returns when it has ended.
    func stopContainer(id: String, signal: Int32, gracePeriod: Duration) async throws(RuntimeError)
    /// Forgets an ended container and removes its writable layer; its log files stay.
    func removeContainer(id: String) async throws(RuntimeError)
    /// Runs a command in the container's namespaces and cgroup. Output is stdout and stderr together, cut at 10 KiB.
    /// At the time limit the command is killed and `ExecResult.timedOut` is true.
    func execute(container id: String, command: [String], timeout: Duration) async throws(RuntimeError) -> ExecResult

    /// All sandboxes with their containers as they are now, also those of an earlier process.
    func sandboxes() async throws(RuntimeError) -> [SandboxStatus]
    /// Changes from now on: exits, lost sandboxes. Several may listen.
    func events() -> AsyncStream<RuntimeEvent>
}

public struct RuntimeAbilities: Hashable, Sendable {
    /// `host`: what `status.nodeInfo.containerRuntimeVersion` shows before `://VERSION`.
    public var name: String
    public var version: String
    /// Pods have namespaces of their own (PID, mount, UTS, IPC).
    public var hasNamespaces: Bool
    /// Pods have a network namespace and address of their own; otherwise they share the host's and get a loopback address.
    public var hasPodNetwork: Bool
    /// Each container has a writable layer over the host's file system.
    public var hasWritableLayers: Bool
    /// Controllers whose limits are enforced: `cpu`, `memory`, `pids`. Empty: processes are only grouped.
    public var cgroupControllers: Set<String>
    /// One sentence for each thing that is missing: what, why, and what it costs.
    public var missing: [String]

    public init(
        name: String, version: String, hasNamespaces: Bool, hasPodNetwork: Bool, hasWritableLayers: Bool,
        cgroupControllers: Set<String>, missing: [String]
    ) {
        self.name = name
        self.version = version
        self.hasNamespaces = hasNamespaces
        self.hasPodNetwork = hasPodNetwork
        self.hasWritableLayers = hasWritableLayers
        self.cgroupControllers = cgroupControllers
        self.missing = missing
    }
}

/// What of the machine a cgroup may use. Nil is unlimited or the kernel's default.
public struct ResourceLimits: Hashable, Sendable {
    /// cgroup v1's cpu.shares; v2's weight is worked out from it.
    public var cpuShares: Int?
    /// Microseconds of CPU time a period of 100,000.
    public var cpuQuotaMicroseconds: Int?
    public var memoryBytes: Int64?
    public var pids: Int?
    public init(cpuShares: Int? = nil, cpuQuotaMicroseconds: Int? = nil, memoryBytes: Int64? = nil, pids: Int? = nil) {
        self.cpuShares = cpuShares
        self.cpuQuotaMicroseconds = cpuQuotaMicroseconds
        self.memoryBytes = memoryBytes
        self.pids = pids
    }
}

public struct SandboxConfig: Hashable, Sendable {
    public var namespace: String
    public var name: String
    public var uid: String
    public var hostname: String
    /// Relative to each controller's root: `/kubepods/burstable/podUID`. Containers' cgroups lie below it.
    public var cgroupPath: String
    public var limits: ResourceLimits
    public var hostNetwork: Bool
    /// `<logs>/NAMESPACE_NAME_UID`; containers' files are `CONTAINER/RESTART.log` below it.
    public var logDirectory: String
    /// Kept with the sandbox and given back by `sandboxes()`.
    public var annotations: [String: String]

    public init(
        namespace: String, name: String, uid: String, hostname: String, cgroupPath: String, limits: ResourceLimits,
        hostNetwork: Bool, logDirectory: String, annotations: [String: String] = [:]
    ) {
        self.namespace = namespace
        self.name = name
        self.uid = uid
        self.hostname = hostname
        self.cgroupPath = cgroupPath
        self.limits = limits
        self.hostNetwork = hostNetwork
        self.logDirectory = logDirectory
        self.annotations = annotations
    }
}

public struct ContainerConfig: Hashable, Sendable {
    public struct Mount: Hashable, Sendable {
        public var source: String
        public var target: String
        public var isReadOnly: Bool
        public init(source: String, target: String, isReadOnly: Bool) {
            self.source = source
            self.target = target
            self.isReadOnly = isReadOnly
        }
    }

    public var name: String
    /// How often the container was started before: the log file's number.
    public var restartCount: Int
    public var image: String
    /// The program and its arguments; a name without `/` is looked up in PATH of `environment`.
    public var command: [String]
    public var workingDirectory: String?
    /// `NAME=value`, in order.
    public var environment: [String]
    public var userID: Int?
    public var groupID: Int?
    public var limits: ResourceLimits
    /// -1000 to 1000.
    public var oomScoreAdjustment: Int
    public var mounts: [Mount]
    /// Absolute path inside the container, where the program may leave its last words.
    public var terminationMessagePath: String
    /// Log files are rotated at this size, keeping `logFileLimit` files.
    public var logFileBytes: Int64
    public var logFileLimit: Int
    /// Kept with the container and given back by `sandboxes()`.
    public var annotations: [String: String]

    public init(
        name: String, restartCount: Int, image: String, command: [String], workingDirectory: String? = nil, environment: [String],
        userID: Int? = nil, groupID: Int? = nil, limits: ResourceLimits, oomScoreAdjustment: Int, mounts: [Mount] = [],
        terminationMessagePath: String = "/dev/termination-log", logFileBytes: Int64 = 10 << 20, logFileLimit: Int = 5,
        annotations: [String: String] = [:]
    ) {
        self.name = name
        self.restartCount = restartCount
        self.image = image
        self.command = command
        self.workingDirectory = workingDirectory
        self.environment = environment
        self.userID = userID
        self.groupID = groupID
        self.limits = limits
        self.oomScoreAdjustment = oomScoreAdjustment
        self.mounts = mounts
        self.terminationMessagePath = terminationMessagePath
        self.logFileBytes = logFileBytes
        self.logFileLimit = logFileLimit
        self.annotations = annotations
    }
}

public struct SandboxStatus: Hashable, Sendable {
    public var id: String
    public var config: SandboxConfig
    /// False once its pause process has died: the pod must get a new sandbox.
    public var isReady: Bool
    /// IPv4, dotted.
    public var address: String
    /// Process id on the host of the process that holds the namespaces.
    public var pid: Int32
    /// Nanoseconds since 1970.
    public var created: Int64
    public var containers: [ContainerStatus]

    public init(
        id: String, config: SandboxConfig, isReady: Bool, address: String, pid: Int32, created: Int64, containers: [ContainerStatus]
    ) {
        self.id = id
        self.config = config
        self.isReady = isReady
        self.address = address
        self.pid = pid
        self.created = created
        self.containers = containers
    }
}

public struct ContainerStatus: Hashable, Sendable {
    public enum State: Hashable, Sendable {
        case running
        case exited(Exit)
    }
    public struct Exit: Hashable, Sendable {
        /// 128 + signal if killed by one.
        public var code: Int
        public var signal: Int?
        /// The kernel killed a process of the container for memory and its first process died by SIGKILL.
        public var outOfMemory: Bool
        /// Nanoseconds since 1970.
        public var finished: Int64
        /// The beginning of the termination-message file, at most 4096 bytes.
        public var message: String
        public init(code: Int, signal: Int?, outOfMemory: Bool, finished: Int64, message: String) {
            self.code = code
            self.signal = signal
            self.outOfMemory = outOfMemory
            self.finished = finished
            self.message = message
        }
    }

    /// 64 hexadecimal digits.
    public var id: String
    public var sandboxID: String
    public var config: ContainerConfig
    public var pid: Int32
    /// Nanoseconds since 1970.
    public var started: Int64
    public var state: State
    public var logPath: String
    /// Relative to each controller's root.
    public var cgroupPath: String

    public init(
        id: String, sandboxID: String, config: ContainerConfig, pid: Int32, started: Int64, state: State, logPath: String, cgroupPath: String
    ) {
        self.id = id
        self.sandboxID = sandboxID
        self.config = config
        self.pid = pid
        self.started = started
        self.state = state
        self.logPath = logPath
        self.cgroupPath = cgroupPath
    }
}

public struct ExecResult: Hashable, Sendable {
    public var exitCode: Int
    public var output: [UInt8]
    public var timedOut: Bool
    public init(exitCode: Int, output: [UInt8], timedOut: Bool) {
        self.exitCode = exitCode
        self.output = output
        self.timedOut = timedOut
    }
}

public enum RuntimeEvent: Hashable, Sendable {
    case containerExited(sandbox: String, container: String)
    /// The sandbox's own process died.
    case sandboxLost(sandbox: String)
}

public enum RuntimeError: Error, Hashable, Sendable, CustomStringConvertible {
    case unknownSandbox(String)
    case unknownContainer(String)
    /// The image is not one this runtime can run.
    case unknownImage(String)
    /// The program could not be started: not found, not executable, a missing working directory.
    case start(String)
    /// The machine refused: what, where, how to mend.
    case failed(String)

    public var description: String {
        switch self {
        case .unknownSandbox(let id): "no sandbox \(id)"
        case .unknownContainer(let id): "no container \(id)"
        case .unknownImage(let image): "image \"\(image)\" cannot be run: this runtime knows only \"host\", the machine's own file system"
        case .start(let problem), .failed(let problem): problem
        }
    }
}
