import ChunkCodec
import Runtime
import Synchronization
import Telemetry
import Zstd

/// The one writer: owns all files that are open for writing, on a thread of its own.
///
/// A commit takes all requests that wait, so that callers share one fsync. Flushes, merges and deletions are in files
/// of their own; they work in short turns, between which commits go on.
actor Writer {
    nonisolated let thread: WriterThread
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe thread.asUnownedSerialExecutor() }

    let shared: Shared
    let log: HeadLog
    let catalog: Catalog
    var registrar = Registrar()
    /// Windows with parts that a flush wrote.
    var unsealed: [Day: Set<Int64>]
    /// Days whose parts changed since the day was finished, and when that was.
    var unfinished: [Day: Int64] = [:]
    var files: [String: DayFile] = [:]
    /// Months' files that were merged and are to be written without holes.
    var holed: Set<Day> = []
    let finish = zstdFinish()
    private let recordCompressor = ZstdCompressor(level: 1)
    var lastRetention: Day?
    /// When the oldest sample in the head arrived, by the clock.
    var oldestArrival: Int64?
    /// After a failed flush, when to try again.
    var nextFlush: Int64 = .min
    /// The log's newest row when the frozen table was taken.
    var frozenSequence: Int64 = 0
    /// The newest sample of all.
    var newest: Int64
    private var results: [UInt64: Result<Intake.Outcome, SeriesStoreError>] = [:]
    private(set) var isClosed = false
    private var isBusy = false
    private var busyWaiters: [CheckedContinuation<Void, Never>] = []
    /// Tests stop the writer between two steps, to see what a crash there leaves.
    let interrupt: (@Sendable (String) throws -> Void)?

    init(_ recovered: sending Recovery, shared: Shared, interrupt: (@Sendable (String) throws -> Void)?) {
        thread = WriterThread(name: "series-writer")
        self.shared = shared
        self.interrupt = interrupt
        log = recovered.log
        catalog = recovered.catalog
        unsealed = recovered.unsealed
        newest = recovered.newest
        registrar.dirtyChunks = recovered.dirtyChunks
        for day in recovered.unfinished { unfinished[day] = 0 }
        if shared.head.samples > 0 { oldestArrival = shared.clock.now.milliseconds }
    }

    deinit { thread.stop() }

    var now: Int64 { shared.clock.now.milliseconds }

    /// The outcome of a request, which an earlier caller's commit may have taken along.
    func commit(_ ticket: UInt64) async throws(SeriesStoreError) -> Intake.Outcome {
        // A head beyond its bound refuses: first see whether it can be written now.
        if shared.head.bytes > shared.configuration.maxHeadBytes, !isBusy, now >= nextFlush { await flushForRoom() }
        if results[ticket] == nil { drain() }
        guard let result = results.removeValue(forKey: ticket) else { throw .closed }
        // Beyond half of the bound whoever comes waits for the flush, if none is under way.
        if shared.head.isLarge(shared.configuration), !isBusy, now >= nextFlush { await flushForRoom() }
        return try result.get()
    }

    /// A failure is counted, and leaves the head full: then writes are refused, which tells of it.
    private func flushForRoom() async {
        do { try await flush() } catch {}
    }

    private func drain() {
        let requests = shared.takeWaiting()
        guard !requests.isEmpty else { return }
        let start = ContinuousClock.now
        do {
            let bytes = shared.head.bytes
            if bytes > shared.configuration.maxHeadBytes {
                shared.metrics.headFull.increment()
                throw SeriesStoreError.headFull(bytes: bytes, limit: shared.configuration.maxHeadBytes)
            }
            try store(requests)
        } catch {
            let failure = SeriesStoreError(any: error)
            for request in requests where results[request.ticket] == nil { results[request.ticket] = .failure(failure) }
        }
        shared.metrics.commitSeconds.observe(ContinuousClock.now - start)
    }

    private func store(_ requests: [Intake.Request]) throws {
        var commit = Commit(shared: shared, now: now, newest: newest)
        for request in requests { commit.add(request, &registrar) }
        try commit.storeSideData(self)
        if !commit.record.ids.isEmpty || !registrar.unlogged.isEmpty {
            commit.record.series = shared.index.withLock { index in registrar.unlogged.map { ($0, index.labels(of: $0)) } }
            try interrupt?("before commit")
            _ = try log.append(commit.record.encoded(recordCompressor))
            registrar.logged()
            shared.metrics.commits.increment()
        }
        commit.addToHead(&registrar)
        newest = max(newest, commit.newest)
        if !commit.record.ids.isEmpty { oldestArrival = oldestArrival ?? now }
        for (ticket, outcome) in commit.outcomes() {
            shared.metrics.count(outcome.write.total)
            results[ticket] = outcome.error.map { .failure($0) } ?? .success(outcome)
        }
    }

    /// Runs `body` when no other work on day files is under way; commits go on whenever it suspends.
    func exclusively<Result>(_ body: () async throws -> Result) async throws -> Result {
        while isBusy { await withCheckedContinuation { busyWaiters.append($0) } }
        isBusy = true
        defer {
            isBusy = false
            let waiters = busyWaiters
            busyWaiters = []
            for waiter in waiters { waiter.resume() }
        }
        return try await body()
    }

    /// The day's file, open for writing. A few stay open; the oldest days are closed first.
    func file(_ day: Day) throws -> DayFile {
        try file(named: shared.fileName(day))
    }

    /// `raised`: older versions that are taken over, which are others for files of rollups.
    func file(named name: String, raised: ClosedRange<Int64> = 2...3) throws -> DayFile {
        if let known = files[name] { return known }
        let file = try DayFile(writing: shared.path(name), raised: raised)
        if files.count >= 8, let oldest = files.keys.min() { files[oldest] = nil }
        files[name] = file
        return file
    }

    /// Whether the store is open for writing; what a caller asks for after `close` is refused.
    func checkOpen() throws(SeriesStoreError) { if isClosed { throw .closed } }

    /// Moves all to day files. Refuses to write from then on, even if that failed.
    func close() async throws {
        guard !isClosed else { return }
        drain()
        isClosed = true
        try await exclusively {
            try await flushNow()
            try log.shrink()
            try catalog.checkpoint()
            for file in files.values { try file.checkpoint() }
            files = [:]
            // A reader that was the last to close a file could not take SQLite's own files away, as it may only read.
            for name in try HostFileSystem().list(shared.directory) where name.hasSuffix(".db-shm") {
                let file = String(name.dropLast(4))
                if Day.isSeriesFile(file) { _ = try DayFile(writing: shared.path(file)) }
            }
        }
    }
}
