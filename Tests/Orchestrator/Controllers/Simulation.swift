import JSON
import Objects
import Runtime
import Synchronization
import TestKit

@testable import Controllers

/// All controllers, a kubelet and the API in one task under a manual clock. A seed decides whose turn it is and how
/// far each cache lags behind, so that a run that goes wrong can be run again.
struct Simulation {
    let cluster: FakeCluster
    let clock: ManualClock
    let world: World
    var random: SeededGenerator
    private let loops: [(controller: any Controller, queue: QueueBox)]
    private var delivered: [Resource: Int64] = [:]
    private var nextAddress = 1
    /// Chance, in percent, that the kubelet's step makes a running pod ready.
    var readyPercent = 50
    /// Whether the nodes' kubelets are heard of as time goes by.
    var isHeard = true

    final class QueueBox: Sendable {
        let queue = Mutex(WorkQueue())
    }

    init(seed: UInt64, isScheduling: Bool = true) {
        clock = ManualClock()
        cluster = FakeCluster(clock: clock)
        random = SeededGenerator(seed: seed)
        world = World(client: cluster, resources: ControlPlane.resources(Sample.kinds), events: cluster, clock: clock)
        let controllers = ControlPlane.controllers(
            world, kinds: Sample.kinds, finalizer: cluster, rootCertificate: nil, metrics: MetricRegistry(), isScheduling: isScheduling)
        var loops: [(controller: any Controller, queue: QueueBox)] = []
        for controller in controllers {
            let box = QueueBox()
            for resource in controller.sources {
                world[resource].observe { change in
                    let keys = controller.keys(touchedBy: change)
                    box.queue.withLock { queue in for key in keys { queue.add(key) } }
                }
            }
            loops.append((controller, box))
        }
        self.loops = loops
    }

    private var time: Duration { clock.now.sinceEpoch }

    /// One turn of whoever the seed picks. Returns false if that one had nothing to do.
    mutating func step() async -> Bool {
        switch Int.random(in: 0..<10, using: &random) {
        case 0..<4: return deliver()
        case 4..<8: return await reconcile()
        default: return await kubelet()
        }
    }

    /// Turns until nothing is left to do, then lets time pass; ends when `isDone` says so.
    mutating func run(steps: Int = 20_000, until isDone: (Simulation) -> Bool, invariant: (Simulation) throws -> Void = { _ in }) async throws -> Bool {
        for step in 0..<steps {
            let hadWork = await self.step()
            try invariant(self)
            if !hadWork, step % 50 == 0 {
                clock.advance(by: .seconds(1))
                if isHeard { await renew() }
            }
            if step % 20 == 0, isDone(self) { return true }
        }
        return isDone(self)
    }

    /// Kubelets that post their status.
    func renew() async {
        for node in cluster.objects(.nodes) {
            var node = node
            node["status"]["conditions"] = [["type": "Ready", "status": "True", "lastHeartbeatTime": .string(RFC3339.format(world.now))]]
            _ = try? await cluster.updateStatus(.nodes, namespace: nil, node)
        }
    }

    /// Brings some of the news to one cache.
    mutating func deliver() -> Bool {
        let resource = world.caches.keys.sorted { "\($0)" < "\($1)" }.randomElement(using: &random)!
        let events = cluster.log(resource, after: delivered[resource] ?? 0, limit: Int.random(in: 1...4, using: &random))
        for (revision, event) in events {
            world[resource].apply(event)
            delivered[resource] = revision
        }
        return !events.isEmpty
    }

    mutating func reconcile() async -> Bool {
        let now = time
        let ready = loops.filter { $0.queue.queue.withLock { $0.hasWork(now: now) } }
        guard let loop = ready.randomElement(using: &random), let key = loop.queue.queue.withLock({ $0.take(now: now) }) else { return false }
        let outcome: WorkQueue.Outcome
        do {
            outcome = try await loop.controller.reconcile(key).map { .again(after: $0) } ?? .done
        } catch {
            outcome = .failed
        }
        loop.queue.queue.withLock { $0.finish(key, outcome, now: now) }
        return true
    }

    /// The one pod that the seed picks moves on by one stage of its life.
    mutating func kubelet() async -> Bool {
        guard let pod = cluster.objects(.pods).filter({ !$0.nodeName.isEmpty }).randomElement(using: &random) else { return false }
        if pod.isBeingDeleted {
            try? await cluster.delete(.pods, namespace: pod.namespace, name: pod.metadataName, gracePeriodSeconds: 0, uid: pod.uid, propagation: nil)
            return true
        }
        var changed = pod
        let now = clock.nanoseconds / 1_000_000_000
        if pod.podPhase == "Pending" {
            changed["status"]["phase"] = "Running"
            changed["status"]["podIP"] = .string("10.1.\(nextAddress / 250).\(nextAddress % 250 + 1)")
            nextAddress += 1
            changed.setCondition("Ready", status: "False", now: now)
        } else if !pod.isReady, Int.random(in: 0..<100, using: &random) < readyPercent {
            changed.setCondition("Ready", status: "True", now: now)
        } else {
            return false
        }
        _ = try? await cluster.updateStatus(.pods, namespace: pod.namespace, changed)
        return true
    }

    /// As far as pods' owners can tell: those that neither ended nor are going.
    func activePods(app: String) -> [JSON] { cluster.objects(.pods).filter { $0.isActive && $0.labels["app"] == app } }

    /// Whether `kubectl rollout status` would say "successfully rolled out".
    func isRolledOut(_ name: String) -> Bool {
        guard let deployment = cluster.object(.deployments, "default", name) else { return false }
        let status = deployment["status"]
        let replicas = deployment["spec"]["replicas"].int ?? 0
        func count(_ field: String) -> Int { status[field].int ?? 0 }
        return count("observedGeneration") >= deployment.generation && count("updatedReplicas") == replicas && count("replicas") == replicas
            && count("availableReplicas") == replicas && deployment.condition("Progressing")?["reason"].string == "NewReplicaSetAvailable"
    }
}
