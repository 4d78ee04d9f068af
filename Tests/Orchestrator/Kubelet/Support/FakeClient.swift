import JSON
import Objects
import Synchronization

/// An API server of a few dozen lines: versions, conflicts, watches, deletion with grace.
final class FakeClient: ObjectClient {
    struct State {
        var version = 100
        var nextUID = 1
        var objects: [Resource: [String: JSON]] = [:]
        var changes: [(resource: Resource, version: Int, event: WatchEvent)] = []
        var watchers: [Int: (resource: Resource, input: AsyncThrowingStream<WatchEvent, any Error>.Continuation)] = [:]
        var nextWatcher = 0
        var statusWrites = 0
        /// Status writes to answer with a conflict.
        var conflicts = 0
        var isDown = false
    }
    let state = Mutex(State())

    private func key(_ namespace: String?, _ name: String) -> String { "\(namespace ?? "")/\(name)" }

    func get(_ resource: Resource, namespace: String?, name: String) async throws(StatusError) -> JSON {
        try up()
        guard let object = state.withLock({ $0.objects[resource]?[key(namespace, name)] }) else { throw .notFound(resource, name) }
        return object
    }

    private func up() throws(StatusError) {
        if state.withLock({ $0.isDown }) { throw StatusError(.serviceUnavailable, "down") }
    }

    func list(_ resource: Resource, namespace: String?, labelSelector: String?, fieldSelector: String?) async throws(StatusError) -> ObjectList {
        try up()
        return state.withLock { state in
            let all = (state.objects[resource] ?? [:]).values.filter { object in
                if let namespace, object.namespace != namespace { return false }
                if let fieldSelector, fieldSelector.hasPrefix("spec.nodeName=") { return object.nodeName == fieldSelector.dropFirst(14) }
                return true
            }
            return ObjectList(items: all.sorted { $0.metadataName < $1.metadataName }, resourceVersion: "\(state.version)")
        }
    }

    func watch(_ resource: Resource, namespace: String?, after resourceVersion: String) -> AsyncThrowingStream<WatchEvent, any Error> {
        let (stream, input) = AsyncThrowingStream<WatchEvent, any Error>.makeStream()
        state.withLock { state in
            for change in state.changes where change.resource == resource && change.version > Int(resourceVersion) ?? 0 { input.yield(change.event) }
            let id = state.nextWatcher
            state.nextWatcher += 1
            state.watchers[id] = (resource, input)
            input.onTermination = { [weak self] _ in _ = self?.state.withLock { $0.watchers.removeValue(forKey: id) } }
        }
        return stream
    }

    private static func store(_ object: JSON, _ resource: Resource, _ kind: WatchEvent.Kind, _ state: inout State) -> JSON {
        state.version += 1
        var object = object
        object["metadata"]["resourceVersion"] = .string("\(state.version)")
        let key = "\(object.namespace)/\(object.metadataName)"
        if kind == .deleted { state.objects[resource]?[key] = nil } else { state.objects[resource, default: [:]][key] = object }
        let event = WatchEvent(kind, object)
        state.changes.append((resource, state.version, event))
        for watcher in state.watchers.values where watcher.resource == resource { watcher.input.yield(event) }
        return object
    }

    func create(_ resource: Resource, namespace: String?, _ object: JSON) async throws(StatusError) -> JSON {
        try up()
        let name = object.metadataName
        let stored: JSON? = state.withLock { state in
            guard state.objects[resource]?[key(namespace, name)] == nil else { return nil }
            var object = object
            if let namespace { object["metadata"]["namespace"] = .string(namespace) }
            if object.uid.isEmpty {
                object["metadata"]["uid"] = .string("uid-\(state.nextUID)")
                state.nextUID += 1
            }
            return Self.store(object, resource, .added, &state)
        }
        guard let stored else { throw .alreadyExists(resource, name) }
        return stored
    }

    private func change(_ resource: Resource, _ namespace: String?, _ object: JSON, _ merge: (JSON, inout State) -> JSON?) throws(StatusError) -> JSON {
        try up()
        let name = object.metadataName
        let result: Result<JSON, StatusError> = state.withLock { state in
            guard let old = state.objects[resource]?[key(namespace, name)] else { return .failure(.notFound(resource, name)) }
            guard object.resourceVersion.isEmpty || object.resourceVersion == old.resourceVersion, let new = merge(old, &state) else {
                return .failure(.conflict(resource, name))
            }
            return .success(new == old ? old : Self.store(new, resource, .modified, &state))
        }
        return try result.get()
    }

    func update(_ resource: Resource, namespace: String?, _ object: JSON) async throws(StatusError) -> JSON {
        try change(resource, namespace, object) { old, _ in
            var new = object
            if resource == .pods || resource == .nodes { new["status"] = old["status"] }
            return new
        }
    }

    func updateStatus(_ resource: Resource, namespace: String?, _ object: JSON) async throws(StatusError) -> JSON {
        try change(resource, namespace, object) { old, state in
            if resource == .pods {
                state.statusWrites += 1
                if state.conflicts > 0 {
                    state.conflicts -= 1
                    return nil
                }
            }
            var new = old
            new["status"] = object["status"]
            return new
        }
    }

    func delete(
        _ resource: Resource, namespace: String?, name: String, gracePeriodSeconds: Int?, uid: String?, propagation: String?
    ) async throws(StatusError) {
        try up()
        let error: StatusError? = state.withLock { state in
            guard var object = state.objects[resource]?[key(namespace, name)] else { return .notFound(resource, name) }
            if let uid, uid != object.uid { return .conflict(resource, name) }
            let grace = gracePeriodSeconds ?? object["spec"]["terminationGracePeriodSeconds"].int ?? 30
            if resource == .pods, grace > 0 {
                object["metadata"]["deletionTimestamp"] = .string(RFC3339.format(1_700_000_000 + Int64(grace) + 100_000))
                object["metadata"]["deletionGracePeriodSeconds"] = JSON(grace)
                _ = Self.store(object, resource, .modified, &state)
            } else {
                _ = Self.store(object, resource, .deleted, &state)
            }
            return nil
        }
        if let error { throw error }
    }

    func bind(pod name: String, namespace: String, toNode node: String) async throws(StatusError) {}

    // MARK: For tests

    func object(_ resource: Resource, _ namespace: String, _ name: String) -> JSON? {
        state.withLock { $0.objects[resource]?["\(namespace)/\(name)"] }
    }
    /// `reason: message` of all events about `name`, with their counts, oldest first.
    func events(about name: String) -> [(reason: String, message: String, count: Int)] {
        state.withLock { state in
            (state.objects[.events] ?? [:]).values.filter { $0["involvedObject"]["name"].string == name }
                .sorted { (Int($0.resourceVersion) ?? 0) < (Int($1.resourceVersion) ?? 0) }
                .map { ($0["reason"].string ?? "", $0["message"].string ?? "", $0["count"].int ?? 0) }
        }
    }
    /// Ends all watches of a resource as a server does whose history is too short.
    func expireWatches(_ resource: Resource) {
        let inputs = state.withLock { state in state.watchers.values.filter { $0.resource == resource }.map(\.input) }
        for input in inputs { input.finish(throwing: StatusError(.expired, "too old")) }
    }
}
