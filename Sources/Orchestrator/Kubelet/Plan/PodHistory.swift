import ContainerRuntime
import JSON
import Objects

/// One start of a container, from what the runtime says or, after the runtime's records are gone, from
/// what the pod's status said.
struct ContainerInstance: Hashable, Sendable {
    struct Exit: Hashable, Sendable {
        var code: Int
        var signal: Int?
        var reason: String
        var message: String
        /// Nanoseconds since 1970.
        var finished: Int64
    }
    var id: String
    /// Empty if it is known from the pod's status only.
    var sandboxID: String
    var restartCount: Int
    /// Nanoseconds since 1970.
    var started: Int64
    var pid: Int32 = 0
    var logPath = ""
    var cgroupPath = ""
    /// `ContainerHistory.image` when it was started.
    var image = ""
    var exit: Exit?

    var isRunning: Bool { exit == nil }
}

/// Why a container is not there though it should be.
struct WaitingReason: Hashable, Sendable {
    var reason: String
    var message: String
}

/// What the kubelet remembers of one container of a pod.
struct ContainerHistory: Hashable, Sendable {
    var current: ContainerInstance?
    var previous: ContainerInstance?
    /// Of the last attempt to start it, if that failed before there was an instance.
    var waiting: WaitingReason?
    /// No attempt before this time.
    var retryAt: Int64 = 0
    var restartBackoff = RestartBackoff()
    var imageBackoff = RestartBackoff()
    /// Whether the postStart hook of `current` has returned (or there is none).
    var isPostStartDone = true
    /// What the probes say of `current`.
    var isReady = false
    var hasStarted = false
    /// Why `current` must be stopped though the pod goes on.
    var condemned: Condemnation?

    struct Condemnation: Hashable, Sendable {
        var message: String
        /// The probe's own grace; nil for the pod's.
        var graceSeconds: Int?
    }

    var nextRestartCount: Int { (current?.restartCount ?? -1) + 1 }

    /// A new instance takes the place of the current one.
    mutating func begin(_ instance: ContainerInstance, now: Int64) {
        if let old = current {
            if let exit = old.exit { restartBackoff.restarted(finished: exit.finished, now: now) }
            previous = old
        }
        current = instance
        waiting = nil
        retryAt = 0
        condemned = nil
        isReady = false
        hasStarted = false
    }
}

/// What the kubelet remembers of a pod: folded from the runtime's answers, so that a status can be written
/// when the runtime has forgotten.
struct PodHistory: Sendable {
    /// When the kubelet took the pod on. Nanoseconds since 1970.
    var started: Int64
    var containers: [String: ContainerHistory] = [:]
    /// The pod was failed as a whole.
    var failure: WaitingReason?
    /// `Succeeded` or `Failed`; never changes again.
    var terminalPhase: String?
    /// When the end of the pod was first seen (deletion, failure, all containers done).
    var ending: Int64?
    /// The address of the newest sandbox.
    var address = ""
    var sandboxRetryAt: Int64 = 0
    var volumesRetryAt: Int64 = 0

    /// - Parameter pod: carries the status that an earlier kubelet wrote, if there was one.
    init(pod: JSON, now: Int64) {
        let status = pod["status"]
        started = status["startTime"].string.flatMap(RFC3339.parse).map { $0 * .second } ?? now
        if pod.isTerminal {
            terminalPhase = pod.podPhase
            if let reason = status["reason"].string { failure = WaitingReason(reason: reason, message: status["message"].string ?? "") }
        }
        address = status["podIP"].string ?? ""
        for entry in status["initContainerStatuses"].elements + status["containerStatuses"].elements {
            guard let name = entry["name"].string else { continue }
            containers[name] = Self.container(entry, now: now)
        }
    }

    subscript(name: String) -> ContainerHistory {
        get { containers[name] ?? ContainerHistory() }
        set { containers[name] = newValue }
    }

    private static func container(_ status: JSON, now: Int64) -> ContainerHistory {
        var history = ContainerHistory()
        let count = status["restartCount"].int ?? 0
        let state = status["state"]
        let last = instance(status["lastState"]["terminated"])
        if state["running"].object != nil {
            let started = state["running"]["startedAt"].string.flatMap(RFC3339.parse).map { $0 * .second } ?? now
            history.current = ContainerInstance(
                id: identifier(status["containerID"]), sandboxID: "", restartCount: count, started: started, image: status["image"].string ?? "")
            history.isReady = status["ready"].bool ?? false
            history.hasStarted = status["started"].bool ?? false
            history.previous = last
        } else if let ended = instance(state["terminated"]) {
            history.current = ended
            history.previous = last
        } else {
            history.current = last
        }
        history.current?.restartCount = count
        history.previous?.restartCount = max(0, count - 1)
        return history
    }

