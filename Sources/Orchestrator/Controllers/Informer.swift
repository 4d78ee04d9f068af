import Objects
import Runtime

/// Keeps one cache in step with the API: list, watch from there, list again when the watch is too old.
package struct Informer: Sendable {
    private let cache: ObjectCache
    private let client: any ObjectClient
    private let relists: Counter
    private let failures: Counter

    package init(_ cache: ObjectCache, client: any ObjectClient, metrics: MetricRegistry) {
        self.cache = cache
        self.client = client
        let labels = ["resource": "\(cache.resource)"]
        relists = metrics.counter("binnacle_controller_relists_total", "Lists read because a watch began or had fallen too far behind.", labels)
        failures = metrics.counter("binnacle_controller_watch_failures_total", "Lists and watches that ended by an error.", labels)
        metrics.gauge("binnacle_controller_cached_objects", "Objects held in memory by the controllers.", labels) { Double(cache.count) }
    }

    /// Returns only when cancelled.
    package func run() async {
        var backoff = Backoff(first: .milliseconds(50), limit: .seconds(10))
        while !Task.isCancelled {
            do {
                relists.increment()
                cache.replace(with: try await client.list(cache.resource, namespace: nil, labelSelector: nil, fieldSelector: nil))
                try await follow(resetting: &backoff)
            } catch {
                failures.increment()
                // 410 is the API's way to say "list again", and the list that follows is the mend.
                if (error as? StatusError)?.code == 410, backoff.failures == 0 {
                    _ = backoff.next()
                    continue
                }
                try? await Task.sleep(for: backoff.next())
            }
        }
    }

    private func follow(resetting backoff: inout Backoff) async throws {
        while !Task.isCancelled {
            var isSilent = true
            for try await event in client.watch(cache.resource, namespace: nil, after: String(cache.reachedVersion)) {
                cache.apply(event)
                isSilent = false
                backoff.reset()
            }
            // A watch that ends without an error goes on where it was; one that ends at once must not spin.
            if isSilent { try await Task.sleep(for: backoff.next()) }
        }
    }
}
