import Runtime

/// The store's own figures, `binnacle_log_store_*`.
struct LogStoreMetrics: Sendable {
    let records: Counter
    let recordBytes: Counter
    let duplicates: Counter
    let tooOld: Counter
    let clamped: Counter
    let commits: Counter
    let commitDuration: Histogram
    let commitFailures: Counter
    let refusals: Counter
    let flushes: Counter
    let flushFailures: Counter
    let flushedRawBytes: Counter
    let flushedStoredBytes: Counter
    let damagedChunks: Counter
    let tailDropped: Counter
    let daysRemoved: Counter
    let compactions: Counter
    let deletedRecords: Counter
    let compactedBytes: Counter

    init(_ registry: MetricRegistry) {
        func counter(_ name: String, _ help: String) -> Counter { registry.counter("binnacle_log_store_\(name)_total", help) }
        records = counter("records", "Records accepted.")
        recordBytes = counter("record_bytes", "Bytes of text accepted.")
        duplicates = counter("duplicate_records", "Records that were sent again and were stored already.")
        tooOld = counter("too_old_records", "Records refused because retention would remove them at once.")
        clamped = counter("future_records", "Records more than two days ahead of the clock, stored at the present time.")
        commits = counter("commits", "Transactions that made records durable.")
        commitDuration = registry.histogram("binnacle_log_store_commit_seconds", "How long a durable commit takes.")
        commitFailures = counter("commit_failures", "Commits that failed; nothing of them was acknowledged.")
        refusals = counter("refused_requests", "Requests refused because the store was overloaded or the batch was invalid.")
        flushes = counter("flushes", "Times that a day's head was written to its file.")
        flushFailures = counter("flush_failures", "Flushes that failed; their records stay in the write-ahead log.")
        flushedRawBytes = counter("flushed_raw_bytes", "Bytes of text written to day files, before compression.")
        flushedStoredBytes = counter("flushed_stored_bytes", "Bytes that day files took for it, with columns and signatures.")
        damagedChunks = counter("damaged_chunks", "Times that a query met a chunk which cannot be read.")
        tailDropped = counter("tail_dropped_records", "Records that a slow reader of a live tail missed.")
        deletedRecords = counter("deleted_records", "Records taken out of chunks because a deletion or a rule of retention names them.")
        compactions = counter("compactions", "Times that small chunks were written together as a larger one.")
        compactedBytes = counter("compacted_raw_bytes", "Bytes of text that were written again with others.")
        daysRemoved = counter("days_removed", "Day files removed because of their age.")
    }
}
