import ContainerRuntime
import HTTP
import JSON
import Objects
import Runtime
import Synchronization

/// Looks after one pod from its first sight to its removal.
///
/// It wakes, gathers the facts, asks the pure `PodSituation.plan()` what to do, and starts that in tasks of its own,
/// which wake it when they are done. What woke it does not matter: it looks at everything again.
actor PodWorker {
    nonisolated let uid: String
    nonisolated let namespace: String
    nonisolated let name: String
    /// What others need to find the worker that an event is for.
    nonisolated let tags: Mutex<Tags>
    struct Tags: Sendable {
        var sandboxID: String?
        var references: Set<ObjectKey>
    }

    let kubelet: KubeletServices
    let bell = Bell()
    let prober: Prober
    let volumes: PodVolumes
    nonisolated let firstSeen: Int64

    /// The newest version of the pod that is known.
    private(set) var object: JSON
    private(set) var spec: PodSpec
    var history: PodHistory
    var sandbox: SandboxStatus?
    private var staleSandboxes: [String] = []
    /// Sandboxes that are gone, though an answer under way may still show them.
    private var removedSandboxes: Set<String> = []
    var areVolumesReady = false
    /// Rises with each change of what the volumes are made of.
    private(set) var volumesVersion = 0
    private var intent = PodIntent.run
    private var busy: [PodOperation: Int] = [:]
    private var stopping: [String: Int64] = [:]
    var probes: [ProbeKey: ProbeState] = [:]
    private var isRuntimeStale: Bool
    private var published = JSON.null
    private var publishRetryAt: Int64 = 0
    private var tearDownRetryAt: Int64 = 0
    private var reportedBackoffs: [String: String] = [:]
    private var wasMeasured: Bool
    private(set) var hasLeft = false

    struct ProbeKey: Hashable, Sendable {
        var container: String
        var kind: ProbeKind
    }

    /// - Parameter mayHaveSandbox: whether an earlier kubelet may have started it.
    init(pod: JSON, kubelet: KubeletServices, mayHaveSandbox: Bool) {
        object = pod
        let spec = PodSpec(pod)
        self.spec = spec
        uid = spec.uid
        namespace = spec.namespace
        name = spec.name
        tags = Mutex(Tags(sandboxID: nil, references: Self.references(of: spec)))
        self.kubelet = kubelet
        prober = Prober(runtime: kubelet.runtime, transport: kubelet.transport)
        volumes = PodVolumes(root: kubelet.configuration.rootDirectory, uid: spec.uid)
        firstSeen = kubelet.time.nanoseconds
        history = PodHistory(pod: pod, now: firstSeen)
        isRuntimeStale = mayHaveSandbox
        wasMeasured = mayHaveSandbox
    }

    private static func references(of spec: PodSpec) -> Set<ObjectKey> {
        var keys = Set(PodVolumes.references(of: spec))
        for container in spec.allContainers { keys.formUnion(ContainerEnvironment.references(of: container, namespace: spec.namespace)) }
        return keys
    }

    // MARK: What others tell

    /// A newer version of the pod. Older ones, which a watch may bring after our own write, are ignored.
    func update(_ pod: JSON) {
        adopt(pod)
        bell.ring()
    }

    /// The object has left the API.
    func remove(_ last: JSON?) {
        if let last { adopt(last) }
        intent = .delete(isGone: true)
        bell.ring()
    }

    /// Something changed in the runtime.
    func lookAtRuntime() {
        isRuntimeStale = true
        bell.ring()
    }

    /// A ConfigMap or Secret that the pod names has come, changed or gone.
    func lookAtReferences() {
        renewVolumes()
        for (name, container) in history.containers where container.waiting?.reason == "CreateContainerConfigError" { history.containers[name]?.retryAt = 0 }
        bell.ring()
    }

    private func renewVolumes() {
        areVolumesReady = false
        volumesVersion += 1
        history.volumesRetryAt = 0
    }

    func shutDown(graceSeconds: Int) {
        // A pod that is being deleted goes on with that, in the time that is left.
        if intent == .run { intent = .shutDown(graceSeconds: graceSeconds) }
        bell.ring()
    }

    /// Takes the version on unless an equal or newer one is known.
    func adopt(_ pod: JSON) {
        guard pod.uid == uid, (UInt64(pod.resourceVersion) ?? .max) >= (UInt64(object.resourceVersion) ?? 0) else { return }
        let isSame = pod["spec"] == object["spec"] && pod["metadata"] == object["metadata"]
        object = pod
        if !isSame {
            let old = spec
            spec = PodSpec(pod)
            // The downward API shows them.
            if old.labels != spec.labels || old.annotations != spec.annotations, spec.volumes.contains(where: VolumeFiles.isProjection) { renewVolumes() }
            let references = Self.references(of: spec)
            tags.withLock { $0.references = references }
        }
        if spec.deletionTimestamp != nil {
            switch intent {
            case .run, .shutDown: intent = .delete(isGone: false)
            case .delete: break
            }
        }
    }

    // MARK: Life

    func run() async {
        adopt(object)
        await withDiscardingTaskGroup { group in
            while !hasLeft, !Task.isCancelled {
                let (operations, wake) = await step()
                for operation in operations { group.addTask { await self.perform(operation) } }
                if hasLeft { break }
                let limit = wake.map { Duration.nanoseconds(max(0, $0 - kubelet.time.nanoseconds)) }
                await bell.wait(atMost: limit, on: kubelet.time)
            }
            group.cancelAll()
        }
        kubelet.probeMetrics.forget(uid: uid)
    }

    var situation: PodSituation {
        PodSituation(
            spec: spec, history: history, sandbox: sandbox, staleSandboxes: staleSandboxes, areVolumesReady: areVolumesReady, busy: Set(busy.keys),
            stopping: stopping, intent: intent, now: kubelet.time.nanoseconds)
    }

    /// One look at everything: what to start now and when to look again.
    private func step() async -> ([Work], wake: Int64?) {
        var retry: Int64?
        if isRuntimeStale, !(await refresh()) { retry = kubelet.time.nanoseconds + .second }
        var work: [Work] = []
        var plan = PodPlan()
        // Two rounds at most change the facts without waiting: a failure, then the end.
        for _ in 0..<4 {
            let now = kubelet.time.nanoseconds
            if situation.isEnding, history.ending == nil { history.ending = now }
            if !busy.keys.contains(.publish), now >= publishRetryAt, currentStatus() != published { begin(.publish, &work) { .publish } }
            plan = situation.plan()
            guard settle(plan) else { break }
        }
        for action in plan.actions { begin(action, &work) }
        if let next = beginProbes(&work) { plan.wake(at: next) }
        reportBackoffs(plan.backingOff)
        measureStart()
        for time in [retry, publishRetryAt, tearDownRetryAt] {
            if let time, time > kubelet.time.nanoseconds { plan.wake(at: time) }
        }
        return (work, plan.wake)
    }

    /// Applies what changes only our own knowledge; returns whether there was such a thing.
    private func settle(_ plan: PodPlan) -> Bool {
        var isChanged = false
        for action in plan.actions {
            switch action {
            case .fail(let reason):
                history.failure = reason
                record(.normal, reason.reason, reason.message)
                isChanged = true
            case .end(let phase):
                history.terminalPhase = phase
                isChanged = true
            default: break
            }
        }
        return isChanged
    }

    private func begin(_ action: PodAction, _ work: inout [Work]) {
        switch action {
        case .setUpVolumes: begin(.volumes, &work) { .volumes }
        case .runSandbox: begin(.sandbox, &work) { .sandbox }
        case .removeSandbox(let id, let isReplaced): begin(.sandbox, &work) { .removeSandbox(id: id, isReplaced: isReplaced) }
        case .start(let name): begin(.start(name), &work) { .start(name) }
        case .stop(let name, let id, let message, let deadline, let isFirst):
            stopping[id] = deadline
            begin(.stop(name), &work) { .stop(name, id: id, message: message, deadline: deadline, isFirst: isFirst) }
        case .prune(let id): begin(.prune(id), &work) { .prune(id: id) }
        case .tearDown: if kubelet.time.nanoseconds >= tearDownRetryAt { begin(.tearDown, &work) { .tearDown } }
        case .leave: hasLeft = true
        case .fail, .end: break
        }
    }

    func begin(_ operation: PodOperation, _ work: inout [Work], _ what: () -> Work.What) {
        busy[operation, default: 0] += 1
        work.append(Work(operation: operation, what: what()))
    }

    private func end(_ operation: PodOperation) {
        let left = (busy[operation] ?? 1) - 1
        busy[operation] = left > 0 ? left : nil
        bell.ring()
    }

    /// A stop that failed is tried again.
    func forgetStop(_ id: String) { stopping[id] = nil }

    func isBusy(_ operation: PodOperation) -> Bool { busy[operation] != nil }

    // MARK: Facts

    /// Asks the runtime; returns false if it did not answer.
    private func refresh() async -> Bool {
        isRuntimeStale = false
        let running = Set(history.containers.values.compactMap { $0.current }.filter(\.isRunning).map(\.id))
        guard let all = await kubelet.view.fresh() else {
            kubelet.metrics.runtimeFailures.increment()
            isRuntimeStale = true
            return false
        }
        let mine = (all[uid] ?? []).filter { !removedSandboxes.contains($0.id) }
        let newest = mine.max { ($0.isReady ? 1 : 0, $0.created) < ($1.isReady ? 1 : 0, $1.created) }
        staleSandboxes = mine.filter { $0.id != newest?.id }.map(\.id)
        setSandbox(newest)
        let news = history.observe(mine, running: running, now: kubelet.time.nanoseconds)
        let alive = Set(history.containers.values.compactMap { $0.current }.filter(\.isRunning).map(\.id))
        stopping = stopping.filter { alive.contains($0.key) }
        await addLastWords(news)
        return true
    }

    func setSandbox(_ status: SandboxStatus?) {
        sandbox = status
        if let status { history.address = status.address }
        tags.withLock { $0.sandboxID = status?.id }
    }

    /// Notes that a sandbox and all in it is gone.
    func forgetSandbox(_ id: String) {
        removedSandboxes.insert(id)
        staleSandboxes.removeAll { $0 == id }
        for (name, container) in history.containers {
            guard let current = container.current, current.sandboxID == id, current.isRunning else { continue }
            history.containers[name]?.current?.exit = .init(
                code: 137, signal: 9, reason: "Error", message: "killed with the pod's sandbox", finished: kubelet.time.nanoseconds)
            history.containers[name]?.isReady = false
        }
        if sandbox?.id == id { setSandbox(nil) }
    }

    /// `FallbackToLogsOnError`: the end of the log stands in for a message that the program did not leave.
    private func addLastWords(_ names: [String]) async {
        for name in names {
            guard let container = spec.container(name), container.terminationMessageFromLogs, let current = history[name].current,
                let exit = current.exit, exit.code != 0, exit.message.isEmpty
            else { continue }
            let writer = CollectedBody()
            let reader = LogReader(files: logFiles(container: name, restartCount: current.restartCount), options: LogOptions(tailLines: 80))
            try? await reader.copy(to: writer)
            let text = String(decoding: await writer.bytes.suffix(2048), as: UTF8.self)
            if history[name].current?.id == current.id { history.containers[name]?.current?.exit?.message = text }
        }
    }

    func logFiles(container: String, restartCount: Int) -> LogFiles {
        LogFiles(directory: "\(kubelet.configuration.logDirectory(of: spec))/\(container)", restartCount: restartCount)
    }

    func currentStatus() -> JSON { situation.status(in: kubelet.surroundings, previous: object["status"]) }

    private func reportBackoffs(_ names: [String]) {
        for name in names {
            guard let id = history[name].current?.id, reportedBackoffs[name] != id else { continue }
            reportedBackoffs[name] = id
            record(.warning, "BackOff", "Back-off restarting failed container \(name) in pod \(spec.fullName)", container: name)
        }
    }

    private func measureStart() {
        guard !wasMeasured, spec.containers.allSatisfy({ history[$0.name].current != nil }) else { return }
        wasMeasured = true
        kubelet.metrics.podStart.observe(.nanoseconds(kubelet.time.nanoseconds - firstSeen))
    }

    func record(_ kind: ClusterEvent.Kind, _ reason: String, _ message: String, container: String? = nil) {
        let path = container.map { name in spec.initContainers.contains { $0.name == name } ? "spec.initContainers{\(name)}" : "spec.containers{\(name)}" }
        var reference = object
        reference["kind"] = "Pod"
        reference["apiVersion"] = "v1"
        kubelet.recorder.record(reference, kind, reason, message, fieldPath: path)
    }
}

