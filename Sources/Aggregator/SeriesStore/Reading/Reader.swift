import ChunkCodec
import Runtime
import Synchronization
import Telemetry

/// Answers queries on a thread of its own, with its own connections to day files.
actor Reader {
    nonisolated let thread: WriterThread
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe thread.asUnownedSerialExecutor() }

    private let shared: Shared
    private let finish = zstdFinish()
    private var files: [Day: (generation: Int, file: DayFile)] = [:]

    /// Day files that stay open.
    private static let maxFiles = 32

    init(_ shared: Shared, number: Int) {
        thread = WriterThread(name: "series-read-\(number)")
        self.shared = shared
    }

    deinit { thread.stop() }

    /// One series of an answer in the making: its samples piece by piece, in the order in which they were found.
    private struct Found {
        var labels: Labels
        var times: [Int64] = []
        var values: [Double] = []
        /// Where each piece begins, and the source that it is from.
        var pieces: [(start: Int, source: SourceID)] = []

        mutating func add(_ source: SourceID, _ newTimes: ArraySlice<Int64>, _ newValues: ArraySlice<Double>, isFull: Bool) {
            let start = times.count
            if isFull {
                times.append(contentsOf: newTimes)
                values.append(contentsOf: newValues)
            } else {
                for (time, value) in zip(newTimes, newValues) where !value.isAbsent {
                    times.append(time)
                    values.append(value)
                }
            }
            if times.count > start { pieces.append((start, source)) }
        }

        /// Ascending, each time once. Two sources that say different things at one time: the older source counts.
        var samples: SeriesSamples {
            if zip(times, times.dropFirst()).allSatisfy({ $0 < $1 }) { return SeriesSamples(labels: labels, timestamps: times, values: values) }
            var order: [(time: Int64, source: SourceID, position: Int)] = []
            for (number, piece) in pieces.enumerated() {
                let end = number + 1 < pieces.count ? pieces[number + 1].start : times.count
                for position in piece.start..<end { order.append((times[position], piece.source, position)) }
            }
            order.sort { ($0.time, $0.source, $0.position) < ($1.time, $1.source, $1.position) }
            var result = SeriesSamples(labels: labels, timestamps: [], values: [])
            for item in order where result.timestamps.last != item.time {
                result.timestamps.append(item.time)
                result.values.append(values[item.position])
            }
            return result
        }
    }

    func select(_ matchers: [Matcher], from: Int64, through: Int64) throws -> SeriesAnswer {
        shared.metrics.queries.increment()
        guard from <= through else { return SeriesAnswer(series: [], warnings: []) }
        var found: [SeriesID: Found] = [:]
        var wanted: [SourceID: [SeriesID]] = [:]
        shared.index.withLock { index in
            for id in index.select(matchers, hours: hours(from, through)) {
                let entry = index.entries[id]!
                found[id] = Found(labels: entry.labels)
                for source in entry.sources { wanted[source, default: []].append(id) }
            }
        }
        guard !found.isEmpty else { return SeriesAnswer(series: [], warnings: []) }
        // The head first: what a flush moves meanwhile is then found in both, never in neither.
        let head = shared.head.snapshot(wanted, from: from, through: through)
        var warnings: [String] = []
        var samples = 0
        try readDays(wanted, from, through, &found, &samples, &warnings)
        for snapshot in head {
            for column in snapshot.columns {
                found[column.id]?.add(snapshot.source, snapshot.times[snapshot.rows], column.slice(snapshot.rows)[...], isFull: false)
            }
            samples += snapshot.columns.count * snapshot.rows.count
            try checkSize(samples)
        }
        let series = found.values.lazy.filter { !$0.times.isEmpty }.map(\.samples).sorted { $0.labels < $1.labels }
        return SeriesAnswer(series: series, warnings: warnings)
    }

    func labelNames(_ matchers: [Matcher], from: Int64, through: Int64) -> [String] {
        from > through ? [] : shared.index.withLock { $0.labelNames(matchers, hours: hours(from, through)) }
    }

    func labelValues(_ name: String, _ matchers: [Matcher], from: Int64, through: Int64) -> [String] {
        from > through ? [] : shared.index.withLock { $0.labelValues(name, matchers, hours: hours(from, through)) }
    }

    func series(_ matchers: [Matcher], from: Int64, through: Int64) -> [Labels] {
        guard from <= through else { return [] }
        return shared.index.withLock { index in index.select(matchers, hours: hours(from, through)).map { index.entries[$0]!.labels } }.sorted()
    }

    private func readDays(
        _ wanted: [SourceID: [SeriesID]], _ from: Int64, _ through: Int64, _ found: inout [SeriesID: Found], _ samples: inout Int,
        _ warnings: inout [String]
    ) throws {
        let days = shared.days.withLock { days in days.totals.filter { $0.key.start <= through && $0.key.end > from }.mapValues(\.generation) }
        let sources = wanted.sorted { $0.key < $1.key }
        for (day, generation) in days.sorted(by: { $0.key < $1.key }) {
            do {
                guard let file = try file(day, generation) else { continue }
                try file.reading {
                    for (source, ids) in sources {
                        // Numbers ascend, as the index gives them.
                        for part in try file.parts(source: source, from: from, through: through, series: ids[0]...ids[ids.count - 1]) {
                            try read(part, file, ids, from, through, &found, &samples, &warnings)
                        }
                    }
                }
            } catch {
                let failure = SeriesStoreError(any: error)
                guard case .corrupt = failure else { throw failure }
                shared.metrics.corruptParts.increment()
                warnings.append("\(failure)")
            }
        }
    }

    private func read(
        _ part: PartRow, _ file: DayFile, _ ids: [SeriesID], _ from: Int64, _ through: Int64, _ found: inout [SeriesID: Found],
        _ samples: inout Int, _ warnings: inout [String]
    ) throws {
        guard let body = try file.body(part: part.id) else { return }
        do {
            let reader = try PartReader(body, finish: finish)
            let start = reader.times.firstIndex { $0 >= from } ?? reader.times.count
            let end = reader.times.lastIndex { $0 <= through }.map { $0 + 1 } ?? 0
            guard start < end else { return }
            for id in ids {
                guard let position = reader.position(of: UInt64(id)) else { continue }
                samples += end - start
                try checkSize(samples)
                let values = try reader.values(at: position)
                let isFull = reader.sampleCount(at: position) == reader.times.count
                found[id]?.add(part.source, reader.times[start..<end], values[start..<end], isFull: isFull)
            }
        } catch let error as ChunkError {
            shared.metrics.corruptParts.increment()
            warnings.append("\(file.path): part \(part.id) is damaged and left out of this answer: \(error)")
        }
    }

    private func checkSize(_ samples: Int) throws {
        guard samples > shared.configuration.maxSamplesPerQuery else { return }
        shared.metrics.queriesTooLarge.increment()
        throw SeriesStoreError.tooManySamples(limit: shared.configuration.maxSamplesPerQuery)
    }

    /// The day's file; nil if the retention has just removed it.
    private func file(_ day: Day, _ generation: Int) throws -> DayFile? {
        if let known = files[day], known.generation == generation { return known.file }
        if files.count >= Reader.maxFiles, let oldest = files.keys.min() { files[oldest] = nil }
        do {
            let file = try DayFile(reading: shared.path(day.fileName))
            files[day] = (generation, file)
            return file
        } catch {
            guard shared.days.withLock({ $0.totals[day]?.generation }) == generation else { return nil }
            throw error
        }
    }

    /// Lets go of files that were removed: an open one keeps its space.
    func purge() {
        let generations = shared.days.withLock { $0.totals.mapValues(\.generation) }
        files = files.filter { generations[$0.key] == $0.value.generation }
    }

    func close() { files = [:] }
}
