import JSON
import Objects

/// One loop that moves the world towards what its objects ask for.
///
/// Level-based: `reconcile` reads the world, plans one step by a pure function, acts, and maybe asks to
/// be called again. It never trusts the change that woke it.
package protocol Controller: Sendable {
    /// In metrics and logs, such as `replicaset`.
    var name: String { get }
    /// Whose changes can touch a key of this controller.
    var sources: [Resource] { get }
    /// How many keys may be worked on at once.
    var workerCount: Int { get }
    /// The keys to look at again because of `change`. Cheap: it runs on the watch's own path.
    func keys(touchedBy change: Change) -> [ObjectKey]
    /// Returns when the key wants to be looked at again though nothing has changed; nil for never.
    /// Throws to be called again after a back-off.
    func reconcile(_ key: ObjectKey) async throws -> Duration?
}

extension Controller {
    package var workerCount: Int { 4 }
}
