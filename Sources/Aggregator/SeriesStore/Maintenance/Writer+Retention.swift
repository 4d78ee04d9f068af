import Runtime
import Synchronization
import Telemetry

extension Writer {
    /// Unlinks day files that are wholly older than the retention, and forgets series and sources that have no samples left.
    func applyRetention(now: Int64) throws {
        try checkOpen()
        let boundary = Day(of: now - shared.configuration.retention.wholeMilliseconds)
        let expired = shared.days.withLock { $0.totals.keys.filter { $0 < boundary } }
        let fileSystem = HostFileSystem()
        for day in expired.sorted() {
            files[day] = nil
            unsealed[day] = nil
            shared.days.withLock { $0.totals[day] = nil }
            // The log of a database goes before it: alone, it would be taken for that of a new file of this name.
            for suffix in ["-wal", "-shm", ""] {
                do throws(FileError) {
                    try fileSystem.remove(shared.path(day.fileName) + suffix)
                } catch {
                    throw SeriesStoreError.notWritable(path: error.path, reason: errnoText(error.code))
                }
            }
        }
        timesOfParts = [:]
        let firstHour = boundary.start / 3_600_000
        let inHead = shared.head.seriesIDs
        let old = shared.index.withLock { index in
            Set(index.entries.lazy.filter { $0.value.lastHour < firstHour && !inHead.contains($0.key) }.map(\.key))
        }
        let silent = sources.filter { $0.value.firstSequence == nil && ($0.value.lastTime ?? .min) < boundary.start }
        guard !old.isEmpty || !silent.isEmpty else { return }
        try catalog.remove(series: old, sources: Set(silent.values.map(\.id)))
        shared.index.withLock { $0.remove(old) }
        dirty.subtract(old)
        for (name, state) in silent {
            shared.head.forget(source: state.id)
            sources[name] = nil
        }
        // A remembered set may hold a number that is gone.
        for state in sources.values { state.forgetSets() }
    }
}
