import ContainerRuntime

/// What somebody wants of the pod.
enum PodIntent: Hashable, Sendable {
    case run
    /// `isGone`: the object has left the API already.
    case delete(isGone: Bool)
    /// The node stops; the pod will be started anew.
    case shutDown(graceSeconds: Int)
}

/// What the worker is doing at this moment, in tasks of their own.
enum PodOperation: Hashable, Sendable {
    case volumes
    case sandbox
    case start(String)
    case stop(String)
    case prune(String)
    case tearDown
    case publish
    case probe(String, ProbeKind)
}

/// One thing to do next.
enum PodAction: Hashable, Sendable {
    case setUpVolumes
    case runSandbox
    case removeSandbox(id: String, isReplaced: Bool)
    case start(container: String)
    /// SIGTERM, and SIGKILL at `deadline`. `isFirst`: no stop of this instance is under way, so the preStop hook is due.
    case stop(container: String, id: String, message: String, deadline: Int64, isFirst: Bool)
    /// Forget an instance that nobody asks about any more.
    case prune(id: String)
    /// Fail the pod as a whole.
    case fail(WaitingReason)
    /// The pod has ended for good with this phase.
    case end(phase: String)
    /// Remove the volumes and then the object.
    case tearDown
    /// The worker has nothing left to do, ever.
    case leave
}

/// All facts on which the next step depends: `plan()` and `status(…)` are functions of this alone.
struct PodSituation: Sendable {
    var spec: PodSpec
    var history: PodHistory
    /// The sandbox that the pod lives in.
    var sandbox: SandboxStatus?
    /// Sandboxes of the same pod that must go.
    var staleSandboxes: [String] = []
    var areVolumesReady = false
    var busy: Set<PodOperation> = []
    /// Until when each instance that is being stopped may live, by id.
    var stopping: [String: Int64] = [:]
    var intent = PodIntent.run
    var now: Int64

    var isEnding: Bool { intent != .run || history.failure != nil || history.terminalPhase != nil }

    func isRunning(_ container: ContainerSpec) -> Bool { history[container.name].current?.isRunning ?? false }

    /// Whether its startup probe, if it has one, and its postStart hook are behind it.
    func hasStarted(_ container: ContainerSpec) -> Bool {
        let past = history[container.name]
        return isRunning(container) && past.isPostStartDone && (container.probes[.startup] == nil || past.hasStarted)
    }

    func isReady(_ container: ContainerSpec) -> Bool {
        hasStarted(container) && (container.probes[.readiness] == nil || history[container.name].isReady)
    }

    /// Whether the restart policy starts it again after this end.
    func restarts(_ container: ContainerSpec, after exit: ContainerInstance.Exit) -> Bool {
        if container.isSidecar { return true }
        if container.isInit { return exit.code != 0 && spec.restartPolicy != .never }
        switch spec.restartPolicy {
        case .always: return true
        case .onFailure: return exit.code != 0
        case .never: return false
        }
    }

    /// The instance of a container that belongs to the present sandbox.
    func instance(of container: ContainerSpec) -> ContainerInstance? {
        guard let sandbox, let current = history[container.name].current, current.sandboxID == sandbox.id else { return nil }
        return current
    }

    /// Whether a container of the pod proper was started in this sandbox: then the init containers are behind it.
    var isInitialized: Bool {
        if spec.containers.contains(where: { instance(of: $0) != nil }) { return true }
        return spec.initContainers.allSatisfy { container in
            if container.isSidecar { return hasStarted(container) }
            // A pod that has ended keeps what is known from its status, without a sandbox.
            return (instance(of: container) ?? (isEnding ? history[container.name].current : nil))?.exit?.code == 0
        }
    }

    /// The phase in which the pod ends if nothing will be started any more; nil if something runs or will.
    var finalPhase: String? {
        if spec.restartPolicy == .never, !spec.containers.contains(where: { history[$0.name].current != nil }) {
            for container in spec.initContainers where container.runsToCompletion {
                if let exit = history[container.name].current?.exit, exit.code != 0 { return "Failed" }
            }
        }
        var succeeded = true
        for container in spec.containers {
            guard let exit = history[container.name].current?.exit, !restarts(container, after: exit) else { return nil }
            if exit.code != 0 { succeeded = false }
        }
        return succeeded ? "Succeeded" : "Failed"
    }
}
