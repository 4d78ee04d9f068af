import ContainerRuntime

/// What to do now, and when to think again if nothing happens before.
struct PodPlan: Hashable, Sendable {
    var actions: [PodAction] = []
    /// Nanoseconds since 1970.
    var wake: Int64?
    /// Containers that wait for their restart.
    var backingOff: [String] = []

    mutating func wake(at time: Int64) { wake = min(wake ?? time, time) }
}

extension PodSituation {
    /// The next steps. Level-based: it says the same until the facts change, and never repeats what is under way.
    func plan() -> PodPlan {
        var plan = PodPlan()
        for id in staleSandboxes where !busy.contains(.sandbox) { plan.actions.append(.removeSandbox(id: id, isReplaced: false)) }
        if isEnding { planEnd(&plan) } else { planRun(&plan) }
        planPruning(&plan)
        return plan
    }

    // MARK: Running

    private func planRun(_ plan: inout PodPlan) {
        if let seconds = spec.activeDeadlineSeconds {
            let deadline = history.started + Int64(seconds) * .second
            guard now < deadline else {
                plan.actions.append(.fail(WaitingReason(reason: "DeadlineExceeded", message: "Pod was active on the node longer than the specified deadline")))
                return
            }
            plan.wake(at: deadline)
        }
        if !areVolumesReady, !busy.contains(.volumes) {
            if now >= history.volumesRetryAt { plan.actions.append(.setUpVolumes) } else { plan.wake(at: history.volumesRetryAt) }
        }
        guard let sandbox else { return planSandbox(&plan) }
        guard sandbox.isReady else {
            if !busy.contains(.sandbox) { plan.actions.append(.removeSandbox(id: sandbox.id, isReplaced: true)) }
            return
        }
        planStops(&plan)
        guard areVolumesReady else { return }
        planStarts(&plan)
    }

    private func planSandbox(_ plan: inout PodPlan) {
        if let phase = finalPhase {
            plan.actions.append(.end(phase: phase))
            return
        }
        guard !busy.contains(.sandbox) else { return }
        if now >= history.sandboxRetryAt { plan.actions.append(.runSandbox) } else { plan.wake(at: history.sandboxRetryAt) }
    }

    /// Containers that must be replaced though the pod goes on.
    private func planStops(_ plan: inout PodPlan) {
        for container in spec.allContainers {
            let past = history[container.name]
            guard let current = past.current, current.isRunning else { continue }
            if let condemned = past.condemned {
                stop(container, current, condemned.message, deadline: now + grace(condemned.graceSeconds), &plan)
            } else if !current.image.isEmpty, current.image != container.image {
                stop(container, current, "Container \(container.name) definition changed, will be restarted", deadline: now + grace(nil), &plan)
            }
        }
    }

    private func grace(_ seconds: Int?) -> Int64 { Int64(max(1, seconds ?? spec.terminationGraceSeconds)) * .second }

    private func planStarts(_ plan: inout PodPlan) {
        let isPastInit = spec.containers.contains { instance(of: $0) != nil }
        for container in spec.initContainers {
            let here = instance(of: container)
            if container.isSidecar {
                if let here, here.isRunning {
                    if hasStarted(container) || isPastInit { continue }
                    return
                }
                start(container, &plan)
                if isPastInit { continue }
                return
            }
            if isPastInit { continue }
            guard let here else { return start(container, &plan) }
            guard let exit = here.exit else { return }
            if exit.code == 0 { continue }
            if spec.restartPolicy == .never {
                plan.actions.append(.end(phase: "Failed"))
                return
            }
            return start(container, &plan)
        }
        for container in spec.containers {
            if let current = history[container.name].current {
                guard let exit = current.exit, restarts(container, after: exit) else { continue }
            }
            start(container, &plan)
        }
        if let phase = finalPhase { plan.actions.append(.end(phase: phase)) }
    }

