import ContainerRuntime
import JSON
import Objects

/// Facts of the node that a pod's status shows.
struct StatusSurroundings: Sendable {
    /// Before `://` in container ids.
    var runtimeName: String
    var hostAddress: String
}

extension PodSituation {
    /// The pod's `status`.
    ///
    /// - Parameter previous: the status now stored: what others wrote there stays, and conditions keep the time of their last change.
    func status(in surroundings: StatusSurroundings, previous: JSON) -> JSON {
        var pod: JSON = ["status": previous]
        let seconds = now.wholeSeconds
        let phase = phase
        let isOver = phase == "Succeeded" || phase == "Failed"
        pod["status"]["phase"] = .string(phase)
        set("reason", history.failure?.reason, &pod)
        set("message", history.failure?.message, &pod)

        if pod.condition("PodScheduled") == nil { pod.setCondition("PodScheduled", status: "True", now: seconds) }
        let hasSandbox = sandbox?.isReady ?? false
        pod.setCondition("PodReadyToStartContainers", status: hasSandbox ? "True" : "False", now: seconds)
        setInitialized(phase: phase, &pod)
        setReadiness(phase: phase, isOver: isOver, &pod)

        pod["status"]["hostIP"] = .string(surroundings.hostAddress)
        pod["status"]["hostIPs"] = [["ip": .string(surroundings.hostAddress)]]
        let address = spec.usesHostNetwork ? surroundings.hostAddress : history.address
        if address.isEmpty {
            pod["status"].remove("podIP")
            pod["status"].remove("podIPs")
        } else {
            pod["status"]["podIP"] = .string(address)
            pod["status"]["podIPs"] = [["ip": .string(address)]]
        }
        pod["status"]["startTime"] = .string(RFC3339.format(history.started.wholeSeconds))
        if !spec.initContainers.isEmpty {
            pod["status"]["initContainerStatuses"] = .array(spec.initContainers.map { containerStatus($0, surroundings) })
        }
        pod["status"]["containerStatuses"] = .array(spec.containers.map { containerStatus($0, surroundings) })
        pod["status"]["qosClass"] = .string(spec.qosClass.rawValue)
        return pod["status"]
    }

    private func set(_ key: String, _ text: String?, _ pod: inout JSON) {
        if let text, !text.isEmpty { pod["status"][key] = .string(text) } else { pod["status"].remove(key) }
    }

    // MARK: Phase

    /// Pending until every container was started once, then Running until the end.
    var phase: String {
        if let phase = history.terminalPhase { return phase }
        let isPastInit = spec.containers.contains { history[$0.name].current != nil }
        if !isPastInit { return "Pending" }
        return spec.containers.allSatisfy { history[$0.name].current != nil } ? "Running" : "Pending"
    }

    // MARK: Conditions

    private func setInitialized(phase: String, _ pod: inout JSON) {
        let seconds = now.wholeSeconds
        if phase == "Succeeded" {
            pod.setCondition("Initialized", status: "True", reason: "PodCompleted", now: seconds)
            return
        }
        let wasStarted = history.terminalPhase != nil && spec.containers.contains { history[$0.name].current != nil }
        if isInitialized || wasStarted {
            pod.setCondition("Initialized", status: "True", now: seconds)
            return
        }
        let incomplete = spec.initContainers.filter { $0.isSidecar ? !hasStarted($0) : instance(of: $0)?.exit?.code != 0 }.map(\.name)
        pod.setCondition(
            "Initialized", status: "False", reason: "ContainersNotInitialized",
            message: "containers with incomplete status: [\(incomplete.joined(separator: " "))]", now: seconds)
    }

    private func setReadiness(phase: String, isOver: Bool, _ pod: inout JSON) {
        let seconds = now.wholeSeconds
        if isOver {
            let reason = phase == "Succeeded" ? "PodCompleted" : "PodFailed"
            pod.setCondition("ContainersReady", status: "False", reason: reason, now: seconds)
            pod.setCondition("Ready", status: "False", reason: reason, now: seconds)
            return
        }
        let unready = (spec.initContainers.filter(\.isSidecar) + spec.containers).filter { !isReady($0) }.map(\.name)
        guard unready.isEmpty else {
            let message = "containers with unready status: [\(unready.joined(separator: " "))]"
            pod.setCondition("ContainersReady", status: "False", reason: "ContainersNotReady", message: message, now: seconds)
            pod.setCondition("Ready", status: "False", reason: "ContainersNotReady", message: message, now: seconds)
            return
        }
        pod.setCondition("ContainersReady", status: "True", now: seconds)
        var missing: [String] = []
        for gate in spec.readinessGates {
            if let condition = pod.condition(gate) {
                if condition["status"].string != "True" {
                    missing.append("the status of pod readiness gate \"\(gate)\" is not \"True\", but \(condition["status"].string ?? "")")
                }
            } else {
                missing.append("corresponding condition of pod readiness gate \"\(gate)\" does not exist.")
            }
        }
        if missing.isEmpty {
            pod.setCondition("Ready", status: "True", now: seconds)
        } else {
            pod.setCondition("Ready", status: "False", reason: "ReadinessGatesNotReady", message: missing.joined(separator: ", "), now: seconds)
        }
    }

