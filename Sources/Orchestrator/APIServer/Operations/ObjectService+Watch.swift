import JSON
import ObjectStore
import Objects

/// A change as a watcher with a selection sees it.
struct WatchChange: Sendable {
    var kind: WatchEvent.Kind
    var object: LiveObject

    /// Nil if the watcher does not see it. An object that begins to match appears, one that stops matching goes:
    /// its last matching state with the change's resourceVersion.
    init?(_ event: StoreEvent, selection: Selection, kind: Kind) {
        let object = LiveObject.of(event.object)
        if selection.isEverything {
            self.kind = event.isDeletion ? .deleted : event.previous == nil ? .added : .modified
            self.object = object
            return
        }
        let isVisible = !event.isDeletion && selection.matches(object.json, kind: kind)
        let previous = event.previous.map(LiveObject.of)
        let wasVisible = previous.map { selection.matches($0.json, kind: kind) } ?? false
        switch (wasVisible, isVisible) {
        case (false, false): return nil
        case (false, true): self.kind = .added
        case (true, true): self.kind = .modified
        case (true, false):
            self.kind = .deleted
            guard !event.isDeletion, let previous else { break }
            self.object = LiveObject(previous.json, revision: event.revision)
            return
        }
        self.object = object
    }

    init(added object: LiveObject) {
        kind = .added
        self.object = object
    }
}

extension ObjectService {
    func watch(_ kind: Kind, namespace: String?, after revision: Int64) async throws(StatusError) -> StoreWatch {
        do {
            return try await store.watch(prefix: prefix(kind, namespace: namespace), after: revision)
        } catch .future(let current) {
            throw .futureVersion(revision, current: current)
        } catch {
            throw StatusError(error)
        }
    }
}
