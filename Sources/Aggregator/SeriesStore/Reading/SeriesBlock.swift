import ChunkCodec
import Runtime
import Synchronization
import Telemetry

/// Series of a query that have the same time stamps, as those of one scrape do.
public struct SeriesBlock: Sendable {
    /// Milliseconds since 1970, ascending. May reach beyond the span that was asked for, if so the columns need not be copied.
    public var timestamps: [Int64]
    public var labels: [Labels]
    /// One a series, a value a time stamp; may hold `Double.stale`, never `Double.absent`. Empty, if values were not wanted,
    /// for a series that has an ordinary value at each time stamp.
    public var values: [SampleColumn]

    /// `values` as arrays; those in runs are copied each time.
    public var columns: [[Double]] { values.map(\.values) }
}

extension SeriesStore {
    /// The series that satisfy the matchers and have samples in the span, as columns; each series is in one block only.
    /// Without `needsValues` any number stands for a value, and values are not decoded. Throws `tooManySamples` beyond
    /// `limit` samples in the span.
    public func blocks(
        _ matchers: [Matcher], from: Timestamp, through: Timestamp, needsValues: Bool = true, limit: Int = .max
    ) async throws -> (blocks: [SeriesBlock], summary: ReadSummary) {
        try await reader.blocks(matchers, from: from.milliseconds, through: through.milliseconds, needsValues: needsValues, limit: limit)
    }
}

extension Reader {
    func blocks(
        _ matchers: [Matcher], from: Int64, through: Int64, needsValues: Bool = true, limit: Int = .max
    ) throws -> (blocks: [SeriesBlock], summary: ReadSummary) {
        shared.metrics.queries.increment()
        var summary = ReadSummary()
        guard from <= through else { return ([], summary) }
        let ids = shared.index.withLock { $0.select(matchers, hours: hours(from, through)) }
        guard !ids.isEmpty else { return ([], summary) }
        // The head of all series first: what a flush moves meanwhile is then found in both, never in neither, and all
        // series are of one moment.
        let head = shared.head.samples(of: ids, from: from, through: through)
        var gatherer = BlockGatherer(seriesCount: ids.count, from: from, through: through, needsValues: needsValues)
        let limit = min(limit, shared.configuration.maxSamplesPerQuery)
        var parts = 0
        try forEachPart(ids, from, through, &summary) { part, file, day, generation in
            if Task.isCancelled { throw CancellationError() }
            if try gather(part, file, generation, ids, &gatherer, limit) { parts += 1 }
        }
        summary.parts = parts
        if !head.isEmpty {
            for (series, id) in ids.enumerated() {
                for samples in head[id] ?? [] { gatherer.add(series, samples.times, samples.values) }
            }
            try check(gatherer.samples, limit)
        }
        let groups = gatherer.blocks()
        let blocks = groups.map { group in
            SeriesBlock(
                timestamps: group.timestamps, labels: shared.labels.labels(of: group.series.map { ids[$0] }, shared.index), values: group.values)
        }
        summary.series = groups.reduce(0) { $0 + $1.series.count }
        summary.samples = gatherer.samples
        return (blocks, summary)
    }

    /// Whether the part had anything.
    private func gather(
        _ row: PartRow, _ file: DayFile, _ generation: Int, _ ids: [SeriesID], _ gatherer: inout BlockGatherer, _ limit: Int
    ) throws -> Bool {
        let key = PartCache.Key(generation: generation, part: row)
        let part = try shared.cache.part(key) { try file.directory(row, finish) }
        let mark = gatherer.mark
        let needed = gatherer.add(part, ids)
        do {
            try check(gatherer.samples, limit)
            guard !needed.isEmpty else { return gatherer.mark != mark }
            let known = part.decoded
            let missing = needed.filter { known[$0.position] == nil }
            shared.cache.count(hits: needed.count - missing.count, misses: missing.count)
            for need in needed { if let values = known[need.position] { gatherer.set(need, values) } }
            guard !missing.isEmpty else { return true }
            var usable: [Int: [Double]] = [:]
            for (position, values) in known.enumerated() where values != nil && !part.directory.hasStale(at: position) { usable[position] = values }
            let reader = file.reader(row, part.directory, finish, known: usable)
            var added: [Int: [Double]] = [:]
            for need in missing {
                let values = try reader.values(at: need.position)
                added[need.position] = values
                gatherer.set(need, values)
            }
            shared.cache.add(added, to: key, part)
            return true
        } catch {
            // The part is left out whole.
            gatherer.drop(since: mark)
            throw error
        }
    }

    private func check(_ samples: Int, _ limit: Int) throws {
        guard samples > limit else { return }
        shared.metrics.queriesTooLarge.increment()
        throw SeriesStoreError.tooManySamples(limit: limit)
    }
}
