import ChunkCodec
import Glibc
import Runtime
import SQLite
import Synchronization
import Telemetry

/// What a start finds: the catalog, the day files and the log, replayed into the head.
struct Recovery {
    var log: HeadLog
    var catalog: Catalog
    var sources: [String: SourceState] = [:]
    var dirty: Set<SeriesID> = []
    var unsealed: [Day: Set<Writer.Window>] = [:]
    var warnings: [String] = []

    init(_ shared: Shared) throws {
        catalog = try Catalog(path: shared.path("catalog.db"))
        log = try HeadLog(path: shared.path("head.db"))
        let contents = try catalog.load()
        warnings = contents.warnings
        let index = contents.index
        shared.index.withLock { $0 = index }
        var byID: [SourceID: SourceState] = [:]
        for (name, id) in contents.sources {
            let state = SourceState(id: id)
            sources[name] = state
            byID[id] = state
        }
        let flushed = try readDays(shared, byID)
        try replay(shared, byID, flushed)
    }

    /// Opens each day file once. A damaged one is moved aside and told of: the others go on.
    private mutating func readDays(_ shared: Shared, _ states: [SourceID: SourceState]) throws -> [Day: [SourceID: Int64]] {
        var flushed: [Day: [SourceID: Int64]] = [:]
        let fileSystem = HostFileSystem()
        for name in try fileSystem.list(shared.directory) {
            guard let day = Day(fileName: name) else { continue }
            do {
                let file = try DayFile(writing: shared.path(name))
                flushed[day] = try file.flushed()
                let totals = try file.totals()
                for (source, time) in try file.lastTimes() {
                    guard let state = states[source] else { continue }
                    state.flushedTime = max(state.flushedTime ?? .min, time)
                    state.lastTime = max(state.lastTime ?? .min, time)
                }
                let open = try file.unsealed().map { Writer.Window(source: $0.source, number: $0.window) }
                if !open.isEmpty { unsealed[day] = Set(open) }
                log.continueAfter(flushed[day]!.values.max() ?? 0)
                shared.days.withLock { $0.add(day, samples: totals.samples, bytes: totals.bytes) }
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

    private mutating func replay(_ shared: Shared, _ states: [SourceID: SourceState], _ flushed: [Day: [SourceID: Int64]]) throws {
        var chains: [SourceID: FrameChain] = [:]
        var lost = 0
        var damaged: [String] = []
        var touched: [(id: SeriesID, source: SourceID, hours: ClosedRange<Int64>)] = []
        let now = shared.clock.now.milliseconds
        try log.forEach { sequence, bytes in
            // The newest row outlives its trimming, empty.
            guard !bytes.isEmpty else { return }
            let frames: [LogRecord.Frame]
            do throws(ChunkError) {
                frames = try LogRecord.read(bytes)
            } catch {
                damaged.append("\(log.path): row \(sequence) of the log cannot be read and is left out: \(error)")
                // The frames that follow say only what changed since the missing ones.
                chains = [:]
                return
            }
            for frame in frames {
                let isFlushed = flushed[Day(of: frame.time)]?[frame.source].map { sequence <= $0 } ?? false
                if let ids = frame.ids { chains[frame.source] = FrameChain(ids: ids) }
                var reader = frame.values
                // A chain whose beginning was trimmed is flushed up to its end.
                guard var chain = chains.removeValue(forKey: frame.source), let values = try? chain.decode(&reader), let state = states[frame.source] else {
                    if !isFlushed { lost += 1 }
                    continue
                }
                chains[frame.source] = chain
                guard !isFlushed, !shared.head.contains(source: frame.source, time: frame.time) else { continue }
                let places = shared.head.places(of: chain.ids, source: frame.source, known: nil)
                shared.head.add([Head.Row(source: frame.source, time: frame.time, values: values, places: places)])
                for id in chain.ids { touched.append((id, frame.source, hours(frame.time, frame.time))) }
                state.lastTime = max(state.lastTime ?? .min, frame.time)
                state.firstSequence = state.firstSequence ?? sequence
                state.oldestArrival = state.oldestArrival ?? now
                state.lastArrival = now
                shared.metrics.replayedFrames.increment()
            }
            let batch = touched
            touched.removeAll(keepingCapacity: true)
            let changed = shared.index.withLock { index in
                batch.filter { index.touch($0.id, source: $0.source, hours: $0.hours) }.map(\.id)
            }
            dirty.formUnion(changed)
        }
        warnings += damaged
        if lost > 0 {
            shared.metrics.lostFrames.increment(by: UInt64(lost))
            warnings.append("\(log.path): \(lost) frames that follow a damaged row of the log are lost")
        }
    }
}
