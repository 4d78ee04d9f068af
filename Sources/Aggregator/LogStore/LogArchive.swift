import Glibc
public import Runtime
import SQLite
public import Telemetry

/// Keeps the lines that programs write, and finds them again.
///
/// `append` returns when its records are durable; a query sees all that was acknowledged before it began.
/// docs/formats/logs.md describes the files, docs/decisions/log-store.md the reasons.
public final class LogArchive: Sendable {
    /// Streams whose records are kept for so many days beside the present one.
    public struct Rule: Sendable, Hashable {
        public var matchers: [Matcher]
        public var days: Int64
        public init(_ matchers: [Matcher], days: Int64) {
            self.matchers = matchers
            self.days = days
        }
    }

    public struct Options: Sendable {
        public var directory: String
        /// Days that are kept beside the present one; nil keeps all.
        public var retention: Int64?
        /// The most bytes that day files may take; above it the oldest days are removed. nil: no bound.
        public var maximumBytes: Int64?
        /// Streams that are kept for less long than the rest.
        public var rules: [Rule] = []
        /// The text that a chunk aims at.
        public var chunkBytes = 4 << 20
        /// A day's head is written to its file when it holds this much text,
        public var flushBytes = 4 << 20
        /// this many blocks,
        public var flushBlocks = 16_384
        /// or when its first record is this many nanoseconds old.
        public var flushAge: Int64 = 300_000_000_000
        /// All heads together; above it an append waits for the disk.
        public var maximumHeadBytes = 24 << 20
        /// Requests that wait for a commit; above it they are refused.
        public var maximumPendingBytes = 64 << 20
        public var maximumStreams = 100_000
        /// Senders each of whose requests is an origin of its own, to know it again if it is sent twice. Such marks are kept for a day.
        public var requestOrigins: Set<String> = ["loki-push", "forward"]
        /// The most such marks of one sender.
        public var maximumRequestMarks = 1_000_000
        /// Decoded chunks kept for the next query.
        public var cacheBytes = 16 << 20
        /// The most bytes of lines that one page or context holds.
        public var maximumPageBytes = 64 << 20
        public var clock: any WallClock = SystemClock()
        /// The store as it was when it was opened, also while another process has it: nothing is written, not even a damaged file
        /// set aside. Appending, deleting and flushing fail.
        public var isReadOnly = false

        public init(directory: String, retention: Int64? = nil) {
            self.directory = directory
            self.retention = retention
        }

        func path(_ day: Int) -> String { "\(directory)/\(DayFile.name(day))" }
    }

    let options: Options
    let writer: LogWriter
    let catalogue: StreamCatalogue
    let view: LogView
    let cache: ChunkCache
    let metrics: LogStoreMetrics
    let tombstones = Tombstones()
    /// nil for a reader, which keeps nobody out.
    private let lock: DirectoryLock?
    /// Day files that could not be read when the store was opened, with the reason. Queries do not see them.
    public let damagedFiles: [(path: String, reason: String)]

    /// Opens the store, making its directory if need be, and brings back what the last process acknowledged.
    public init(_ options: Options, metrics registry: MetricRegistry) throws {
        self.options = options
        let directory = options.directory
        do {
            if !options.isReadOnly { try HostFileSystem().makeDirectory(directory, mode: 0o750) }
        } catch {
            throw LogStoreError.cannotOpen(path: directory, reason: "\(error)")
        }
        lock = options.isReadOnly ? nil : try DirectoryLock(directory)
        metrics = LogStoreMetrics(registry)
        catalogue = StreamCatalogue()
        view = LogView()
        cache = ChunkCache(directory: directory, maximumBytes: options.cacheBytes, metrics: registry)
        let wal: LogWAL
        let unfinished: [Tombstone]
        do {
            // The log before the days: what is flushed meanwhile is in both, and the day's file says so.
            wal = try LogWAL(path: "\(directory)/wal.db", isReadOnly: options.isReadOnly)
            damagedFiles = try Self.load(options, wal, catalogue, view, cache)
            let known = catalogue
            unfinished = try wal.deletions().filter { !$0.isDone }.map { try Tombstone($0, known) }
            if options.isReadOnly { try wal.endReading() }
        } catch let error as LogStoreError {
            throw error
        } catch {
            throw LogStoreError.cannotOpen(path: directory, reason: "\(error)")
        }
        let thread = StorageThread()
        writer = LogWriter(
            thread: thread, options: options, wal: wal, catalogue: catalogue, view: view, cache: cache, metrics: metrics,
            tombstones: tombstones)
        for tombstone in unfinished { tombstones.add(tombstone) }
        registerGauges(registry)
    }

    deinit { writer.thread.stop() }

