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
            for chunk in chunks where chunk.count > 0 {
                try Task.checkCancellation()
                let part = LogPart.chunk(ChunkCache.Key(day: day, chunk: chunk.id), chunk)
                do {
                    try self.check(chunk, day: day)
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

    private func check(_ chunk: DayReader.Chunk, day: Int) throws {
        guard !chunk.isDamaged else { throw CodingError("its row in the table of chunks is damaged") }
        let key = ChunkCache.Key(day: day, chunk: chunk.id)
        let columns = try cache.columns(key)
        let text = try cache.text(key, expected: chunk.rawBytes)
        guard columns.count == chunk.count, columns.times.min() ?? 0 == chunk.minimumTime, columns.times.max() ?? 0 == chunk.maximumTime,
            Set(columns.runs.map(\.stream)).sorted() == chunk.streams
        else { throw CodingError("its row in the table of chunks is wrong") }
        var counted = columns
        counted.lengths = text.starts.indices.map { text.ends[$0] - text.starts[$0] }
        var statistics = LogStatistics()
        guard minuteCounts(key, &statistics) == MinuteCounts(counted) else { throw CodingError("its counts by minute are not those of its lines") }
        guard try cache.reader(day).part(.signature, of: chunk.id) == GramSignature.build(text.bytes) else {
            throw CodingError("its signature is not that of its text")
        }
    }
}
