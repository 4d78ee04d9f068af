import ChunkCodec
import Runtime
import Synchronization
import Telemetry

extension Reader {
    /// The rollups of series in the span: the buckets that begin in it.
    func rollups(_ matchers: [Matcher], from: Int64, through: Int64, _ resolution: RollupResolution) throws -> RollupAnswer {
        shared.metrics.queries.increment()
        var answer = RollupAnswer(series: [], days: [], warnings: [])
        guard from <= through else { return answer }
        let ids = shared.index.withLock { $0.select(matchers, hours: hours(from, through)) }
        var found: [SeriesID: [Int64: [Double]]] = [:]
        var files: [String: DayFile] = [:]
        let known = Set((try? HostFileSystem().list(shared.directory)) ?? [])
        for number in Day(of: max(0, from)).number...Day(of: min(through, 253_402_300_799_999)).number {
            let day = Day(number: number)
            let name = day.rollupFileName(resolution)
            guard known.contains(name) else { continue }
            let file = try files[name] ?? DayFile(reading: shared.path(name))
            files[name] = file
            try file.reading {
                guard try file.state("day-\(day.number)") != nil else { return }
                answer.days.append(day.start)
                for part in try file.cachedParts() where Day(of: part.firstWindow * Day.windowMilliseconds) == day {
                    try read(part, file, ids, from, through, &found, &answer)
                }
            }
        }
        let labels = shared.index.withLock { index in Dictionary(uniqueKeysWithValues: found.keys.map { ($0, index.labels(of: $0)) }) }
        for (id, buckets) in found {
            let list = buckets.sorted { $0.key < $1.key }.map { RollupBucket(start: $0.key, fields: $0.value) }
            answer.series.append(SeriesRollups(labels: labels[id]!, buckets: list))
        }
        answer.series.sort { $0.labels < $1.labels }
        return answer
    }

    private func read(
        _ part: PartRow, _ file: DayFile, _ ids: [SeriesID], _ from: Int64, _ through: Int64, _ found: inout [SeriesID: [Int64: [Double]]],
        _ answer: inout RollupAnswer
    ) throws {
        do {
            guard part.level >= 0 else { throw ChunkError.malformed("it was found damaged before") }
            let reader = try file.reader(part, finish)
            for id in ids where UInt64(id) << 4 <= part.lastSeries && UInt64(id) << 4 | 15 >= part.firstSeries {
                for field in RollupBucket.fields.indices {
                    guard let position = reader.position(of: UInt64(id) << 4 | UInt64(field)) else { continue }
                    let samples = try reader.samples(at: position)
                    for (time, value) in zip(samples.times, samples.values) where time >= from && time <= through {
                        found[id, default: [:]][time, default: Array(repeating: 0, count: RollupBucket.fields.count)][field] = value
                    }
                }
            }
        } catch let error as ChunkError {
            shared.metrics.corruptParts.increment()
            answer.warnings.append("\(file.path): part \(part.id) is damaged and left out of this answer: \(error)")
        }
    }
}
