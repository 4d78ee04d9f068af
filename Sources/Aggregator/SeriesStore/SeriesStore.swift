import Glibc
import Runtime
import SQLite
import Synchronization
import Telemetry

/// What became of the frames of one append that did not fail.
public struct AppendSummary: Sendable, Hashable {
    public var storedFrames = 0
    public var storedSamples = 0
    /// Their source already has a frame of their time.
    public var duplicateFrames = 0
    /// Older than the retention, or than their source's newest by more than the out-of-order window.
    public var tooOldFrames = 0
    /// Too far ahead of the clock.
    public var futureFrames = 0
    public init() {}
}

/// The answer to a query. Warnings name what is missing from it.
public struct SeriesAnswer: Sendable {
    /// Sorted by labels; series without samples in the span are left out.
    public var series: [SeriesSamples]
    public var warnings: [String]
}

/// How large the store is.
public struct SeriesStoreStatistics: Sendable, Hashable {
    /// Within the retention.
    public var series = 0
    public var headSamples = 0
    public var headBytes = 0
    public var days = 0
    /// In day files.
    public var storedSamples = 0
    /// Of parts in day files, without SQLite's own.
    public var partBytes = 0
    /// Of all files of the store, logs of SQLite included.
    public var fileBytes = 0

    public var partBytesPerSample: Double { storedSamples == 0 ? 0 : Double(partBytes) / Double(storedSamples) }
}

/// Metrics in compressed SQLite files: a log of what is new, and one file a UTC day.
///
/// `append` returns when its frames are durable, and a query sees all that was acknowledged before it began.
/// docs/formats/series.md has the files, docs/decisions/series-store.md the reasons.
public final class SeriesStore: Sendable {
    let shared: Shared
    let writer: Writer
    let readers: [Reader]
    private let nextReader = Atomic<Int>(0)
    /// Held with flock(2) while the store is open.
    private let lock: HostFile
    /// What was damaged or missing when the store was opened.
    public let openWarnings: [String]

    /// Opens or makes the store in `directory`, and replays its log. Blocks for as long as that takes.
    public static func open(
        directory: String, configuration: SeriesStoreConfiguration = .init(), metrics: MetricRegistry, clock: any WallClock = SystemClock()
    ) throws(SeriesStoreError) -> SeriesStore {
        try SeriesStore(directory: directory, configuration: configuration, metrics: metrics, clock: clock, interrupt: nil)
    }

    init(
        directory: String, configuration: SeriesStoreConfiguration, metrics: MetricRegistry, clock: any WallClock,
        interrupt: (@Sendable (String) throws -> Void)?
    ) throws(SeriesStoreError) {
        lock = try SeriesStore.lock(directory)
        shared = Shared(directory: directory, configuration: configuration, metrics: SeriesStoreMetrics(metrics), clock: clock)
        do {
            let recovery = try Recovery(shared)
            openWarnings = recovery.warnings
            writer = Writer(recovery, shared: shared, interrupt: interrupt)
        } catch {
            throw SeriesStore.openError(error)
        }
        readers = (0..<max(1, configuration.readerCount)).map { [shared] in Reader(shared, number: $0) }
        registerGauges(metrics)
    }

    /// The samples of all series that satisfy the matchers, both ends of the span included.
    public func answer(_ matchers: [Matcher], from: Timestamp, through: Timestamp) async throws(SeriesStoreError) -> SeriesAnswer {
        do {
            return try await reader.select(matchers, from: from.milliseconds, through: through.milliseconds)
        } catch {
            throw SeriesStoreError(any: error)
        }
    }

    /// `answer` without its warnings.
    public func select(_ matchers: [Matcher], from: Timestamp, through: Timestamp) async throws -> [SeriesSamples] {
        try await answer(matchers, from: from, through: through).series
    }

    /// The names of the labels of all series that satisfy the matchers and have samples in the span, by whole hours; sorted.
    public func labelNames(matchers: [Matcher], from: Timestamp, through: Timestamp) async throws -> [String] {
        await reader.labelNames(matchers, from: from.milliseconds, through: through.milliseconds)
    }

