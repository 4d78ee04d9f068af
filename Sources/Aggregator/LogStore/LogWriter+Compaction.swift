import LogQL
import Runtime
import SQLite
import Telemetry

/// Which small chunks to write together. Larger chunks have fewer templates and dictionaries for the same text.
enum CompactionPlan {
    /// The level of what is written without haste.
    static let level = 9

    /// Neighbours in time among the chunks that are less than half of the target, together at most the target; of a day that is
    /// over then each chunk that was compressed in haste.
    /// - Parameter isOver: whether the day is over, so that what is small now will not be joined by more.
    static func choose(_ chunks: [DayReader.Chunk], target: Int, isOver: Bool) -> [DayReader.Chunk]? {
        let small = chunks.filter { !$0.isDamaged && $0.count > 0 && $0.rawBytes < target / 2 }.sorted { ($0.minimumTime, $0.id) < ($1.minimumTime, $1.id) }
        var run: [DayReader.Chunk] = []
        var bytes = 0
        for chunk in small {
            if bytes + chunk.rawBytes > target { break }
            run.append(chunk)
            bytes += chunk.rawBytes
        }
        if run.count >= 2, isOver || bytes >= target / 2 || run.count >= 64 { return run }
        guard isOver, let hasty = chunks.first(where: { !$0.isDamaged && $0.count > 0 && $0.level < level }) else { return nil }
        return [hasty]
    }
}

extension LogWriter {
    /// Writes some small chunks together as one. False if there is nothing to do.
    func compactOnce(now: Int64) async throws -> Bool {
        guard !isClosed, !isCompacting else { return false }
        isCompacting = true
        defer { isCompacting = false }
        let today = DayFile.day(of: now)
        for (day, entry) in view.snapshot().sorted(by: { $0.key < $1.key }) where entry.newestChunk > 0 {
            let reader = try cache.reader(day)
            let chunks = try reader.chunks(from: .min, through: .max, newest: entry.newestChunk)
            guard let chosen = CompactionPlan.choose(chunks, target: options.chunkBytes, isOver: day < today) else { continue }
            let merged = try await Self.merge(chosen, day: day, cache: cache, catalogue: catalogue, targetBytes: options.chunkBytes)
            // Retention may have taken the day meanwhile.
            guard !isClosed, view.snapshot()[day] != nil else { return false }
            let newest = try writer(day).replace(chosen, by: merged)
            view.setNewestChunk(newest, day: day)
            metrics.compactions.increment()
            metrics.compactedBytes.increment(by: UInt64(merged.reduce(0) { $0 + $1.rawBytes }))
            return true
        }
        return false
    }

    /// Removes replaced chunks that no query can be reading any more: those that had died a round ago.
    ///
    /// Where lines were deleted the files are then made small, so that what is gone from the answers is gone from them too.
    func purge(now: Int64) throws {
        let today = DayFile.day(of: now)
        var isScrubbed = false
        for (day, entry) in view.snapshot() where entry.newestChunk > 0 {
            if let number = purgeable[day], try writer(day).purge(diedBy: number) > 0 {
                cache.forgetChunks(day: day)
                try cache.reader(day).forgetGroups()
                if day < today || scrubbed.contains(day) { try writer(day).shrink() }
                if scrubbed.remove(day) != nil { isScrubbed = true }
            }
            purgeable[day] = entry.newestChunk
        }
        if isScrubbed { try wal.scrub() }
    }

    /// The records of some chunks as new chunks.
    @concurrent nonisolated static func merge(
        _ chunks: [DayReader.Chunk], day: Int, cache: ChunkCache, catalogue: StreamCatalogue, targetBytes: Int
    ) async throws -> [LogChunk] {
        var blocks: [LogBlock] = []
        for chunk in chunks { blocks += try self.blocks(of: chunk, day: day, cache: cache) { _, _ in true } }
        let ranks = catalogue.ranks(of: Set(blocks.map(\.stream)))
        // What was chosen fits one chunk.
        return ChunkEncoder(targetBytes: max(targetBytes, chunks.reduce(0) { $0 + $1.rawBytes }), level: CompactionPlan.level).encode(blocks, rank: ranks)
    }

    /// A chunk's records, those that are to stay, a block for each run of one stream.
    nonisolated static func blocks(
        of chunk: DayReader.Chunk, day: Int, cache: ChunkCache, keeping: (_ row: Int, _ stream: Int) -> Bool
    ) throws -> [LogBlock] {
        let key = ChunkCache.Key(day: day, chunk: chunk.id)
        let columns = try cache.columns(key)
        let text = try cache.text(key, expected: chunk.rawBytes)
        var blocks: [LogBlock] = []
        var row = 0
        for run in columns.runs {
            var part = LogColumns()
            var bytes: [UInt8] = []
            for index in row..<row + run.count where keeping(index, run.stream) {
                part.append(
                    stream: run.stream, time: columns.times[index], sequence: columns.sequences[index], severity: columns.severities[index],
                    length: text.ends[index] - text.starts[index], fields: columns.fields.isEmpty ? Labels() : columns.fields[index])
                bytes.append(contentsOf: text.bytes[text.starts[index]..<text.ends[index]])
                bytes.append(0x0A)
            }
            row += run.count
            if part.count > 0 { blocks.append(LogBlock(columns: part, text: bytes, committed: 0)) }
        }
        return blocks
    }
}

extension LogArchive {
    /// Writes all small chunks together now, as `run` does little by little, and removes what they replace.
    public func compact() async throws {
        while try await writer.compactOnce(now: .max) {}
        while try await writer.groupOnce(now: .max) {}
        try await writer.purge(now: .max)
        try await writer.purge(now: .max)
    }

    /// The bytes that each kind of part takes in all day files.
    public func storedBytes() throws -> [(kind: String, bytes: Int64)] {
        var sums: [(kind: String, bytes: Int64)] = []
        for (day, entry) in view.snapshot() where entry.newestChunk > 0 {
            for (index, part) in try cache.reader(day).storedBytes().enumerated() {
                if index < sums.count { sums[index].bytes += part.bytes } else { sums.append(part) }
            }
        }
        return sums
    }
}
