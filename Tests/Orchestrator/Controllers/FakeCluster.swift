import JSON
import Objects
import Synchronization
import TestKit

@testable import Controllers

/// An API server's storage rules in memory: resourceVersions, conflicts, generations, finalizers, graceful deletion
/// of pods, watches. Its log of events can be read step by step, so a test decides how far a cache lags behind.
final class FakeCluster: ObjectClient, NamespaceFinalizing, EventSink, Sendable {
    struct Address: Hashable {
        var resource: Resource
        var key: ObjectKey
    }
    private struct State {
        var revision: Int64 = 0
        var objects: [Address: JSON] = [:]
        var log: [(revision: Int64, resource: Resource, event: WatchEvent)] = []
        var compactedTo: Int64 = 0
        var watchers: [Int: (resource: Resource, continuation: AsyncThrowingStream<WatchEvent, any Error>.Continuation)] = [:]
        var nextID = 0
        var events: [(reason: String, message: String)] = []
        var failures: [String: StatusError] = [:]
    }
    private let state = Mutex(State())
    let clock: ManualClock

    init(clock: ManualClock = ManualClock()) { self.clock = clock }

    private var now: String { RFC3339.format(clock.nanoseconds / 1_000_000_000) }

    // MARK: For tests

    var events: [String] { state.withLock { $0.events.map { "\($0.reason): \($0.message)" } } }
    var revision: Int64 { state.withLock { $0.revision } }
    func objects(_ resource: Resource) -> [JSON] {
        state.withLock { state in
            state.objects.filter { $0.key.resource == resource }.sorted { $0.key.key < $1.key.key }.map(\.value)
        }
    }
    func object(_ resource: Resource, _ namespace: String?, _ name: String) -> JSON? {
        state.withLock { $0.objects[Address(resource: resource, key: ObjectKey(namespace, name))] }
    }
    /// Events of `resource` after `revision`, at most `limit`.
    func log(_ resource: Resource, after revision: Int64, limit: Int = .max) -> [(revision: Int64, event: WatchEvent)] {
        state.withLock { state in
            state.log.lazy.filter { $0.resource == resource && $0.revision > revision }.prefix(limit).map { ($0.revision, $0.event) }
        }
    }
    /// Forgets history and ends the watches, as a compaction that a slow watcher meets.
    func compact() {
        let continuations = state.withLock { state in
            state.compactedTo = state.revision
            state.log = []
            defer { state.watchers = [:] }
            return state.watchers.values.map(\.continuation)
        }
        for continuation in continuations { continuation.finish(throwing: StatusError(.expired, "too old resource version")) }
    }
    /// Each create of the resource fails with `error` until it is nil.
    func failCreates(of resource: Resource, with error: StatusError?) { state.withLock { $0.failures["\(resource)"] = error } }
    func record(_ object: JSON, type: String, reason: String, message: String) { state.withLock { $0.events.append((reason, message)) } }

    // MARK: ObjectClient

    func get(_ resource: Resource, namespace: String?, name: String) async throws(StatusError) -> JSON {
        guard let object = object(resource, namespace, name) else { throw .notFound(resource, name) }
        return object
    }

    func list(_ resource: Resource, namespace: String?, labelSelector: String?, fieldSelector: String?) async throws(StatusError) -> ObjectList {
        state.withLock { state in
            let items = state.objects.filter { $0.key.resource == resource && (namespace == nil || $0.key.key.namespace == namespace) }
            return ObjectList(items: items.sorted { $0.key.key < $1.key.key }.map(\.value), resourceVersion: String(state.revision))
        }
    }

    func watch(_ resource: Resource, namespace: String?, after resourceVersion: String) -> AsyncThrowingStream<WatchEvent, any Error> {
        let (stream, continuation) = AsyncThrowingStream<WatchEvent, any Error>.makeStream()
        state.withLock { state in
            let version = Int64(resourceVersion) ?? 0
            guard version >= state.compactedTo else {
                continuation.finish(throwing: StatusError(.expired, "too old resource version"))
                return
            }
            for entry in state.log where entry.resource == resource && entry.revision > version { continuation.yield(entry.event) }
            state.nextID += 1
            let id = state.nextID
            state.watchers[id] = (resource, continuation)
            continuation.onTermination = { [weak self] _ in Task { self?.forget(id) } }
        }
        return stream
    }