    /// The values of one label, likewise.
    public func labelValues(_ name: String, matchers: [Matcher], from: Timestamp, through: Timestamp) async throws -> [String] {
        await reader.labelValues(name, matchers, from: from.milliseconds, through: through.milliseconds)
    }

    /// The labels of the series, likewise.
    public func series(matchers: [Matcher], from: Timestamp, through: Timestamp) async throws -> [Labels] {
        await reader.series(matchers, from: from.milliseconds, through: through.milliseconds)
    }

    /// Calls `body` with each series that satisfies the matchers and has samples in the span (both ends included), as columns,
    /// in no order that means anything; only what is asked for is read and decoded. `body` runs on a thread of the store and
    /// may stop the query by throwing. Nothing is kept but the series at hand and a few hundred after it.
    @discardableResult
    public func forEachSeries(
        _ matchers: [Matcher], from: Timestamp, through: Timestamp, _ body: @Sendable (SeriesColumn) throws -> Void
    ) async throws -> ReadSummary {
        try await reader.forEachSeries(matchers, from: from.milliseconds, through: through.milliseconds, body)
    }

    /// How many series satisfy the matchers and have samples in the span, by whole hours: from the index, without reading samples.
    public func seriesCount(matchers: [Matcher], from: Timestamp, through: Timestamp) async -> Int {
        await reader.seriesCount(matchers, from: from.milliseconds, through: through.milliseconds)
    }

    /// Rollups of the series: the buckets that end in the span. Days without rollups (the newest, usually) are not in `days`.
    ///
    /// Count, minimum, maximum, first, last and resets are what the samples would give; sums are too where `isWhole`, others as far
    /// as adding in another order rounds to the same double.
    ///
    /// - Parameter before: leaves out days that end after this.
    public func rollups(
        matchers: [Matcher], from: Timestamp, through: Timestamp, before: Timestamp = Timestamp(milliseconds: .max), resolution: RollupResolution
    ) async throws -> RollupAnswer {
        try await reader.rollups(matchers, from: from.milliseconds, through: through.milliseconds, before: before.milliseconds, resolution)
    }

    /// How far rollups can stand for the samples of the span, as of now.
    public func rollupCoverage(_ resolution: RollupResolution, from: Timestamp, through: Timestamp) -> RollupCoverage {
        shared.coverage(resolution, from: from.milliseconds, through: through.milliseconds)
    }

    /// Flushes what is due, merges the parts of windows that ended, and once a day applies the retention. To be called every few seconds.
    public func maintain() async throws {
        try await writer.maintain()
        for reader in readers { await reader.purge() }
    }

    /// Moves all recent samples into day files now.
    public func flush() async throws { try await writer.flush() }

    /// Flushes and merges everything now, and gives unused space back.
    public func compact() async throws {
        try await writer.compact()
        for reader in readers { await reader.purge() }
    }

    /// Removes all samples of the series that satisfy the matchers in the span, from answers and from disk. Returns how many.
    @discardableResult
    public func delete(matchers: [Matcher], from: Timestamp, through: Timestamp) async throws -> Int {
        try await writer.delete(matchers, from: from.milliseconds, through: through.milliseconds)
    }

    /// Removes day files that are wholly older than the retention.
    public func applyRetention(now: Timestamp) async throws {
        try await writer.applyRetention(now: now.milliseconds)
        for reader in readers { await reader.purge() }
    }

    /// Refuses further appends, moves all into day files and lets SQLite's logs go. What cannot be moved stays in the log.
    public func close() async {
        shared.intake.withLock { $0.isClosed = true }
        // First those that only read: the last connection takes SQLite's own files away, which these may not.
        for reader in readers { await reader.close() }
        do {
            try await writer.close()
        } catch {
            // It was counted. The next start replays the log: this costs time and no data.
        }
        flock(lock.descriptor, LOCK_UN)
    }

