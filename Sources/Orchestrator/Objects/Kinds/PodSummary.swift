import JSON

/// A pod in one line, as `kubectl get pods` shows it (contracts/kubernetes.md 3.12).
public struct PodSummary: Hashable, Sendable {
    /// `Running`, `Init:1/2`, `CrashLoopBackOff`, `Terminating`, …
    public private(set) var status: String
    public private(set) var ready = 0
    /// Containers and sidecars.
    public private(set) var total: Int
    public private(set) var restarts = 0
    /// Seconds since 1970.
    public private(set) var lastRestart: Int64?

    public init(_ pod: JSON) {
        let (spec, podStatus) = (pod["spec"], pod["status"])
        let initContainers = spec["initContainers"].elements
        var sidecars = Set<String>()
        for container in initContainers where container["restartPolicy"].string == "Always" { sidecars.insert(container["name"].string ?? "") }
        total = spec["containers"].elements.count + sidecars.count
        let reason = podStatus["reason"].string ?? ""
        status = reason.isEmpty ? podStatus["phase"].string ?? "Unknown" : reason
        if pod.condition("PodScheduled")?["reason"].string == "SchedulingGated" { status = "SchedulingGated" }

        var sidecarRestarts = 0
        let isInitialising = walkInit(podStatus["initContainerStatuses"].elements, sidecars, count: initContainers.count, &sidecarRestarts)
        if !isInitialising || pod.isConditionTrue("Initialized") {
            restarts = sidecarRestarts
            walkContainers(podStatus["containerStatuses"].elements, isPodReady: pod.isReady)
        }
        guard pod.isBeingDeleted else { return }
        if reason == "NodeLost" { status = "Unknown" } else if !pod.isTerminal { status = "Terminating" }
    }

    private mutating func note(_ container: JSON) {
        restarts += container["restartCount"].int ?? 0
        if let time = container["lastState"]["terminated"]["finishedAt"].string.flatMap(RFC3339.parse) { lastRestart = max(lastRestart ?? time, time) }
    }

    /// Returns whether an init container still has to end.
    private mutating func walkInit(_ statuses: [JSON], _ sidecars: Set<String>, count: Int, _ sidecarRestarts: inout Int) -> Bool {
        for (index, container) in statuses.enumerated() {
            let isSidecar = sidecars.contains(container["name"].string ?? "")
            note(container)
            if isSidecar { sidecarRestarts += container["restartCount"].int ?? 0 }
            let state = container["state"]
            let terminated = state["terminated"]
            if !terminated.isNull, terminated["exitCode"].int ?? 0 == 0 { continue }
            if isSidecar, container["started"].bool == true {
                if container["ready"].bool == true { ready += 1 }
                continue
            }
            if !terminated.isNull {
                status = "Init:" + Self.ending(terminated)
            } else if let reason = state["waiting"]["reason"].string, !reason.isEmpty, reason != "PodInitializing" {
                status = "Init:" + reason
            } else {
                status = "Init:\(index)/\(count)"
            }
            return true
        }
        return false
    }

    private mutating func walkContainers(_ statuses: [JSON], isPodReady: Bool) {
        var hasRunning = false
        for container in statuses.reversed() {
            note(container)
            let state = container["state"]
            if let reason = state["waiting"]["reason"].string, !reason.isEmpty {
                status = reason
            } else if !state["terminated"].isNull {
                status = Self.ending(state["terminated"])
            } else if container["ready"].bool == true, !state["running"].isNull {
                hasRunning = true
                ready += 1
            }
        }
        if status == "Completed", hasRunning { status = isPodReady ? "Running" : "NotReady" }
    }

    private static func ending(_ terminated: JSON) -> String {
        if let reason = terminated["reason"].string, !reason.isEmpty { return reason }
        if let signal = terminated["signal"].int, signal != 0 { return "Signal:\(signal)" }
        return "ExitCode:\(terminated["exitCode"].int ?? 0)"
    }
}