    private func forget(_ id: Int) { state.withLock { $0.watchers[id] = nil } }

    func create(_ resource: Resource, namespace: String?, _ object: JSON) async throws(StatusError) -> JSON {
        let now = now
        return try locked { state throws(StatusError) in
            if let failure = state.failures["\(resource)"] { throw failure }
            if let namespace, resource != .namespaces, let space = state.objects[Address(resource: .namespaces, key: ObjectKey(nil, namespace))],
                space.isBeingDeleted
            {
                throw StatusError(.forbidden, "namespace \(namespace) is being terminated", details: ["causes": [["reason": "NamespaceTerminating"]]])
            }
            var object = object
            state.nextID += 1
            if object.metadataName.isEmpty {
                let suffix = String(100_000 + state.nextID, radix: 36)
                object["metadata"]["name"] = .string((object["metadata"]["generateName"].string ?? "") + suffix)
            }
            if let namespace { object["metadata"]["namespace"] = .string(namespace) }
            let address = Address(resource: resource, key: ObjectKey(namespace, object.metadataName))
            guard state.objects[address] == nil else { throw .alreadyExists(resource, object.metadataName) }
            object["metadata"]["uid"] = .string("uid-\(state.nextID)")
            object["metadata"]["creationTimestamp"] = .string(now)
            object["metadata"]["generation"] = 1
            if resource == .namespaces { object["spec"]["finalizers"] = ["kubernetes"] }
            if resource == .pods { object["status"]["phase"] = "Pending" }
            return Self.store(object, at: address, .added, &state)
        }
    }

    func update(_ resource: Resource, namespace: String?, _ object: JSON) async throws(StatusError) -> JSON {
        try locked { state throws(StatusError) in
            let (address, old) = try Self.find(resource, namespace, object, state)
            var new = object
            new["status"] = old["status"]
            if old["status"].isNull { new.remove("status") }
            for field in ["uid", "creationTimestamp", "deletionTimestamp", "generation"] {
                new["metadata"][field] = old["metadata"][field]
                if old["metadata"][field].isNull { new["metadata"].remove(field) }
            }
            if new["spec"] != old["spec"] { new["metadata"]["generation"] = JSON(old.generation + 1) }
            if new.isBeingDeleted, new.finalizers.isEmpty, resource != .pods, resource != .namespaces { return Self.drop(new, at: address, &state) }
            return new == old ? old : Self.store(new, at: address, .modified, &state)
        }
    }

    func updateStatus(_ resource: Resource, namespace: String?, _ object: JSON) async throws(StatusError) -> JSON {
        try locked { state throws(StatusError) in
            let (address, old) = try Self.find(resource, namespace, object, state)
            var new = old
            new["status"] = object["status"]
            return new == old ? old : Self.store(new, at: address, .modified, &state)
        }
    }

    func delete(_ resource: Resource, namespace: String?, name: String, gracePeriodSeconds: Int?, uid: String?, propagation: String?) async throws(StatusError)
    {
        let now = now
        try locked { state throws(StatusError) in
            let address = Address(resource: resource, key: ObjectKey(namespace, name))
            guard var object = state.objects[address] else { throw .notFound(resource, name) }
            if let uid, object.uid != uid { throw StatusError(.conflict, "the UID in the precondition (\(uid)) does not match") }
            var finalizers = object.finalizers
            if propagation == "Foreground", !finalizers.contains("foregroundDeletion") { finalizers.append("foregroundDeletion") }
            if propagation == "Orphan", !finalizers.contains("orphan") { finalizers.append("orphan") }
            let isGraceful = resource == .pods && gracePeriodSeconds != 0 && !object.nodeName.isEmpty && !object.isTerminal
            let isHeld = resource == .namespaces || isGraceful || !finalizers.isEmpty
            guard isHeld else {
                _ = Self.drop(object, at: address, &state)
                return
            }
            let before = object
            if !finalizers.isEmpty { object["metadata"]["finalizers"] = .array(finalizers.map { .string($0) }) }
            if !object.isBeingDeleted { object["metadata"]["deletionTimestamp"] = .string(now) }
            if object != before { _ = Self.store(object, at: address, .modified, &state) }
        }
    }