    private static func load(
        _ options: Options, _ wal: LogWAL, _ catalogue: StreamCatalogue, _ view: LogView, _ cache: ChunkCache
    ) throws -> [(path: String, reason: String)] {
        for stream in try wal.streams() { catalogue.insert(stream.number, stream.labels) }
        var damaged: [(path: String, reason: String)] = []
        var flushed: [Int: Int64] = [:]
        for name in try HostFileSystem().list(options.directory) {
            guard let day = DayFile.day(named: name) else { continue }
            do {
                let summary = try cache.reader(day).summary()
                guard summary.streams.allSatisfy({ catalogue.insert($0.number, $0.labels) }) else {
                    throw CodingError("its stream numbers are not those of this store")
                }
                flushed[day] = summary.flushedSequence
                wal.raiseNextSequence(to: summary.flushedSequence)
                view.setNewestChunk(summary.newestChunk, day: day)
            } catch {
                cache.forget(day: day)
                guard (error as? SQLiteError)?.isCorrupt == true || error is CodingError else { throw error }
                damaged.append((options.isReadOnly ? options.path(day) : try setAside(options.path(day)), "\(error)"))
            }
        }
        try wal.replay { day, block in
            // A crash between the flush and the trim of the log leaves rows that the day file has.
            guard block.columns.sequences[0] >= flushed[day] ?? 0 else { return }
            view.publish([(day, block)])
        }
        return damaged
    }

    /// Renames a damaged day file, so that its day can be written anew and nobody trips over it again.
    private static func setAside(_ path: String) throws -> String {
        for suffix in ["-wal", "-shm", ""] where HostFileSystem().exists(path + suffix) {
            try HostFileSystem().rename(path + suffix, to: "\(path).damaged\(suffix)")
        }
        return "\(path).damaged"
    }

    private func registerGauges(_ registry: MetricRegistry) {
        let (view, catalogue, cache) = (view, catalogue, cache)
        registry.gauge("binnacle_log_store_head_bytes", "Memory of records that are not yet in a day file.") { Double(view.memoryBytes) }
        registry.gauge("binnacle_log_store_head_blocks", "Blocks of records that are not yet in a day file.") { Double(view.blockCount) }
        registry.gauge("binnacle_log_store_streams", "Streams known.") { Double(catalogue.count) }
        registry.gauge("binnacle_log_store_cache_bytes", "Memory of decoded chunks.") { Double(cache.memoryBytes) }
        registry.gauge("binnacle_log_store_tails", "Live tails being read.") { Double(view.subscriberCount) }
        registry.gauge("binnacle_log_store_days", "Days with records.") { Double(view.snapshot().count) }
        registry.gauge("binnacle_log_store_damaged_files", "Day files set aside because they cannot be read.", [:]) { [damagedFiles] in
            Double(damagedFiles.count)
        }
    }

    /// Stores batches, all or none; returns when they are durable. A batch whose origin is stored already is acknowledged
    /// and not stored again; of one that overlaps only the new records are.
    public func append(_ batches: [LogBatch]) async throws {
        guard !batches.isEmpty else { return }
        try checkWritable()
        try await writer.append(batches)
    }

    /// Writes everything to day files now.
    public func flush() async throws {
        try checkWritable()
        try await writer.flushAll()
    }

    func checkWritable() throws(LogStoreError) {
        guard !options.isReadOnly else { throw .storage(reason: "\(options.directory) was opened for reading only") }
    }

    /// Does what is due at this time: flushes by age, retention. `run` calls it; tests call it with their own time.
    public func maintain() async throws {
        try checkWritable()
        let now = options.clock.nanoseconds
        try await writer.maintain(now: now)
        _ = try await writer.compactOnce(now: now)
        _ = try await writer.groupOnce(now: now)
    }

    /// Keeps house until it is cancelled.
    public func run() async {
        var rounds = 0
        while !Task.isCancelled {
            rounds += 1
            // Replaced chunks outlive every query by ten to twenty minutes.
            if rounds % 60 == 0 { try? await writer.purge(now: options.clock.nanoseconds) }
            // A failed flush is counted by the writer and met again in ten seconds; the records are safe in the log.
            try? await maintain()
            try? await Task.sleep(for: .seconds(10))
        }
    }

    /// Flushes and closes. Appends fail from here on.
    public func close() async throws {
        guard !options.isReadOnly else { return await writer.abandon() }
        defer { lock?.release() }
        try await writer.close()
    }

    /// Stops without flushing, as `kill -9` does; for tests of recovery.
    package func abandon() async {
        await writer.abandon()
        lock?.release()
    }

    /// The store's own time, in nanoseconds since 1970.
    public var now: Int64 { options.clock.nanoseconds }

    /// The labels of all streams that the store has records of.
    public var streams: [Labels] { catalogue.all.map(\.labels).sorted() }
}

/// Keeps a second process out of the directory.
private final class DirectoryLock: Sendable {
    private let descriptor: Int32

    init(_ directory: String) throws {
        let path = "\(directory)/lock"
        descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw LogStoreError.cannotOpen(path: directory, reason: "cannot write \(path): \(errnoText(errno))") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw LogStoreError.inUse(path: directory)
        }
    }

    deinit { close(descriptor) }

    func release() { _ = flock(descriptor, LOCK_UN) }
}
