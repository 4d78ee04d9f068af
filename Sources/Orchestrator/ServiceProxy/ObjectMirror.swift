import JSON
import Objects
import Runtime

/// Follows all objects of one resource: list, watch, list again when the watch is too old.
struct ObjectMirror: Sendable {
    enum News: Sendable {
        /// Everything there is: whatever is not in it is gone.
        case all([JSON])
        case changed(JSON)
        case gone(JSON)
    }

    let resource: Resource
    let client: any ObjectClient
    let failures: Counter

    /// Returns only when cancelled. `tell` is awaited, so a slow reader slows the watch and nothing piles up here.
    func run(_ tell: @Sendable (News) async -> Void) async {
        var backoff = Backoff(first: .milliseconds(50), limit: .seconds(5))
        while !Task.isCancelled {
            do {
                let list = try await client.list(resource, namespace: nil, labelSelector: nil, fieldSelector: nil)
                await tell(.all(list.items))
                var version = list.resourceVersion
                while !Task.isCancelled {
                    var isSilent = true
                    for try await event in client.watch(resource, namespace: nil, after: version) {
                        isSilent = false
                        backoff.reset()
                        version = event.object.resourceVersion
                        switch event.kind {
                        case .added, .modified: await tell(.changed(event.object))
                        case .deleted: await tell(.gone(event.object))
                        case .bookmark: break
                        }
                    }
                    if isSilent { try await Task.sleep(for: backoff.next()) }
                }
            } catch {
                failures.increment()
                try? await Task.sleep(for: backoff.next())
            }
        }
    }
}
