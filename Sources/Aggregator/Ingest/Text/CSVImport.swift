import Exposition
import SeriesStore
import Telemetry

/// Reads comma-separated values by VictoriaMetrics' description of columns:
/// `format=1:time:unix_ms,2:label:host,3:metric:temperature` (columns from one; times `unix_s`, `unix_ms`, `unix_ns`, `rfc3339`).
struct CSVImport {
    enum TimeForm: String { case unix_s, unix_ms, unix_ns, rfc3339 }
    enum Column: Hashable {
        case time(TimeForm)
        case label(String)
        case metric(String)
    }

    private(set) var columns: [Int: Column] = [:]
    private var lastColumn = 0

    init(format: String) throws(IngestError) {
        for part in format.split(separator: ",") {
            let fields = part.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
            guard fields.count == 3, let number = Int(fields[0]), (1...1000).contains(number), columns[number] == nil, !fields[2].isEmpty else {
                throw IngestError(400, "format has \"\(IngestLimits.short(String(part)))\", expected COLUMN:time|label|metric:WHAT, each column once")
            }
            switch fields[1] {
            case "time":
                guard let form = TimeForm(rawValue: fields[2]) else {
                    throw IngestError(400, "format has the time \"\(IngestLimits.short(fields[2]))\", known are unix_s, unix_ms, unix_ns and rfc3339")
                }
                columns[number] = .time(form)
            case "label": columns[number] = .label(fields[2])
            case "metric": columns[number] = .metric(fields[2])
            default: throw IngestError(400, "format has \"\(IngestLimits.short(fields[1]))\", expected time, label or metric")
            }
            lastColumn = max(lastColumn, number)
        }
        guard columns.values.contains(where: { if case .metric = $0 { true } else { false } }) else {
            throw IngestError(400, "format names no column with a metric, such as 2:metric:temperature")
        }
    }

    /// A line that cannot be read refuses the whole; an empty cell of a metric is no sample.
    func read(_ bytes: Span<UInt8>, now: Int64, limits: IngestLimits, extra: [(String, String)]) throws(IngestError) -> IngestBatch {
        var batch = IngestBatch()
        var places: [Labels: Int] = [:]
        var offset = 0
        var line = 0
        while offset < bytes.count {
            line += 1
            let cells = CSVImport.row(bytes, &offset)
            if cells.count == 1, cells[0].isEmpty { continue }
            guard cells.count >= lastColumn else { throw IngestError(400, "line \(line) has \(cells.count) columns, format names column \(lastColumn)") }
            try add(cells, line, now, limits, extra, &places, &batch)
        }
        return batch
    }

    private func add(
        _ cells: [String], _ line: Int, _ now: Int64, _ limits: IngestLimits, _ extra: [(String, String)], _ places: inout [Labels: Int],
        _ batch: inout IngestBatch
    ) throws(IngestError) {
        var time = now
        var pairs: [(String, String)] = []
        var metrics: [(String, Double)] = []
        for (number, column) in columns.sorted(by: { $0.key < $1.key }) {
            let cell = cells[number - 1]
            switch column {
            case .time(let form):
                guard let moment = CSVImport.time(cell, form) else {
                    throw IngestError(400, "line \(line): \"\(IngestLimits.short(cell))\" is no time in the form \(form)")
                }
                time = moment
            case .label(let name): pairs.append((name, cell))
            case .metric(let name):
                if cell.isEmpty { continue }
                guard let value = DecimalNumber.value(of: cell) else { throw IngestError(400, "line \(line): \"\(IngestLimits.short(cell))\" is no number") }
                metrics.append((name, value))
            }
        }
        for (name, value) in metrics {
            let labels = Labels(pairs + [(Labels.metricName, name)] + extra)
            batch.samples += 1
            if let problem = limits.problem(labels) {
                batch.refuse(1, problem)
            } else if let place = places[labels] {
                batch.batches[place].samples.append(.init(time, value))
            } else {
                places[labels] = batch.batches.count
                batch.batches.append(SeriesBatch(labels: labels, samples: [.init(time, value)]))
            }
        }
    }

    static func time(_ text: String, _ form: TimeForm) -> Int64? {
        switch form {
        case .rfc3339: return CivilTime.parse(text)?.timestamp.milliseconds
        case .unix_ms: return Int64(text)
        case .unix_ns: return Int64(text).map { $0.floorDivided(1_000_000) }
        case .unix_s:
            guard let seconds = Double(text), seconds.magnitude < 1e15 else { return nil }
            return Int64((seconds * 1000).rounded())
        }
    }

    /// The cells of the row at `offset`; a cell in quotes may hold commas, line feeds and doubled quotes (RFC 4180).
    static func row(_ bytes: Span<UInt8>, _ offset: inout Int) -> [String] {
        var cells: [String] = []
        var cell: [UInt8] = []
        var isQuoted = false
        while offset < bytes.count {
            let byte = bytes[offset]
            offset += 1
            if isQuoted {
                if byte != 0x22 {
                    cell.append(byte)
                } else if offset < bytes.count, bytes[offset] == 0x22 {
                    cell.append(0x22)
                    offset += 1
                } else {
                    isQuoted = false
                }
            } else if byte == 0x22, cell.isEmpty {
                isQuoted = true
            } else if byte == 0x2C {
                cells.append(String(decoding: cell, as: UTF8.self))
                cell = []
            } else if byte == 0x0A {
                break
            } else if byte != 0x0D {
                cell.append(byte)
            }
        }
        cells.append(String(decoding: cell, as: UTF8.self))
        return cells
    }
}

extension Int64 {
    /// Rounded down, also below zero.
    func floorDivided(_ divisor: Int64) -> Int64 {
        let quotient = self / divisor
        return self % divisor < 0 ? quotient - 1 : quotient
    }
}