extension PodWorker {
    /// Something that takes time, done in a task of its own.
    struct Work: Sendable {
        enum What: Sendable {
            case volumes
            case sandbox
            case removeSandbox(id: String, isReplaced: Bool)
            case start(String)
            case stop(String, id: String, message: String, deadline: Int64, isFirst: Bool)
            case prune(id: String)
            case publish
            case tearDown
            case probe(ProbeKey, ProbeSpec, containerID: String)
        }
        var operation: PodOperation
        var what: What
    }

    private func perform(_ work: Work) async {
        switch work.what {
        case .volumes: await setUpVolumes()
        case .sandbox: await runSandbox()
        case .removeSandbox(let id, let isReplaced): await removeSandbox(id, isReplaced: isReplaced)
        case .start(let name): await start(name)
        case .stop(let name, let id, let message, let deadline, let isFirst):
            await stop(name, id: id, message: message, deadline: deadline, isFirst: isFirst)
            isRuntimeStale = true
        case .prune(let id):
            do throws(RuntimeError) { try await kubelet.runtime.removeContainer(id: id) } catch { kubelet.metrics.runtimeFailures.increment() }
            isRuntimeStale = true
        case .publish: await publish()
        case .tearDown: await tearDown()
        case .probe(let key, let spec, let id): await probe(key, spec, containerID: id)
        }
        end(work.operation)
    }

