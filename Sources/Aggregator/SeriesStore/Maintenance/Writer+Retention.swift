import Runtime
import Synchronization
import Telemetry

extension Writer {
    /// Flushes what is due, merges windows that have ended, and removes what is past the retention. Call it every few seconds.
    func maintain() async throws {
        try checkOpen()
        await flushIfDue()
        try await exclusively {
            try quarantineReported()
            try await mergeWhatIsDue(isForced: false)
        }
        let today = Day(of: now)
        if lastRetention != today {
            try await applyRetention(now: now)
            lastRetention = today
        } else if let limit = shared.configuration.maxBytes, try shared.fileBytes() > limit {
            try await exclusively { try removeBeyond(limit) }
        }
    }

    /// Flushes and merges everything now.
    func compact() async throws {
        try checkOpen()
        try await exclusively {
            try await flushNow()
            try quarantineReported()
            try await mergeWhatIsDue(isForced: true)
            try writeCatalog()
            let symbols = shared.index.withLock { $0.symbols }
            try catalog.compact(symbols)
            try log.shrink()
        }
    }

    /// Removes day files that are wholly older than the retention, and forgets series that have no samples left.
    func applyRetention(now: Int64) async throws {
        try checkOpen()
        try await exclusively {
            let boundary = Day(of: max(-1 << 50, now - shared.configuration.retention.wholeMilliseconds))
            let expired = shared.days.withLock { $0.totals.keys.filter { $0 < boundary } }
            for day in expired.sorted() { try remove(day) }
            for rule in shared.configuration.retentionRules {
                let end = now - rule.retention.wholeMilliseconds
                try await delete(rule.matchers, from: 0, through: end, isWholeDays: true)
            }
            if let limit = shared.configuration.maxBytes { try removeBeyond(limit) }
            try removeOldRollups(now)
            forgetEndedSeries(before: try oldestKept(boundary))
            try writeCatalog()
        }
    }

    /// The first day of which anything is left, rollups included: a series that ended before it is forgotten.
    private func oldestKept(_ boundary: Day) throws -> Day {
        shared.days.withLock { days in days.rolled.values.reduce(boundary) { min($0, $1.min() ?? $0) } }
    }

    /// Removes the oldest days until the files fit; the newest day stays.
    private func removeBeyond(_ limit: Int) throws {
        while try shared.fileBytes() > limit, let oldest = shared.days.withLock({ $0.totals.count > 1 ? $0.totals.keys.min() : nil }) {
            try remove(oldest)
            forgetEndedSeries(before: try oldestKept(Day(number: oldest.number + 1)))
        }
    }

    /// Unlinks the day's file.
    func remove(_ day: Day) throws {
        files[day] = nil
        unsealed[day] = nil
        unfinished[day] = nil
        shared.days.withLock { $0.totals[day] = nil }
        try shared.removeDatabase(day.fileName)
    }

    private func forgetEndedSeries(before day: Day) {
        let firstHour = hour(day.start)
        let inHead = shared.head.series
        let old = Set(shared.index.withLock { $0.ended(before: firstHour) }).subtracting(inHead)
        forget(old)
    }

    /// Series that have no samples anywhere.
    func forget(_ ids: Set<SeriesID>) {
        guard !ids.isEmpty else { return }
        shared.index.withLock { $0.remove(ids) }
        for id in ids { registrar.dirtyChunks.insert(Int(id) / SeriesChunk.size) }
        registrar.forget()
    }
}

extension Shared {
    /// Bytes of all files, logs of SQLite included.
    func fileBytes() throws(FileError) -> Int { try StoreFile.bytes(below: directory) }

    /// The log of a database goes before it: alone, it would be taken for that of a new file of this name.
    func removeDatabase(_ name: String) throws(SeriesStoreError) {
        let fileSystem = HostFileSystem()
        for suffix in ["-wal", "-shm", ""] {
            do throws(FileError) {
                try fileSystem.remove(path(name) + suffix)
            } catch {
                throw SeriesStoreError.notWritable(path: error.path, reason: errnoText(error.code))
            }
        }
    }
}
