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

    private let options: LogArchive.Options
    private let wal: LogWAL
    private let catalogue: StreamCatalogue
    private let view: LogView
    private let cache: ChunkCache
    private let metrics: LogStoreMetrics
    private var writers: [Int: DayWriter] = [:]
    private var pending: [Request] = []
    private var pendingBytes = 0
    private var flushes: [Int: Task<Void, any Error>] = [:]
    private var marks: [LogWAL.MarkKey: Watermark] = [:]
    private var isClosed = false

    private static let maximumWriters = 4
    private static let maximumCachedMarks = 16_384

    init(
        thread: StorageThread, options: LogArchive.Options, wal: sending LogWAL, catalogue: StreamCatalogue, view: LogView, cache: ChunkCache,
        metrics: LogStoreMetrics
    ) {
        self.thread = thread
        self.options = options
        self.wal = wal
        self.catalogue = catalogue
        self.view = view
        self.cache = cache
        self.metrics = metrics
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
                stream: number, time: time, sequence: plan.nextSequence, severity: record.severity.rawValue, length: record.body.count)
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

    // MARK: Flushing

    private func startFlush(_ day: Int) {
        guard flushes[day] == nil else { return }
        // A failure is counted, and the next flush or `flushAll` meets it again.
        let task = Task { try await self.flushNow(day) }
        flushes[day] = task
    }

    /// Writes all heads to their day files.
    func flushAll() async throws {
        for day in view.snapshot().filter({ !$0.value.head.isEmpty || !$0.value.sealed.isEmpty }).keys.sorted() {
            if let running = flushes[day] { _ = await running.result }
            startFlush(day)
            try await flushes[day]?.value
        }
    }

    private func flushNow(_ day: Int) async throws {
        defer { flushes[day] = nil }
        let blocks = view.seal(day)
        // Nothing is awaited between a commit and its publication, so the head holds all the day's records below this.
        let flushedSequence = wal.nextSequence
        guard !blocks.isEmpty else { return }
        do {
            let ranks = catalogue.ranks(of: Set(blocks.map(\.stream)))
            // A head that filled within a minute is packed quickly; a quieter one has time for a better ratio.
            let isBusy = options.clock.nanoseconds - (blocks.first?.committed ?? 0) < 60_000_000_000
            let chunks = await Self.encode(blocks, ranks, ChunkEncoder(targetBytes: options.chunkBytes, level: isBusy ? 3 : 9))
            guard !isClosed else { throw LogStoreError.closed }
            let labels = catalogue.labels(of: Set(blocks.map(\.stream)))
            let newest = try writer(day).append(chunks, flushedSequence: flushedSequence, labels: labels)
            view.flushed(day, newestChunk: newest)
            metrics.flushes.increment()
            metrics.flushedRawBytes.increment(by: UInt64(chunks.reduce(0) { $0 + $1.rawBytes }))
            metrics.flushedStoredBytes.increment(by: UInt64(chunks.reduce(0) { $0 + $1.storedBytes }))
            // Should this fail, the rows are passed over when the log is replayed, and the next trim takes them.
            try wal.trim(day: day, below: flushedSequence)
        } catch {
            metrics.flushFailures.increment()
            throw Self.storageError(error)
        }
    }

    @concurrent private nonisolated static func encode(_ blocks: [LogBlock], _ ranks: [Int: Int], _ encoder: ChunkEncoder) async -> [LogChunk] {
        encoder.encode(blocks, rank: ranks)
    }

    private func writer(_ day: Int) throws -> DayWriter {
        if let known = writers[day] { return known }
        if writers.count >= Self.maximumWriters, let oldest = writers.keys.min() { writers[oldest] = nil }
        let made = try DayWriter(path: options.path(day))
        writers[day] = made
        return made
    }

    // MARK: Keeping house

    /// Flushes what has waited long enough, and removes what is too old.
    func maintain(now: Int64) async throws {
        guard !isClosed else { return }
        for (day, entry) in view.snapshot() {
            guard let oldest = (entry.sealed + entry.head).map(\.committed).min(), now - oldest >= options.flushAge else { continue }
            if let running = flushes[day] { _ = await running.result }
            startFlush(day)
            try await flushes[day]?.value
        }
        guard let retention = options.retention else { return }
        let oldestDay = DayFile.day(of: now) - Int(retention)
        let expired = view.snapshot().keys.filter { $0 < oldestDay }
        guard !expired.isEmpty else { return }
        for day in expired { try await remove(day: day) }
        try wal.removeMarks(untouchedSince: now - 30 * DayFile.nanosecondsPerDay)
        try forgetUnusedStreams()
    }

    private func remove(day: Int) async throws {
        if let running = flushes[day] { _ = await running.result }
        view.forget(day: day)
        cache.forget(day: day)
        writers[day] = nil
        let path = options.path(day)
        for suffix in ["", "-wal", "-shm"] { try HostFileSystem().remove(path + suffix) }
        try wal.trim(day: day, below: wal.nextSequence)
        metrics.daysRemoved.increment()
    }

    private func forgetUnusedStreams() throws {
        var used: Set<Int> = []
        for (day, entry) in view.snapshot() {
            for block in entry.head + entry.sealed { used.insert(block.stream) }
            guard entry.newestChunk > 0 else { continue }
            for stream in try cache.reader(day).summary().streams { used.insert(stream.number) }
        }
        let unused = catalogue.all.map(\.number).filter { !used.contains($0) }
        try wal.remove(streams: unused)
        for number in unused { catalogue.remove(number) }
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

    private static func storageError(_ error: any Error) -> any Error {
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