    /// Containers are started one after the other: the next one when the postStart hook of the one before has returned.
    private func start(_ container: ContainerSpec, _ plan: inout PodPlan) {
        let past = history[container.name]
        var earliest = past.retryAt
        if let exit = past.current?.exit {
            let restart = past.restartBackoff.earliestRestart(finished: exit.finished)
            if now < restart { plan.backingOff.append(container.name) }
            earliest = max(earliest, restart)
        }
        guard now >= earliest else { return plan.wake(at: earliest) }
        let isBusy = busy.contains { if case .start = $0 { true } else { false } } || plan.actions.contains { if case .start = $0 { true } else { false } }
        if !isBusy { plan.actions.append(.start(container: container.name)) }
    }

    // MARK: Ending

    /// When what still runs is killed.
    var endDeadline: Int64 {
        let begun = history.ending ?? now
        switch intent {
        case .run: return begun + grace(nil)
        case .shutDown(let seconds): return begun + Int64(max(1, min(seconds, spec.terminationGraceSeconds))) * .second
        case .delete(let isGone):
            let deadline = begun + Int64(max(1, spec.deletionGraceSeconds ?? (isGone ? 1 : spec.terminationGraceSeconds))) * .second
            // A kubelet that comes back in the middle of a deletion does not grant the whole time again. The
            // timestamp has whole seconds, hence one more.
            guard let timestamp = spec.deletionTimestamp else { return deadline }
            return min(deadline, max(timestamp * .second, begun) + .second)
        }
    }

    private func planEnd(_ plan: inout PodPlan) {
        let running = spec.allContainers.filter { isRunning($0) }
        let ordinary = running.filter { !$0.isSidecar }
        // Sidecars serve the others to the end; then they go in reverse order.
        for container in ordinary.isEmpty ? Array(running.suffix(1)) : ordinary {
            guard let current = history[container.name].current else { continue }
            stop(container, current, "Stopping container \(container.name)", deadline: endDeadline, &plan)
        }
        guard running.isEmpty else { return }
        let isWorking = busy.contains {
            switch $0 {
            case .publish, .probe, .prune: false
            default: true
            }
        }
        guard !isWorking else { return }
        if history.terminalPhase == nil {
            switch intent {
            case .shutDown: break
            case .run, .delete:
                plan.actions.append(.end(phase: endedPhase))
                return
            }
        }
        if let sandbox {
            plan.actions.append(.removeSandbox(id: sandbox.id, isReplaced: false))
            return
        }
        switch intent {
        case .run: break
        // The last status goes out before the object goes.
        case .delete: if !busy.contains(.publish) { plan.actions.append(.tearDown) }
        case .shutDown: if !busy.contains(.publish) { plan.actions.append(.leave) }
        }
    }

    /// The phase of a pod that was made to end.
    private var endedPhase: String {
        if history.failure != nil { return "Failed" }
        let exits = spec.containers.map { history[$0.name].current?.exit?.code }
        return exits.allSatisfy { $0 == 0 } ? "Succeeded" : "Failed"
    }

    private func stop(_ container: ContainerSpec, _ instance: ContainerInstance, _ message: String, deadline: Int64, _ plan: inout PodPlan) {
        let known = stopping[instance.id]
        // A later deletion may shorten the grace; it never lengthens it.
        if let known, known <= deadline + .second / 2 { return }
        plan.actions.append(.stop(container: container.name, id: instance.id, message: message, deadline: deadline, isFirst: known == nil))
    }

    // MARK: Pruning

    /// The runtime keeps the current instance and the one before it of each container (`lastState`, `logs -p`).
    private func planPruning(_ plan: inout PodPlan) {
        guard let sandbox else { return }
        for container in sandbox.containers {
            guard case .exited = container.state, !busy.contains(.prune(container.id)) else { continue }
            let past = history[container.config.name]
            if container.id != past.current?.id, container.id != past.previous?.id { plan.actions.append(.prune(id: container.id)) }
        }
    }
}
