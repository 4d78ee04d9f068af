import Runtime

/// What the store counts of itself.
struct StoreMetrics: Sendable {
    let commits: Counter
    let writes: Counter
    let failures: Counter
    let refused: Counter
    let slowWatchers: Counter
    let compactions: Counter
    let expired: Counter
    let commitSeconds: Histogram

    init(_ registry: MetricRegistry) {
        commits = registry.counter("binnacle_objectstore_commits_total", "Transactions committed to the object store's file.")
        writes = registry.counter("binnacle_objectstore_writes_total", "Objects created, changed or deleted.")
        failures = registry.counter("binnacle_objectstore_failed_writes_total", "Writes that the disk refused.")
        refused = registry.counter(
            "binnacle_objectstore_refused_writes_total", "Writes refused because too many already waited for the disk.")
        slowWatchers = registry.counter(
            "binnacle_objectstore_slow_watchers_total", "Watches ended because their consumer fell too far behind.")
        compactions = registry.counter("binnacle_objectstore_compactions_total", "Rounds that dropped old revisions.")
        expired = registry.counter("binnacle_objectstore_expired_objects_total", "Objects deleted at the end of their time to live.")
        commitSeconds = registry.histogram("binnacle_objectstore_commit_seconds", "Time from the start of a group commit to its end.")
    }

    /// Gauges that are read when they are scraped.
    func observe(_ store: SQLiteObjectStore, in registry: MetricRegistry) {
        registry.gauge("binnacle_objectstore_objects", "Objects in the store.") { [weak store] in Double(store?.objectCount ?? 0) }
        registry.gauge("binnacle_objectstore_watchers", "Open watches on the store.") { [weak store] in Double(store?.watcherCount ?? 0) }
        registry.gauge("binnacle_objectstore_revision", "Newest revision.") { [weak store] in Double(store?.revision ?? 0) }
    }
}
