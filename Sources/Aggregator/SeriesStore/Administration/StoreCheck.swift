import ChunkCodec
import Runtime
import SQLite
import Telemetry

/// What a check of one file found.
public struct FileReport: Sendable, Hashable {
    public var name: String
    public var parts = 0
    public var columns = 0
    public var samples = 0
    public var bytes = 0
    /// What is wrong, each with its place; empty if nothing is.
    public var problems: [String] = []
}

/// Reads everything and compares it with its checksums and with what the store promises of its files.
///
/// Works on the files of a store that is open elsewhere too: it only reads, each file in one transaction.
public struct StoreCheck: Sendable {
    public let directory: String

    public init(directory: String) { self.directory = directory }

    /// A report for each file, by name. Throws only if the directory cannot be listed.
    public func run(_ progress: (FileReport) -> Void = { _ in }) throws -> [FileReport] {
        let names = try HostFileSystem().list(directory).filter { $0.hasSuffix(".db") }
        var reports: [FileReport] = []
        var index: SeriesIndex?
        for name in names.sorted(by: { ($0 != "catalog.db" ? 1 : 0, $0) < ($1 != "catalog.db" ? 1 : 0, $1) }) {
            var report = FileReport(name: name)
            do {
                report.bytes = try StoreFile.bytes(of: "\(directory)/\(name)") ?? 0
                if name == "catalog.db" {
                    index = try catalog(&report)
                } else if name == "head.db" {
                    try log(index, &report)
                } else if Day(fileName: name) != nil || RollupFile.read(name: name) != nil {
                    try parts(name, index, &report)
                } else {
                    continue
                }
            } catch {
                report.problems.append("cannot be read: \(error)")
            }
            progress(report)
            reports.append(report)
        }
        return reports.sorted { $0.name < $1.name }
    }

    private func integrity(_ database: Database, _ report: inout FileReport) throws {
        let rows = try database.prepare("PRAGMA integrity_check(8)")
        while try rows.step() {
            let text = rows.text(0)
            if text != "ok" { report.problems.append("SQLite: \(text)") }
        }
        rows.reset()
    }

    private func catalog(_ report: inout FileReport) throws -> SeriesIndex {
        let catalog = try Catalog(reading: "\(directory)/catalog.db")
        try integrity(catalog.database, &report)
        let (index, warnings) = try catalog.load()
        report.problems += warnings
        report.columns = index.count
        for id in index.all {
            if let violation = LabelRule.violation(index.labels(of: id)) { report.problems.append("series \(id): \(violation)") }
        }
        return index
    }

    private func log(_ index: SeriesIndex?, _ report: inout FileReport) throws {
        let database = try Database(path: "\(directory)/head.db", durability: .readOnly)
        try integrity(database, &report)
        var index = index ?? SeriesIndex()
        let rows = try database.prepare("SELECT seq, record FROM log ORDER BY seq")
        let decompressor = recordDecompressor()
        while try rows.step() {
            let bytes = rows.blob(1)
            guard !bytes.isEmpty else { continue }
            do {
                let record = try CommitRecord(bytes, decompressor)
                for (id, labels) in record.series where !index.isAlive(id) { _ = index.restore(id, labels, hour: 0) }
                for id in Set(record.ids) where !index.isAlive(id) { report.problems.append("row \(rows.integer(0)): series \(id) is in no catalog") }
                report.samples += record.ids.count
                report.parts += 1
            } catch {
                report.problems.append("row \(rows.integer(0)): \(error)")
            }
        }
        rows.reset()
    }

    private func parts(_ name: String, _ index: SeriesIndex?, _ report: inout FileReport) throws {
        let file = try DayFile(reading: "\(directory)/\(name)")
        let finish = zstdFinish()
        let isRollup = Day(fileName: name) == nil
        try integrity(file.database, &report)
        try file.reading {
            for part in try file.parts() {
                report.parts += 1
                if part.level < 0 { report.problems.append("part \(part.id) was found damaged before and is left out of answers") }
                do {
                    let reader = try file.reader(part, finish)
                    try check(part, reader, isRollup ? nil : index, isRollup, &report)
                } catch {
                    report.problems.append("part \(part.id): \(error)")
                }
            }
        }
    }

    private func check(_ part: PartRow, _ reader: PartReader, _ index: SeriesIndex?, _ isRollup: Bool, _ report: inout FileReport) throws {
        var samples = 0
        var first = Int64.max
        var last = Int64.min
        for (position, id) in reader.ids.enumerated() {
            let column = try reader.samples(at: position)
            samples += column.times.count
            guard let start = column.times.first, let end = column.times.last else {
                report.problems.append("part \(part.id): series \(id) is empty")
                continue
            }
            first = min(first, start)
            last = max(last, end)
            if !zip(column.times, column.times.dropFirst()).allSatisfy({ $0 < $1 }) {
                report.problems.append("part \(part.id): the times of series \(id) do not ascend")
            }
            if let index, !index.isAlive(SeriesID(truncatingIfNeeded: id)) { report.problems.append("part \(part.id): series \(id) is in no catalog") }
        }
        report.columns += reader.ids.count
        report.samples += samples
        let isAsListed =
            samples == part.samples && first == part.firstTime && last == part.lastTime && reader.ids.first == part.firstSeries
            && reader.ids.last == part.lastSeries
        if !isAsListed { report.problems.append("part \(part.id): its row in the table of parts says something else than it holds") }
        // Buckets are known by their ends.
        let end = (part.lastWindow + 1) * Day.windowMilliseconds + (isRollup ? 1 : 0)
        if first < part.firstWindow * Day.windowMilliseconds || last >= end {
            report.problems.append("part \(part.id): samples outside its windows")
        }
    }
}
