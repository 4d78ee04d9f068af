import JSON
import Objects
import Synchronization

/// Notices nodes that fell silent, and moves their pods away in the end.
package final class NodeLifecycleController: Controller {
    private let world: World
    /// The last lease that we saw of each node and when **we** saw it change: a stopped control plane, or a node with
    /// a wrong clock, makes no node look dead.
    private let heard = Mutex<[String: (renewal: String, at: Int64)]>([:])

    package init(_ world: World) { self.world = world }

    package var name: String { "node-lifecycle" }
    package var sources: [Resource] { [.nodes, .leases, .pods] }
    package var workerCount: Int { 1 }

    private static let leaseNamespace = "kube-node-lease"

    package func keys(touchedBy change: Change) -> [ObjectKey] {
        let key = change.object.key
        switch change.resource {
        case .nodes: return [key]
        case .leases:
            // Renewals are read when the node's date comes; only one that ends a silence matters at once.
            guard key.namespace == Self.leaseNamespace, let node = world[.nodes][ObjectKey(nil, key.name)] else { return [] }
            return node.json.isConditionTrue("Ready") ? [] : [node.key]
        default:
            // A pod that comes to a tainted node.
            guard let name = change.new?.node, change.old?.node != name, let node = world[.nodes][ObjectKey(nil, name)] else { return [] }
            return node.json["spec"]["taints"].elements.isEmpty ? [] : [node.key]
        }
    }

    package func reconcile(_ key: ObjectKey) async throws -> Duration? {
        guard var node = world[.nodes][key]?.json else {
            heard.withLock { $0[key.name] = nil }
            return nil
        }
        let now = world.now
        let silence = now - lastHeard(key.name, node: node, now: now)
        let judged = NodeHealthPlan.withConditions(node, silentFor: silence, now: now)
        if judged["status"] != node["status"] {
            node = try await world.updateStatus(.nodes, judged)
            world.events.record(node, type: "Normal", reason: "NodeNotReady", message: "Node \(key.name) status is now: NodeNotReady")
        }
        let tainted = NodeHealthPlan.withTaints(node, now: now)
        if tainted["spec"] != node["spec"] { node = try await world.update(.nodes, tainted) }
        if !node.isConditionTrue("Ready") { try await markPodsNotReady(on: key.name, node: node) }
        let eviction = try await evict(from: node, now: now)
        let nextLook = silence > NodeHealthPlan.silenceLimit ? nil : now + NodeHealthPlan.silenceLimit + 1 - silence
        return [eviction, nextLook].compactMap { $0 }.min().map { .seconds(max(1, $0 - now)) }
    }

    private func lastHeard(_ name: String, node: JSON, now: Int64) -> Int64 {
        let lease = world[.leases][ObjectKey(Self.leaseNamespace, name)]?.json["spec"]["renewTime"].string
        let ready = node.condition("Ready")
        // A kubelet that posts status but no lease is heard too. Our own verdict is no sign of life.
        let renewal = "\(lease ?? "") \(ready?["lastHeartbeatTime"].string ?? "")"
        return heard.withLock { heard in
            if let known = heard[name], known.renewal == renewal { return known.at }
            heard[name] = (renewal, now)
            return now
        }
    }

    /// So that Services stop sending to pods of which nobody knows.
    private func markPodsNotReady(on node: String, node json: JSON) async throws {
        guard json.condition("Ready")?["status"].string == "Unknown" else { return }
        for pod in world[.pods].on(node: node) where pod.json.isReady && !pod.json.isTerminal {
            var changed = pod.json
            changed.setCondition("Ready", status: "False", reason: "NodeStatusUnknown", message: "The pod's node is not heard of.", now: world.now)
            try await world.updateStatusIfPresent(.pods, changed)
        }
    }

    /// Deletes the pods whose toleration has run out; returns when the next one's does.
    private func evict(from node: JSON, now: Int64) async throws -> Int64? {
        let taints = node["spec"]["taints"].elements
        guard taints.contains(where: { $0["effect"].string == "NoExecute" }) else { return nil }
        var next: Int64?
        for pod in world[.pods].on(node: node.metadataName) where !pod.isTerminating && !pod.json.isTerminal {
            guard let time = NodeHealthPlan.evictionTime(of: pod.json, taints: taints) else { continue }
            guard time <= now else {
                next = min(next ?? time, time)
                continue
            }
            world.events.record(pod.json, type: "Normal", reason: "TaintManagerEviction", message: "Marking for deletion Pod \(pod.key)")
            try await world.delete(.pods, pod)
        }
        return next
    }
}
