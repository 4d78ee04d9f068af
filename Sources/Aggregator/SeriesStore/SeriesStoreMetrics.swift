import Runtime

/// The store's metrics of itself.
struct SeriesStoreMetrics: Sendable {
    let appendedSamples: Counter
    let duplicateFrames: Counter
    let tooOldFrames: Counter
    let futureFrames: Counter
    let duplicateSamples: Counter
    let overwrittenSamples: Counter
    let tooOldSamples: Counter
    let tooNewSamples: Counter
    let overLimitSamples: Counter
    let invalidSamples: Counter
    let refusedSeries: Counter
    let overloads: Counter
    let headFull: Counter
    let commits: Counter
    let commitSeconds: Histogram
    let flushes: Counter
    let flushFailures: Counter
    let flushSeconds: Histogram
    let seals: Counter
    let mergedDuplicates: Counter
    let replayedSamples: Counter
    let lostRecords: Counter
    let corruptParts: Counter
    let queries: Counter
    let queriesTooLarge: Counter
    let cacheHits: Counter
    let cacheMisses: Counter
    let cacheEvictions: Counter

    init(_ registry: MetricRegistry) {
        func counter(_ name: String, _ help: String, _ labels: [String: String] = [:]) -> Counter {
            registry.counter("binnacle_series_store_\(name)_total", help, labels)
        }
        let rejected = "Frames that were not stored, by reason."
        appendedSamples = counter("appended_samples", "Samples made durable.")
        duplicateFrames = counter("rejected_frames", rejected, ["reason": "duplicate"])
        tooOldFrames = counter("rejected_frames", rejected, ["reason": "too_old"])
        futureFrames = counter("rejected_frames", rejected, ["reason": "future"])
        let samples = "Samples of batches that were not simply stored, by what became of them."
        duplicateSamples = counter("exceptional_samples", samples, ["outcome": "duplicate"])
        overwrittenSamples = counter("exceptional_samples", samples, ["outcome": "overwritten"])
        tooOldSamples = counter("exceptional_samples", samples, ["outcome": "too_old"])
        tooNewSamples = counter("exceptional_samples", samples, ["outcome": "too_new"])
        overLimitSamples = counter("exceptional_samples", samples, ["outcome": "over_limit"])
        invalidSamples = counter("exceptional_samples", samples, ["outcome": "invalid"])
        refusedSeries = counter("refused_series", "New series refused because the store is at its limit of series.")
        overloads = counter("overloads", "Appends refused because too many samples waited.")
        headFull = counter("head_full", "Commits refused because the head was full.")
        commits = counter("commits", "Commits of the log.")
        commitSeconds = registry.histogram("binnacle_series_store_commit_seconds", "From the first frame taken to its durability.")
        flushes = counter("flushes", "Times that recent samples were moved into day files.")
        flushFailures = counter("flush_failures", "Times that this failed; the samples stay in the log.")
        flushSeconds = registry.histogram("binnacle_series_store_flush_seconds", "Duration of a flush.")
        seals = counter("sealed_windows", "Windows whose parts were merged into one.")
        mergedDuplicates = counter("merged_duplicates", "Samples that a merge found to be stored twice; the later one counts.")
        replayedSamples = counter("replayed_samples", "Samples read back from the log at a start.")
        lostRecords = counter("lost_records", "Rows of the log that could not be read back.")
        corruptParts = counter("corrupt_parts", "Reads of a damaged part or file, which was left out.")
        queries = counter("queries", "Queries for samples.")
        queriesTooLarge = counter("queries_too_large", "Queries refused because of the number of their samples.")
        cacheHits = counter("cached_columns", "Columns that a query wanted decoded, by whether the cache had them.", ["outcome": "hit"])
        cacheMisses = counter("cached_columns", "Columns that a query wanted decoded, by whether the cache had them.", ["outcome": "miss"])
        cacheEvictions = counter("cache_evictions", "Parts that the cache let go for others.")
    }

    func count(_ outcome: WriteOutcome) {
        let accepted = outcome.written + outcome.overwritten
        if accepted > 0 { appendedSamples.increment(by: UInt64(accepted)) }
        guard outcome.duplicates + outcome.overwritten + outcome.refused > 0 else { return }
        for (counter, count) in [
            (duplicateSamples, outcome.duplicates), (overwrittenSamples, outcome.overwritten), (tooOldSamples, outcome.tooOld),
            (tooNewSamples, outcome.tooNew), (overLimitSamples, outcome.overLimit), (invalidSamples, outcome.invalid),
        ] where count > 0 { counter.increment(by: UInt64(count)) }
    }
}
