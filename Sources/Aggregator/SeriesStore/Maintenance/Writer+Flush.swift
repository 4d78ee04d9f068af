import ChunkCodec
import Runtime
import Synchronization
import Telemetry

/// From the head into day files. The order of steps makes a crash between any two harmless:
/// catalog, then parts with the log's sequence in one transaction a day, then the head, then the log.
extension Writer {
    /// Series that are encoded between two looks at waiting commits.
    private static let seriesPerTurn = 128

    func flush() async throws {
        try checkOpen()
        try await exclusively { try await flushNow() }
    }

    /// Flushes if the oldest sample has waited for the flush interval. A failure is counted and tried again later.
    func flushIfDue() async {
        let now = now
        guard let oldest = oldestArrival, now >= nextFlush || now < nextFlush - 3_600_000 else { return }
        // A clock that was set back must not postpone a flush for ever.
        if oldest > now { oldestArrival = now }
        guard now - oldest >= shared.configuration.flushInterval.wholeMilliseconds || shared.head.hasFrozen else { return }
        do { try await flush() } catch {}
    }

    /// To be called inside `exclusively`.
    func flushNow() async throws {
        let start = ContinuousClock.now
        // No suspension between these two: the frozen table is what the log holds up to here.
        guard let (table, isNew) = shared.head.freeze() else { return }
        if isNew {
            frozenSequence = log.lastSequence
            oldestArrival = nil
        }
        do {
            try writeCatalog()
            let parts = try await encode(table)
            for day in parts.keys.sorted() { try write(parts[day]!, to: day) }
            shared.head.dropFrozen()
            try interrupt?("before trim")
            try log.trim(through: frozenSequence)
        } catch {
            // The samples stay in the head and in the log, so nothing is lost; the metric tells of it.
            shared.metrics.flushFailures.increment()
            nextFlush = now + shared.configuration.flushInterval.wholeMilliseconds / 10
            oldestArrival = oldestArrival ?? now
            throw error
        }
        nextFlush = .min
        shared.metrics.flushes.increment()
        shared.metrics.flushSeconds.observe(ContinuousClock.now - start)
    }

    /// New symbols and the chunks that changed.
    func writeCatalog() throws {
        let dirty = registrar.dirtyChunks
        let (symbols, chunks) = shared.index.withLock { index in
            (catalog.newSymbols(of: index), Dictionary(uniqueKeysWithValues: dirty.map { ($0, $0 < index.chunks.count ? index.chunks[$0] : nil) }))
        }
        try catalog.write(symbols: symbols, chunks: chunks)
        registrar.dirtyChunks.subtract(dirty)
    }

    typealias EncodedPart = (row: PartRow, part: Part.Encoded)

    private func encode(_ table: HeadTable) async throws -> [Day: [EncodedPart]] {
        var result: [Day: [EncodedPart]] = [:]
        let series = table.series
        let size = shared.configuration.maxColumnsPerPart
        for start in stride(from: 0, to: series.count, by: size) {
            var byWindow: [Int64: [SeriesColumnPiece]] = [:]
            for id in series[start..<min(start + size, series.count)] {
                let samples = table.samples(of: id, from: .min, through: .max)
                forEachWindow(samples.times) { window, rows in
                    let piece: SeriesColumnPiece
                    if rows.count == samples.times.count {
                        piece = (UInt64(id), samples.times, samples.values)
                    } else {
                        piece = (UInt64(id), ContiguousArray(samples.times[rows]), ContiguousArray(samples.values[rows]))
                    }
                    byWindow[window, default: []].append(piece)
                }
            }
            for (window, pieces) in byWindow.sorted(by: { $0.key < $1.key }) {
                let day = Day(of: window * Day.windowMilliseconds)
                result[day, default: []].append(encodePart(pieces, windows: window...window, level: 0, effort: .fast))
            }
            await Task.yield()
        }
        return result
    }

    private func forEachWindow(_ times: ContiguousArray<Int64>, _ body: (_ window: Int64, _ rows: Range<Int>) -> Void) {
        var start = 0
        while start < times.count {
            let window = Day.window(of: times[start])
            let end = times[start...].firstPosition(notBefore: (window + 1) * Day.windowMilliseconds)
            body(window, start..<end)
            start = end
        }
    }

    private func write(_ parts: [EncodedPart], to day: Day) throws {
        let file = try file(day)
        // A flush that failed later than this day is repeated: the day has it.
        guard try file.flushed() < frozenSequence else { return }
        try file.transaction {
            for part in parts { try file.insert(part.row, part.part) }
            try file.noteChange()
            try file.setFlushed(through: frozenSequence)
            try interrupt?("inside day")
        }
        shared.days.withLock { days in
            days.noteChange(day)
            days.add(day, samples: parts.reduce(0) { $0 + $1.row.samples }, bytes: parts.reduce(0) { $0 + $1.row.bytes })
        }
        for part in parts { unsealed[day, default: []].insert(part.row.firstWindow) }
        unfinished[day] = now
        try interrupt?("between days")
    }

    /// `pieces` ascend by id.
    func encodePart(_ pieces: [SeriesColumnPiece], windows: ClosedRange<Int64>, level: Int64, effort: Part.Effort) -> EncodedPart {
        let lanes = LaneFinder(pieces)
        let part = Part.encode(lanes: lanes.lanes, columns: lanes.columns, effort: effort, finish: finish)
        let row = PartRow(
            firstWindow: windows.lowerBound, lastWindow: windows.upperBound, level: level, firstTime: pieces.reduce(.max) { min($0, $1.times[0]) },
            lastTime: pieces.reduce(.min) { max($0, $1.times[$1.times.count - 1]) }, firstSeries: pieces[0].id,
            lastSeries: pieces[pieces.count - 1].id, columns: pieces.count, samples: pieces.reduce(0) { $0 + $1.times.count },
            rows: lanes.lanes.reduce(0) { max($0, $1.count) }, bytes: part.byteCount)
        return (row, part)
    }
}

/// A series' samples of one part.
typealias SeriesColumnPiece = (id: UInt64, times: ContiguousArray<Int64>, values: ContiguousArray<Double>)