    /// When the oldest sample may be: the beginning of the first day that has any. nil without samples.
    public var oldest: Timestamp? {
        let inHead = shared.head.oldest
        let days = shared.days.withLock { days in days.rolled.values.reduce(days.totals.keys.min()) { [$0, $1.min()].compactMap { $0 }.min() } }
        return [days?.start, inHead == .max ? nil : inHead].compactMap { $0 }.min().map { Timestamp(milliseconds: $0) }
    }

    /// Where the files are.
    public var directory: String { shared.directory }

    public var statistics: SeriesStoreStatistics {
        var statistics = SeriesStoreStatistics()
        statistics.series = shared.index.withLock { $0.count }
        statistics.headSamples = shared.head.samples
        statistics.headBytes = shared.head.bytes
        shared.days.withLock { days in
            statistics.days = days.totals.count
            for totals in days.totals.values {
                statistics.storedSamples += totals.samples
                statistics.partBytes += totals.bytes
            }
        }
        // A directory that cannot be read fails each flush, which tells of it.
        do { statistics.fileBytes = try shared.fileBytes() } catch { statistics.fileBytes = 0 }
        return statistics
    }

    var reader: Reader { readers[abs(nextReader.wrappingAdd(1, ordering: .relaxed).oldValue % readers.count)] }

    private func registerGauges(_ metrics: MetricRegistry) {
        let shared = shared
        metrics.gauge("binnacle_series_store_cache_bytes", "Memory of directories and decoded columns that are kept for queries.") {
            Double(shared.cache.bytes)
        }
        metrics.gauge("binnacle_series_store_cache_bytes_limit", "The bound of that.") { Double(shared.configuration.maxCacheBytes) }
        metrics.gauge("binnacle_series_store_cached_labels", "Series whose label sets are kept for queries.") { Double(shared.labels.count) }
        metrics.gauge("binnacle_series_store_cached_labels_limit", "The bound of that.") { Double(shared.configuration.maxCachedLabels) }
        metrics.gauge("binnacle_series_store_series", "Series within the retention.") { Double(shared.index.withLock { $0.count }) }
        metrics.gauge("binnacle_series_store_series_limit", "The bound of that.") { Double(shared.configuration.maxSeries) }
        metrics.gauge("binnacle_series_store_head_bytes", "Memory of samples that are in no day file yet.") { Double(shared.head.bytes) }
        metrics.gauge("binnacle_series_store_head_bytes_limit", "The bound of that.") { Double(shared.configuration.maxHeadBytes) }
        metrics.gauge("binnacle_series_store_waiting_samples", "Samples that wait for their commit.") {
            Double(shared.intake.withLock { $0.samples })
        }
        metrics.gauge("binnacle_series_store_stored_samples", "Samples in day files.") {
            Double(shared.days.withLock { $0.totals.values.reduce(0) { $0 + $1.samples } })
        }
        metrics.gauge("binnacle_series_store_part_bytes", "Bytes of parts in day files.") {
            Double(shared.days.withLock { $0.totals.values.reduce(0) { $0 + $1.bytes } })
        }
    }

    /// Makes the directory and takes its lock.
    private static func lock(_ directory: String) throws(SeriesStoreError) -> HostFile {
        let path = "\(directory)/lock"
        do throws(FileError) {
            try HostFileSystem().makeDirectory(directory, mode: 0o750)
            let file = try HostFile(path, flags: O_RDWR | O_CREAT, mode: 0o640)
            guard flock(file.descriptor, LOCK_EX | LOCK_NB) == 0 else { throw FileError("lock", path) }
            return file
        } catch {
            if error.operation == "lock", error.code == EWOULDBLOCK { throw .inUse(path: directory) }
            if error.code == ENOSPC { throw .diskFull(path: error.path) }
            throw .notWritable(path: error.path, reason: errnoText(error.code))
        }
    }

    private static func openError(_ error: any Error) -> SeriesStoreError {
        // SQLITE_READONLY, SQLITE_CANTOPEN, SQLITE_PERM.
        if let error = error as? SQLiteError, [8, 14, 3].contains(error.primaryCode) { return .notWritable(path: error.path, reason: error.message) }
        return SeriesStoreError(any: error)
    }
}
