import ChunkCodec
import Runtime
import SQLite
import Synchronization
import Telemetry

extension Reader {
    /// The rollups of series: the buckets that end in the span, of samples before `before`, the beginning of a day.
    func rollups(_ matchers: [Matcher], from: Int64, through: Int64, before: Int64, _ resolution: RollupResolution) throws -> RollupAnswer {
        shared.metrics.queries.increment()
        var answer = RollupAnswer(series: [], days: [], warnings: [])
        guard from <= through else { return answer }
        let ids = shared.index.withLock { $0.select(matchers, hours: hours(from - resolution.milliseconds, through)) }
        guard !ids.isEmpty else { return answer }
        var found: [SeriesID: [RollupBucket]] = [:]
        var buckets = 0
        var files: [String: DayFile] = [:]
        let days = shared.days.withLock { $0.rolled[resolution, default: []] }
        // A sample of midnight is in the day that begins, in a bucket that ends then.
        for day in days.sorted() where day.start <= through && day.end >= from && day.end <= before {
            let name = day.rollupFileName(resolution)
            let file: DayFile
            do {
                file = try files[name] ?? DayFile(reading: shared.path(name))
            } catch {
                // The retention may have removed it meanwhile.
                guard shared.days.withLock({ $0.rolled[resolution, default: []].contains(day) }) else { continue }
                throw error
            }
            files[name] = file
            try file.reading {
                guard try file.state("day-\(day.number)") != nil else { return }
                answer.days.append(day.start)
                let windows = day.start / Day.windowMilliseconds...(day.end - 1) / Day.windowMilliseconds
                for part in try file.cachedParts() where windows.contains(part.firstWindow) {
                    try read(part, file, ids, from, through, &found, &buckets, &answer)
                }
            }
        }
        let labels = shared.index.withLock { index in Dictionary(uniqueKeysWithValues: found.keys.map { ($0, index.labels(of: $0)) }) }
        answer.series = found.compactMap { id, buckets in labels[id].map { SeriesRollups(labels: $0, buckets: buckets) } }.sorted { $0.labels < $1.labels }
        return answer
    }

    private func read(
        _ part: PartRow, _ file: DayFile, _ ids: [SeriesID], _ from: Int64, _ through: Int64, _ found: inout [SeriesID: [RollupBucket]],
        _ buckets: inout Int, _ answer: inout RollupAnswer
    ) throws {
        do {
            guard part.level >= 0 else { throw ChunkError.malformed("it was found damaged before") }
            let reader = try file.reader(part, finish)
            var position = 0
            // Both ascend; all fields of a series are in one part, one after the other, with the same times.
            for id in ids {
                while position < reader.ids.count, reader.ids[position] >> 4 < UInt64(id) { position += 1 }
                guard position < reader.ids.count else { break }
                guard reader.ids[position] == UInt64(id) << 4, position + RollupBucket.fields.count <= reader.ids.count else { continue }
                let columns = try RollupBucket.fields.indices.map { try reader.samples(at: position + $0) }
                let ends = columns[0].times
                guard columns.allSatisfy({ $0.times == ends }) else { throw ChunkError.malformed("fields of series \(id) differ in their times") }
                let start = ends.firstPosition(notBefore: from)
                let past = through == .max ? ends.count : ends.firstPosition(notBefore: through + 1)
                guard start < past else { continue }
                buckets += past - start
                guard buckets <= shared.configuration.maxSamplesPerQuery else {
                    shared.metrics.queriesTooLarge.increment()
                    throw SeriesStoreError.tooManySamples(limit: shared.configuration.maxSamplesPerQuery)
                }
                for row in start..<past {
                    let bucket = RollupBucket(end: ends[row]) { columns[$0].values[row] }
                    // Two days share the bucket that ends at midnight.
                    if let last = found[id]?.indices.last, found[id]![last].end == bucket.end {
                        found[id]![last].add(bucket)
                    } else {
                        found[id, default: []].append(bucket)
                    }
                }
            }
        } catch let error as ChunkError {
            shared.metrics.corruptParts.increment()
            answer.warnings.append("\(file.path): part \(part.id) is damaged and left out of this answer: \(error)")
        }
    }
}

extension Shared {
    /// What rollups know of the samples in the span.
    func coverage(_ resolution: RollupResolution, from: Int64, through: Int64) -> RollupCoverage {
        // The head first: what a flush moves meanwhile makes its day's rollups old before it leaves the head.
        let head = head.oldest
        return days.withLock { days in
            func isInSpan(_ day: Day) -> Bool { day.end > from && day.start <= through }
            let rolled = days.rolled[resolution, default: []].filter(isInSpan)
            // A day without samples and without rollups is covered: there is nothing.
            let open = days.totals.keys.filter { isInSpan($0) && !rolled.contains($0) }.min()
            let last = rolled.max()
            var coverage = RollupCoverage(end: from)
            if let last { coverage.end = min(last.end, open?.start ?? .max, head == .max ? .max : Day(of: head).start) }
            coverage.end = max(coverage.end, from)
            coverage.retiredEnd = rolled.filter { days.totals[$0] == nil }.max()?.end
            for other in RollupResolution.allCases where other.milliseconds > resolution.milliseconds {
                let coarse = days.rolled[other, default: []].filter { isInSpan($0) && days.totals[$0] == nil && !rolled.contains($0) }
                guard let last = coarse.max() else { continue }
                coverage.isCoarser = true
                coverage.retiredEnd = max(coverage.retiredEnd ?? .min, last.end)
            }
            return coverage
        }
    }
}
