import ChunkCodec
import Runtime
import Synchronization
import Telemetry

/// Answers queries on a thread of its own, with its own connections to day files.
actor Reader {
    nonisolated let thread: WriterThread
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe thread.asUnownedSerialExecutor() }

    let shared: Shared
    let finish = zstdFinish()
    private var files: [String: (generation: Int, file: DayFile)] = [:]

    /// Day files that stay open.
    private static let maxFiles = 32
    /// Series that are gathered before they are handed out: what a query holds in memory.
    private static let seriesAtOnce = 512

    init(_ shared: Shared, number: Int) {
        thread = WriterThread(name: "series-read-\(number)")
        self.shared = shared
    }

    deinit { thread.stop() }

    /// Calls `body` with each series that has samples in the span, in the order of their numbers. `body` may stop by throwing.
    func forEachSeries(
        _ matchers: [Matcher], from: Int64, through: Int64, _ body: (SeriesColumn) throws -> Void
    ) throws -> ReadSummary {
        shared.metrics.queries.increment()
        var summary = ReadSummary()
        guard from <= through else { return summary }
        let ids = shared.index.withLock { $0.select(matchers, hours: hours(from, through)) }
        // The head of all series first: what a flush moves meanwhile is then found in both, never in neither, and all
        // series are of one moment.
        let head = shared.head.samples(of: ids, from: from, through: through)
        var groups = TimesGroups()
        for start in stride(from: 0, to: ids.count, by: Reader.seriesAtOnce) {
            let slice = Array(ids[start..<min(start + Reader.seriesAtOnce, ids.count)])
            var gathered = try gather(slice, from, through, &summary)
            let labels = shared.index.withLock { index in slice.map { index.labels(of: $0) } }
            for (number, id) in slice.enumerated() {
                var pieces = gathered.removeValue(forKey: id) ?? []
                for samples in head[id] ?? [] { pieces.append(Piece(token: nil, times: samples.times, values: samples.values)) }
                guard !pieces.isEmpty else { continue }
                let (times, values, group) = groups.combine(pieces)
                guard !times.isEmpty else { continue }
                summary.series += 1
                summary.samples += times.count
                try checkSize(summary.samples)
                try body(SeriesColumn(labels: labels[number], timestamps: times, values: values, timesGroup: group))
            }
        }
        return summary
    }

    func select(_ matchers: [Matcher], from: Int64, through: Int64) throws -> SeriesAnswer {
        var series: [SeriesSamples] = []
        let summary = try forEachSeries(matchers, from: from, through: through) { column in
            series.append(SeriesSamples(labels: column.labels, timestamps: Array(column.timestamps), values: Array(column.values)))
        }
        series.sort { $0.labels < $1.labels }
        return SeriesAnswer(series: series, warnings: summary.warnings)
    }

    /// The samples of some series in day files; of a later part after those of an earlier one.
    private func gather(_ ids: [SeriesID], _ from: Int64, _ through: Int64, _ summary: inout ReadSummary) throws -> [SeriesID: [Piece]] {
        var found: [SeriesID: [Piece]] = [:]
        var used = 0
        try forEachPart(ids, from, through, &summary) { part, file, day, _ in
            if try read(part, file, day, ids, from, through, &found) { used += 1 }
        }
        summary.parts += used
        return found
    }

    /// Calls `body` with each part that may have samples of the series (not empty, ascending) in the span, those of a later day or
    /// number later, inside a transaction of its file. What is damaged is left out and warned of.
    func forEachPart(
        _ ids: [SeriesID], _ from: Int64, _ through: Int64, _ summary: inout ReadSummary,
        _ body: (_ part: PartRow, _ file: DayFile, _ day: Day, _ generation: Int) throws -> Void
    ) throws {
        for (first, name, generation) in shared.files(from: from, through: through) {
            do {
                guard let file = try file(first, name, generation) else { continue }
                try file.reading {
                    for part in try file.cachedParts(onChange: { shared.cache.retain(generation, $0) })
                    where part.firstTime <= through && part.lastTime >= from && part.firstSeries <= UInt64(ids[ids.count - 1])
                        && part.lastSeries >= UInt64(ids[0])
                    {
                        let day = Day(of: part.firstWindow * Day.windowMilliseconds)
                        try visit(part, file, day, &summary) { try body(part, file, day, generation) }
                    }
                }
            } catch {
                if error is CancellationError { throw error }
                let failure = SeriesStoreError(any: error)
                guard case .corrupt = failure else { throw failure }
                shared.metrics.corruptParts.increment()
                warn("\(failure)", &summary)
            }
        }
    }

    private func warn(_ warning: String, _ summary: inout ReadSummary) {
        if !summary.warnings.contains(warning) { summary.warnings.append(warning) }
    }

    private func visit(_ part: PartRow, _ file: DayFile, _ day: Day, _ summary: inout ReadSummary, _ body: () throws -> Void) throws {
        func left(_ reason: String) -> String {
            let first = CivilTime(Timestamp(milliseconds: part.firstTime)).rfc3339(), last = CivilTime(Timestamp(milliseconds: part.lastTime)).rfc3339()
            return "\(file.path): part \(part.id), \(part.columns) series from \(first) to \(last), is damaged and left out of this answer\(reason)"
        }
        guard part.level >= 0 else { return warn(left(""), &summary) }
        do {
            try body()
        } catch let error as ChunkError {
            shared.report(damaged: part.id, in: day)
            warn(left(": \(error)"), &summary)
        }
    }

    /// Whether the part had anything.
    private func read(
        _ part: PartRow, _ file: DayFile, _ day: Day, _ ids: [SeriesID], _ from: Int64, _ through: Int64, _ found: inout [SeriesID: [Piece]]
    ) throws -> Bool {
        let reader = try file.reader(part, finish)
        var used = false
        // Both ascend.
        var position = 0
        for id in ids {
            while position < reader.ids.count, reader.ids[position] < UInt64(id) { position += 1 }
            guard position < reader.ids.count else { break }
            guard reader.ids[position] == UInt64(id) else { continue }
            let times = reader.times(at: position)
            let start = times.firstPosition(notBefore: from)
            let end = through == .max ? times.count : times.firstPosition(notBefore: through + 1)
            guard start < end else { continue }
            used = true
            let samples = try reader.samples(at: position)
            let token = Piece.Token(day: day.number, part: part.id, lane: reader.directory.timesNumber(at: position))
            found[id, default: []].append(
                start == 0 && end == times.count
                    ? Piece(token: token, times: samples.times, values: samples.values)
                    : Piece(token: token, times: ContiguousArray(times[start..<end]), values: ContiguousArray(samples.values[start..<end])))
        }
        return used
    }

    private func checkSize(_ samples: Int) throws {
        guard samples > shared.configuration.maxSamplesPerQuery else { return }
        shared.metrics.queriesTooLarge.increment()
        throw SeriesStoreError.tooManySamples(limit: shared.configuration.maxSamplesPerQuery)
    }

    /// The file with the day; nil if the retention has just removed it.
    func file(_ day: Day, _ name: String, _ generation: Int) throws -> DayFile? {
        if let known = files[name], known.generation == generation { return known.file }
        if files.count >= Reader.maxFiles, let oldest = files.keys.min() { files[oldest] = nil }
        do {
            let file = try DayFile(reading: shared.path(name))
            files[name] = (generation, file)
            return file
        } catch {
            guard shared.days.withLock({ $0.totals[day]?.generation }) == generation else { return nil }
            throw error
        }
    }

    /// Lets go of files that were removed: an open one keeps its space.
    func purge() {
        let generations = Set(shared.days.withLock { $0.totals.values.map(\.generation) })
        files = files.filter { generations.contains($0.value.generation) }
        shared.cache.retain(generations: generations)
    }

    func close() { files = [:] }

    // MARK: From the index alone

    func labelNames(_ matchers: [Matcher], from: Int64, through: Int64) -> [String] {
        from > through ? [] : shared.index.withLock { $0.labelNames(matchers, hours: hours(from, through)) }
    }

    func labelValues(_ name: String, _ matchers: [Matcher], from: Int64, through: Int64) -> [String] {
        from > through ? [] : shared.index.withLock { $0.labelValues(name, matchers, hours: hours(from, through)) }
    }

    func series(_ matchers: [Matcher], from: Int64, through: Int64) -> [Labels] {
        guard from <= through else { return [] }
        return shared.index.withLock { index in index.select(matchers, hours: hours(from, through)).map { index.labels(of: $0) } }.sorted()
    }

    func seriesCount(_ matchers: [Matcher], from: Int64, through: Int64) -> Int {
        from > through ? 0 : shared.index.withLock { $0.select(matchers, hours: hours(from, through)).count }
    }
}
