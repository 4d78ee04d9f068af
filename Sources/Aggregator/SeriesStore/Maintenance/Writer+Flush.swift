import ChunkCodec
import Runtime
import Synchronization
import Telemetry

/// From the head into day files. The order of steps makes a crash between any two harmless:
/// catalog, then parts with the log's sequence in one transaction a day, then the head, then the log.
extension Writer {
    /// Rows of one source that go into one part, or several if it has many columns.
    private struct Piece {
        var state: SourceState
        var source: HeadSource
        var window: Int64
        var rows: Range<Int>
    }

    /// Samples that one commit's flush may move, so that no caller waits long; all sources have their turn within seconds.
    private static let samplesPerTurn = 200_000

    /// Flushes sources whose oldest sample has waited for the flush interval. A failure is counted and tried again later.
    func flushWhatIsDue() {
        let now = now
        guard now >= nextFlush || now < nextFlush - 3_600_000 else { return }
        let interval = shared.configuration.flushInterval.wholeMilliseconds
        var due: [SourceState] = []
        for state in sources.values {
            guard let oldest = state.oldestArrival else { continue }
            // A clock that was set back must not postpone a flush for ever.
            if oldest > now { state.oldestArrival = now }
            if now - oldest >= interval { due.append(state) }
        }
        guard !due.isEmpty else { return }
        due.sort { $0.oldestArrival! < $1.oldestArrival! }
        var turn: [SourceState] = []
        var samples = 0
        for state in due {
            guard samples < Writer.samplesPerTurn else { break }
            turn.append(state)
            if let source = shared.head.source(state.id) { samples += source.times.count * source.columns.count }
        }
        do {
            try flush(turn)
        } catch {
            // The samples stay in the head and in the log, so nothing is lost; the metric tells of it.
            shared.metrics.flushFailures.increment()
            nextFlush = now + interval / 10
        }
    }

    /// Moves all samples of these sources into day files.
    func flush(_ states: [SourceState]) throws {
        let start = ContinuousClock.now
        let states = states.filter { $0.firstSequence != nil }
        guard !states.isEmpty else { return }
        let sequence = log.lastSequence
        try writeCatalog()

        var work: [Day: [Piece]] = [:]
        for state in states {
            guard let source = shared.head.source(state.id) else { continue }
            for piece in pieces(source, state) { work[Day(of: source.times[piece.rows.lowerBound]), default: []].append(piece) }
        }
        for (day, pieces) in work.sorted(by: { $0.key < $1.key }) { try write(pieces, to: day, through: sequence) }
        for state in states {
            state.firstSequence = nil
            state.oldestArrival = nil
            // The next frame begins a chain, because the frames before it may be trimmed.
            state.chain = nil
            if state.lastArrival < now - 3_600_000 {
                state.forgetSets()
                shared.head.forget(source: state.id)
            }
        }
        try interrupt?("before trim")
        let first = sources.values.compactMap(\.firstSequence).min() ?? .max
        try log.trim(through: first - 1)
        shared.metrics.flushes.increment()
        shared.metrics.flushSeconds.observe(ContinuousClock.now - start)
    }

    private func writeCatalog() throws {
        guard !dirty.isEmpty else { return }
        let entries = shared.index.withLock { index in dirty.compactMap { id in index.entries[id].map { (id: id, entry: $0) } } }
        try catalog.update(entries)
        dirty = []
    }

    private func pieces(_ source: HeadSource, _ state: SourceState) -> [Piece] {
        var pieces: [Piece] = []
        var start = 0
        while start < source.times.count {
            let window = Day.window(of: source.times[start])
            let rows = source.rows(from: source.times[start], through: (window + 1) * Day.windowMilliseconds - 1)
            pieces.append(Piece(state: state, source: source, window: window, rows: rows))
            start = rows.upperBound
        }
        return pieces
    }

    private func write(_ pieces: [Piece], to day: Day, through sequence: Int64) throws {
        let file = try file(day)
        var samples = 0
        var bytes = 0
        try file.transaction {
            for piece in pieces {
                let times = Array(piece.source.times[piece.rows])
                let columns = piece.source.columns.lazy.filter { $0.count > piece.rows.lowerBound }
                    .map { Part.Column(id: UInt64($0.id), values: $0.slice(piece.rows)) }
                    .filter { $0.values.contains { !$0.isAbsent } }
                    .sorted { $0.id < $1.id }
                for part in encodeParts(times: times, columns: columns, source: piece.state.id, window: piece.window, level: 0) {
                    try file.insert(part.row, body: part.body)
                    samples += part.row.samples
                    bytes += part.body.count
                }
            }
            for source in Set(pieces.map(\.state.id)) { try file.setFlushed(source, through: sequence) }
            try interrupt?("inside day")
        }
        shared.days.withLock { $0.add(day, samples: samples, bytes: bytes) }
        for piece in pieces {
            unsealed[day, default: []].insert(Window(source: piece.state.id, number: piece.window))
            piece.state.flushedTime = max(piece.state.flushedTime ?? .min, piece.source.times[piece.rows.upperBound - 1])
            // Queries look at the head before they look at files, so they find each sample in one or both.
            shared.head.remove(source: piece.state.id, from: piece.source.times[piece.rows.lowerBound], through: piece.source.times[piece.rows.upperBound - 1])
        }
        try interrupt?("between days")
    }

    /// One part for each group of columns.
    func encodeParts(
        times: [Int64], columns: [Part.Column], source: SourceID, window: Int64, level: Int64, columnsPerPart: Int? = nil
    ) -> [(row: PartRow, body: [UInt8])] {
        let size = columnsPerPart ?? shared.configuration.maxColumnsPerPart
        return stride(from: 0, to: columns.count, by: size).map { start in
            let group = Array(columns[start..<min(start + size, columns.count)])
            let body = Part.encode(times: times, columns: group, finish: finish)
            let samples = group.reduce(0) { $0 + $1.values.count { !$0.isAbsent } }
            let row = PartRow(
                id: 0, source: source, window: window, level: level, firstTime: times[0], lastTime: times[times.count - 1], rows: times.count,
                samples: samples, firstSeries: SeriesID(group[0].id), lastSeries: SeriesID(group[group.count - 1].id), bytes: body.count)
            return (row, body)
        }
    }
}
