import Runtime

/// The store's metrics of itself.
struct SeriesStoreMetrics: Sendable {
    let appendedSamples: Counter
    let duplicateFrames: Counter
    let tooOldFrames: Counter
    let futureFrames: Counter
    let refusedSeries: Counter
    let overloads: Counter
    let headFull: Counter
    let commits: Counter
    let commitSeconds: Histogram
    let flushes: Counter
    let flushFailures: Counter
    let flushSeconds: Histogram
    let seals: Counter
    let replayedFrames: Counter
    let lostFrames: Counter
    let corruptParts: Counter
    let queries: Counter
    let queriesTooLarge: Counter

    init(_ registry: MetricRegistry) {
        func counter(_ name: String, _ help: String, _ labels: [String: String] = [:]) -> Counter {
            registry.counter("binnacle_series_store_\(name)_total", help, labels)
        }
        let rejected = "Frames that were not stored, by reason."
        appendedSamples = counter("appended_samples", "Samples made durable.")
        duplicateFrames = counter("rejected_frames", rejected, ["reason": "duplicate"])
        tooOldFrames = counter("rejected_frames", rejected, ["reason": "too_old"])
        futureFrames = counter("rejected_frames", rejected, ["reason": "future"])
        refusedSeries = counter("refused_series", "New series refused because the store is at its limit of series.")
        overloads = counter("overloads", "Appends refused because too many samples waited.")
        headFull = counter("head_full", "Commits refused because the head was full.")
        commits = counter("commits", "Commits of the log.")
        commitSeconds = registry.histogram("binnacle_series_store_commit_seconds", "From the first frame taken to its durability.")
        flushes = counter("flushes", "Times that recent samples were moved into day files.")
        flushFailures = counter("flush_failures", "Times that this failed; the samples stay in the log.")
        flushSeconds = registry.histogram("binnacle_series_store_flush_seconds", "Duration of a flush.")
        seals = counter("sealed_windows", "Windows whose parts were merged into one.")
        replayedFrames = counter("replayed_frames", "Frames read back from the log at a start.")
        lostFrames = counter("lost_frames", "Frames of the log that could not be read back.")
        corruptParts = counter("corrupt_parts", "Reads of a damaged part or file, which was left out.")
        queries = counter("queries", "Queries for samples.")
        queriesTooLarge = counter("queries_too_large", "Queries refused because of the number of their samples.")
    }
}
