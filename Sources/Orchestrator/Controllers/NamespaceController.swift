import JSON
import Objects

/// Lets the API server take a namespace away once nothing is left in it: `PUT namespaces/NAME/finalize`.
public protocol NamespaceFinalizing: Sendable {
    /// Stores `namespace` with the `spec.finalizers` that it has; without any, a namespace that is being deleted is gone.
    func finalize(namespace: JSON) async throws(StatusError)
}

/// Empties a namespace that is being deleted, and says in its conditions what is still in the way.
package struct NamespaceController: Controller {
    private let world: World
    private let kinds: [ResourceInfo]
    private let finalizer: any NamespaceFinalizing

    package init(_ world: World, kinds: [ResourceInfo], finalizer: any NamespaceFinalizing) {
        self.world = world
        self.kinds = kinds.filter(\.isNamespaced)
        self.finalizer = finalizer
    }

    package var name: String { "namespace" }
    package var sources: [Resource] { [.namespaces] + kinds.map(\.resource).filter { world.caches[$0] != nil } }

    package func keys(touchedBy change: Change) -> [ObjectKey] {
        if change.resource == .namespaces { return [change.object.key] }
        // The last object to go is what a namespace waits for.
        guard change.new == nil || change.old == nil, let namespace = world[.namespaces][ObjectKey(nil, change.object.key.namespace)], namespace.isTerminating
        else { return [] }
        return [namespace.key]
    }

    /// What one look at the content of a namespace found.
    package struct Content: Sendable, Equatable {
        /// Objects that are left, by resource.
        package var remaining: [String: Int] = [:]
        /// Objects that a finalizer holds, by finalizer.
        package var finalizers: [String: Int] = [:]
        package var failures: [String] = []
        package init() {}
    }

    package func reconcile(_ key: ObjectKey) async throws -> Duration? {
        guard let namespace = world[.namespaces][key], namespace.isTerminating else { return nil }
        guard namespace.json["spec"]["finalizers"].elements.contains("kubernetes") else { return nil }
        var content = Content()
        for kind in kinds { await empty(kind, of: key.name, into: &content) }
        if content == Content() {
            var json = namespace.json
            json["spec"]["finalizers"] = .array(json["spec"]["finalizers"].elements.filter { $0 != "kubernetes" })
            do {
                try await finalizer.finalize(namespace: json)
            } catch {
                guard error.reason == .notFound else { throw error }
                return nil
            }
            return nil
        }
        let updated = Self.withConditions(namespace.json, content: content, now: world.now)
        if updated["status"] != namespace.json["status"] { try await world.updateStatus(.namespaces, updated) }
        // Deletions wake us; this is for kinds that are not cached.
        return .seconds(2)
    }

    /// Deletes what has not been told to go yet and counts what is left, from the API itself and not from a cache:
    /// the answer "nothing is left" must be true.
    private func empty(_ kind: ResourceInfo, of namespace: String, into content: inout Content) async {
        do {
            let list = try await world.client.list(kind.resource, namespace: namespace, labelSelector: nil, fieldSelector: nil)
            for json in list.items where !json.isBeingDeleted { try await world.delete(kind.resource, CachedObject(json)) }
            guard !list.items.isEmpty else { return }
            let left = try await world.client.list(kind.resource, namespace: namespace, labelSelector: nil, fieldSelector: nil).items
            if !left.isEmpty { content.remaining["\(kind.resource)", default: 0] += left.count }
            for name in left.flatMap(\.finalizers) { content.finalizers[name, default: 0] += 1 }
        } catch {
            content.failures.append("\(kind.resource): \(error.message)")
        }
    }

    /// The conditions that tell why a namespace is still there; the sentences are what people search for.
    package static func withConditions(_ namespace: JSON, content: Content, now: Int64) -> JSON {
        var result = namespace
        func set(_ type: String, _ isTrue: Bool, _ reason: String, _ message: String) {
            result.setCondition(type, status: isTrue ? "True" : "False", reason: reason, message: message, now: now)
        }
        result["status"]["phase"] = "Terminating"
        set("NamespaceDeletionDiscoveryFailure", false, "ResourcesDiscovered", "All resources successfully discovered")
        set("NamespaceDeletionGroupVersionParsingFailure", false, "ParsedGroupVersions", "All legacy kube types successfully parsed")
        set(
            "NamespaceDeletionContentFailure", !content.failures.isEmpty, content.failures.isEmpty ? "ContentDeleted" : "ContentDeletionFailed",
            content.failures.isEmpty
                ? "All content successfully deleted, may be waiting on finalization"
                : "Failed to delete all resource types, \(content.failures.count) remaining: \(content.failures.joined(separator: ", "))")
        let remaining = content.remaining.sorted { $0.key < $1.key }.map { "\($0.key) has \($0.value) resource instances" }.joined(separator: ", ")
        set(
            "NamespaceContentRemaining", !content.remaining.isEmpty, content.remaining.isEmpty ? "ContentRemoved" : "SomeResourcesRemain",
            content.remaining.isEmpty ? "All content successfully removed" : "Some resources are remaining: \(remaining)")
        let finalizers = content.finalizers.sorted { $0.key < $1.key }.map { "\($0.key) in \($0.value) resource instances" }.joined(separator: ", ")
        set(
            "NamespaceFinalizersRemaining", !content.finalizers.isEmpty, content.finalizers.isEmpty ? "ContentHasNoFinalizers" : "SomeFinalizersRemain",
            content.finalizers.isEmpty
                ? "All content-preserving finalizers finished" : "Some content in the namespace has finalizers remaining: \(finalizers)")
        return result
    }
}