    // MARK: The API

    private func publish() async {
        var pod = object
        let status = currentStatus()
        guard status != published else { return }
        pod["status"] = status
        do throws(StatusError) {
            let stored = try await kubelet.client.updateStatus(.pods, namespace: namespace, pod)
            kubelet.metrics.statusWrites.increment()
            guard stored.uid == uid else { return await objectIsGone() }
            published = status
            publishRetryAt = 0
            adopt(stored)
        } catch {
            switch error.reason {
            case .conflict:
                kubelet.metrics.statusConflicts.increment()
                if let newer = try? await kubelet.client.get(.pods, namespace: namespace, name: name) {
                    if newer.uid == uid { adopt(newer) } else { await objectIsGone() }
                }
            case .notFound: await objectIsGone()
            default:
                kubelet.metrics.apiFailures.increment()
                publishRetryAt = kubelet.time.nanoseconds + .second
            }
        }
    }

    private func objectIsGone() async {
        intent = .delete(isGone: true)
        published = currentStatus()
    }

    private func tearDown() async {
        guard volumes.tearDown() else {
            tearDownRetryAt = kubelet.time.nanoseconds + 2 * .second
            record(
                .warning, "FailedUnMount", "the pod's directory \(volumes.podDirectory) could not be removed yet; something in it is still mounted or in use")
            return
        }
        if intent != .delete(isGone: true) {
            do throws(StatusError) {
                try await kubelet.client.delete(.pods, namespace: namespace, name: name, gracePeriodSeconds: 0, uid: uid, propagation: nil)
            } catch {
                // Gone, or replaced by a pod of the same name: ours is no longer there.
                guard error.reason == .notFound || error.reason == .conflict else {
                    kubelet.metrics.apiFailures.increment()
                    tearDownRetryAt = kubelet.time.nanoseconds + .second
                    return
                }
            }
        }
        hasLeft = true
    }
}
