import JSON
import ObjectStore
import Objects
import Runtime

/// The API's verbs on stored objects, without HTTP: what the REST handlers and the in-process client share.
final class ObjectService: Sendable {
    let store: any ObjectStore
    let registry: KindRegistry
    let clock: any WallClock
    let services: ServiceAllocator
    /// How long an Event is kept after its last write. Kubernetes' hour is what its users complain about.
    let eventTimeToLive: Duration

    init(
        store: any ObjectStore, registry: KindRegistry, clock: any WallClock, services: ServiceAllocator, eventTimeToLive: Duration
    ) {
        self.store = store
        self.registry = registry
        self.clock = clock
        self.services = services
        self.eventTimeToLive = eventTimeToLive
    }

    /// Seconds since 1970.
    var now: Int64 { clock.nanoseconds / 1_000_000_000 }

    // MARK: Keys

    /// `pods/NAMESPACE/NAME`, `nodes/NAME`, `deployments.apps/NAMESPACE/NAME`.
    func key(_ kind: Kind, namespace: String?, name: String) -> String { prefix(kind, namespace: namespace) + name }

    func prefix(_ kind: Kind, namespace: String?) -> String {
        // The two groups of Event are two views of the same objects.
        let resource = kind.resource.name == "events" ? "events" : kind.resource.description
        guard kind.isNamespaced, let namespace else { return "\(resource)/" }
        return "\(resource)/\(namespace)/"
    }

    /// The stored object as a kind shows it: its own version's `apiVersion`.
    func get(_ kind: Kind, namespace: String?, name: String) async throws(StatusError) -> LiveObject {
        let key = key(kind, namespace: namespace, name: name)
        guard let stored = try await translating({ () throws(StoreError) in try await store.get(key) }) else {
            throw .notFound(kind.resource, name)
        }
        return LiveObject.of(stored)
    }

    // MARK: Create

    struct Written: Sendable {
        var object: LiveObject
        var isNew = false
        var warnings: [String] = []
    }

    func create(_ kind: Kind, namespace: String?, _ body: RequestBody, _ options: WriteOptions) async throws(StatusError) -> Written {
        let (decoded, warnings) = try decode(kind, body, options)
        if let given = decoded["metadata"]["namespace"].string, !given.isEmpty, given != namespace ?? "" {
            throw StatusError(.badRequest, "the namespace of the provided object does not match the namespace sent on the request")
        }
        if kind.isNamespaced { try await requireNamespace(namespace ?? "", kind: kind, name: decoded.metadataName) }
        // A name that we make ourselves may be made again if it is taken.
        let attempts = decoded.metadataName.isEmpty && decoded["metadata"]["generateName"].string?.isEmpty == false ? 8 : 1
        var attempt = 1
        while true {
            var random = SystemRandomNumberGenerator()
            var object = kind.prepareForCreate(
                decoded, namespace: kind.isNamespaced ? namespace : nil, uid: UUID.random(using: &random), now: now,
                nameSuffix: GeneratedName.suffix(using: &random))
            complete(&object, kind: kind, replacing: nil)
            object = kind.defaulted(object)
            let reservation = try services.admit(&object, kind: kind, replacing: nil)
            do throws(StatusError) {
                if options.isValidated { try check(object, kind: kind, replacing: nil) }
                let key = key(kind, namespace: namespace, name: object.metadataName)
                if options.isDryRun {
                    services.release(reservation)
                    if try await translating({ () throws(StoreError) in try await store.get(key) }) != nil {
                        throw .alreadyExists(kind.resource, object.metadataName)
                    }
                    var shown = object
                    shown["metadata"].remove("resourceVersion")
                    return Written(object: LiveObject(unstored: shown), isNew: true, warnings: warnings)
                }
                let stored = try await commit(
                    StoreWrite(
                        key: key, expected: .absent, value: LiveObject.storedBytes(object), timeToLive: timeToLive(kind),
                        attachment: { [object] in LiveObject(object, revision: $0) }), kind: kind, name: object.metadataName)
                return Written(object: LiveObject.of(stored), isNew: true, warnings: warnings)
            } catch {
                services.release(reservation)
                guard error.reason == .alreadyExists, attempt < attempts else { throw error }
                attempt += 1
            }
        }
    }

