import JSON
import Objects

/// Rolls each Deployment from its old ReplicaSets to the one of its template.
package struct DeploymentController: Controller {
    private let world: World

    package init(_ world: World) { self.world = world }

    package var name: String { "deployment" }
    package var sources: [Resource] { [.deployments, .replicaSets, .pods] }

    package func keys(touchedBy change: Change) -> [ObjectKey] {
        switch change.resource {
        case .deployments: return [change.object.key]
        case .replicaSets:
            var keys: Set<ObjectKey> = []
            for set in [change.old, change.new].compactMap({ $0 }) {
                if let owner = set.json.controllerOwner {
                    if owner["kind"].string == "Deployment", let name = owner["name"].string { keys.insert(ObjectKey(set.key.namespace, name)) }
                } else if change.new != nil {
                    for deployment in world[.deployments].all(namespace: set.key.namespace) where selects(deployment, set) { keys.insert(deployment.key) }
                }
            }
            return Array(keys)
        default:
            // Only Recreate waits for a pod itself: for its end.
            guard change.new == nil || change.object.json.isTerminal, let owner = change.object.controller,
                let set = world[.replicaSets].all(namespace: change.object.key.namespace).first(where: { $0.uid == owner }),
                let name = set.json.controllerOwner?["name"].string,
                let deployment = world[.deployments][ObjectKey(set.key.namespace, name)],
                deployment.json["spec"]["strategy"]["type"].string == "Recreate"
            else { return [] }
            return [deployment.key]
        }
    }

    package func reconcile(_ key: ObjectKey) async throws -> Duration? {
        guard let deployment = world[.deployments][key] else { return nil }
        if !deployment.isTerminating { try await claimSets(of: deployment) }
        let facts = facts(of: deployment)
        let plan = DeploymentPlan(facts, oldPodsRemain: oldPodsRemain(facts))
        for action in plan.actions { try await perform(action, for: deployment.json) }
        return try await writeStatus(key)
    }

    private func facts(of deployment: CachedObject) -> DeploymentFacts {
        DeploymentFacts(
            deployment: deployment.json,
            sets: world[.replicaSets].dependents(of: deployment.uid).filter { $0.controller == deployment.uid && !$0.isTerminating })
    }

    private func oldPodsRemain(_ facts: DeploymentFacts) -> Bool {
        guard facts.isRecreate else { return false }
        return facts.old.contains { old in world[.pods].dependents(of: old.object.uid).contains { !$0.json.isTerminal } }
    }

    private func selects(_ deployment: CachedObject, _ set: CachedObject) -> Bool {
        guard let selector = try? LabelSelector(object: deployment.json["spec"]["selector"]) else { return false }
        return selector.matches(set.labels)
    }

    private func claimSets(of deployment: CachedObject) async throws {
        for set in world[.replicaSets].uncontrolled(namespace: deployment.key.namespace) where !set.isTerminating && selects(deployment, set) {
            var json = set.json
            json["metadata"]["ownerReferences"] = .array(json.ownerReferences + [deployment.json.ownerReference()])
            try await world.update(.replicaSets, json)
        }
        for set in world[.replicaSets].dependents(of: deployment.uid)
        where set.controller == deployment.uid && !set.isTerminating && !selects(deployment, set) {
            var json = set.json
            json["metadata"]["ownerReferences"] = .array(json.ownerReferences.filter { $0["uid"].string != deployment.uid })
            try await world.update(.replicaSets, json)
        }
    }

    private func perform(_ action: DeploymentPlan.Action, for deployment: JSON) async throws {
        switch action {
        case .create(let set):
            do {
                try await world.create(.replicaSets, set)
                recordScaling(deployment, set.metadataName, from: 0, to: set["spec"]["replicas"].int ?? 0)
            } catch {
                guard error.reason == .alreadyExists else { throw error }
                try await resolveCollision(set, of: deployment)
            }
        case .update(let set, let from, let to):
            try await world.update(.replicaSets, set)
            if from != to { recordScaling(deployment, set.metadataName, from: from, to: to) }
        case .delete(let set):
            try await world.delete(.replicaSets, set)
        case .annotate(let deployment):
            try await world.update(.deployments, deployment)
        }
    }

    private func recordScaling(_ deployment: JSON, _ set: String, from: Int, to: Int) {
        guard from != to else { return }
        let verb = to > from ? "up" : "down"
        let origin = from == 0 && to > 0 ? "" : " from \(from)"
        world.events.record(deployment, type: "Normal", reason: "ScalingReplicaSet", message: "Scaled \(verb) replica set \(set)\(origin) to \(to)")
    }

    /// A set of that name that is not this one makes the next hash differ.
    private func resolveCollision(_ set: JSON, of deployment: JSON) async throws {
        let existing = try await world.client.get(.replicaSets, namespace: deployment.namespace, name: set.metadataName)
        world[.replicaSets].note(written: existing)
        let isOurs = existing.controllerOwner?["uid"].string == deployment.uid
        if isOurs, DeploymentFacts.comparable(existing["spec"]["template"]) == DeploymentFacts.comparable(set["spec"]["template"]) { return }
        var changed = deployment
        changed["status"]["collisionCount"] = JSON((deployment["status"]["collisionCount"].int ?? 0) + 1)
        try await world.updateStatus(.deployments, changed)
    }

    /// From the sets as they are after our own writes.
    private func writeStatus(_ key: ObjectKey) async throws -> Duration? {
        guard let deployment = world[.deployments][key] else { return nil }
        let now = world.now
        let (updated, lookAt) = DeploymentStatus.updated(facts(of: deployment), now: now)
        if updated["status"] != deployment.json["status"] {
            try await world.updateStatusIfPresent(.deployments, updated)
        }
        return lookAt.map { .seconds(max(1, $0 - now)) }
    }
}