    func bind(pod name: String, namespace: String, toNode node: String) async throws(StatusError) {
        try locked { state throws(StatusError) in
            let address = Address(resource: .pods, key: ObjectKey(namespace, name))
            guard var pod = state.objects[address] else { throw .notFound(.pods, name) }
            guard pod.nodeName.isEmpty else { throw StatusError(.conflict, "pod \(name) is already assigned to node \"\(pod.nodeName)\"") }
            pod["spec"]["nodeName"] = .string(node)
            _ = Self.store(pod, at: address, .modified, &state)
        }
    }

    func finalize(namespace: JSON) async throws(StatusError) {
        try locked { state throws(StatusError) in
            let (address, old) = try Self.find(.namespaces, nil, namespace, state)
            var new = old
            new["spec"]["finalizers"] = namespace["spec"]["finalizers"]
            if new.isBeingDeleted, new["spec"]["finalizers"].elements.isEmpty {
                _ = Self.drop(new, at: address, &state)
            } else {
                _ = Self.store(new, at: address, .modified, &state)
            }
        }
    }

    // MARK: Storage

    private func locked<T: Sendable>(_ body: (inout State) throws(StatusError) -> T) throws(StatusError) -> T {
        let result: Result<T, StatusError> = state.withLock { state in
            do throws(StatusError) { return .success(try body(&state)) } catch { return .failure(error) }
        }
        return try result.get()
    }

    private static func find(_ resource: Resource, _ namespace: String?, _ object: JSON, _ state: State) throws(StatusError) -> (Address, JSON) {
        let address = Address(resource: resource, key: ObjectKey(namespace, object.metadataName))
        guard let old = state.objects[address] else { throw .notFound(resource, object.metadataName) }
        if !object.resourceVersion.isEmpty, object.resourceVersion != old.resourceVersion { throw .conflict(resource, object.metadataName) }
        return (address, old)
    }

    private static func store(_ object: JSON, at address: Address, _ kind: WatchEvent.Kind, _ state: inout State) -> JSON {
        var object = object
        state.revision += 1
        object["metadata"]["resourceVersion"] = .string(String(state.revision))
        state.objects[address] = object
        publish(WatchEvent(kind, object), of: address.resource, &state)
        return object
    }

    private static func drop(_ object: JSON, at address: Address, _ state: inout State) -> JSON {
        var object = object
        state.revision += 1
        object["metadata"]["resourceVersion"] = .string(String(state.revision))
        state.objects[address] = nil
        publish(WatchEvent(.deleted, object), of: address.resource, &state)
        return object
    }

    private static func publish(_ event: WatchEvent, of resource: Resource, _ state: inout State) {
        state.log.append((state.revision, resource, event))
        for watcher in state.watchers.values where watcher.resource == resource { watcher.continuation.yield(event) }
    }
}

