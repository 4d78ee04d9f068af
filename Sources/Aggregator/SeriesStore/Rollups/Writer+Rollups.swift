import ChunkCodec
import Runtime
import SQLite
import Synchronization
import Telemetry

/// Rollups of days that have ended, in files of the same form as those of samples: `rollup-5m-YYYY-MM.db` and
/// `rollup-1h-YYYY.db`. A column's number is the series' times 16 plus the field's; times are the buckets' ends.
extension Writer {
    private static let seriesAtOnce = 16

    /// Works the day's rollups out anew and puts them in place of what was there.
    func makeRollups(_ day: Day) async throws {
        let file = try file(day)
        let changes = try file.changes(day)
        var parts: [RollupResolution: [EncodedPart]] = [:]
        var readers: [PartReader] = []
        for part in try file.parts(day) where part.level >= 0 {
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
                    pieces[resolution, default: []] += Writer.columns(id, buckets)
                }
            }
            for (resolution, columns) in pieces where !columns.isEmpty {
                parts[resolution, default: []].append(encodePart(columns, windows: day.windows, level: 1, effort: .thorough))
            }
            await Task.yield()
        }
        for resolution in RollupResolution.allCases {
            let rollups = try rollupFile(day, resolution)
            try rollups.rewriting {
                for old in try rollups.parts() where day.windows.contains(old.firstWindow) { try rollups.remove(part: old.id) }
                for part in parts[resolution] ?? [] { try rollups.insert(part.row, part.part) }
                try rollups.setState("day-\(day.number)", changes + 1)
            }
            shared.days.withLock { _ = $0.rolled[resolution, default: []].insert(day) }
        }
    }

    private func rollupFile(_ day: Day, _ resolution: RollupResolution) throws -> DayFile {
        try file(named: day.rollupFileName(resolution), raised: RollupFile.raised)
    }

    private static func columns(_ id: UInt64, _ buckets: [RollupBucket]) -> [SeriesColumnPiece] {
        guard !buckets.isEmpty else { return [] }
        let ends = ContiguousArray(buckets.map(\.end))
        return RollupBucket.fields.enumerated().map { number, field in (id << 4 | UInt64(number), ends, ContiguousArray(buckets.map(field))) }
    }

    /// Takes buckets that touch the span out of the rollups of days whose samples are gone: others are made anew from what is left.
    func deleteRollups(_ ids: Set<SeriesID>, from: Int64, through: Int64) throws {
        for resolution in RollupResolution.allCases {
            let days = shared.days.withLock { days in
                days.rolled[resolution, default: []].filter { days.totals[$0] == nil && $0.start <= through && $0.end >= from }
            }
            for day in days.sorted() {
                let file = try rollupFile(day, resolution)
                try file.transaction {
                    for part in try file.parts() where part.level >= 0 && day.windows.contains(part.firstWindow) {
                        try delete(ids, from: from, through: through, resolution, part, file)
                    }
                }
            }
        }
    }

    private func delete(_ ids: Set<SeriesID>, from: Int64, through: Int64, _ resolution: RollupResolution, _ part: PartRow, _ file: DayFile) throws {
        let reader: PartReader
        do {
            reader = try file.reader(part, finish)
        } catch is ChunkError {
            return try file.setLevel(part: part.id, -1)
        }
        guard reader.ids.contains(where: { ids.contains(SeriesID($0 >> 4)) }) else { return }
        var pieces: [SeriesColumnPiece] = []
        for (position, number) in reader.ids.enumerated() {
            let samples = try reader.samples(at: position)
            guard ids.contains(SeriesID(number >> 4)) else {
                pieces.append((number, samples.times, samples.values))
                continue
            }
            let kept = samples.times.indices.filter { samples.times[$0] < from || samples.times[$0] - resolution.milliseconds >= through }
            if !kept.isEmpty { pieces.append((number, ContiguousArray(kept.map { samples.times[$0] }), ContiguousArray(kept.map { samples.values[$0] }))) }
        }
        try file.remove(part: part.id)
        guard !pieces.isEmpty else { return }
        let encoded = encodePart(pieces, windows: part.firstWindow...part.lastWindow, level: part.level, effort: .thorough)
        try file.insert(encoded.row, encoded.part, id: part.id)
    }

    func removeOldRollups(_ now: Int64) throws {
        let configuration = shared.configuration
        for name in try HostFileSystem().list(shared.directory) {
            guard let (resolution, span) = RollupFile.read(name: name) else { continue }
            let retention = resolution == .fiveMinutes ? configuration.rollup5mRetention : configuration.rollup1hRetention
            // Never before the samples themselves.
            guard span.upperBound < now - max(retention, configuration.retention).wholeMilliseconds else { continue }
            shared.days.withLock { days in days.rolled[resolution] = days.rolled[resolution]?.filter { !span.contains($0.start) } }
            files[name] = nil
            try shared.removeDatabase(name)
        }
    }
}

/// Files of rollups have the form and the version of day files.
enum RollupFile {
    /// Versions that are raised; the buckets of 2 are open at the right, and such files are made anew.
    static let raised: ClosedRange<Int64> = 3...3

    static func open(_ path: String) throws -> DayFile { try DayFile(writing: path, raised: raised) }

    /// What the name says: the resolution, and the milliseconds whose days the file may hold. nil if it is no such file.
    static func read(name: String) -> (resolution: RollupResolution, span: Range<Int64>)? {
        for resolution in RollupResolution.allCases {
            let prefix = "rollup-\(resolution.name)-"
            guard name.hasPrefix(prefix), name.hasSuffix(".db") else { continue }
            let middle = String(name.dropFirst(prefix.count).dropLast(3))
            let isMonth = resolution == .fiveMinutes
            guard middle.utf8.count == (isMonth ? 7 : 4), var time = CivilTime.parse("\(middle)\(isMonth ? "" : "-01")-01T00:00:00Z") else { return nil }
            let start = time.timestamp.milliseconds
            if isMonth, time.month < 12 { time.month += 1 } else { (time.year, time.month) = (time.year + 1, 1) }
            return (resolution, start..<time.timestamp.milliseconds)
        }
        return nil
    }

    /// The days that a file has rollups of, each with the changes of its day file that they were made after, plus one.
    static func days(_ file: DayFile) throws -> [Day: Int64] {
        let rows = try file.database.prepare("SELECT key, value FROM state")
        var result: [Day: Int64] = [:]
        while try rows.step() {
            let key = rows.text(0)
            if key.hasPrefix("day-"), let number = Int64(key.dropFirst(4)) { result[Day(number: number)] = rows.integer(1) }
        }
        rows.reset()
        return result
    }
}

extension Day {
    /// The file with the day's rollups: one a month of five minutes, one a year of hours.
    func rollupFileName(_ resolution: RollupResolution) -> String {
        let date = CivilTime(Timestamp(milliseconds: start)).rfc3339()
        return "rollup-\(resolution.name)-\(date.prefix(resolution == .fiveMinutes ? 7 : 4)).db"
    }
}
