import Glibc
import Runtime
import SQLite
import Telemetry

/// The only writer: turns batches into blocks, makes them durable, and moves them to day files.
///
/// It runs on a thread of its own. Requests that arrive while a commit waits for the disk share the next one.
actor LogWriter {
    private struct Request {
        var batches: [LogBatch]
        var continuation: CheckedContinuation<Void, any Error>
    }

    nonisolated let thread: StorageThread
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe thread.asUnownedSerialExecutor() }

    let options: LogArchive.Options
    let wal: LogWAL
    let catalogue: StreamCatalogue
    let view: LogView
    let cache: ChunkCache
    let metrics: LogStoreMetrics
    let tombstones: Tombstones
    var writers: [Int: DayWriter] = [:]
    private var pending: [Request] = []
    var pendingBytes = 0
    var flushes: [Int: Task<Void, any Error>] = [:]
    var marks: [LogWAL.MarkKey: Watermark] = [:]
    var isClosed = false

    static let maximumWriters = 4
    /// A line is held in memory several times while it is packed.
    private static let maximumLineBytes = 256 << 20
    private static let maximumCachedMarks = 16_384
    var isCompacting = false
    /// For each day the newest chunk that had died when house was kept last: no query that began then still reads it.
    var purgeable: [Int: Int64] = [:]
    /// Days with a damaged group of signatures; what is there is left alone.
    var ungroupable: Set<Int> = []
    /// Days of which lines were deleted whose old chunks are not purged yet.
    var scrubbed: Set<Int> = []
    /// When marks were looked through last.
    var marksKept = Int64.min
    /// When the rules of retention were applied last.
    var rulesKept = Int64.min

    init(
        thread: StorageThread, options: LogArchive.Options, wal: sending LogWAL, catalogue: StreamCatalogue, view: LogView, cache: ChunkCache,
        metrics: LogStoreMetrics, tombstones: Tombstones
    ) {
        self.thread = thread
        self.options = options
        self.wal = wal
        self.catalogue = catalogue
        self.view = view
        self.cache = cache
        self.metrics = metrics
        self.tombstones = tombstones
    }

    // MARK: Appending

    func append(_ batches: [LogBatch]) async throws {
        guard !isClosed else { throw LogStoreError.closed }
        if view.memoryBytes > options.maximumHeadBytes { try await flushAll() }
        guard !isClosed else { throw LogStoreError.closed }
        let bytes = batches.reduce(0) { $0 + $1.records.reduce(0) { $0 + $1.body.count + 32 } }
        guard pendingBytes == 0 || pendingBytes + bytes <= options.maximumPendingBytes else {
            metrics.refusals.increment()
            throw LogStoreError.overloaded(reason: "\(pendingBytes) bytes wait to be made durable")
        }
        try await withCheckedThrowingContinuation { continuation in
            pending.append(Request(batches: batches, continuation: continuation))
            pendingBytes += bytes
            // The commit queues behind the requests that have arrived by now, which thus share it.
            if pending.count == 1 { Task { self.commit() } }
        }
        for day in view.snapshot().filter({ $0.value.rawHeadBytes >= options.flushBytes || $0.value.head.count >= options.flushBlocks }).keys {
            startFlush(day)
        }
    }

    private func commit() {
        let requests = pending
        pending = []
        pendingBytes = 0
        guard !requests.isEmpty else { return }
        let now = options.clock.nanoseconds
        var plan = CommitPlan(nextSequence: wal.nextSequence, nextStream: catalogue.nextNumber)
        var accepted: [Request] = []
        for request in requests {
            // A request is taken whole or not at all, and a bad one does not hurt its neighbours.
            var trial = plan
            do {
                for batch in request.batches { try prepare(batch, now: now, in: &trial) }
                plan = trial
                accepted.append(request)
            } catch {
                metrics.refusals.increment()
                request.continuation.resume(throwing: Self.storageError(error))
            }
        }
        do {
            guard !isClosed else { throw LogStoreError.closed }
            if !plan.blocks.isEmpty || !plan.marks.isEmpty {
                let start = ContinuousClock.now
                try wal.commit(
                    blocks: plan.blocks, streams: plan.newStreams.map { (number: $0.value, labels: $0.key) }, marks: plan.marks,
                    nextSequence: plan.nextSequence, now: now)
                metrics.commitDuration.observe(ContinuousClock.now - start)
                metrics.commits.increment()
            }
        } catch {
            metrics.commitFailures.increment()
            for request in accepted { request.continuation.resume(throwing: Self.storageError(error)) }
            return
        }
        for (labels, number) in plan.newStreams { catalogue.insert(number, labels) }
        if marks.count + plan.marks.count > Self.maximumCachedMarks { marks = [:] }
        marks.merge(plan.marks) { $1 }
        view.publish(plan.blocks)
        metrics.records.increment(by: UInt64(plan.records))
        metrics.recordBytes.increment(by: UInt64(plan.bytes))
        metrics.duplicates.increment(by: UInt64(plan.duplicates))
        metrics.tooOld.increment(by: UInt64(plan.tooOld))
        metrics.clamped.increment(by: UInt64(plan.clamped))
        for request in accepted { request.continuation.resume() }
    }

    /// What one commit will store; a value, so that a refused request leaves no trace.
    private struct CommitPlan {
        var nextSequence: Int64
        var nextStream: Int
        var blocks: [(day: Int, block: LogBlock)] = []
        var newStreams: [Labels: Int] = [:]
        var marks: [LogWAL.MarkKey: Watermark] = [:]
        var records = 0
        var bytes = 0
        var duplicates = 0
        var tooOld = 0
        var clamped = 0
    }

    private func prepare(_ batch: LogBatch, now: Int64, in plan: inout CommitPlan) throws {
        guard batch.ends.isEmpty || batch.ends.count == batch.records.count else {
            throw LogStoreError.invalidBatch(reason: "it has \(batch.records.count) records and \(batch.ends.count) ends")
        }
        guard batch.records.allSatisfy({ $0.body.count <= Self.maximumLineBytes }) else {
            throw LogStoreError.invalidBatch(reason: "a line is longer than \(Self.maximumLineBytes) bytes; cut it")
        }
        var stored: Watermark?
        if let origin = batch.origin {
            let key = LogWAL.MarkKey(node: origin.node, file: origin.file)
            let known = try plan.marks[key] ?? marks[key] ?? wal.mark(key)
            var mark = known
            mark.add(origin.start, origin.end)
            guard mark.ranges.count <= Watermark.maximumRanges else {
                throw LogStoreError.outOfOrder(file: origin.file, resumeAt: known.resumeOffset)
            }
            if batch.ends.isEmpty, known.overlaps(origin.start, origin.end) {
                // Without the records' ends only a batch that is stored whole can be told from one that is not.
                guard known.contains(origin.start, origin.end) else {
                    throw LogStoreError.outOfOrder(file: origin.file, resumeAt: known.resumeOffset)
                }
                plan.duplicates += batch.records.count
                return
            }
            if mark != known { plan.marks[key] = mark }
            stored = known
        }
        let number = try streamNumber(batch.stream, in: &plan)
        let oldest = options.retention.map { now - $0 * DayFile.nanosecondsPerDay }
        let latest = now + 2 * DayFile.nanosecondsPerDay
        var day: Int?
        var columns = LogColumns()
        var text: [UInt8] = []
        func cut() {
            guard let day, columns.count > 0 else { return }
            plan.blocks.append((day, LogBlock(columns: columns, text: text, committed: now)))
            columns = LogColumns()
            text = []
        }
        for (index, record) in batch.records.enumerated() {
            if let stored, !batch.ends.isEmpty, stored.covers(recordEndingAt: batch.ends[index]) {
                plan.duplicates += 1
                continue
            }
            var time = record.time
            if let oldest, time < oldest {
                plan.tooOld += 1
                continue
            }
            if time > latest {
                time = now
                plan.clamped += 1
            }
            if DayFile.day(of: time) != day {
                cut()
                day = DayFile.day(of: time)
            }
            columns.append(
                stream: number, time: time, sequence: plan.nextSequence, severity: record.severity.rawValue, length: record.body.count,
                fields: record.fields)
            text.append(contentsOf: record.body)
            text.append(0x0A)
            plan.nextSequence += 1
            plan.records += 1
            plan.bytes += record.body.count
        }
        cut()
    }

    private func streamNumber(_ labels: Labels, in plan: inout CommitPlan) throws -> Int {
        if let known = catalogue.number(of: labels) ?? plan.newStreams[labels] { return known }
        guard catalogue.count + plan.newStreams.count < options.maximumStreams else {
            throw LogStoreError.overloaded(reason: "it holds \(options.maximumStreams) streams, its bound; use fewer distinct labels")
        }
        plan.newStreams[labels] = plan.nextStream
        plan.nextStream += 1
        return plan.nextStream - 1
    }

    func close() async throws {
        guard !isClosed else { return }
        defer { abandon() }
        try await flushAll()
        for writer in writers.values { try writer.finish() }
        try wal.checkpoint()
    }

    /// Stops at once, as a crash does: nothing more is written.
    func abandon() {
        isClosed = true
        for request in pending { request.continuation.resume(throwing: LogStoreError.closed) }
        pending = []
        writers = [:]
        view.finish()
    }

    static func storageError(_ error: any Error) -> any Error {
        switch error {
        case is LogStoreError, is CancellationError: error
        default: LogStoreError.storage(reason: "\(error)")
        }
    }
}

extension Watermark {
    func overlaps(_ start: Int64, _ end: Int64) -> Bool { ranges.contains { $0.start < end && start < $0.end } }
    func contains(_ start: Int64, _ end: Int64) -> Bool { ranges.contains { $0.start <= start && end <= $0.end } }
}