    // MARK: Update

    /// Replaces an object by what `change` makes of its newest state.
    ///
    /// - Parameters:
    ///   - subresource: nil or `status`: which part counts.
    ///   - retries: whether `change` is made anew from the newest state when another writer was faster; otherwise that is a 409.
    ///   - change: returns a decoded object. One that carries a `resourceVersion` which is not the newest is a 409.
    func update(
        _ kind: Kind, namespace: String?, name: String, subresource: String?, _ options: WriteOptions, retries: Bool,
        _ change: (LiveObject) throws(StatusError) -> JSON
    ) async throws(StatusError) -> LiveObject {
        let key = key(kind, namespace: namespace, name: name)
        var attempt = 1
        while true {
            let current = try await get(kind, namespace: namespace, name: name)
            let candidate = try change(current)
            try checkIdentity(candidate, of: current.json, kind: kind)
            let version = candidate.resourceVersion
            guard version.isEmpty || version == "0" || version == current.json.resourceVersion else { throw .conflict(kind.resource, name) }
            var next = kind.prepareForUpdate(candidate, replacing: current.json, subresource: subresource)
            complete(&next, kind: kind, replacing: current.json)
            next = kind.defaulted(next)
            let reservation = try services.admit(&next, kind: kind, replacing: current.json)
            do throws(StatusError) {
                if options.isValidated { try check(next, kind: kind, replacing: current.json) }
            } catch {
                services.release(reservation)
                throw error
            }
            do throws(StatusError) {
                let written = try await write(next, over: current, key: key, kind: kind, options)
                if options.isDryRun { services.release(reservation) }
                return written
            } catch {
                services.release(reservation)
                guard error.reason == .conflict, attempt < Self.attempts, retries else { throw error }
                attempt += 1
            }
        }
    }

    /// Changes an object past its kind's rules for updates: what the server does itself (binding, finalizing).
    func modify(
        _ kind: Kind, namespace: String?, name: String, _ options: WriteOptions, _ change: (JSON) throws(StatusError) -> JSON
    ) async throws(StatusError) -> LiveObject {
        let key = key(kind, namespace: namespace, name: name)
        var attempt = 1
        while true {
            let current = try await get(kind, namespace: namespace, name: name)
            let next = try change(current.json)
            do throws(StatusError) {
                return try await write(next, over: current, key: key, kind: kind, options)
            } catch {
                guard error.reason == .conflict, attempt < Self.attempts else { throw error }
                attempt += 1
            }
        }
    }

    /// Stores a checked state over `current`, or removes the object if its deletion has nothing left to wait for.
    private func write(
        _ object: JSON, over current: LiveObject, key: String, kind: Kind, _ options: WriteOptions
    ) async throws(StatusError) -> LiveObject {
        var next = object
        next["metadata"]["resourceVersion"] = current.json["metadata"]["resourceVersion"]
        let isOver = Deletion.isComplete(next, kind: kind)
        // A write that changes nothing gets no revision and no event.
        if next == current.json, !isOver { return current }
        if options.isDryRun { return LiveObject(unstored: next) }
        let write = StoreWrite(
            key: key, expected: .revision(current.revision), value: isOver ? nil : LiveObject.storedBytes(next),
            timeToLive: timeToLive(kind), attachment: { [next] in LiveObject(next, revision: $0) })
        let stored = try await commit(write, kind: kind, name: current.json.metadataName)
        services.settle(replacing: current.json, by: isOver ? nil : next, kind: kind)
        return LiveObject.of(stored)
    }

    /// How often a write is tried against faster writers.
    private static let attempts = 16

    // MARK: Delete

    struct Deleted: Sendable {
        var object: LiveObject
        var isGone: Bool
    }

