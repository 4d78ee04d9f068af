import JSON
import Objects
import Runtime

/// What a controller sees and how it acts: the caches, and writes that go to the API and show in the caches at once.
package struct World: Sendable {
    package let client: any ObjectClient
    package let caches: [Resource: ObjectCache]
    package let events: any EventSink
    package let clock: any WallClock

    package init(client: any ObjectClient, resources: [Resource], events: any EventSink, clock: any WallClock) {
        self.client = client
        self.events = events
        self.clock = clock
        caches = Dictionary(uniqueKeysWithValues: Set(resources).map { ($0, ObjectCache($0)) })
    }

    /// Seconds since 1970.
    package var now: Int64 { clock.nanoseconds / 1_000_000_000 }

    package subscript(resource: Resource) -> ObjectCache {
        guard let cache = caches[resource] else { preconditionFailure("no cache of \(resource): add it to the control plane's resources") }
        return cache
    }

    @discardableResult
    package func create(_ resource: Resource, _ object: JSON) async throws(StatusError) -> JSON {
        let created = try await client.create(resource, namespace: object.namespace.isEmpty ? nil : object.namespace, object)
        caches[resource]?.note(written: created)
        return created
    }

    @discardableResult
    package func update(_ resource: Resource, _ object: JSON) async throws(StatusError) -> JSON {
        let updated = try await client.update(resource, namespace: object.namespace.isEmpty ? nil : object.namespace, object)
        caches[resource]?.note(written: updated)
        return updated
    }

    @discardableResult
    package func updateStatus(_ resource: Resource, _ object: JSON) async throws(StatusError) -> JSON {
        let updated = try await client.updateStatus(resource, namespace: object.namespace.isEmpty ? nil : object.namespace, object)
        caches[resource]?.note(written: updated)
        return updated
    }

    /// Updates; nil if the object has gone meanwhile, which is news that the watch brings too.
    @discardableResult
    package func updateIfPresent(_ resource: Resource, _ object: JSON) async throws(StatusError) -> JSON? {
        do {
            return try await update(resource, object)
        } catch {
            if error.reason == .notFound { return nil }
            throw error
        }
    }

    /// Updates the status; nil if the object has gone meanwhile.
    @discardableResult
    package func updateStatusIfPresent(_ resource: Resource, _ object: JSON) async throws(StatusError) -> JSON? {
        do {
            return try await updateStatus(resource, object)
        } catch {
            if error.reason == .notFound { return nil }
            throw error
        }
    }

    /// Deletes this very object, not another of its name; one that is gone already is a success.
    package func delete(_ resource: Resource, _ object: CachedObject, propagation: String? = "Background") async throws(StatusError) {
        do {
            try await client.delete(
                resource, namespace: object.key.clientNamespace, name: object.key.name, gracePeriodSeconds: nil, uid: object.uid,
                propagation: propagation)
        } catch {
            guard error.reason == .notFound else { throw error }
            return
        }
        caches[resource]?.assume(.deleted(at: RFC3339.format(now)), of: object.uid, at: object.key)
    }
}
