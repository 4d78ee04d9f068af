import Logging
import NodeStats
import Runtime
import Synchronization

/// An owner that asks a container runtime over its socket: the shell that carries out what `OwnerPlan` decides.
public final class RuntimeOwner: Owner {
    private struct State {
        var plan: OwnerPlan
        var status: OwnerStatus
    }

    public let name: String
    private let client: any RuntimeClient
    private let processes: ProcessCgroup
    private let table: ContainerTable
    private let state: Mutex<State>
    private let wakeup = Wakeup()
    private let metrics: DiscoveryMetrics
    private let logger: Logger
    private let start = ContinuousClock.now

    init(
        name: String, runtime: String, endpoint: String, client: any RuntimeClient, processes: ProcessCgroup, limits: OwnerPlan.Limits = .init(),
        metrics registry: MetricRegistry, logger: Logger
    ) {
        self.name = name
        self.client = client
        self.processes = processes
        self.logger = logger
        let table = ContainerTable(limit: limits.containers)
        self.table = table
        state = Mutex(State(plan: OwnerPlan(limits: limits), status: OwnerStatus(owner: name, runtime: runtime, endpoint: endpoint, state: .absent)))
        metrics = DiscoveryMetrics(registry, owner: name)
        registry.gauge("binnacle_discovery_containers", "Containers and sandboxes that an owner knows.", ["owner": name]) { Double(table.count) }
        registry.gauge("binnacle_discovery_owner_up", "1 while the container runtime answers.", ["owner": name]) { [weak self] in
            self?.status.state == .connected ? 1 : 0
        }
        registry.gauge("binnacle_discovery_unknown_cgroups", "Cgroups that look like a runtime's and that it does not know.", ["owner": name]) {
            [weak self] in Double(self?.status.unknown ?? 0)
        }
    }

    private var now: Duration { ContinuousClock.now - start }

    // MARK: Answers

    public var generation: UInt64 { table.generation }
    public func containers() -> [ContainerReference] { table.references() }

    public var status: OwnerStatus {
        var (status, unknown) = state.withLock { ($0.status, $0.plan.unknownCount) }
        status.containers = table.count
        status.unknown = unknown
        return status
    }

    public func reference(for path: String, identity: CgroupIdentity) -> ContainerReference? {
        if let known = table.reference(for: path, identity: identity) { return known }
        guard case .container(let id) = identity.subject else { return nil }
        let now = now
        let (isNew, wasTaken) = state.withLock { state in
            // Another runtime's, by its name.
            guard identity.runtime == nil || identity.runtime == state.status.runtime else { return (false, true) }
            return state.plan.wanted(id, now)
        }
        if isNew { wakeup.wake() }
        if !wasTaken { metrics.leftOutUnknown.increment() }
        return nil
    }

    // MARK: Life

    public func run() async {
        await withTaskGroup(of: Void.self) { group in
            while !Task.isCancelled {
                switch state.withLock({ $0.plan.next(now) }) {
                case .wait(let time): await wakeup.sleep(atMost: time)
                case .connect: await connect()
                case .watch: group.addTask { await self.watch() }
                case .list: await list()
                case .inspect(let ids): await inspect(ids)
                }
            }
            group.cancelAll()
        }
    }

    private func connect() async {
        metrics.requests.increment()
        do {
            let (runtime, version) = try await client.hello()
            metrics.reconnects.increment()
            state.withLock {
                $0.status.runtime = runtime
                $0.status.version = AllowList.cut(version, to: 100)
                $0.status.state = .connected
                $0.status.problem = ""
                $0.plan.connected(now)
            }
            logger.info("a container runtime answers", metadata: ["owner": "\(name)", "version": "\(version)"])
        } catch {
            failed(error)
        }
    }

    private func list() async {
        metrics.requests.increment()
        do {
            let list = try await client.list()
            let (gone, leftOut) = state.withLock { $0.plan.listed(list) }
            for id in gone { table.remove(id) }
            if leftOut > 0 { metrics.leftOutContainers.increment(by: UInt64(leftOut)) }
        } catch {
            failed(error)
        }
    }

    private func inspect(_ ids: [String]) async {
        await withTaskGroup(of: Void.self) { group in
            for id in ids { group.addTask { await self.inspect(id) } }
        }
    }

    private func inspect(_ id: String) async {
        metrics.requests.increment()
        do {
            guard var container = try await client.inspect(id) else {
                table.remove(id)
                return state.withLock { $0.plan.inspected(id, .absent, now) }
            }
            guard container.key == id else { throw DiscoveryError(.malformed, "\(name): asked for \(id.prefix(80)), it told of \(container.key.prefix(80))") }
            complete(&container)
            if !table.set(container) { metrics.leftOutContainers.increment() }
            state.withLock { $0.plan.inspected(id, .found, now) }
        } catch {
            let failure = DiscoveryError(error, endpoint: name)
            if failure.concernsOneRequest {
                note(failure)
                state.withLock { $0.plan.inspected(id, .failed, now) }
            } else {
                failed(failure)
            }
        }
    }

    /// What the runtime does not say and the process does.
    private func complete(_ container: inout RuntimeContainer) {
        container.reference.runtime = state.withLock { $0.status.runtime }
        container.reference.cgroupPath = processes.path(pid: container.pid, id: container.reference.containerID) ?? container.declaredPath
        if container.reference.writableLayer.isEmpty, !container.isSandbox {
            container.reference.writableLayer = processes.writableLayer(pid: container.pid) ?? ""
        }
    }

    /// The stream of events; its changes wake the loop.
    private func watch() async {
        metrics.requests.increment()
        var isUnsupported = false
        do {
            try await client.watch { [self] change in
                metrics.events.increment()
                if case .removed(let id) = change { table.remove(id) }
                if !state.withLock({ $0.plan.changed(change, now) }) { metrics.leftOutEvents.increment() }
                wakeup.wake()
            }
        } catch {
            guard !Task.isCancelled else { return }
            let failure = DiscoveryError(error, endpoint: name)
            isUnsupported = failure.reason == .unsupported
            note(failure)
        }
        state.withLock { $0.plan.streamEnded(now, unsupported: isUnsupported) }
        wakeup.wake()
    }

    private func failed(_ error: any Error) {
        guard !Task.isCancelled else { return }
        let failure = DiscoveryError(error, endpoint: name)
        note(failure)
        let wasConnected = state.withLock { state in
            let wasConnected = state.status.state == .connected
            state.status.state = failure.reason == .unreachable ? .absent : .failing
            state.plan.failed(now)
            return wasConnected
        }
        // A runtime that is not installed is no news; one that has gone is.
        if wasConnected { logger.warning("a container runtime does not answer any more", metadata: ["owner": "\(name)", "problem": "\(failure)"]) }
    }

    private func note(_ failure: DiscoveryError) {
        metrics.count(failure)
        state.withLock { $0.status.problem = AllowList.cut(failure.text, to: 500) }
    }
}
