import ContainerRuntime
import JSON
import Objects
import Runtime

/// Sandbox, volumes and containers.
extension PodWorker {
    private static let retryInterval: Int64 = .second
    /// Time that a container gets after a preStop hook that took all of its grace.
    private static let leastGrace: Int64 = 2 * .second

    var fields: DownwardFields {
        DownwardFields(
            pod: spec, podAddress: history.address, hostAddress: kubelet.configuration.nodeAddress, nodeMilliCPU: Int64(kubelet.machine.cpuCount) * 1000,
            nodeMemoryBytes: kubelet.machine.memoryBytes)
    }

    // MARK: Volumes

    func setUpVolumes() async {
        do {
            let version = volumesVersion
            let objects = try await read(PodVolumes.references(of: spec))
            try volumes.setUp(spec, fields: fields, objects: objects)
            // If something changed while the objects were read, they are read again.
            areVolumesReady = version == volumesVersion
        } catch {
            history.volumesRetryAt = kubelet.time.nanoseconds + 2 * Self.retryInterval
            let message = (error as? VolumeError)?.message ?? "\(error)"
            record(.warning, "FailedMount", message)
        }
    }

    /// Objects that are not there are left out; any other failure is thrown.
    private func read(_ keys: [ObjectKey]) async throws(StatusError) -> ReferencedObjects {
        var objects = ReferencedObjects()
        for key in Set(keys) {
            do throws(StatusError) {
                objects.add(key, try await kubelet.client.get(key.kind.resource, namespace: key.namespace, name: key.name))
            } catch {
                if error.reason != .notFound { throw error }
            }
        }
        return objects
    }

    // MARK: Sandbox

    func runSandbox() async {
        let configuration = kubelet.configuration
        let config = SandboxConfig(
            namespace: spec.namespace, name: spec.name, uid: uid, hostname: spec.hostname,
            cgroupPath: ContainerResources.cgroupPath(qosClass: spec.qosClass, uid: uid),
            limits: ContainerResources.limits(of: spec, pids: configuration.podPIDLimit), hostNetwork: spec.usesHostNetwork,
            logDirectory: configuration.logDirectory(of: spec),
            annotations: spec.sharesProcessNamespace ? [SandboxConfig.shareProcessNamespaceKey: "true"] : [:])
        do throws(RuntimeError) {
            let status = try await kubelet.runtime.runSandbox(config)
            setSandbox(status)
            history.sandboxRetryAt = 0
        } catch {
            kubelet.metrics.runtimeFailures.increment()
            history.sandboxRetryAt = kubelet.time.nanoseconds + 2 * Self.retryInterval
            record(.warning, "FailedCreatePodSandBox", "Failed to create pod sandbox: \(error.description)")
        }
    }

    func removeSandbox(_ id: String, isReplaced: Bool) async {
        if isReplaced { record(.normal, "SandboxChanged", "Pod sandbox changed, it will be killed and re-created.") }
        do throws(RuntimeError) {
            try await kubelet.runtime.removeSandbox(id: id)
            forgetSandbox(id)
            if isReplaced { history.address = "" }
        } catch {
            kubelet.metrics.runtimeFailures.increment()
            record(.warning, "FailedKillPod", "error killing pod: \(error.description)")
            try? await kubelet.time.sleep(.seconds(1))
        }
    }

    // MARK: Start

    func start(_ name: String) async {
        guard let container = spec.container(name), let sandbox else { return }
        let past = history[name]
        var backoff = past.restartBackoff
        backoff.limit = kubelet.configuration.restartDelayLimit.nanosecondCount
        let limited = backoff
        history.containers[name, default: ContainerHistory()].restartBackoff = limited
        if let exit = past.current?.exit { backoff.restarted(finished: exit.finished, now: kubelet.time.nanoseconds) }
        do {
            let config = try await config(of: container, restartCount: past.nextRestartCount, backoff: backoff)
            let status = try await kubelet.runtime.startContainer(config, sandbox: sandbox.id)
            begin(ContainerInstance(status), of: container)
        } catch {
            return failed(container, error)
        }
        record(.normal, "Pulled", "Container image \"\(container.image)\" already present on machine", container: name)
        record(.normal, "Created", "Created container: \(name)", container: name)
        record(.normal, "Started", "Started container \(name)", container: name)
        forgetOldLogs(container)
        await runPostStart(container)
    }

