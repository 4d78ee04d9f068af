import JSON
import Objects
import Synchronization

/// An object with what controllers ask for over and over, taken out of it once.
package struct CachedObject: Sendable {
    package var json: JSON
    package let key: ObjectKey
    package let uid: String
    package let version: Int64
    package let labels: [String: String]
    /// The uids of all owners.
    package let owners: [String]
    /// The uid of the owner that controls it.
    package let controller: String?
    /// True if it is being deleted, or we asked for it.
    package let isTerminating: Bool
    /// `spec.nodeName`, of pods; nil until one is chosen.
    package let node: String?

    package init(_ json: JSON) {
        let metadata = json["metadata"]
        self.json = json
        key = ObjectKey(metadata["namespace"].string, metadata["name"].string ?? "")
        uid = metadata["uid"].string ?? ""
        version = metadata["resourceVersion"].string.flatMap(Int64.init) ?? 0
        labels = metadata["labels"].stringMap
        let references = metadata["ownerReferences"].elements
        owners = references.compactMap { $0["uid"].string }
        controller = references.first { $0["controller"].bool == true }?["uid"].string
        isTerminating = metadata["deletionTimestamp"].string != nil
        node = json["spec"]["nodeName"].string.flatMap { $0.isEmpty ? nil : $0 }
    }
}

/// What happened to one object: `old` is nil when it is new, `new` is nil when it is gone.
package struct Change: Sendable {
    package let resource: Resource
    package let old: CachedObject?
    package let new: CachedObject?

    /// The newest state there is.
    package var object: CachedObject { new ?? old! }

    package init(_ resource: Resource, old: CachedObject?, new: CachedObject?) {
        precondition(old != nil || new != nil, "a change of nothing")
        self.resource = resource
        self.old = old
        self.new = new
    }
}

