import ChunkCodec
import Glibc
import Runtime
import SQLite
import Synchronization
import Telemetry
import Zstd

/// What a start finds: the catalog, the day files and the log, replayed into the head.
struct Recovery {
    var log: HeadLog
    var catalog: Catalog
    var unsealed: [Day: Set<Int64>] = [:]
    var unfinished: Set<Day> = []
    var dirtyChunks = Set<Int>()
    var newest: Int64 = .min
    var warnings: [String] = []

    init(_ shared: Shared) throws {
        catalog = try Catalog(path: shared.path("catalog.db"))
        log = try HeadLog(path: shared.path("head.db"))
        let (index, warnings) = try catalog.load()
        self.warnings = warnings
        shared.index.withLock { $0 = index }
        let flushed = try readDays(shared)
        try replay(shared, flushed)
    }

    /// Opens each day file once. A damaged one is moved aside and told of: the others go on.
    private mutating func readDays(_ shared: Shared) throws -> [Day: Int64] {
        var flushed: [Day: Int64] = [:]
        let fileSystem = HostFileSystem()
        for name in try fileSystem.list(shared.directory) {
            guard let day = Day(fileName: name) else { continue }
            do {
                let file = try DayFile(writing: shared.path(name))
                flushed[day] = try file.flushed()
                let parts = try file.parts()
                let good = parts.filter { $0.level >= 0 }
                newest = good.reduce(newest) { max($0, $1.lastTime) }
                let open = Set(parts.filter { $0.level == 0 }.map(\.firstWindow))
                if !open.isEmpty { unsealed[day] = open }
                if day.end > shared.clock.now.milliseconds || !open.isEmpty { unfinished.insert(day) }
                log.continueAfter(flushed[day]!)
                shared.days.withLock { days in
                    days.add(day, samples: good.reduce(0) { $0 + $1.samples }, bytes: good.reduce(0) { $0 + $1.bytes })
                }
            } catch let error as SQLiteError where error.isCorrupt {
                let aside = "\(name).damaged"
                for suffix in ["-wal", "-shm", ""] where fileSystem.exists(shared.path(name + suffix)) {
                    try fileSystem.rename(shared.path(name + suffix), to: shared.path(aside + suffix))
                }
                flushed[day] = nil
                shared.metrics.corruptParts.increment()
                warnings.append("\(shared.path(name)) is damaged (\(error.message)) and was moved to \(aside): its samples are missing")
            }
        }
        return flushed
    }

    private mutating func replay(_ shared: Shared, _ flushed: [Day: Int64]) throws {
        let decompressor = ZstdDecompressor()
        var damaged: [String] = []
        var hint = -1
        var replayed = 0
        var unknown = 0
        try log.forEach { sequence, bytes in
            // The newest row outlives its trimming, empty.
            guard !bytes.isEmpty else { return }
            let record: CommitRecord
            do {
                record = try CommitRecord(bytes, decompressor)
            } catch {
                damaged.append("\(log.path): row \(sequence) of the log cannot be read, and its samples are lost: \(error)")
                return
            }
            var day = Day(number: .min)
            var isFlushed = false
            var wanted: [Int] = []
            for index in record.ids.indices {
                let own = Day(of: record.times[index])
                if own != day {
                    day = own
                    isFlushed = flushed[day].map { sequence <= $0 } ?? false
                }
                if !isFlushed { wanted.append(index) }
            }
            let hours = Dictionary(zip(record.ids, record.times), uniquingKeysWith: { first, _ in first })
            shared.index.withLock { index in
                for (id, labels) in record.series where !index.isAlive(id) {
                    guard index.restore(id, labels, hour: hour(hours[id] ?? 0)) else { continue }
                    dirtyChunks.insert(Int(id) / SeriesChunk.size)
                }
                wanted.removeAll { item in
                    guard index.isAlive(record.ids[item]) else {
                        unknown += 1
                        return true
                    }
                    if index.touch(record.ids[item], hour: hour(record.times[item])) { dirtyChunks.insert(Int(record.ids[item]) / SeriesChunk.size) }
                    return false
                }
            }
            shared.head.write { table, _ in
                for index in wanted { _ = table.add(record.ids[index], record.times[index], record.values[index], hint: &hint) }
            }
            for index in wanted { newest = max(newest, record.times[index]) }
            replayed += wanted.count
        }
        shared.metrics.replayedSamples.increment(by: UInt64(replayed))
        if !damaged.isEmpty {
            shared.metrics.lostRecords.increment(by: UInt64(damaged.count))
            warnings += damaged
        }
        if unknown > 0 { warnings.append("\(log.path): \(unknown) samples are of series whose labels are lost, and are left out") }
    }
}
