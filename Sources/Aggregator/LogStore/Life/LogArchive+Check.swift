import LogQL

/// What a check of the whole store found.
public struct LogCheck: Sendable, Hashable {
    public var days = 0
    public var chunks = 0
    public var lines = 0
    /// Of text, with line feeds.
    public var bytes = 0
    /// What cannot be read or contradicts itself: which, and why.
    public var damaged: [String] = []
}

extension LogArchive {
    /// Reads everything: each chunk's columns, text, fields and counts are unpacked, their checksums compared, and what they say of
    /// one another.
    /// - Parameter progress: called after each chunk with what was read so far.
    @concurrent public func check(progress: @Sendable (LogCheck) -> Void = { _ in }) async throws -> LogCheck {
        var check = LogCheck()
        check.damaged = damagedFiles.map { "\($0.path): \($0.reason)" }
        for (day, entry) in view.snapshot().sorted(by: { $0.key < $1.key }) {
            check.days += 1
            for block in entry.sealed + entry.head {
                check.lines += block.count
                check.bytes += block.text.bytes.count
            }
            guard entry.newestChunk > 0 else { continue }
            let chunks: [DayReader.Chunk]
            do {
                chunks = try cache.reader(day).chunks(from: .min, through: .max, newest: entry.newestChunk)
            } catch {
                check.damaged.append("\(DayFile.name(day)): \(error)")
                continue
            }
            var index = CheckedIndex()
            for chunk in chunks where chunk.count > 0 {
                try Task.checkCancellation()
                let part = LogPart.chunk(ChunkCache.Key(day: day, chunk: chunk.id), chunk)
                do {
                    try cache.check(chunk, day: day, &index)
                } catch {
                    check.damaged.append("\(part.name): \(error)")
                }
                check.chunks += 1
                check.lines += chunk.count
                check.bytes += chunk.rawBytes
                progress(check)
            }
        }
        return check
    }
}

extension ChunkCache {
    /// Unpacks a chunk's parts, which compares their checksums, and compares what they say of one another.
    func check(_ chunk: DayReader.Chunk, day: Int, _ index: inout CheckedIndex) throws {
        guard !chunk.isDamaged else { throw CodingError("its row in the table of chunks is damaged") }
        let key = ChunkCache.Key(day: day, chunk: chunk.id)
        let columns = try self.columns(key)
        let text = try self.text(key, expected: chunk.rawBytes)
        guard columns.count == chunk.count, columns.times.min() ?? 0 == chunk.minimumTime, columns.times.max() ?? 0 == chunk.maximumTime,
            Set(columns.runs.map(\.stream)).sorted() == chunk.streams
        else { throw CodingError("its row in the table of chunks is wrong") }
        var counted = columns
        counted.lengths = text.starts.indices.map { text.ends[$0] - text.starts[$0] }
        var reader = ByteReader(try self.reader(day).part(.counts, of: chunk.id))
        guard try MinuteCounts(bytes: ColumnFrame.read(from: &reader)) == MinuteCounts(counted) else {
            throw CodingError("its counts by minute are not those of its lines")
        }
        let stored = try index.signature(of: chunk.id, self.reader(day))
        let signature = GramSignature.build(text.bytes)
        // In a group with larger bitmaps it is repeated.
        let isRepeated = stored.count >= signature.count && stored.indices.allSatisfy { stored[$0] == signature[$0 % signature.count] }
        guard isRepeated else { throw CodingError("its signature is not that of its text") }
    }
}

/// The signatures of one group at a time.
struct CheckedIndex {
    private var group: Int64?
    private var signatures: [Int64: [UInt8]] = [:]

    /// A chunk's signature from its group or its own row.
    mutating func signature(of chunk: Int64, _ reader: DayReader) throws -> [UInt8] {
        guard let group = try reader.groups().first(where: { $0.members.contains(chunk) }) else { return try reader.part(.signature, of: chunk) }
        if self.group != group.id {
            guard let all = try group.signatures(page: { try reader.slice($0, of: group.id) }) else {
                throw CodingError("a page of its group of signatures is damaged")
            }
            signatures = Dictionary(zip(group.members, all)) { first, _ in first }
            self.group = group.id
        }
        return signatures[chunk] ?? []
    }
}
