import JSON
import Objects
import Runtime
import Scheduling
import Synchronization

/// Chooses a node for each pod that has none, by `Scheduler.schedule`, and binds it there.
package final class SchedulerLoop: Controller {
    /// What the decisions look at, kept from one to the next: only nodes that something happened to are read anew.
    private struct Snapshot {
        var nodes: [String: NodeInfo] = [:]
        var stale: Set<String> = []
        /// By uid; what a pod asks for does not change once it is bound.
        var pods: [String: PodInfo] = [:]
    }

    private let world: World
    private let snapshot = Mutex(Snapshot())
    private let bound: Counter
    private let unschedulable: Counter

    package init(_ world: World, metrics: MetricRegistry) {
        self.world = world
        bound = metrics.counter("binnacle_scheduler_pods_bound_total", "Pods that were given a node.")
        unschedulable = metrics.counter("binnacle_scheduler_unschedulable_total", "Attempts that found no node for a pod.")
    }

    package var name: String { "scheduler" }
    package var sources: [Resource] { [.pods, .nodes] }
    /// One at a time: a decision must see the one before it.
    package var workerCount: Int { 1 }

    private static let schedulerName = "default-scheduler"

    package func keys(touchedBy change: Change) -> [ObjectKey] {
        note(change)
        if change.resource == .nodes { return Self.matters(change) ? waiting() : [] }
        if let pod = change.new, Self.isWaiting(pod) {
            // Our own note of the failure must not make us try again.
            let isSame = change.old.map { $0.uid == pod.uid && $0.json["spec"] == pod.json["spec"] && $0.labels == pod.labels } ?? false
            return isSame ? [] : [pod.key]
        }
        // A pod that ended or went leaves room.
        guard let old = change.old, old.node != nil, !old.json.isTerminal, change.new.map({ $0.json.isTerminal || $0.uid != old.uid }) ?? true else {
            return []
        }
        return waiting()
    }

    private func note(_ change: Change) {
        snapshot.withLock { snapshot in
            if change.resource == .nodes {
                if Self.matters(change) || change.new == nil { snapshot.stale.insert(change.object.key.name) }
                return
            }
            guard change.old?.node != change.new?.node || change.old?.uid != change.new?.uid || change.object.json.isTerminal else { return }
            for pod in [change.old, change.new].compactMap({ $0 }) {
                if let node = pod.node { snapshot.stale.insert(node) }
                if change.new?.uid != pod.uid || pod.json.isTerminal { snapshot.pods[pod.uid] = nil }
            }
        }
    }

    private static func isWaiting(_ pod: CachedObject) -> Bool {
        pod.node == nil && !pod.isTerminating && !pod.json.isTerminal && (pod.json["spec"]["schedulerName"].string ?? schedulerName) == schedulerName
            && pod.json["spec"]["schedulingGates"].elements.isEmpty
    }

    /// Heartbeats come every ten seconds and change nothing for a pod.
    private static func matters(_ change: Change) -> Bool {
        guard let old = change.old, let new = change.new else { return change.new != nil }
        return old.json["spec"] != new.json["spec"] || old.labels != new.labels || old.json["status"]["allocatable"] != new.json["status"]["allocatable"]
            || old.json.isConditionTrue("Ready") != new.json.isConditionTrue("Ready")
    }

    private func waiting() -> [ObjectKey] { world[.pods].on(node: "").filter(Self.isWaiting).map(\.key) }

    package func reconcile(_ key: ObjectKey) async throws -> Duration? {
        guard let pod = world[.pods][key], Self.isWaiting(pod) else { return nil }
        switch Scheduler.schedule(pod: pod.json, nodes: nodes()) {
        case .node(let node): try await bind(pod, to: node)
        case .unschedulable(let message):
            unschedulable.increment()
            try await report(message, of: pod)
            // Changes of nodes and pods wake us; this is for what we do not watch.
            return .seconds(300)
        }
        return nil
    }

    private func nodes() -> [NodeInfo] {
        snapshot.withLock { snapshot in
            for name in snapshot.stale {
                guard let node = world[.nodes][ObjectKey(nil, name)] else {
                    snapshot.nodes[name] = nil
                    continue
                }
                var info = NodeInfo(node: node.json)
                for pod in world[.pods].on(node: name) where !pod.json.isTerminal {
                    let asked = snapshot.pods[pod.uid] ?? PodInfo(pod.json)
                    snapshot.pods[pod.uid] = asked
                    info.add(asked)
                }
                snapshot.nodes[name] = info
            }
            snapshot.stale = []
            return Array(snapshot.nodes.values)
        }
    }

    private func bind(_ pod: CachedObject, to node: String) async throws {
        do {
            try await world.client.bind(pod: pod.key.name, namespace: pod.key.namespace, toNode: node)
        } catch {
            guard error.reason == .notFound else { throw error }
            return
        }
        world[.pods].assume(.bound(node: node), of: pod.uid, at: pod.key)
        bound.increment()
        world.events.record(pod.json, type: "Normal", reason: "Scheduled", message: "Successfully assigned \(pod.key) to \(node)")
    }

    private func report(_ message: String, of pod: CachedObject) async throws {
        var json = pod.json
        guard json.setCondition("PodScheduled", status: "False", reason: "Unschedulable", message: message, now: world.now) else { return }
        world.events.record(pod.json, type: "Warning", reason: "FailedScheduling", message: message)
        try await world.updateStatusIfPresent(.pods, json)
    }
}