/// Documents that tests make over and over.
enum Sample {
    static func deployment(
        _ name: String, replicas: Int, image: String = "a", surge: JSON = "25%", unavailable: JSON = "25%", strategy: String = "RollingUpdate"
    ) -> JSON {
        var spec: JSON = [
            "replicas": JSON(replicas), "selector": ["matchLabels": ["app": .string(name)]], "template": template(name, image: image),
            "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600,
        ]
        spec["strategy"] = ["type": .string(strategy)]
        if strategy == "RollingUpdate" { spec["strategy"]["rollingUpdate"] = ["maxSurge": surge, "maxUnavailable": unavailable] }
        return ["apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": .string(name), "namespace": "default"], "spec": spec]
    }

    static func template(_ app: String, image: String) -> JSON {
        [
            "metadata": ["labels": ["app": .string(app)]],
            "spec": ["containers": [["name": "c", "image": .string(image), "ports": [["name": "http", "containerPort": 8080]]]]],
        ]
    }

    static func replicaSet(_ name: String, replicas: Int, labels: [String: String] = ["app": "web"]) -> JSON {
        [
            "apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": ["name": .string(name), "namespace": "default"],
            "spec": [
                "replicas": JSON(replicas), "selector": ["matchLabels": .strings(labels)],
                "template": ["metadata": ["labels": .strings(labels)], "spec": ["containers": [["name": "c", "image": "a"]]]],
            ],
        ]
    }

    static func pod(_ name: String, labels: [String: String] = ["app": "web"], node: String? = nil, ip: String? = nil, ready: Bool = false) -> JSON {
        var pod: JSON = [
            "apiVersion": "v1", "kind": "Pod", "metadata": ["name": .string(name), "namespace": "default", "labels": .strings(labels)],
            "spec": ["containers": [["name": "c", "image": "a", "ports": [["name": "http", "containerPort": 8080]]]]],
        ]
        if let node { pod["spec"]["nodeName"] = .string(node) }
        if let ip { pod["status"] = ["phase": "Running", "podIP": .string(ip)] }
        if ready { pod.setCondition("Ready", status: "True", now: 1_700_000_000) }
        return pod
    }

    static func service(_ name: String, selector: [String: String] = ["app": "web"], targetPort: JSON = 8080) -> JSON {
        [
            "apiVersion": "v1", "kind": "Service", "metadata": ["name": .string(name), "namespace": "default"],
            "spec": ["selector": .strings(selector), "ports": [["port": 80, "protocol": "TCP", "targetPort": targetPort]], "clusterIP": "10.0.0.1"],
        ]
    }

    static func node(_ name: String) -> JSON {
        [
            "apiVersion": "v1", "kind": "Node", "metadata": ["name": .string(name)],
            "status": [
                "allocatable": ["cpu": "64", "memory": "256Gi", "pods": "110"],
                "conditions": [["type": "Ready", "status": "True", "lastHeartbeatTime": "2023-11-14T22:13:20Z"]],
            ],
        ]
    }

    static func namespace(_ name: String) -> JSON {
        ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(name)], "status": ["phase": "Active"]]
    }

    static let kinds: [ResourceInfo] = [
        ResourceInfo(.pods, apiVersion: "v1", kind: "Pod", isNamespaced: true),
        ResourceInfo(.services, apiVersion: "v1", kind: "Service", isNamespaced: true),
        ResourceInfo(.endpoints, apiVersion: "v1", kind: "Endpoints", isNamespaced: true),
        ResourceInfo(.configMaps, apiVersion: "v1", kind: "ConfigMap", isNamespaced: true),
        ResourceInfo(.secrets, apiVersion: "v1", kind: "Secret", isNamespaced: true),
        ResourceInfo(.serviceAccounts, apiVersion: "v1", kind: "ServiceAccount", isNamespaced: true),
        ResourceInfo(.nodes, apiVersion: "v1", kind: "Node", isNamespaced: false),
        ResourceInfo(.namespaces, apiVersion: "v1", kind: "Namespace", isNamespaced: false),
        ResourceInfo(.deployments, apiVersion: "apps/v1", kind: "Deployment", isNamespaced: true),
        ResourceInfo(.replicaSets, apiVersion: "apps/v1", kind: "ReplicaSet", isNamespaced: true),
        ResourceInfo(.endpointSlices, apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", isNamespaced: true),
        ResourceInfo(.leases, apiVersion: "coordination.k8s.io/v1", kind: "Lease", isNamespaced: true),
    ]
}
