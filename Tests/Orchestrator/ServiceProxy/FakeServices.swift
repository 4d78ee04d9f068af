import JSON
import Objects
import Synchronization

@testable import ServiceProxy

/// Services and Endpoints in memory, with watches.
final class FakeServices: ObjectClient, ProxyEventSink, Sendable {
    private struct State {
        var revision = 1
        var objects: [Resource: [String: JSON]] = [:]
        var watchers: [(Resource, AsyncThrowingStream<WatchEvent, any Error>.Continuation)] = []
        var events: [String] = []
    }
    private let state = Mutex(State())

    var events: [String] { state.withLock { $0.events } }
    func record(_ object: JSON, type: String, reason: String, message: String) { state.withLock { $0.events.append("\(reason): \(message)") } }

    func put(_ resource: Resource, _ object: JSON) {
        state.withLock { state in
            state.revision += 1
            var object = object
            object["metadata"]["resourceVersion"] = .string("\(state.revision)")
            state.objects[resource, default: [:]][object.namespacedName] = object
            for (watched, watcher) in state.watchers where watched == resource { watcher.yield(WatchEvent(.modified, object)) }
        }
    }
    func drop(_ resource: Resource, _ name: String) {
        state.withLock { state in
            state.revision += 1
            guard let object = state.objects[resource]?.removeValue(forKey: name) else { return }
            for (watched, watcher) in state.watchers where watched == resource { watcher.yield(WatchEvent(.deleted, object)) }
        }
    }

    func list(_ resource: Resource, namespace: String?, labelSelector: String?, fieldSelector: String?) async throws(StatusError) -> ObjectList {
        state.withLock { ObjectList(items: Array(($0.objects[resource] ?? [:]).values), resourceVersion: "\($0.revision)") }
    }
    func watch(_ resource: Resource, namespace: String?, after resourceVersion: String) -> AsyncThrowingStream<WatchEvent, any Error> {
        let (stream, continuation) = AsyncThrowingStream<WatchEvent, any Error>.makeStream()
        state.withLock { state in
            let version = Int(resourceVersion) ?? 0
            for object in (state.objects[resource] ?? [:]).values where (Int(object.resourceVersion) ?? 0) > version {
                continuation.yield(WatchEvent(.modified, object))
            }
            state.watchers.append((resource, continuation))
        }
        return stream
    }

    private static let unused = StatusError(.methodNotAllowed, "the proxy writes nothing")
    func get(_ resource: Resource, namespace: String?, name: String) async throws(StatusError) -> JSON { throw Self.unused }
    func create(_ resource: Resource, namespace: String?, _ object: JSON) async throws(StatusError) -> JSON { throw Self.unused }
    func update(_ resource: Resource, namespace: String?, _ object: JSON) async throws(StatusError) -> JSON { throw Self.unused }
    func updateStatus(_ resource: Resource, namespace: String?, _ object: JSON) async throws(StatusError) -> JSON { throw Self.unused }
    func delete(_ resource: Resource, namespace: String?, name: String, gracePeriodSeconds: Int?, uid: String?, propagation: String?) async throws(StatusError)
    {
        throw Self.unused
    }
    func bind(pod name: String, namespace: String, toNode node: String) async throws(StatusError) { throw Self.unused }
}
