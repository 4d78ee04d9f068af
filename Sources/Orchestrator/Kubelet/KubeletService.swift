import ContainerRuntime
import Exposition
import HTTP
import JSON
import Objects
import Runtime
import Synchronization

/// The part of Binnacle that runs the pods bound to this node, and tells the API server how they are.
///
/// `run()` is its whole life. Ending it stops no pod: what runs goes on and is taken over by the next kubelet.
/// `stopAllPods` is for a node that really stops.
public actor KubeletService {
    /// How often everything is compared with the runtime, should an event have been missed.
    static let relistInterval = Duration.seconds(30)

    public nonisolated let probeMetrics = ProbeMetrics()
    /// For others on this node that tell of pods.
    public nonisolated let recorder: EventRecorder
    private nonisolated let kubelet: KubeletServices
    private var workers: [String: PodWorker] = [:]
    private let births: AsyncStream<PodWorker>
    private let birth: AsyncStream<PodWorker>.Continuation
    private let burials = Bell()
    private var isStopping = false
    /// False until the pods of an earlier kubelet have been taken over.
    private var isSettled = false
    /// Pods that are gone, by uid: a watch that lags may still tell of them.
    private var buried = RecentlyUsed<String, Bool>(capacity: 4096)
    /// Log directories of pods that are gone, and when they go.
    private var oldLogs: [String: Int64] = [:]

    public init(
        configuration: KubeletConfiguration, client: any ObjectClient, runtime: any ContainerRuntime, transport: any ProbeTransport,
        metrics: MetricRegistry, time: any Timekeeper = SystemTimekeeper()
    ) {
        recorder = EventRecorder(client: client, component: "kubelet", host: configuration.nodeName, time: time, metrics: metrics)
        kubelet = KubeletServices(
            configuration: configuration, client: client, runtime: runtime, view: RuntimeView(runtime: runtime), transport: transport,
            recorder: recorder, time: time, machine: MachineFacts.read(directory: configuration.rootDirectory), metrics: KubeletMetrics(metrics),
            probeMetrics: probeMetrics)
        (births, birth) = AsyncStream.makeStream()
    }

    // MARK: Life

    /// Registers the node and runs its pods until the task is cancelled.
    public func run() async throws {
        let events = kubelet.runtime.events()
        try? HostFileSystem().makeDirectory(kubelet.configuration.rootDirectory, mode: 0o755)
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await self.recorder.run() }
                let registrar = registrar
                try await registrar.register()
                group.addTask { try await registrar.keepLease() }
                group.addTask { try await registrar.keepStatus() }
                group.addTask { await self.listen(to: events) }
                group.addTask { try await self.followPods() }
                group.addTask { try await self.follow(.configMap) }
                group.addTask { try await self.follow(.secret) }
                group.addTask { try await self.relist() }
                group.addTask { try await self.removeOldLogs() }
                group.addTask { await self.runWorkers() }
                while try await group.next() != nil {}
            }
        } catch is CancellationError {
            // How shutdown arrives: a normal end, not a failure.
        }
    }

    private func runWorkers() async {
        await withDiscardingTaskGroup { group in
            for await worker in births {
                group.addTask {
                    await worker.run()
                    await self.bury(worker)
                }
            }
            group.cancelAll()
        }
    }

    /// Stops every pod, containers first by SIGTERM and, at the end of `limit`, by SIGKILL, and removes their sandboxes.
    /// The objects stay: the next kubelet starts the pods anew. Returns when all are stopped, or a second after `limit`.
    public func stopAllPods(within limit: Duration) async {
        isStopping = true
        let grace = max(1, Int(limit.components.seconds) - 1)
        for worker in workers.values { await worker.shutDown(graceSeconds: grace) }
        let deadline = kubelet.time.nanoseconds + limit.nanosecondCount + .second
        while !workers.isEmpty, case let left = deadline - kubelet.time.nanoseconds, left > 0 {
            await burials.wait(atMost: .nanoseconds(left), on: kubelet.time)
        }
    }

    private nonisolated var registrar: NodeRegistrar {
        let configuration = kubelet.configuration
        let abilities = kubelet.runtime.abilities
        return NodeRegistrar(client: kubelet.client, time: kubelet.time, recorder: recorder, failures: kubelet.metrics.apiFailures) {
            NodeObject(
                name: configuration.nodeName, address: configuration.nodeAddress, extraLabels: configuration.nodeLabels, version: configuration.version,
                kubeletPort: configuration.kubeletPort, podCIDR: configuration.podCIDR,
                facts: MachineFacts.read(directory: configuration.rootDirectory), abilities: abilities)
        }
    }

    // MARK: Pods

    /// Keeps the workers equal to the pods bound to this node.
    private func followPods() async throws {
        var isFirst = true
        var backoff = Backoff(first: .milliseconds(100), limit: .seconds(5))
        while true {
            do {
                let list = try await kubelet.client.list(
                    .pods, namespace: nil, labelSelector: nil, fieldSelector: "spec.nodeName=\(kubelet.configuration.nodeName)")
                if isFirst {
                    try await removeStrangers(keeping: Set(list.items.map(\.uid)))
                    isFirst = false
                }
                await reconcile(list.items)
                isSettled = true
                backoff.reset()
                for try await event in kubelet.client.watch(.pods, namespace: nil, after: list.resourceVersion) {
                    await handle(event)
                }
            } catch {
                if error is CancellationError || Task.isCancelled { throw CancellationError() }
                kubelet.metrics.apiFailures.increment()
            }
            try Task.checkCancellation()
            // The watch ended or the server does not answer: list again.
            try await kubelet.time.sleep(backoff.next())
        }
    }

    private func reconcile(_ pods: [JSON]) async {
        let present = Set(pods.map(\.uid))
        for pod in pods { await see(pod) }
        for (uid, worker) in workers where !present.contains(uid) { await worker.remove(nil) }
    }

    private func handle(_ event: WatchEvent) async {
        guard event.kind != .bookmark else { return }
        if event.kind == .deleted {
            await workers[event.object.uid]?.remove(event.object)
        } else if event.object.nodeName == kubelet.configuration.nodeName {
            await see(event.object)
        }
    }

    private func see(_ pod: JSON) async {
        let uid = pod.uid
        // The uid names directories.
        guard !uid.isEmpty, !uid.utf8.contains(UInt8(ascii: "/")), uid != "..", uid != "." else { return }
        if let worker = workers[uid] { return await worker.update(pod) }
        guard !isStopping, buried[uid] == nil else { return }
        let worker = PodWorker(pod: pod, kubelet: kubelet, mayHaveSandbox: !isSettled)
        workers[uid] = worker
        kubelet.metrics.workers.value = Double(workers.count)
        birth.yield(worker)
    }

    private func bury(_ worker: PodWorker) async {
        guard await worker.hasLeft else { return }
        workers[worker.uid] = nil
        if !isStopping { buried[worker.uid] = true }
        kubelet.metrics.workers.value = Double(workers.count)
        if !isStopping {
            let directory = await kubelet.configuration.logDirectory(of: worker.spec)
            oldLogs[directory] = kubelet.time.nanoseconds + kubelet.configuration.logGrace.nanosecondCount
        }
        burials.ring()
    }

    // MARK: The runtime

    /// Removes what belongs to pods that are gone: sandboxes, directories, and in a while logs.
    private func removeStrangers(keeping uids: Set<String>) async throws {
        var sandboxes = await kubelet.view.fresh()
        while sandboxes == nil {
            kubelet.metrics.runtimeFailures.increment()
            try await kubelet.time.sleep(.seconds(1))
            sandboxes = await kubelet.view.fresh()
        }
        await removeSandboxes(sandboxes ?? [:], keeping: uids)
        let configuration = kubelet.configuration
        let system = HostFileSystem()
        for uid in (try? system.list("\(configuration.rootDirectory)/pods")) ?? [] where !uids.contains(uid) {
            _ = PodVolumes(root: configuration.rootDirectory, uid: uid).tearDown()
        }
        let due = kubelet.time.nanoseconds + configuration.logGrace.nanosecondCount
        for name in (try? system.list(configuration.logDirectory)) ?? [] {
            guard let mark = name.lastIndex(of: "_"), !uids.contains(String(name[name.index(after: mark)...])) else { continue }
            oldLogs["\(configuration.logDirectory)/\(name)"] = due
        }
    }

    private func removeSandboxes(_ all: RuntimeView.Sandboxes, keeping uids: Set<String>) async {
        for (uid, sandboxes) in all where !uids.contains(uid) {
            for sandbox in sandboxes {
                do throws(RuntimeError) { try await kubelet.runtime.removeSandbox(id: sandbox.id) } catch { kubelet.metrics.runtimeFailures.increment() }
            }
        }
    }

    private func listen(to events: AsyncStream<RuntimeEvent>) async {
        for await event in events {
            let id =
                switch event {
                case .containerExited(let sandbox, _): sandbox
                case .sandboxLost(let sandbox): sandbox
                }
            for worker in workers.values where worker.tags.withLock({ $0.sandboxID == id }) { await worker.lookAtRuntime() }
        }
    }

    private func relist() async throws {
        while true {
            try await kubelet.time.sleep(Self.relistInterval)
            let before = Set(workers.keys)
            guard let sandboxes = await kubelet.view.fresh() else { continue }
            await removeSandboxes(sandboxes, keeping: before.union(workers.keys))
            for worker in workers.values { await worker.lookAtRuntime() }
        }
    }

    // MARK: ConfigMaps, Secrets, logs

    private func follow(_ kind: ObjectKey.Kind) async throws {
        var backoff = Backoff(first: .milliseconds(100), limit: .seconds(5))
        while true {
            do {
                let list = try await kubelet.client.list(kind.resource, namespace: nil, labelSelector: nil, fieldSelector: nil)
                backoff.reset()
                for try await event in kubelet.client.watch(kind.resource, namespace: nil, after: list.resourceVersion) where event.kind != .bookmark {
                    let key = ObjectKey(kind: kind, namespace: event.object.namespace, name: event.object.metadataName)
                    for worker in workers.values where worker.tags.withLock({ $0.references.contains(key) }) { await worker.lookAtReferences() }
                }
            } catch {
                if error is CancellationError || Task.isCancelled { throw CancellationError() }
                kubelet.metrics.apiFailures.increment()
            }
            try Task.checkCancellation()
            try await kubelet.time.sleep(backoff.next())
            // What changed in the gap is not known.
            for worker in workers.values where worker.tags.withLock({ $0.references.contains { $0.kind == kind } }) { await worker.lookAtReferences() }
        }
    }

    private func removeOldLogs() async throws {
        while true {
            try await kubelet.time.sleep(.seconds(1))
            let now = kubelet.time.nanoseconds
            for (directory, due) in oldLogs where due <= now {
                oldLogs[directory] = nil
                TreeRemover.remove(directory)
            }
        }
    }

    // MARK: Questions

    /// Writes a container's log as `kubectl logs` wants it.
    ///
    /// Throws a `StatusError` before the first byte if there is nothing to read, later only what the writer throws.
    /// - Parameter container: may be left out for a pod of one container.
    public func logs(namespace: String, pod: String, container: String?, options: LogOptions, writer: any HTTPBodyWriter) async throws {
        guard let worker = worker(namespace: namespace, pod: pod) else { throw StatusError.notFound(.pods, pod) }
        let source = try await worker.logSource(container: container, previous: options.previous)
        let name = try await worker.container(container).name
        let isPrevious = options.previous
        let reader = LogReader(files: source.files, options: options, time: kubelet.time) {
            isPrevious ? false : await worker.isRunning(container: name, id: source.id)
        }
        try await reader.copy(to: writer)
    }

    /// Throws what `logs` would throw before its first byte.
    public func checkLog(namespace: String, pod: String, container: String?, previous: Bool) async throws {
        guard let worker = worker(namespace: namespace, pod: pod) else { throw StatusError.notFound(.pods, pod) }
        _ = try await worker.logSource(container: container, previous: previous)
    }

    /// The newest pod of that name.
    private func worker(namespace: String, pod: String) -> PodWorker? {
        workers.values.filter { $0.namespace == namespace && $0.name == pod }.max { $0.firstSeen < $1.firstSeen }
    }

    /// The pods that have a sandbox, sorted by uid.
    public func runningPods() async -> [PodFacts] {
        var facts: [PodFacts] = []
        for worker in workers.values { if let fact = await worker.facts() { facts.append(fact) } }
        return facts.sorted { $0.uid < $1.uid }
    }

    /// All pods of this node with their present status: what `/pods` answers.
    public func podList() async -> JSON {
        var pods: [JSON] = []
        for worker in workers.values {
            var pod = await worker.pod()
            pod["kind"] = "Pod"
            pod["apiVersion"] = "v1"
            pods.append(pod)
        }
        pods.sort { $0.namespacedName < $1.namespacedName }
        return ["kind": "PodList", "apiVersion": "v1", "metadata": [:], "items": .array(pods)]
    }
}
