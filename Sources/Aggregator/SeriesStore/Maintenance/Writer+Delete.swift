import ChunkCodec
import Runtime
import SQLite
import Synchronization
import Telemetry

extension Writer {
    /// Removes all samples of the series that satisfy the matchers in the span, from the files too. Returns how many.
    func delete(_ matchers: [Matcher], from: Int64, through: Int64) async throws -> Int {
        try checkOpen()
        return try await exclusively {
            try await flushNow()
            let count = try await delete(matchers, from: from, through: through, isWholeDays: false)
            try writeCatalog()
            return count
        }
    }

    /// Rewrites each part that holds such samples; a day is one transaction. The head must be flushed.
    ///
    /// With `isWholeDays` only days that are wholly in the span are touched: for retention, which would otherwise
    /// rewrite the day at the span's end every day.
    @discardableResult
    func delete(_ matchers: [Matcher], from: Int64, through: Int64, isWholeDays: Bool) async throws -> Int {
        guard from <= through else { return 0 }
        let ids = Set(shared.index.withLock { $0.select(matchers, hours: hours(from, through)) })
        guard !ids.isEmpty else { return 0 }
        var removed = 0
        let days = shared.days.withLock { $0.totals.keys.filter { $0.start <= through && $0.end > from } }
        for day in days.sorted() {
            if isWholeDays, day.end > through || day.start < from { continue }
            removed += try delete(ids, from: from, through: through, in: day)
            await Task.yield()
        }
        try deleteRollups(ids, from: from, through: through)
        try catalog.removeExemplars(of: ids, from: from, through: through)
        // Series of which nothing can be left.
        let gone = shared.index.withLock { index in ids.filter { index.isInside($0, from: from, through: through) } }
        forget(Set(gone).subtracting(shared.head.series))
        if removed > 0 { newest = try newestStored() }
        return removed
    }

    /// The newest sample in the head and in day files, as a start would find it: what the out-of-order window counts from.
    private func newestStored() throws -> Int64 {
        for day in shared.days.withLock({ Array($0.totals.keys) }).sorted(by: >) {
            if let inFile = try file(day).newest() { return max(inFile, shared.head.newest) }
        }
        return shared.head.newest
    }

    private func delete(_ ids: Set<SeriesID>, from: Int64, through: Int64, in day: Day) throws -> Int {
        let file = try file(day)
        var removed = 0
        var bytes = 0
        try file.transaction {
            for part in try file.parts() where part.level >= 0 && part.firstTime <= through && part.lastTime >= from {
                guard let reader = try readerOrQuarantine(part, file, day) else { continue }
                guard reader.ids.contains(where: { ids.contains(SeriesID($0)) }) else { continue }
                var pieces: [SeriesColumnPiece] = []
                var before = 0
                for (position, id) in reader.ids.enumerated() {
                    let samples = try reader.samples(at: position)
                    before += samples.times.count
                    guard ids.contains(SeriesID(id)) else {
                        pieces.append((id, samples.times, samples.values))
                        continue
                    }
                    let start = samples.times.firstPosition(notBefore: from)
                    let end = through == .max ? samples.times.count : samples.times.firstPosition(notBefore: through + 1)
                    if start == 0, end == samples.times.count { continue }
                    var (times, values) = (samples.times, samples.values)
                    times.removeSubrange(start..<end)
                    values.removeSubrange(start..<end)
                    pieces.append((id, times, values))
                }
                let left = pieces.reduce(0) { $0 + $1.times.count }
                guard left < before else { continue }
                removed += before - left
                bytes -= part.bytes
                try file.remove(part: part.id)
                guard !pieces.isEmpty else { continue }
                let encoded = encodePart(
                    pieces, windows: part.firstWindow...part.lastWindow, level: part.level, effort: part.level == 0 ? .fast : .thorough)
                bytes += encoded.row.bytes
                // Under its old number: which of two parts is the later one must not change.
                try file.insert(encoded.row, encoded.part, id: part.id)
            }
            if removed > 0 { try file.noteChange() }
            for id in ids {
                try file.database.run(
                    "DELETE FROM histogram WHERE series=? AND time>=? AND time<=?", .integer(Int64(id)), .integer(from), .integer(through))
            }
        }
        shared.days.withLock { days in
            if removed > 0 { days.noteChange(day) }
            days.add(day, samples: -removed, bytes: bytes)
        }
        if removed > 0 { unfinished[day] = now }
        return removed
    }
}
