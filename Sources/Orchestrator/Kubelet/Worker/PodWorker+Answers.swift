import ContainerRuntime
import JSON
import Objects

/// What others ask of a pod.
extension PodWorker {
    /// Nil while the pod has no sandbox.
    func facts() -> PodFacts? {
        guard let sandbox else { return nil }
        let containers = spec.allContainers.compactMap { container -> PodFacts.Container? in
            guard let current = history[container.name].current, current.sandboxID == sandbox.id, !current.id.isEmpty else { return nil }
            return PodFacts.Container(
                name: container.name, id: current.id, image: container.image, restartCount: current.restartCount, pid: current.pid,
                cgroupPath: current.cgroupPath, logPath: current.logPath, started: current.started, isRunning: current.isRunning)
        }
        return PodFacts(
            namespace: namespace, name: name, uid: uid, labels: spec.labels, qosClass: spec.qosClass.rawValue, sandboxID: sandbox.id,
            sandboxPID: sandbox.pid, address: sandbox.address, usesHostNetwork: spec.usesHostNetwork, cgroupPath: sandbox.config.cgroupPath,
            started: history.started, containers: containers)
    }

    /// The object with its status as it is this moment.
    func pod() -> JSON {
        var pod = object
        pod["status"] = currentStatus()
        return pod
    }

    /// Where the log of a container's instance is, and which instance it is.
    func logSource(container wanted: String?, previous: Bool) throws(StatusError) -> (files: LogFiles, id: String) {
        let container = try container(wanted)
        let past = history[container.name]
        let waiting = situation.waitingReason(container)
        if previous {
            // While the container waits for its restart, the last instance is the previous one.
            guard let instance = waiting != nil && past.current?.exit != nil ? past.current : past.previous else {
                throw StatusError(.badRequest, "previous terminated container \"\(container.name)\" in pod \"\(name)\" not found")
            }
            return (logFiles(container: container.name, restartCount: instance.restartCount), instance.id)
        }
        guard let instance = past.current else {
            let reason = waiting?.reason ?? "ContainerCreating"
            let text =
                switch reason {
                case "ErrImagePull": "image can't be pulled"
                case "ImagePullBackOff": "trying and failing to pull image"
                default: reason
                }
            throw StatusError(.badRequest, "container \"\(container.name)\" in pod \"\(name)\" is waiting to start: \(text)")
        }
        return (logFiles(container: container.name, restartCount: instance.restartCount), instance.id)
    }

    func isRunning(container name: String, id: String) -> Bool {
        guard let current = history[name].current, current.id == id else { return false }
        return current.isRunning
    }

    func container(_ wanted: String?) throws(StatusError) -> ContainerSpec {
        if let wanted, !wanted.isEmpty {
            guard let container = spec.container(wanted) else { throw StatusError(.badRequest, "container \(wanted) is not valid for pod \(name)") }
            return container
        }
        guard spec.containers.count == 1 else {
            var message = "a container name must be specified for pod \(name), choose one of: [\(spec.containers.map(\.name).joined(separator: " "))]"
            if !spec.initContainers.isEmpty { message += " or one of the init containers: [\(spec.initContainers.map(\.name).joined(separator: " "))]" }
            throw StatusError(.badRequest, message)
        }
        return spec.containers[0]
    }
}
