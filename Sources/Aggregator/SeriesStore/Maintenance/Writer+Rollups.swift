import ChunkCodec
import Runtime
import Synchronization
import Telemetry

/// Rollups of days that have ended, in files of the same form as those of samples: `rollup-5m-YYYY-MM.db` and
/// `rollup-1h-YYYY.db`. A column's number is the series' times 16 plus the field's; times are the buckets' beginnings.
extension Writer {
    private static let seriesAtOnce = 16

    /// Works the day's rollups out anew and puts them in place of what was there.
    func makeRollups(_ day: Day) async throws {
        let file = try file(day)
        var parts: [RollupResolution: [EncodedPart]] = [:]
        var readers: [PartReader] = []
        for part in try file.parts() where part.level >= 0 {
            if let reader = try readerOrQuarantine(part, file, day) { readers.append(reader) }
        }
        let ids = Set(readers.flatMap(\.ids)).sorted()
        for start in stride(from: 0, to: ids.count, by: Writer.seriesAtOnce) {
            var pieces: [RollupResolution: [SeriesColumnPiece]] = [:]
            for id in ids[start..<min(start + Writer.seriesAtOnce, ids.count)] {
                var lists: [SampleMerger.Samples] = []
                for reader in readers {
                    guard let position = reader.position(of: id) else { continue }
                    let samples = try reader.samples(at: position)
                    lists.append((samples.times, samples.values))
                }
                let (times, values, _) = SampleMerger.combine(lists)
                for resolution in RollupResolution.allCases {
                    let buckets = RollupBucket.buckets(times, values, resolution)
                    guard !buckets.isEmpty else { continue }
                    let starts = ContiguousArray(buckets.map(\.start))
                    for (number, field) in RollupBucket.fields.enumerated() {
                        pieces[resolution, default: []].append((id << 4 | UInt64(number), starts, ContiguousArray(buckets.map(field))))
                    }
                }
            }
            for (resolution, columns) in pieces {
                let windows = day.start / Day.windowMilliseconds...(day.end - 1) / Day.windowMilliseconds
                parts[resolution, default: []].append(encodePart(columns, windows: windows, level: 1, effort: .thorough))
            }
            await Task.yield()
        }
        for resolution in RollupResolution.allCases {
            let rollups = try DayFile(writing: shared.path(day.rollupFileName(resolution)))
            try rollups.transaction {
                for old in try rollups.parts() where Day(of: old.firstWindow * Day.windowMilliseconds) == day { try rollups.remove(part: old.id) }
                for part in parts[resolution] ?? [] { try rollups.insert(part.row, part.part) }
                try rollups.setState("day-\(day.number)", 1)
            }
            try rollups.checkpoint()
        }
    }

    func removeOldRollups(_ now: Int64) throws {
        let configuration = shared.configuration
        for name in try HostFileSystem().list(shared.directory) {
            guard let end = Day.endOfRollups(fileName: name) else { continue }
            let retention = name.hasPrefix("rollup-5m") ? configuration.rollup5mRetention : configuration.rollup1hRetention
            // Never before the samples themselves.
            guard end < now - max(retention, configuration.retention).wholeMilliseconds else { continue }
            try shared.removeDatabase(name)
        }
    }
}

extension Day {
    /// The file with the day's rollups: one a month of five minutes, one a year of hours.
    func rollupFileName(_ resolution: RollupResolution) -> String {
        let date = CivilTime(Timestamp(milliseconds: start)).rfc3339()
        return "rollup-\(resolution.name)-\(date.prefix(resolution == .fiveMinutes ? 7 : 4)).db"
    }

    /// The first millisecond after what a file of rollups may hold; nil if it is none.
    static func endOfRollups(fileName: String) -> Int64? {
        guard fileName.hasPrefix("rollup-"), fileName.hasSuffix(".db") else { return nil }
        let parts = fileName.dropLast(3).split(separator: "-").dropFirst(2).compactMap { Int($0) }
        guard let year = parts.first, parts.count <= 2, var time = CivilTime.parse("\(fileName.dropLast(3).dropFirst(10).prefix(4))-01-01T00:00:00Z") else {
            return nil
        }
        time.year = year
        if parts.count == 2 {
            time.month = parts[1] + 1
            if parts[1] == 12 { (time.year, time.month) = (year + 1, 1) }
        } else {
            time.year = year + 1
        }
        return time.timestamp.milliseconds
    }
}
