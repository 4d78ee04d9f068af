import Runtime
import SQLite
import Telemetry

/// What is due now and then.
extension LogWriter {
    /// Flushes what has waited long enough, and removes what is too old.
    func maintain(now: Int64) async throws {
        guard !isClosed else { return }
        for (day, entry) in view.snapshot() {
            guard let oldest = (entry.sealed + entry.head).map(\.committed).min(), now - oldest >= options.flushAge else { continue }
            if let running = flushes[day] { _ = await running.result }
            startFlush(day)
            try await flushes[day]?.value
        }
        try await carryOutDeletions()
        try await keepWithinSize(now: now)
        try await keepRules(now: now)
        guard let retention = options.retention else { return }
        let oldestDay = DayFile.day(of: now) - Int(retention)
        let expired = view.snapshot().keys.filter { $0 < oldestDay }
        guard !expired.isEmpty else { return }
        for day in expired { try await remove(day: day) }
        try wal.removeMarks(untouchedSince: now - 30 * DayFile.nanosecondsPerDay)
        try wal.removeDeletions(createdBefore: now - 30 * DayFile.nanosecondsPerDay)
        try forgetUnusedStreams()
    }

    func remove(day: Int) async throws {
        if let running = flushes[day] { _ = await running.result }
        view.forget(day: day)
        cache.forget(day: day)
        writers[day] = nil
        let path = options.path(day)
        for suffix in ["", "-wal", "-shm"] { try HostFileSystem().remove(path + suffix) }
        try wal.trim(day: day, below: wal.nextSequence)
        metrics.daysRemoved.increment()
    }

    func forgetUnusedStreams() throws {
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
}