    private static func instance(_ terminated: JSON) -> ContainerInstance? {
        guard terminated.object != nil else { return nil }
        func time(_ key: String) -> Int64 { terminated[key].string.flatMap(RFC3339.parse).map { $0 * .second } ?? 0 }
        return ContainerInstance(
            id: identifier(terminated["containerID"]), sandboxID: "", restartCount: 0, started: time("startedAt"),
            exit: .init(
                code: terminated["exitCode"].int ?? 0, signal: terminated["signal"].int, reason: terminated["reason"].string ?? "",
                message: terminated["message"].string ?? "", finished: time("finishedAt")))
    }

    /// `host://ID` without the scheme.
    private static func identifier(_ containerID: JSON) -> String {
        guard let text = containerID.string, let scheme = text.utf8.firstIndex(of: UInt8(ascii: "/")) else { return containerID.string ?? "" }
        return String(text[text.utf8.index(scheme, offsetBy: 2)...])
    }
}

extension PodHistory {
    /// Folds in what the runtime says of the pod's sandboxes. An end that is known stays known; a container that
    /// is no longer there, though it ran when the question was asked, has ended in a way that nobody can tell.
    ///
    /// - Parameter running: ids of the containers that were known to run before the runtime was asked.
    /// - Returns: names of containers whose end is news.
    mutating func observe(_ sandboxes: [SandboxStatus], running: Set<String>, now: Int64) -> [String] {
        var news: [String] = []
        var seen: Set<String> = []
        let statuses = sandboxes.flatMap(\.containers).sorted { ($0.config.restartCount, $0.started) < ($1.config.restartCount, $1.started) }
        for status in statuses {
            seen.insert(status.id)
            if observe(status, now: now) { news.append(status.config.name) }
        }
        for (name, container) in containers {
            guard let current = container.current, current.isRunning, !seen.contains(current.id), running.contains(current.id) else { continue }
            containers[name]?.current?.exit = .init(
                code: 137, signal: nil, reason: "ContainerStatusUnknown",
                message: "The container is gone and left no record of how it ended: the runtime lost it, or the machine was restarted", finished: now)
            containers[name]?.isReady = false
            news.append(name)
        }
        return news
    }

    /// Folds in one container; returns whether it has ended since it was last looked at.
    mutating func observe(_ status: ContainerStatus, now: Int64) -> Bool {
        let name = status.config.name
        var container = self[name]
        defer { containers[name] = container }
        let instance = ContainerInstance(status)
        guard let current = container.current, current.id != instance.id else {
            // The current one, or the first one ever.
            if container.current == nil {
                container.begin(instance, now: now)
                container.adoptBackoff(status)
                return instance.exit != nil
            }
            let ended = container.current?.exit == nil && instance.exit != nil
            let exit = container.current?.exit ?? instance.exit
            let isFirstLook = container.current?.sandboxID == ""
            container.current = instance
            container.current?.exit = exit
            if isFirstLook { container.adoptBackoff(status) }
            if exit != nil { container.isReady = false }
            return ended
        }
        if instance.restartCount > current.restartCount {
            container.begin(instance, now: now)
            container.adoptBackoff(status)
            return instance.exit != nil
        }
        if instance.restartCount + 1 == current.restartCount {
            let exit = container.previous?.exit
            container.previous = instance
            if let exit { container.previous?.exit = exit }
        }
        return false
    }
}

extension ContainerHistory {
    /// Annotations under which a container carries the back-off that it was started with, so that a restarted
    /// kubelet goes on with it.
    static let delayAnnotation = "binnacle.dev/restart-delay"
    static let raisedAnnotation = "binnacle.dev/restart-delay-raised"

    mutating func adoptBackoff(_ status: ContainerStatus) {
        guard let delay = status.config.annotations[Self.delayAnnotation].flatMap({ Int64($0) }),
            let raised = status.config.annotations[Self.raisedAnnotation].flatMap({ Int64($0) })
        else { return }
        restartBackoff = RestartBackoff(delay: delay, raised: raised, limit: restartBackoff.limit)
    }
}

extension ContainerInstance {
    init(_ status: ContainerStatus) {
        self.init(
            id: status.id, sandboxID: status.sandboxID, restartCount: status.config.restartCount, started: status.started, pid: status.pid,
            logPath: status.logPath, cgroupPath: status.cgroupPath, image: status.config.image)
        guard case .exited(let exit) = status.state else { return }
        let reason = exit.outOfMemory ? "OOMKilled" : exit.code == 0 ? "Completed" : "Error"
        self.exit = Exit(code: exit.code, signal: exit.signal, reason: reason, message: exit.message, finished: exit.finished)
    }
}
