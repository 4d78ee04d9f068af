import NodeStats

/// What a runtime says about one container or sandbox that runs.
struct RuntimeContainer: Sendable {
    /// By which its runtime is asked about it: the id, and what makes it unique where the id does not.
    var key: String
    /// `cgroupPath` is empty until it is found out.
    var reference: ContainerReference
    /// The first process; 0 if not told.
    var pid: Int32 = 0
    /// The process that only holds a pod's namespaces (pause, infra container): it gives the pod its row.
    var isSandbox = false
    /// The cgroup that the runtime says; used where the process does not tell.
    var declaredPath = ""

    init(reference: ContainerReference, key: String? = nil, pid: Int32 = 0) {
        self.key = key ?? reference.containerID
        self.reference = reference
        self.pid = pid
    }
}

/// A change that a runtime tells.
enum RuntimeChange: Sendable, Hashable {
    case changed(id: String)
    case removed(id: String)
    /// Something that cannot be told by id: look at everything.
    case everything
}

/// The requests to one runtime, each with its own bounds in time and size. It keeps nothing between them.
protocol RuntimeClient: Sendable {
    /// Finds out whether somebody usable answers; gives what it is.
    func hello() async throws -> (runtime: String, version: String)
    /// The ids of all that run, each with a text that differs when there is something new to read about it.
    func list() async throws -> [String: String]
    /// Everything about one id; nil if the runtime does not have it or it does not run.
    func inspect(_ id: String) async throws -> RuntimeContainer?
    /// Tells of changes until the stream ends. Throws `unsupported` where the runtime has no such stream.
    func watch(_ onChange: @escaping @Sendable (RuntimeChange) -> Void) async throws
}