    // MARK: Containers

    private func containerStatus(_ container: ContainerSpec, _ surroundings: StatusSurroundings) -> JSON {
        let past = history[container.name]
        let isRunning = isRunning(container)
        let waiting = waitingReason(container)
        var status: JSON = ["name": .string(container.name)]
        if let waiting {
            var members: JSON = ["reason": .string(waiting.reason)]
            if !waiting.message.isEmpty { members["message"] = .string(waiting.message) }
            status["state"] = ["waiting": members]
        } else if let current = past.current {
            status["state"] = state(of: current, surroundings)
        }
        let last = waiting != nil && past.current?.exit != nil ? past.current : past.previous
        status["lastState"] = last.flatMap { $0.exit == nil ? nil : state(of: $0, surroundings) } ?? [:]
        status["ready"] = .bool(container.runsToCompletion ? past.current?.exit?.code == 0 : isReady(container))
        status["restartCount"] = JSON(past.current?.restartCount ?? 0)
        status["image"] = .string(container.image)
        status["imageID"] = .string(past.current == nil ? "" : container.image)
        if let current = past.current, waiting == nil || current.exit != nil, !current.id.isEmpty {
            status["containerID"] = .string("\(surroundings.runtimeName)://\(current.id)")
        }
        status["started"] = .bool(container.runsToCompletion ? isRunning : hasStarted(container))
        return status
    }

    private func state(of instance: ContainerInstance, _ surroundings: StatusSurroundings) -> JSON {
        let started = JSON.string(RFC3339.format(instance.started.wholeSeconds))
        guard let exit = instance.exit else { return ["running": ["startedAt": started]] }
        var members: JSON = ["exitCode": JSON(exit.code)]
        if let signal = exit.signal { members["signal"] = JSON(signal) }
        members["reason"] = .string(exit.reason)
        if !exit.message.isEmpty { members["message"] = .string(exit.message) }
        members["startedAt"] = started
        members["finishedAt"] = .string(RFC3339.format(exit.finished.wholeSeconds))
        if !instance.id.isEmpty { members["containerID"] = .string("\(surroundings.runtimeName)://\(instance.id)") }
        return ["terminated": members]
    }

    /// Why the container waits; nil if it runs or has ended and its end is what there is to show.
    func waitingReason(_ container: ContainerSpec) -> WaitingReason? {
        let past = history[container.name]
        if isRunning(container) { return nil }
        if isEnding, past.current != nil { return nil }
        if let waiting = past.waiting { return waiting }
        guard let exit = past.current?.exit else {
            let mustInitialize = !container.isInit && !isInitialized || container.isInit && isBehindAnother(container)
            return WaitingReason(reason: mustInitialize ? "PodInitializing" : "ContainerCreating", message: "")
        }
        guard restarts(container, after: exit), now < past.restartBackoff.earliestRestart(finished: exit.finished) else { return nil }
        let delay = Duration.nanoseconds(past.restartBackoff.delay)
        return WaitingReason(
            reason: "CrashLoopBackOff", message: "back-off \(delay.goText) restarting failed container=\(container.name) pod=\(spec.fullName)")
    }

    private func isBehindAnother(_ container: ContainerSpec) -> Bool { container.name != spec.initContainers.first?.name }
}

extension Duration {
    /// As Go prints durations of whole seconds: `10s`, `1m20s`, `5m0s`.
    var goText: String {
        let seconds = components.seconds
        if seconds < 60 { return "\(seconds)s" }
        if seconds < 3600 { return "\(seconds / 60)m\(seconds % 60)s" }
        return "\(seconds / 3600)h\(seconds / 60 % 60)m\(seconds % 60)s"
    }
}
