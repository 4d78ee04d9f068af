import JSON
import Objects
import Runtime
import Scheduling

/// Chooses a node for each pod that has none, by `Scheduling.schedule`, and binds it there.
package struct SchedulerLoop: Controller {
    private let world: World
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
        world[.nodes].all().sorted { $0.key < $1.key }.map { node in
            NodeInfo(node: node.json, pods: world[.pods].on(node: node.key.name).filter { !$0.json.isTerminal }.map { PodInfo($0.json) })
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