    func delete(_ kind: Kind, namespace: String?, name: String, _ options: DeleteOptions) async throws(StatusError) -> Deleted {
        let key = key(kind, namespace: namespace, name: name)
        var attempt = 1
        while true {
            let current = try await get(kind, namespace: namespace, name: name)
            let write: StoreWrite
            switch try Deletion.plan(current.json, kind: kind, options: options, now: now) {
            case .unchanged: return Deleted(object: current, isGone: false)
            case .remove:
                if options.isDryRun { return Deleted(object: current, isGone: true) }
                write = StoreWrite(
                    key: key, expected: .revision(current.revision), value: nil,
                    attachment: { LiveObject(current.json, revision: $0) })
            case .mark(let next):
                if options.isDryRun { return Deleted(object: LiveObject(unstored: next), isGone: false) }
                write = StoreWrite(
                    key: key, expected: .revision(current.revision), value: LiveObject.storedBytes(next),
                    timeToLive: timeToLive(kind), attachment: { LiveObject(next, revision: $0) })
            }
            do throws(StatusError) {
                let stored = try await commit(write, kind: kind, name: name)
                if write.value == nil { services.settle(replacing: current.json, by: nil, kind: kind) }
                return Deleted(object: LiveObject.of(stored), isGone: write.value == nil)
            } catch {
                // Someone wrote in between: look again, the preconditions decide.
                guard error.reason == .conflict, attempt < Self.attempts else { throw error }
                attempt += 1
            }
        }
    }

    // MARK: Parts

    /// The body as the kind reads it, and what the client should be warned of.
    func decode(_ kind: Kind, _ body: RequestBody, _ options: WriteOptions) throws(StatusError) -> (JSON, warnings: [String]) {
        let (object, unknown) = try kind.decode(body.document)
        switch options.fieldValidation {
        case .ignore: return (object, [])
        case .strict:
            if let error = kind.strictError(unknown: unknown, duplicate: body.duplicates) { throw error }
            return (object, [])
        case .warn:
            return (object, unknown.map { "unknown field \"\($0)\"" } + body.duplicates.map { "duplicate field \"\($0)\"" })
        }
    }

    private func check(_ object: JSON, kind: Kind, replacing old: JSON?) throws(StatusError) {
        let errors = kind.validate(object, replacing: old)
        if !errors.isEmpty { throw .invalid(kind, name: object.metadataName, errors: errors) }
    }

    private func checkIdentity(_ object: JSON, of current: JSON, kind: Kind) throws(StatusError) {
        if !object.uid.isEmpty, object.uid != current.uid {
            throw .deletionConflict(
                kind, current,
                "Operation cannot be fulfilled on \(kind.resource) \"\(current.metadataName)\": Precondition failed: "
                    + "UID in precondition: \(object.uid), UID in object meta: \(current.uid)")
        }
    }

    /// What the server itself says of an object, beside its kind's rules.
    private func complete(_ object: inout JSON, kind: Kind, replacing old: JSON?) {
        guard kind.resource == .namespaces else { return }
        // The namespace's life ends only once its contents are gone (contract 3.3 item 7), by PUT /finalize alone.
        object["spec"]["finalizers"] = old?["spec"]["finalizers"] ?? ["kubernetes"]
        if object["spec"]["finalizers"].isNull { object["spec"].remove("finalizers") }
        if object["status"]["phase"].string == nil { object["status"]["phase"] = "Active" }
    }

    private func requireNamespace(_ namespace: String, kind: Kind, name: String) async throws(StatusError) {
        let stored = try await translating { () throws(StoreError) in try await store.get("namespaces/\(namespace)") }
        guard let stored else { throw .notFound(.namespaces, namespace) }
        let object = LiveObject.of(stored).json
        guard object.isBeingDeleted || object["status"]["phase"].string == "Terminating" else { return }
        var error = StatusError.forbidden(
            kind.resource, name, "unable to create new content in namespace \(namespace) because it is being terminated")
        error.details["causes"] = [
            [
                "reason": "NamespaceTerminating", "message": .string("namespace \(namespace) is being terminated"),
                "field": "metadata.namespace",
            ]
        ]
        throw error
    }

    private func timeToLive(_ kind: Kind) -> Duration? { kind.resource.name == "events" ? eventTimeToLive : nil }

    private func commit(_ write: StoreWrite, kind: Kind, name: String) async throws(StatusError) -> StoredObject {
        do {
            return try await store.commit(write)
        } catch {
            guard case .conflict = error else { throw StatusError(error) }
            throw write.expected == .absent ? .alreadyExists(kind.resource, name) : .conflict(kind.resource, name)
        }
    }
}