    private func config(of container: ContainerSpec, restartCount: Int, backoff: RestartBackoff) async throws -> ContainerConfig {
        let objects: ReferencedObjects
        var services: [JSON] = []
        do throws(StatusError) {
            objects = try await read(ContainerEnvironment.references(of: container, namespace: namespace))
            if spec.wantsServiceLinks {
                services = try await kubelet.client.list(.services, namespace: namespace, labelSelector: nil, fieldSelector: nil).items
            }
            if !services.contains(where: { $0.metadataName == "kubernetes" && $0.namespace == "default" }) {
                // The API's own service is told to everybody.
                if let own = try? await kubelet.client.get(.services, namespace: "default", name: "kubernetes") { services.append(own) }
            }
        } catch {
            throw ConfigurationError(error.message)
        }
        let setup = ContainerSetup(
            pod: spec, container: container, fields: fields, services: services, objects: objects, volumes: volumes, configuration: kubelet.configuration,
            nodeMemoryBytes: kubelet.machine.memoryBytes, restartCount: restartCount, backoff: backoff)
        let (config, skipped) = try setup.config()
        if !skipped.isEmpty {
            record(
                .warning, "InvalidEnvironmentVariableNames",
                "Keys [\(skipped.joined(separator: ", "))] from the EnvFrom sources were skipped since they are considered invalid environment variable names.")
        }
        return config
    }

    private func begin(_ instance: ContainerInstance, of container: ContainerSpec) {
        let now = kubelet.time.nanoseconds
        var past = history[container.name]
        // A refresh may have seen it first.
        if past.current?.id != instance.id {
            if past.current != nil { kubelet.metrics.restarts.increment() }
            past.begin(instance, now: now)
        }
        past.imageBackoff = RestartBackoff()
        past.isPostStartDone = container.postStart.object == nil || instance.exit != nil
        history.containers[container.name] = past
        bell.ring()
    }

    private func failed(_ container: ContainerSpec, _ error: any Error) {
        let now = kubelet.time.nanoseconds
        let name = container.name
        var past = history[name]
        defer { history.containers[name] = past }
        switch error {
        case let error as ConfigurationError:
            let isNews = past.waiting?.message != error.message
            past.waiting = WaitingReason(reason: "CreateContainerConfigError", message: error.message)
            past.retryAt = now + 2 * Self.retryInterval
            if isNews { record(.warning, "Failed", "Error: \(error.message)", container: name) }
        case RuntimeError.unknownImage(let image):
            let problem = (error as? RuntimeError)?.description ?? ""
            imageIsMissing(container, image, problem, &past, now)
        case RuntimeError.start(let problem):
            // The attempt counts as an instance that ended at once, so that policy and back-off apply.
            record(.warning, "Failed", "Error: \(problem)", container: name)
            var instance = ContainerInstance(id: "", sandboxID: sandbox?.id ?? "", restartCount: past.nextRestartCount, started: now, image: container.image)
            instance.exit = .init(code: 128, signal: nil, reason: "StartError", message: problem, finished: now)
            past.begin(instance, now: now)
            past.isPostStartDone = true
        default:
            kubelet.metrics.runtimeFailures.increment()
            let isNews = past.waiting?.message != "\(error)"
            past.waiting = WaitingReason(reason: "CreateContainerError", message: "\(error)")
            past.retryAt = now + 2 * Self.retryInterval
            if isNews { record(.warning, "Failed", "Error: \(error)", container: name) }
            lookAtRuntime()
        }
    }

