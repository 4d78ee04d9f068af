import JSON
import Objects

/// Keeps as many pods as each ReplicaSet asks for.
package struct ReplicaSetController: Controller {
    private let world: World

    package init(_ world: World) { self.world = world }

    package var name: String { "replicaset" }
    package var sources: [Resource] { [.replicaSets, .pods] }

    package func keys(touchedBy change: Change) -> [ObjectKey] {
        if change.resource == .replicaSets { return [change.object.key] }
        var keys: Set<ObjectKey> = []
        for pod in [change.old, change.new].compactMap({ $0 }) {
            if pod.controller != nil {
                if let owner = pod.json.controllerOwner, owner["kind"].string == "ReplicaSet", let name = owner["name"].string {
                    keys.insert(ObjectKey(pod.key.namespace, name))
                }
            } else if change.new != nil {
                // An orphan concerns whoever could adopt it.
                for set in world[.replicaSets].all(namespace: pod.key.namespace) {
                    if let selector = try? LabelSelector(object: set.json["spec"]["selector"]), selector.matches(pod.labels) { keys.insert(set.key) }
                }
            }
        }
        return Array(keys)
    }

    package func reconcile(_ key: ObjectKey) async throws -> Duration? {
        guard let set = world[.replicaSets][key] else { return nil }
        let selector = try LabelSelector(object: set.json["spec"]["selector"])
        let now = world.now
        let plan = ReplicaSetPlan(
            set: set.json, selector: selector, owned: world[.pods].dependents(of: set.uid).filter { $0.controller == set.uid },
            candidates: world[.pods].uncontrolled(namespace: key.namespace), now: now)

        for pod in plan.release { try await setOwner(of: pod, to: nil, instead: set.uid) }
        for pod in plan.adopt { try await setOwner(of: pod, to: set.json.ownerReference(), instead: nil) }

        var failure: (reason: String, message: String)?
        var thrown: (any Error)?
        if plan.createCount > 0 {
            if let error = await create(plan.createCount, for: set.json) {
                failure = ("FailedCreate", error.message)
                thrown = error
            }
        }
        for pod in plan.delete {
            do {
                try await world.delete(.pods, pod)
                world.events.record(set.json, type: "Normal", reason: "SuccessfulDelete", message: "Deleted pod: \(pod.key.name)")
            } catch {
                world.events.record(set.json, type: "Warning", reason: "FailedDelete", message: "Error deleting: \(error.message)")
                failure = ("FailedDelete", error.message)
                thrown = error
            }
        }
        try await writeStatus(key, selector: selector, failure: failure)
        if let thrown { throw thrown }
        return plan.availableAt.map { .seconds(max(1, $0 - now)) }
    }

    /// Creates in batches of 1, 2, 4, … and stops at the first batch with a failure, so that a set whose
    /// pods are all refused costs one request and not hundreds.
    private func create(_ count: Int, for set: JSON) async -> StatusError? {
        let pod = ReplicaSetPlan.pod(for: set)
        var left = count
        var batch = 1
        while left > 0 {
            let size = min(batch, left)
            let failure = await withTaskGroup(of: StatusError?.self) { group in
                for _ in 0..<size { group.addTask { await self.createOne(pod, for: set) } }
                return await group.reduce(nil) { $0 ?? $1 }
            }
            if let failure { return failure }
            left -= size
            batch *= 2
        }
        return nil
    }

    private func createOne(_ pod: JSON, for set: JSON) async -> StatusError? {
        do {
            let created = try await world.create(.pods, pod)
            world.events.record(set, type: "Normal", reason: "SuccessfulCreate", message: "Created pod: \(created.metadataName)")
            return nil
        } catch {
            // In a namespace that is going there is nothing to tell: the set goes too.
            if error.details["causes"][0]["reason"].string != "NamespaceTerminating" {
                world.events.record(set, type: "Warning", reason: "FailedCreate", message: "Error creating: \(error.message)")
            }
            return error
        }
    }

    private func setOwner(of pod: CachedObject, to owner: JSON?, instead uid: String?) async throws {
        var object = pod.json
        var owners = object.ownerReferences.filter { $0["uid"].string != uid }
        if let owner { owners.append(owner) }
        if owners.isEmpty { object["metadata"].remove("ownerReferences") } else { object["metadata"]["ownerReferences"] = .array(owners) }
        try await world.updateIfPresent(.pods, object)
    }

    /// From the pods as they are after our own writes.
    private func writeStatus(_ key: ObjectKey, selector: LabelSelector, failure: (reason: String, message: String)?) async throws {
        guard let set = world[.replicaSets][key] else { return }
        let now = world.now
        let active = world[.pods].dependents(of: set.uid).filter {
            $0.controller == set.uid && !$0.isTerminating && !$0.json.isTerminal && selector.matches($0.labels)
        }
        let wanted = ReplicaSetPlan.withStatus(set.json, active: active, failure: failure, now: now)
        guard wanted["status"] != set.json["status"] else { return }
        try await world.updateStatusIfPresent(.replicaSets, wanted)
    }
}
