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
    /// The hour that was last noted for each series while the log is replayed.
    private var noted: [Int32] = []

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
        var changes: [Day: Int64] = [:]
        let fileSystem = HostFileSystem()
        for name in try fileSystem.list(shared.directory) {
            guard Day.isSeriesFile(name) else { continue }
            var own = Day(fileName: name).map { [$0] } ?? []
            do {
                let file = try DayFile(writing: shared.path(name))
                let parts = try file.parts()
                // A month's file may have any day of it; a histogram's alone makes no part.
                if own.isEmpty { own = try file.days(parts) }
                let last = try file.flushed()
                log.continueAfter(last)
                for day in own {
                    flushed[day] = last
                    changes[day] = try file.changes(day)
                    read(day, parts.filter { day.windows.contains($0.firstWindow) }, isMonthly: Day(fileName: name) == nil, shared)
                }
            } catch let error as SQLiteError where error.isCorrupt {
                let aside = "\(name).damaged"
                for suffix in ["-wal", "-shm", ""] where fileSystem.exists(shared.path(name + suffix)) {
                    try fileSystem.rename(shared.path(name + suffix), to: shared.path(aside + suffix))
                }
                for day in own {
                    flushed[day] = nil
                    changes[day] = nil
                }
                shared.metrics.corruptParts.increment()
                warnings.append("\(shared.path(name)) is damaged (\(error.message)) and was moved to \(aside): its samples are missing")
            }
        }
        try readRollups(shared, changes)
        return flushed
    }

    /// Notes what there is of a day.
    private mutating func read(_ day: Day, _ parts: [PartRow], isMonthly: Bool, _ shared: Shared) {
        let good = parts.filter { $0.level >= 0 }
        newest = good.reduce(newest) { max($0, $1.lastTime) }
        let open = Set(parts.filter { $0.level == 0 }.map(\.firstWindow))
        if !open.isEmpty { unsealed[day] = open }
        if day.end > shared.clock.now.milliseconds || !open.isEmpty { unfinished.insert(day) }
        shared.days.withLock { days in
            days.add(day, samples: good.reduce(0) { $0 + $1.samples }, bytes: good.reduce(0) { $0 + $1.bytes }, isMonthly: isMonthly)
        }
    }

    /// Which days have rollups that are of what there is; others that have ended are to be finished anew.
    private mutating func readRollups(_ shared: Shared, _ changes: [Day: Int64]) throws {
        var rolled: [RollupResolution: Set<Day>] = [:]
        for name in try HostFileSystem().list(shared.directory) {
            guard let (resolution, _) = RollupFile.read(name: name) else { continue }
            do {
                for (day, made) in try RollupFile.days(RollupFile.open(shared.path(name))) where changes[day].map({ $0 + 1 == made }) ?? true {
                    rolled[resolution, default: []].insert(day)
                }
            } catch SeriesStoreError.olderFormat {
                // Their buckets were cut otherwise; what has samples is rolled up anew.
                try shared.removeDatabase(name)
                warnings.append("\(shared.path(name)) has rollups of an older form and was removed: they are made anew where the samples are still there")
            } catch let error as SQLiteError where error.isCorrupt {
                shared.metrics.corruptParts.increment()
                warnings.append("\(shared.path(name)) is damaged (\(error.message)): its rollups are missing")
            }
        }
        if shared.configuration.makesRollups {
            let now = shared.clock.now.milliseconds
            for day in changes.keys
            where day.end <= now && shared.makesRollups(day) && !RollupResolution.allCases.allSatisfy({ rolled[$0, default: []].contains(day) }) {
                unfinished.insert(day)
            }
        }
        shared.days.withLock { $0.rolled = rolled }
    }

    /// Tells the index that a series has samples in an hour; false if it is not known.
    private mutating func note(_ id: SeriesID, _ hour: Int32, _ shared: Shared) -> Bool {
        guard
            shared.index.withLock({ index in
                guard index.isAlive(id) else { return false }
                if index.touch(id, hour: hour) { dirtyChunks.insert(Int(id) / SeriesChunk.size) }
                return true
            })
        else { return false }
        if Int(id) >= noted.count { noted.append(contentsOf: repeatElement(.min, count: Int(id) + 1024 - noted.count)) }
        noted[Int(id)] = hour
        return true
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
            if !record.series.isEmpty {
                let hours = Dictionary(zip(record.ids, record.times), uniquingKeysWith: { first, _ in first })
                shared.index.withLock { index in
                    for (id, labels) in record.series where !index.isAlive(id) {
                        guard index.restore(id, labels, hour: hour(hours[id] ?? 0)) else { continue }
                        dirtyChunks.insert(Int(id) / SeriesChunk.size)
                    }
                }
            }
            var time = Int64.min
            var ownHour: Int32 = 0
            var isFlushed = false
            shared.head.write { table, _ in
                for (index, id) in record.ids.enumerated() {
                    if record.times[index] != time {
                        time = record.times[index]
                        ownHour = hour(time)
                        isFlushed = flushed[Day(of: time)].map { sequence <= $0 } ?? false
                    }
                    if isFlushed { continue }
                    if Int(id) >= noted.count || noted[Int(id)] != ownHour {
                        // Each series once an hour; the head's lock is held, which nobody else wants yet.
                        guard note(id, ownHour, shared) else {
                            unknown += 1
                            continue
                        }
                    }
                    _ = table.add(id, time, record.values[index], hint: &hint)
                    newest = max(newest, time)
                    replayed += 1
                }
            }
        }
        noted = []
        shared.metrics.replayedSamples.increment(by: UInt64(replayed))
        if !damaged.isEmpty {
            shared.metrics.lostRecords.increment(by: UInt64(damaged.count))
            warnings += damaged
        }
        if unknown > 0 { warnings.append("\(log.path): \(unknown) samples are of series whose labels are lost, and are left out") }
    }
}