    /// ErrImagePull and ImagePullBackOff take turns, as they do where images are pulled.
    private func imageIsMissing(_ container: ContainerSpec, _ image: String, _ problem: String, _ past: inout ContainerHistory, _ now: Int64) {
        let name = container.name
        if container.imagePullPolicy == "Never" {
            past.waiting = WaitingReason(reason: "ErrImageNeverPull", message: "Container image \"\(image)\" is not present with pull policy of Never")
            record(.warning, "ErrImageNeverPull", past.waiting?.message ?? "", container: name)
            record(.warning, "Failed", "Error: ErrImageNeverPull", container: name)
            past.retryAt = now + 10 * .second
            return
        }
        past.imageBackoff.restarted(finished: now, now: now)
        past.retryAt = now + past.imageBackoff.delay
        let isFirst = past.waiting == nil
        past.waiting = WaitingReason(
            reason: isFirst ? "ErrImagePull" : "ImagePullBackOff", message: isFirst ? problem : "Back-off pulling image \"\(image)\": ErrImagePull: \(problem)")
        if isFirst {
            // Shown for a moment; then the wait for the next attempt is what there is to see.
            past.retryAt = now + Self.retryInterval
            past.imageBackoff = RestartBackoff()
        }
        record(.normal, "Pulling", "Pulling image \"\(image)\"", container: name)
        record(.warning, "Failed", "Failed to pull image \"\(image)\": \(problem)", container: name)
        record(.warning, "Failed", "Error: ErrImagePull", container: name)
        if !isFirst {
            record(.normal, "BackOff", "Back-off pulling image \"\(image)\"", container: name)
            record(.warning, "Failed", "Error: ImagePullBackOff", container: name)
        }
    }

    private func runPostStart(_ container: ContainerSpec) async {
        guard container.postStart.object != nil, let id = history[container.name].current?.id else { return }
        let problem = await hook(container, id: id)
        guard history[container.name].current?.id == id else { return }
        history.containers[container.name]?.isPostStartDone = true
        guard let problem, history[container.name].current?.isRunning == true else { return }
        record(.warning, "FailedPostStartHook", "PostStartHook failed: \(problem)", container: container.name)
        history.containers[container.name]?.condemned = .init(message: "FailedPostStartHook", graceSeconds: nil)
    }

    /// Runs the postStart hook for no longer than the container itself.
    private func hook(_ container: ContainerSpec, id: String) async -> String? {
        let (prober, time, address) = (prober, kubelet.time, probeAddress)
        return await withTaskGroup(of: String?.self) { group in
            group.addTask {
                await prober.hook(container.postStart, container: container, id: id, address: address, timeout: .seconds(3600), time: time)
            }
            group.addTask {
                while await self.isRunning(container: container.name, id: id), (try? await time.sleep(.seconds(1))) != nil {}
                return "the container has ended"
            }
            let problem = await group.next() ?? nil
            group.cancelAll()
            return problem
        }
    }

    /// Keeps the files of this instance and of the one before it.
    private func forgetOldLogs(_ container: ContainerSpec) {
        let directory = "\(kubelet.configuration.logDirectory(of: spec))/\(container.name)"
        guard let current = history[container.name].current?.restartCount, current >= 2 else { return }
        for name in (try? HostFileSystem().list(directory)) ?? [] {
            guard let number = name.split(separator: ".").first.flatMap({ Int($0) }), number < current - 1, name.hasPrefix("\(number).log") else { continue }
            TreeRemover.remove("\(directory)/\(name)")
        }
    }

    /// Where probes and hooks connect to.
    var probeAddress: String { spec.usesHostNetwork ? kubelet.configuration.nodeAddress : history.address }

    // MARK: Stop

    func stop(_ name: String, id: String, message: String, deadline: Int64, isFirst: Bool) async {
        guard let container = spec.container(name) else { return }
        if isFirst {
            record(.normal, "Killing", message, container: name)
            await runPreStop(container, id: id, deadline: deadline)
        }
        var left = max(0, deadline - kubelet.time.nanoseconds)
        if isFirst, container.preStop.object != nil { left = max(left, Self.leastGrace) }
        do throws(RuntimeError) {
            try await kubelet.runtime.stopContainer(id: id, signal: 15, gracePeriod: .nanoseconds(left))
        } catch {
            if case .unknownContainer = error { return }
            kubelet.metrics.runtimeFailures.increment()
            record(.warning, "FailedKillPod", "error killing container \(name): \(error.description)", container: name)
            try? await kubelet.time.sleep(.seconds(1))
            forgetStop(id)
        }
    }

    private func runPreStop(_ container: ContainerSpec, id: String, deadline: Int64) async {
        guard container.preStop.object != nil else { return }
        let timeout = Duration.nanoseconds(max(0, deadline - kubelet.time.nanoseconds))
        if let problem = await prober.hook(container.preStop, container: container, id: id, address: probeAddress, timeout: timeout, time: kubelet.time) {
            record(.warning, "FailedPreStopHook", "PreStopHook failed: \(problem)", container: container.name)
        }
    }
}
