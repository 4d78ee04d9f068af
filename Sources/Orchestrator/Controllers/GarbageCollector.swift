import JSON
import Objects

/// Deletes what nobody owns any more, and carries out foreground and orphan deletion.
///
/// Its keys name objects of all resources: the name is `RESOURCE/NAME`, and no object's name holds a slash.
package struct GarbageCollector: Controller {
    private let world: World
    private let byResource: [String: ResourceInfo]
    private let byKind: [String: ResourceInfo]

    /// Events are many, own nothing and expire by themselves.
    package init(_ world: World, kinds: [ResourceInfo]) {
        self.world = world
        let kinds = kinds.filter { world.caches[$0.resource] != nil && $0.resource != .events }
        byResource = Dictionary(kinds.map { ("\($0.resource)", $0) }, uniquingKeysWith: { first, _ in first })
        byKind = Dictionary(kinds.map { ($0.apiVersion + "/" + $0.kind, $0) }, uniquingKeysWith: { first, _ in first })
    }

    package var name: String { "garbage-collector" }
    package var sources: [Resource] { byResource.values.map(\.resource) }

    private static func key(_ resource: Resource, _ key: ObjectKey) -> ObjectKey { ObjectKey(key.namespace, "\(resource)/\(key.name)") }

    package func keys(touchedBy change: Change) -> [ObjectKey] {
        let object = change.object
        var keys: [ObjectKey] = []
        let isHeld = change.new?.isTerminating == true && !object.json.finalizers.isEmpty
        if change.new != nil, isHeld || (!object.owners.isEmpty && change.old?.owners != change.new?.owners) {
            keys.append(Self.key(change.resource, object.key))
        }
        // An owner that went or is going concerns those that it owns.
        if change.new == nil || change.old.map({ $0.uid != object.uid }) ?? false || isHeld {
            let uid = change.old?.uid ?? object.uid
            for info in byResource.values { keys += world[info.resource].dependents(of: uid).map { Self.key(info.resource, $0.key) } }
        }
        // A dependent that went, or let go, may be what its owner waits for.
        if let old = change.old, !old.owners.isEmpty, change.new.map({ $0.owners != old.owners }) ?? true {
            for reference in old.json.ownerReferences {
                guard let info = owner(reference), let name = reference["name"].string else { continue }
                keys.append(Self.key(info.resource, ObjectKey(info.isNamespaced ? old.key.namespace : nil, name)))
            }
        }
        return keys
    }

    private func owner(_ reference: JSON) -> ResourceInfo? { byKind[(reference["apiVersion"].string ?? "") + "/" + (reference["kind"].string ?? "")] }

    package func reconcile(_ key: ObjectKey) async throws -> Duration? {
        guard let slash = key.name.firstIndex(of: "/"), let info = byResource[String(key.name[..<slash])] else { return nil }
        let objectKey = ObjectKey(key.namespace, String(key.name[key.name.index(after: slash)...]))
        guard let object = world[info.resource][objectKey] else { return nil }
        if object.isTerminating {
            if object.json.finalizers.contains("orphan") { return try await orphan(object, info) }
            if object.json.finalizers.contains("foregroundDeletion") { return try await deleteDependentsFirst(object, info) }
            return nil
        }
        var owners: [GarbagePlan.Owner] = []
        for reference in object.json.ownerReferences { owners.append(try await look(at: reference, from: object, info)) }
        do {
            switch GarbagePlan.decide(owners: owners, hasDependents: !dependents(of: object).isEmpty) {
            case .keep: break
            case .drop(let uids):
                var json = object.json
                json["metadata"]["ownerReferences"] = .array(json.ownerReferences.filter { !uids.contains($0["uid"].string ?? "") })
                try await world.update(info.resource, json)
            case .delete(let isForeground):
                try await world.delete(info.resource, object, propagation: isForeground ? "Foreground" : "Background")
            }
        } catch {
            guard error.reason == .notFound else { throw error }
            return nil
        }
        return nil
    }

    private func dependents(of owner: CachedObject) -> [(info: ResourceInfo, object: CachedObject)] {
        byResource.values.flatMap { info in world[info.resource].dependents(of: owner.uid).map { (info, $0) } }
    }

    /// The cache says who is there; that somebody is gone is asked of the API itself before anything is deleted for it.
    private func look(at reference: JSON, from object: CachedObject, _ info: ResourceInfo) async throws -> GarbagePlan.Owner {
        let uid = reference["uid"].string ?? ""
        guard let ownerInfo = owner(reference), let name = reference["name"].string else {
            // A kind that we do not know may well exist elsewhere: never delete for it.
            return GarbagePlan.Owner(uid: uid, state: .present)
        }
        if ownerInfo.isNamespaced, object.key.namespace.isEmpty {
            world.events.record(
                object.json, type: "Warning", reason: "OwnerRefInvalidNamespace",
                message: "ownerRef [\(reference["kind"].string ?? "")/\(name), uid: \(uid)] is namespaced, but the object is cluster-scoped")
            return GarbagePlan.Owner(uid: uid, state: .present)
        }
        let key = ObjectKey(ownerInfo.isNamespaced ? object.key.namespace : nil, name)
        var owner = world[ownerInfo.resource][key]
        if owner?.uid != uid {
            do {
                owner = CachedObject(try await world.client.get(ownerInfo.resource, namespace: key.clientNamespace, name: name))
            } catch {
                guard error.reason == .notFound else { throw error }
                owner = nil
            }
        }
        guard let owner, owner.uid == uid else { return GarbagePlan.Owner(uid: uid, state: .gone) }
        let isWaiting = owner.isTerminating && owner.json.finalizers.contains("foregroundDeletion") && reference["blockOwnerDeletion"].bool == true
        return GarbagePlan.Owner(uid: uid, state: isWaiting ? .waitingForUs : .present)
    }

    private func orphan(_ object: CachedObject, _ info: ResourceInfo) async throws -> Duration? {
        for (kind, dependent) in dependents(of: object) {
            var json = dependent.json
            let rest = json.ownerReferences.filter { $0["uid"].string != object.uid }
            if rest.isEmpty { json["metadata"].remove("ownerReferences") } else { json["metadata"]["ownerReferences"] = .array(rest) }
            try await world.updateIfPresent(kind.resource, json)
        }
        return try await remove("orphan", from: object, info)
    }

    private func deleteDependentsFirst(_ object: CachedObject, _ info: ResourceInfo) async throws -> Duration? {
        let blocking = dependents(of: object).filter { dependent in
            dependent.object.json.ownerReferences.contains { $0["uid"].string == object.uid && $0["blockOwnerDeletion"].bool == true }
        }
        guard blocking.isEmpty else {
            // Each blocking dependent has its own key: it goes or drops us there, and its end wakes us.
            return nil
        }
        return try await remove("foregroundDeletion", from: object, info)
    }

    private func remove(_ finalizer: String, from object: CachedObject, _ info: ResourceInfo) async throws -> Duration? {
        var json = object.json
        json["metadata"]["finalizers"] = .array(json.finalizers.filter { $0 != finalizer }.map { .string($0) })
        try await world.updateIfPresent(info.resource, json)
        return nil
    }
}

/// What becomes of an object by the state of its owners.
package enum GarbagePlan {
    package struct Owner: Sendable, Equatable {
        package enum State: Sendable {
            case present
            case gone
            /// The owner is being deleted in the foreground and our reference blocks its end.
            case waitingForUs
        }
        package let uid: String
        package let state: State
        package init(uid: String, state: State) {
            self.uid = uid
            self.state = state
        }
    }
    package enum Decision: Sendable, Equatable {
        case keep
        /// Somebody still owns it; the references to these go.
        case drop([String])
        case delete(isForeground: Bool)
    }

    package static func decide(owners: [Owner], hasDependents: Bool) -> Decision {
        guard !owners.isEmpty else { return .keep }
        let leaving = owners.filter { $0.state != .present }
        if leaving.isEmpty { return .keep }
        if leaving.count < owners.count { return .drop(leaving.map(\.uid)) }
        return .delete(isForeground: hasDependents && leaving.contains { $0.state == .waitingForUs })
    }
}
