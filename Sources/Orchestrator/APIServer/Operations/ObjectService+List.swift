import JSON
import ObjectStore
import Objects

extension ObjectService {
    struct Page: Sendable {
        var objects: [LiveObject]
        var revision: Int64
        /// Opaque to clients; nil on the last page.
        var continuation: String?
        /// How many follow; nil if it is not known because of selectors.
        var remaining: Int?
    }

    /// The objects of a kind in one namespace, or in all if `namespace` is nil.
    func list(_ kind: Kind, namespace: String?, _ options: ListOptions) async throws(StatusError) -> Page {
        let prefix = prefix(kind, namespace: namespace)
        if let single = try await single(kind, namespace: namespace, options) { return single }
        var start: String?
        var revision: Int64?
        if let token = options.continuation {
            let position = try Continuation(token)
            start = prefix + position.name
            revision = position.revision
        } else {
            switch options.version {
            case .newest: break
            case .exactly(let asked): revision = asked
            case .notOlderThan(let asked):
                let current = try await translating { () throws(StoreError) in try await store.currentRevision() }
                guard asked <= current else { throw .futureVersion(asked, current: current) }
            }
        }
        let found: StoredList
        do {
            // With a selector the store cannot know where a page ends.
            found = try await store.list(
                prefix: prefix, after: start, limit: options.selection.isEverything ? options.limit : nil, at: revision)
        } catch .compacted where options.continuation != nil {
            throw .tooOld(
                "The provided continue parameter is too old to display a consistent list result. "
                    + "You must start a new list without the continue parameter.")
        } catch .compacted {
            throw .tooOld("The resourceVersion for the provided list is too old.")
        } catch {
            throw StatusError(error)
        }
        return page(of: found, prefix: prefix, kind: kind, options)
    }

    private func page(of found: StoredList, prefix: String, kind: Kind, _ options: ListOptions) -> Page {
        var page = Page(objects: [], revision: found.revision, continuation: nil, remaining: nil)
        if options.selection.isEverything {
            page.objects = found.objects.map(LiveObject.of)
            if found.remaining > 0, let last = found.objects.last {
                page.continuation = Continuation(revision: found.revision, name: String(last.key.dropFirst(prefix.count))).text
                page.remaining = found.remaining
            }
            return page
        }
        for stored in found.objects {
            let object = LiveObject.of(stored)
            guard options.selection.matches(object.json, kind: kind) else { continue }
            if let limit = options.limit, page.objects.count == limit {
                // One more than fits: the next page begins after the last that did.
                let last = page.objects[limit - 1].json
                let key = key(kind, namespace: last.namespace, name: last.metadataName)
                page.continuation = Continuation(revision: found.revision, name: String(key.dropFirst(prefix.count))).text
                return page
            }
            page.objects.append(object)
        }
        return page
    }

    /// A selector for one name in one namespace needs no walk: `kubectl get -w NAME`, `wait`, `rollout status`.
    private func single(_ kind: Kind, namespace: String?, _ options: ListOptions) async throws(StatusError) -> Page? {
        guard let name = options.selection.fields.requiredValue("metadata.name"), options.continuation == nil,
            options.version == .newest, !kind.isNamespaced || namespace != nil
        else { return nil }
        // The revision first: the object may only be newer than it, so a watch from there misses nothing.
        let revision = try await translating { () throws(StoreError) in try await store.currentRevision() }
        let key = key(kind, namespace: namespace, name: name)
        let stored = try await translating { () throws(StoreError) in try await store.get(key) }
        let objects = stored.map { [LiveObject.of($0)] } ?? []
        return Page(
            objects: objects.filter { options.selection.matches($0.json, kind: kind) }, revision: max(revision, stored?.modRevision ?? 0),
            continuation: nil, remaining: nil)
    }
}

/// Where the next page of a list begins: the snapshot's revision and the last key below the list's prefix.
struct Continuation: Hashable, Sendable {
    var revision: Int64
    var name: String

    init(revision: Int64, name: String) {
        self.revision = revision
        self.name = name
    }

    init(_ token: String) throws(StatusError) {
        let parts = token.split(separator: ".", maxSplits: 1)
        guard parts.count == 2, let revision = Int64(parts[0]), revision > 0 else {
            throw StatusError(.badRequest, "continue key is not valid: \"\(token)\"")
        }
        self.revision = revision
        name = String(parts[1])
    }

    var text: String { "\(revision).\(name)" }
}
