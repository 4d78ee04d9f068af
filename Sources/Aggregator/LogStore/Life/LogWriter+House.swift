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
        try keepMarks(now: now)
        try await carryOutDeletions()
        try await keepWithinSize(now: now)
        try await keepRules(now: now)
        guard let retention = options.retention else { return }
        let oldestDay = DayFile.day(of: now) - Int(retention)
        let expired = view.snapshot().keys.filter { $0 < oldestDay }
        guard !expired.isEmpty else { return }
        for day in expired { try await remove(day: day) }
        try forgetUnusedStreams()
    }

    /// Forgets, once an hour, what nobody will ask for again: files that ended a month ago, requests of yesterday.
    private func keepMarks(now: Int64) throws {
        guard marksKept == .min || now - marksKept >= 3_600_000_000_000 else { return }
        marksKept = now
        for node in options.requestOrigins.sorted() {
            try wal.removeMarks(ofNode: node, untouchedSince: now - DayFile.nanosecondsPerDay, keeping: options.maximumRequestMarks)
        }
        try wal.removeMarks(untouchedSince: now - 30 * DayFile.nanosecondsPerDay)
        try wal.removeDeletions(createdBefore: now - 30 * DayFile.nanosecondsPerDay)
        // They are read again from the log as they are needed.
        marks = [:]
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
