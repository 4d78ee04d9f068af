import ChunkCodec
import Runtime
import Synchronization
import Telemetry

/// The one writer: owns all files that are open for writing, on a thread of its own.
///
/// A commit takes all batches that wait, so that callers share one fsync. Flushes, seals and retention are
/// in files of their own.
actor Writer {
    nonisolated let thread: WriterThread
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe thread.asUnownedSerialExecutor() }

    let shared: Shared
    var log: HeadLog
    let catalog: Catalog
    var sources: [String: SourceState]
    /// Series whose hours or sources changed since the catalog was written.
    var dirty: Set<SeriesID>
    /// Windows with parts that a flush wrote.
    var unsealed: [Day: Set<Window>]
    var files: [Day: DayFile] = [:]
    let finish = zstdFinish()
    var lastRetention: Day?
    /// After a failed flush, when to try again.
    var nextFlush: Int64 = 0
    /// Times of parts that out-of-order frames were compared with.
    var timesOfParts: [PartKey: [Int64]] = [:]
    private var results: [UInt64: Result<AppendSummary, SeriesStoreError>] = [:]
    private var samplesSinceCheck = 0
    private var isClosed = false
    /// Tests stop the writer between two steps, to see what a crash there leaves.
    let interrupt: (@Sendable (String) throws -> Void)?

    struct Window: Hashable {
        var source: SourceID
        var number: Int64
    }
    struct PartKey: Hashable {
        var day: Day
        var id: Int64
    }

    /// A frame that will be stored.
    private struct Accepted {
        var batch: Int
        var frame: SampleFrame
        var state: SourceState
    }

    init(_ recovered: sending Recovery, shared: Shared, interrupt: (@Sendable (String) throws -> Void)?) {
        thread = WriterThread(name: "series-writer")
        self.shared = shared
        self.interrupt = interrupt
        log = recovered.log
        catalog = recovered.catalog
        sources = recovered.sources
        dirty = recovered.dirty
        unsealed = recovered.unsealed
    }

    deinit { thread.stop() }

    var now: Int64 { shared.clock.now.milliseconds }

    /// The outcome of a batch, which an earlier caller's commit may have taken along.
    func commit(_ ticket: UInt64) throws(SeriesStoreError) -> AppendSummary {
        if results[ticket] == nil { drain() }
        guard let result = results.removeValue(forKey: ticket) else { throw .closed }
        return try result.get()
    }

    private func drain() {
        let batches = shared.takeWaiting()
        guard !batches.isEmpty else { return }
        let start = ContinuousClock.now
        do {
            try store(batches)
        } catch {
            let failure = SeriesStoreError(any: error)
            for batch in batches where results[batch.ticket] == nil { results[batch.ticket] = .failure(failure) }
        }
        shared.metrics.commitSeconds.observe(ContinuousClock.now - start)
        flushWhatIsDue()
    }

    private func store(_ batches: [Shared.Batch]) throws {
        try makeRoom(batches.reduce(0) { $0 + $1.frames.reduce(0) { $0 + $1.values.count } })
        var summaries = Array(repeating: AppendSummary(), count: batches.count)
        var accepted = try accept(batches, &summaries)
        defer { for item in accepted { item.state.pendingTimes = [] } }
        let refused = try registerSeries(&accepted)
        let limit = shared.configuration.maxSeries

        var rows: [Head.Row] = []
        rows.reserveCapacity(accepted.count)
        var record = LogRecord(base: accepted.first?.frame.timestamp.milliseconds ?? 0, count: accepted.count)
        do {
            for item in accepted {
                let resolved = resolve(item.frame.series, item.state)
                let time = item.frame.timestamp.milliseconds
                touch(resolved, item.state, hours(time, time))
                let values = resolved.values(item.frame)
                let isFull = item.state.chain?.ids != resolved.ids
                var chain = isFull ? FrameChain(ids: resolved.ids) : item.state.chain!
                item.state.chain = nil
                record.add(source: item.state.id, time: time, values: values, chain: &chain, isFull: isFull)
                item.state.chain = chain
                let places = shared.head.places(of: resolved.ids, source: item.state.id, known: resolved.places)
                resolved.places = places
                rows.append(Head.Row(source: item.state.id, time: time, values: values, places: places))
                summaries[item.batch].storedFrames += 1
                summaries[item.batch].storedSamples += values.count { !$0.isAbsent }
            }
            if !rows.isEmpty {
                try interrupt?("before commit")
                let sequence = try log.append(record.finish())
                for item in accepted { item.state.firstSequence = item.state.firstSequence ?? sequence }
            }
        } catch {
            // The log's reader did not see these frames, so nobody may build on them.
            for item in accepted { item.state.chain = nil }
            throw error
        }
        shared.head.add(rows)
        let now = now
        for item in accepted {
            item.state.lastTime = max(item.state.lastTime ?? .min, item.frame.timestamp.milliseconds)
            item.state.oldestArrival = item.state.oldestArrival ?? now
            item.state.lastArrival = now
        }
        for (position, batch) in batches.enumerated() {
            shared.metrics.appendedSamples.increment(by: UInt64(summaries[position].storedSamples))
            results[batch.ticket] = refused.contains(position) ? .failure(.seriesLimit(limit: limit)) : .success(summaries[position])
        }
        if !rows.isEmpty { shared.metrics.commits.increment() }
    }

    /// The frames that are neither stored already nor outside the accepted times; numbers for new sources.
    private func accept(_ batches: [Shared.Batch], _ summaries: inout [AppendSummary]) throws -> [Accepted] {
        let names = Set(batches.flatMap { $0.frames.map(\.source) }.filter { sources[$0] == nil }).sorted()
        if !names.isEmpty { for (name, id) in zip(names, try catalog.add(sources: names)) { sources[name] = SourceState(id: id) } }
        let newest = now + shared.configuration.futureWindow.wholeMilliseconds
        let oldest = now - shared.configuration.retention.wholeMilliseconds
        let window = shared.configuration.outOfOrderWindow.wholeMilliseconds
        var accepted: [Accepted] = []
        do {
            for (position, batch) in batches.enumerated() {
                for frame in batch.frames {
                    let state = sources[frame.source]!
                    let time = frame.timestamp.milliseconds
                    let last = max(state.lastTime ?? .min, state.pendingTimes.max() ?? .min)
                    if time > newest {
                        summaries[position].futureFrames += 1
                        shared.metrics.futureFrames.increment()
                    } else if time < oldest || time < max(last, .min + window) - window {
                        summaries[position].tooOldFrames += 1
                        shared.metrics.tooOldFrames.increment()
                    } else if try state.pendingTimes.contains(time) || isStored(time, state) {
                        summaries[position].duplicateFrames += 1
                        shared.metrics.duplicateFrames.increment()
                    } else {
                        state.pendingTimes.insert(time)
                        accepted.append(Accepted(batch: position, frame: frame, state: state))
                    }
                }
            }
        } catch {
            for item in accepted { item.state.pendingTimes = [] }
            throw error
        }
        return accepted
    }

    /// Whether the source has a frame of this time. Looks into files only for times that a file may hold.
    private func isStored(_ time: Int64, _ state: SourceState) throws -> Bool {
        guard let last = state.lastTime, time <= last else { return false }
        if shared.head.contains(source: state.id, time: time) { return true }
        guard let flushed = state.flushedTime, time <= flushed else { return false }
        let day = Day(of: time)
        guard shared.days.withLock({ $0.totals[day] }) != nil else { return false }
        let file = try file(day)
        for part in try file.parts(source: state.id, from: time, through: time) {
            let times = try times(of: part, in: file, day)
            if times.contains(sorted: time) { return true }
        }
        return false
    }

    private func times(of part: PartRow, in file: DayFile, _ day: Day) throws -> [Int64] {
        let key = PartKey(day: day, id: part.id)
        if let known = timesOfParts[key] { return known }
        // A damaged part can tell nothing: a sample may be stored twice, which reading mends.
        guard let body = try file.body(part: part.id), let reader = try? PartReader(body, finish: finish) else { return [] }
        if timesOfParts.count >= 64 { timesOfParts = [:] }
        timesOfParts[key] = reader.times
        return reader.times
    }

    /// Gives numbers to series that are new; returns the batches of which some were refused.
    private func registerSeries(_ accepted: inout [Accepted]) throws -> Set<Int> {
        var fresh: [(labels: Labels, source: SourceID, hour: Int64)] = []
        var seen = Set<Labels>()
        var refused = Set<Int>()
        let unresolved = accepted.filter { $0.state.resolved($0.frame.series) == nil }
        guard !unresolved.isEmpty else { return refused }
        let limit = shared.configuration.maxSeries
        shared.index.withLock { index in
            for item in unresolved {
                let hour = item.frame.timestamp.milliseconds.floorDivided(by: 3_600_000)
                for labels in item.frame.series.labels where index.id(of: labels) == nil && !seen.contains(labels) {
                    guard index.count + fresh.count < limit else {
                        shared.metrics.refusedSeries.increment()
                        refused.insert(item.batch)
                        continue
                    }
                    seen.insert(labels)
                    fresh.append((labels, item.state.id, hour))
                }
            }
        }
        guard !fresh.isEmpty else { return refused }
        let ids = try catalog.add(series: fresh)
        shared.index.withLock { index in
            for (id, series) in zip(ids, fresh) {
                index.insert(id, .init(labels: series.labels, sources: [series.source], firstHour: series.hour, lastHour: series.hour))
            }
        }
        return refused
    }

    /// The set with the store's numbers. Series without one were refused and are left out.
    private func resolve(_ set: SeriesSet, _ state: SourceState) -> ResolvedSet {
        if let known = state.resolved(set) { return known }
        var ids: [SeriesID] = []
        var kept: [Int] = []
        var seen = Set<SeriesID>()
        var isComplete = true
        shared.index.withLock { index in
            for (position, labels) in set.labels.enumerated() {
                guard let id = index.id(of: labels) else {
                    isComplete = false
                    continue
                }
                // Of two series with the same labels the first counts, as in a scrape.
                guard seen.insert(id).inserted else { continue }
                ids.append(id)
                kept.append(position)
            }
        }
        let resolved = ResolvedSet(set: set, ids: ids, kept: kept.count == set.count ? nil : kept)
        if isComplete { state.remember(resolved) }
        return resolved
    }

    /// Tells the index in which hours the series have samples, once an hour.
    private func touch(_ resolved: ResolvedSet, _ state: SourceState, _ hours: ClosedRange<Int64>) {
        if let known = resolved.hours, known.contains(hours.lowerBound) { return }
        resolved.hours = hours
        shared.index.withLock { index in
            for id in resolved.ids where index.touch(id, source: state.id, hours: hours) { dirty.insert(id) }
        }
    }

    /// Keeps the head within its bound.
    private func makeRoom(_ samples: Int) throws {
        samplesSinceCheck += samples
        let limit = shared.configuration.maxHeadBytes
        // Counting costs a look at each column: not at each commit, but before an eighth of the bound can have come.
        guard samplesSinceCheck * 64 > limit else { return }
        samplesSinceCheck = 0
        guard shared.head.bytes > limit / 2 else { return }
        do {
            try flush(Array(sources.values))
        } catch {
            shared.metrics.flushFailures.increment()
            let bytes = shared.head.bytes
            guard bytes > limit else { return }
            samplesSinceCheck = limit
            shared.metrics.headFull.increment()
            throw SeriesStoreError.headFull(bytes: bytes, limit: limit)
        }
    }

    /// The day's file, open for writing. A few stay open; the oldest days are closed first.
    func file(_ day: Day) throws -> DayFile {
        if let known = files[day] { return known }
        let file = try DayFile(writing: shared.path(day.fileName))
        if files.count >= 4, let oldest = files.keys.min() { files[oldest] = nil }
        files[day] = file
        return file
    }

    /// Whether the store is open for writing; what a caller asks for after `close` is refused.
    func checkOpen() throws(SeriesStoreError) { if isClosed { throw .closed } }

    func flushAll() throws {
        try checkOpen()
        try flush(Array(sources.values))
    }

    /// Moves all to day files. Refuses to write from then on, even if that failed.
    func close() throws {
        guard !isClosed else { return }
        drain()
        isClosed = true
        try flush(Array(sources.values))
        try log.checkpoint()
        try catalog.checkpoint()
        for file in files.values { try file.checkpoint() }
        files = [:]
    }
}

extension [Int64] {
    /// Whether an ascending array holds `value`.
    func contains(sorted value: Int64) -> Bool {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if self[middle] < value { low = middle + 1 } else { high = middle }
        }
        return low < count && self[low] == value
    }
}