/// All objects of one resource, as the watch has told so far **and as our own writes left them**.
///
/// Kubernetes' controllers count "expectations" because their caches lag behind what they wrote.
/// Here whoever writes hands the answer to `note(written:)`, so a controller reads its own writes and
/// a burst of reconciles cannot create a pod twice. Two rules keep that sound:
/// an answer that is not newer than what the watch has reached is ignored (the watch already told of
/// it, maybe of its deletion too), and a watch event older than what is held is ignored likewise.
/// Writes that return no object (delete, bind) leave an `Assumption` that holds until the watch shows
/// it or the object goes.
package final class ObjectCache: Sendable {
    /// What we know of an object before the watch does.
    package enum Assumption: Sendable {
        case deleted(at: String)
        case bound(node: String)
    }

    private struct State {
        var objects: [ObjectKey: CachedObject] = [:]
        var names: [String: Set<ObjectKey>] = [:]
        var byOwner: [String: Set<ObjectKey>] = [:]
        var uncontrolled: [String: Set<ObjectKey>] = [:]
        var byLabel: [LabelKey: Set<ObjectKey>] = [:]
        var byNode: [String: Set<ObjectKey>] = [:]
        var assumptions: [String: Assumption] = [:]
        var reached: Int64 = 0
        var isSynced = false
        var observers: [@Sendable (Change) -> Void] = []
        var syncObservers: [@Sendable () -> Void] = []
    }
    private struct LabelKey: Hashable {
        var namespace: String
        var name: String
        var value: String
    }

    package let resource: Resource
    private let state = Mutex(State())

    private var tracksNodes: Bool { resource == .pods }

    package init(_ resource: Resource) { self.resource = resource }

    // MARK: Reading

    package subscript(key: ObjectKey) -> CachedObject? { state.withLock { $0.objects[key] } }
    package var count: Int { state.withLock { $0.objects.count } }
    package var isSynced: Bool { state.withLock { $0.isSynced } }
    /// The resourceVersion that the watch has reached.
    package var reachedVersion: Int64 { state.withLock { $0.reached } }

    /// All objects, or those of one namespace, in no order.
    package func all(namespace: String? = nil) -> [CachedObject] {
        state.withLock { state in
            guard let namespace else { return Array(state.objects.values) }
            return (state.names[namespace] ?? []).compactMap { state.objects[$0] }
        }
    }

    /// Objects that name `uid` among their owners.
    package func dependents(of uid: String) -> [CachedObject] {
        state.withLock { state in (state.byOwner[uid] ?? []).compactMap { state.objects[$0] } }
    }

    /// Objects of the namespace that no controller owns.
    package func uncontrolled(namespace: String) -> [CachedObject] {
        state.withLock { state in (state.uncontrolled[namespace] ?? []).compactMap { state.objects[$0] } }
    }

    /// Objects with all of `labels`; all of the namespace if that is empty. Looks at the members of the rarest label only.
    package func matching(namespace: String, labels: [String: String]) -> [CachedObject] {
        state.withLock { state in
            var rarest = state.names[namespace] ?? []
            for (name, value) in labels {
                let bearers = state.byLabel[LabelKey(namespace: namespace, name: name, value: value)] ?? []
                if bearers.count < rarest.count { rarest = bearers }
            }
            return rarest.compactMap { state.objects[$0] }.filter { object in
                labels.allSatisfy { object.labels[$0.key] == $0.value }
            }
        }
    }

    /// Pods of the node; those of no node yet for the empty name.
    package func on(node: String) -> [CachedObject] {
        state.withLock { state in (state.byNode[node] ?? []).compactMap { state.objects[$0] } }
    }

    /// Calls `observer` for each change from now on, on the thread that brought it.
    package func observe(_ observer: @escaping @Sendable (Change) -> Void) {
        state.withLock { $0.observers.append(observer) }
    }

    /// Calls `observer` once the first list has been taken; at once if it has been.
    package func onSync(_ observer: @escaping @Sendable () -> Void) {
        let isSynced = state.withLock { state in
            if !state.isSynced { state.syncObservers.append(observer) }
            return state.isSynced
        }
        if isSynced { observer() }
    }

    // MARK: Changing

    /// Takes a whole list: what is in neither the list nor newer than it is gone.
    package func replace(with list: ObjectList) {
        let version = Int64(list.resourceVersion) ?? 0
        publish { state in
            var changes: [Change] = []
            var listed: Set<ObjectKey> = []
            for json in list.items {
                let object = CachedObject(json)
                listed.insert(object.key)
                if let change = store(object, in: &state) { changes.append(change) }
            }
            for (key, object) in state.objects where !listed.contains(key) && object.version <= version {
                if let change = discard(key, in: &state) { changes.append(change) }
            }
            state.reached = max(state.reached, version)
            state.isSynced = true
            return changes
        }
        let waiting = state.withLock { state in
            defer { state.syncObservers = [] }
            return state.syncObservers
        }
        for observer in waiting { observer() }
    }

    package func apply(_ event: WatchEvent) {
        let object = CachedObject(event.object)
        publish { state in
            state.reached = max(state.reached, object.version)
            switch event.kind {
            case .bookmark: return []
            case .added, .modified: return [store(object, in: &state)].compactMap { $0 }
            case .deleted:
                // A newer object of that name, which we made ourselves, stays.
                guard let known = state.objects[object.key], known.version <= object.version || known.uid == object.uid else { return [] }
                return [discard(object.key, in: &state)].compactMap { $0 }
            }
        }
    }

    /// Takes the answer to one of our own writes.
    package func note(written json: JSON) {
        let object = CachedObject(json)
        publish { state in
            guard object.version > state.reached else { return [] }
            return [store(object, in: &state)].compactMap { $0 }
        }
    }

    /// Takes the success of one of our own writes that returned nothing.
    package func assume(_ assumption: Assumption, of uid: String, at key: ObjectKey) {
        publish { state in
            guard let known = state.objects[key], known.uid == uid else { return [] }
            state.assumptions[uid] = assumption
            // Same version: what the watch says next about this object replaces it, assumption re-applied.
            let object = applyingAssumption(to: known, in: &state)
            put(object, in: &state)
            return [Change(resource, old: known, new: object)]
        }
    }

    private func publish(_ body: (inout State) -> [Change]) {
        let (changes, observers) = state.withLock { state in (body(&state), state.observers) }
        for change in changes {
            for observer in observers { observer(change) }
        }
    }

    private func store(_ object: CachedObject, in state: inout State) -> Change? {
        let old = state.objects[object.key]
        if let old, old.version >= object.version { return nil }
        let object = applyingAssumption(to: object, in: &state)
        if let old, old.uid != object.uid { state.assumptions[old.uid] = nil }
        put(object, in: &state)
        return Change(resource, old: old, new: object)
    }

    private func discard(_ key: ObjectKey, in state: inout State) -> Change? {
        guard let old = state.objects.removeValue(forKey: key) else { return nil }
        unindex(old, in: &state)
        state.assumptions[old.uid] = nil
        return Change(resource, old: old, new: nil)
    }

    private func applyingAssumption(to object: CachedObject, in state: inout State) -> CachedObject {
        guard let assumption = state.assumptions[object.uid] else { return object }
        var json = object.json
        switch assumption {
        case .deleted(let time) where !object.isTerminating: json["metadata"]["deletionTimestamp"] = .string(time)
        case .bound(let node) where object.node == nil: json["spec"]["nodeName"] = .string(node)
        default:
            state.assumptions[object.uid] = nil
            return object
        }
        return CachedObject(json)
    }

    // MARK: Indexes

    private func put(_ object: CachedObject, in state: inout State) {
        if let old = state.objects[object.key] { unindex(old, in: &state) }
        state.objects[object.key] = object
        let namespace = object.key.namespace
        state.names[namespace, default: []].insert(object.key)
        for owner in object.owners { state.byOwner[owner, default: []].insert(object.key) }
        if object.controller == nil { state.uncontrolled[namespace, default: []].insert(object.key) }
        for (name, value) in object.labels {
            state.byLabel[LabelKey(namespace: namespace, name: name, value: value), default: []].insert(object.key)
        }
        if tracksNodes { state.byNode[object.node ?? "", default: []].insert(object.key) }
    }

    private func unindex(_ object: CachedObject, in state: inout State) {
        let namespace = object.key.namespace
        Self.take(object.key, from: &state.names, at: namespace)
        for owner in object.owners { Self.take(object.key, from: &state.byOwner, at: owner) }
        Self.take(object.key, from: &state.uncontrolled, at: namespace)
        for (name, value) in object.labels {
            Self.take(object.key, from: &state.byLabel, at: LabelKey(namespace: namespace, name: name, value: value))
        }
        if tracksNodes { Self.take(object.key, from: &state.byNode, at: object.node ?? "") }
    }

    /// Empty sets go, so that an index is no larger than what it indexes.
    private static func take<K: Hashable>(_ key: ObjectKey, from index: inout [K: Set<ObjectKey>], at place: K) {
        guard let position = index.index(forKey: place) else { return }
        index.values[position].remove(key)
        if index.values[position].isEmpty { index.remove(at: position) }
    }
}
