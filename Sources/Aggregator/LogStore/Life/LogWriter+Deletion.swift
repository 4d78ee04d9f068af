import LogQL
import Runtime
import SQLite
import Telemetry

extension LogWriter {
    static let maximumDeletions = 100

    /// Notes a deletion, durably, and hides its lines from here on.
    func delete(_ deletion: LogDeletion, now: Int64) throws -> Int64 {
        guard !isClosed else { throw LogStoreError.closed }
        guard tombstones.all.count < Self.maximumDeletions else {
            throw LogStoreError.overloaded(reason: "\(Self.maximumDeletions) deletions wait to be carried out, its bound")
        }
        guard !deletion.range.isEmpty else { throw LogStoreError.invalidBatch(reason: "the deletion's range is empty") }
        do {
            _ = try deletion.lineFilters()
            let id = try wal.add(deletion, bound: wal.nextSequence, now: now)
            tombstones.add(
                try Tombstone(
                    LogWAL.StoredDeletion(id: id, deletion: deletion, created: now, bound: wal.nextSequence, isDone: false, lines: 0), catalogue))
            return id
        } catch {
            throw Self.storageError(error)
        }
    }

    /// True if it was in time: its lines are there again.
    func cancel(_ id: Int64) throws -> Bool {
        guard !isClosed else { throw LogStoreError.closed }
        guard try wal.removeDeletion(id) else { return false }
        tombstones.remove(id)
        return true
    }

    func deletions() throws -> [LogDeletionStatus] {
        try wal.deletions().map {
            LogDeletionStatus(id: $0.id, deletion: $0.deletion, created: $0.created, isDone: $0.isDone, lines: $0.lines)
        }
    }

    /// Takes the lines of all deletions out of the chunks.
    func carryOutDeletions() async throws {
        for tombstone in tombstones.all {
            var lines: Int64 = 0
            for day in view.snapshot().keys.sorted() {
                lines += try await drop(tombstone, day: day)
                guard !isClosed else { return }
            }
            // Cancelled meanwhile: what is out is out, and said so nowhere but here; the rest stays.
            guard tombstones.all.contains(where: { $0.id == tombstone.id }) else { continue }
            try wal.finishDeletion(tombstone.id, lines: lines)
            tombstones.remove(tombstone.id)
        }
    }

    /// Rewrites the day's chunks without the lines. Returns how many lines went.
    func drop(_ tombstone: Tombstone, day: Int) async throws -> Int64 {
        guard let entry = view.snapshot()[day] else { return 0 }
        if (entry.sealed + entry.head).contains(where: { tombstone.overlaps($0.minimumTime, $0.maximumTime) }) { try await flushAll() }
        while isCompacting { await Task.yield() }
        isCompacting = true
        defer { isCompacting = false }
        guard !isClosed, let entry = view.snapshot()[day], entry.newestChunk > 0 else { return 0 }
        var lines: Int64 = 0
        for chunk in try cache.reader(day).chunks(from: tombstone.from, through: tombstone.through, newest: entry.newestChunk)
        where !chunk.isDamaged && chunk.count > 0 && tombstone.streams.map({ streams in chunk.streams.contains { streams.contains($0) } }) ?? true {
            let (kept, gone) = try await Self.without(tombstone, chunk, day: day, cache: cache, catalogue: catalogue, targetBytes: options.chunkBytes)
            guard gone > 0 else { continue }
            guard !isClosed, view.snapshot()[day] != nil else { return lines }
            view.setNewestChunk(try writer(day).replace([chunk], by: kept), day: day)
            lines += Int64(gone)
            scrubbed.insert(day)
        }
        metrics.deletedRecords.increment(by: UInt64(lines))
        return lines
    }

    /// A chunk without what the tombstone names.
    @concurrent private nonisolated static func without(
        _ tombstone: Tombstone, _ chunk: DayReader.Chunk, day: Int, cache: ChunkCache, catalogue: StreamCatalogue, targetBytes: Int
    ) async throws -> (kept: [LogChunk], gone: Int) {
        let key = ChunkCache.Key(day: day, chunk: chunk.id)
        let columns = try cache.columns(key)
        let streams = QueryPlan.streams(of: Array(0..<columns.count), in: columns)
        var doomed = tombstone.suspects(Array(0..<columns.count), columns) { streams[$0] }
        guard !doomed.isEmpty else { return ([], 0) }
        if !tombstone.matcher.isTrivial { doomed = tombstone.matcher.rows(of: try cache.text(key, expected: chunk.rawBytes), candidates: doomed) }
        guard !doomed.isEmpty else { return ([], 0) }
        let gone = Set(doomed)
        let blocks = try blocks(of: chunk, day: day, cache: cache) { row, _ in !gone.contains(row) }
        let encoder = ChunkEncoder(targetBytes: max(targetBytes, chunk.rawBytes), level: CompactionPlan.level)
        return (encoder.encode(blocks, rank: catalogue.ranks(of: Set(blocks.map(\.stream)))), doomed.count)
    }
}
