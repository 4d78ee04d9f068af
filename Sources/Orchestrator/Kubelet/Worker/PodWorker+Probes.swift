import ContainerRuntime
import Runtime

/// When probes are made, and what follows from them.
extension PodWorker {
    /// Starts the probes that are due; returns when the next one is.
    func beginProbes(_ work: inout [Work]) -> Int64? {
        let situation = situation
        var next: Int64?
        for container in situation.spec.allContainers where !container.probes.isEmpty {
            let past = history[container.name]
            guard let current = past.current, current.isRunning, past.isPostStartDone, past.condemned == nil else { continue }
            for (kind, spec) in container.probes where isWanted(kind, container, situation) {
                let key = ProbeKey(container: container.name, kind: kind)
                let now = kubelet.time.nanoseconds
                if probes[key]?.containerID != current.id {
                    probes[key] = ProbeState(kind, spec, containerID: current.id, started: current.started, now: now, wasReady: past.isReady)
                }
                guard var state = probes[key] else { continue }
                // The end of the one under way wakes the worker.
                if isBusy(.probe(container.name, kind)) { continue }
                if state.due <= now {
                    state.begin(now: now)
                    probes[key] = state
                    begin(.probe(container.name, kind), &work) { .probe(key, spec, containerID: current.id) }
                }
                next = min(next ?? state.due, state.due)
            }
        }
        return next
    }

    /// Startup comes before the others; a pod that ends is asked for readiness only.
    private func isWanted(_ kind: ProbeKind, _ container: ContainerSpec, _ situation: PodSituation) -> Bool {
        let hasStarted = situation.hasStarted(container)
        switch kind {
        case .startup: return !hasStarted && !situation.isEnding
        case .liveness: return hasStarted && !situation.isEnding
        case .readiness: return hasStarted
        }
    }

    func probe(_ key: ProbeKey, _ probe: ProbeSpec, containerID: String) async {
        guard let container = spec.container(key.container) else { return }
        let begun = kubelet.time.nanoseconds
        let outcome = await prober.probe(probe, container: container, id: containerID, address: probeAddress)
        let seconds = Double(kubelet.time.nanoseconds - begun) / 1e9
        // The container may have ended while it was asked: then the answer is about nobody.
        guard let current = history[key.container].current, current.id == containerID, current.isRunning else { return }
        let subject = ProbeMetrics.Subject(namespace: namespace, pod: name, uid: uid, container: key.container, kind: key.kind)
        kubelet.probeMetrics.count(subject, outcome, seconds: seconds)
        switch outcome {
        case .unknown(let problem):
            record(.warning, "Unhealthy", "\(key.kind.rawValue) probe errored: \(problem)", container: key.container)
        case .failure(let problem):
            record(.warning, "Unhealthy", "\(key.kind.rawValue) probe failed: \(problem)", container: key.container)
            if let verdict = probes[key]?.record(success: false) { apply(verdict, key, probe) }
        case .success:
            if let verdict = probes[key]?.record(success: true) { apply(verdict, key, probe) }
        }
    }

    private func apply(_ verdict: ProbeState.Verdict, _ key: ProbeKey, _ probe: ProbeSpec) {
        switch (key.kind, verdict) {
        case (.readiness, _): history.containers[key.container]?.isReady = verdict == .success
        case (.startup, .success): history.containers[key.container]?.hasStarted = true
        case (.startup, _), (.liveness, .failure):
            history.containers[key.container]?.condemned = .init(
                message: "Container \(key.container) failed \(key.kind.rawValue.lowercased()) probe, will be restarted", graceSeconds: probe.graceSeconds)
        case (.liveness, _): break
        }
    }
}
