import Exposition
import JSON
import SeriesStore
import Telemetry

/// Reads the table that `ExportForm.csv` writes, with or without its head: all bits of all values come back.
enum TableImport {
    static func read(_ bytes: Span<UInt8>, limits: IngestLimits, extra: [(String, String)]) throws(IngestError) -> IngestBatch {
        var batch = IngestBatch()
        /// The batch of a series by its two cells; nil for one that may not come in.
        var places: [[String]: Int?] = [:]
        var offset = 0
        var line = 0
        while offset < bytes.count {
            line += 1
            let cells = CSVImport.row(bytes, &offset)
            if cells.count == 1, cells[0].isEmpty || cells.joined(separator: ",") == ExportForm.tableHead { continue }
            if cells.joined(separator: ",") == ExportForm.tableHead { continue }
            guard cells.count == 4 else {
                throw IngestError(400, "line \(line) has \(cells.count) columns, expected \(ExportForm.tableHead); other tables need a format")
            }
            guard let time = Int64(cells[2]) else { throw IngestError(400, "line \(line): \"\(IngestLimits.short(cells[2]))\" is no time in milliseconds") }
            guard let value = JSONLines.special(cells[3]) ?? DecimalNumber.value(of: cells[3]) else {
                throw IngestError(400, "line \(line): \"\(IngestLimits.short(cells[3]))\" is no number")
            }
            batch.samples += 1
            let key = Array(cells[..<2])
            if places[key] == nil { places[key] = try place(cells, line, limits, extra, &batch) }
            if case .some(.some(let place)) = places[key] { batch.batches[place].samples.append(.init(time, value)) } else { batch.invalid += 1 }
        }
        return batch
    }

    private static func place(
        _ cells: [String], _ line: Int, _ limits: IngestLimits, _ extra: [(String, String)], _ batch: inout IngestBatch
    ) throws(IngestError) -> Int? {
        let object: [(String, JSON)]
        do {
            let parsed = try JSON.parse(Array(unguarded(cells[1]).utf8))
            guard let known = parsed.object else { throw IngestError(400, "") }
            object = known.keys.map { ($0, parsed[$0]) }
        } catch {
            throw IngestError(400, "line \(line): \"\(IngestLimits.short(cells[1]))\" is no map of labels")
        }
        var pairs: [(String, String)] = []
        for (name, value) in object {
            guard let text = value.string else { throw IngestError(400, "line \(line): the label \(IngestLimits.short(name)) is no text") }
            pairs.append((name, text))
        }
        if !cells[0].isEmpty { pairs.append((Labels.metricName, unguarded(cells[0]))) }
        let labels = Labels(pairs + extra)
        if let problem = limits.problem(labels) {
            batch.note(problem)
            return nil
        }
        batch.batches.append(SeriesBatch(SeriesIdentity(labels)))
        return batch.batches.count - 1
    }

    private static func unguarded(_ cell: String) -> String { cell.hasPrefix("'") ? String(cell.dropFirst()) : cell }
}
