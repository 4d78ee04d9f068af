import JSON
import Telemetry

/// How series are written down for other programs, and for `binnacle import`.
public enum ExportForm: String, Sendable, CaseIterable {
    /// One series a line, as `/api/v1/import` reads it: every bit of every value comes back.
    case jsonl
    /// Prometheus' text with times in milliseconds: every value comes back but for the payloads of NaN.
    case prometheus
    /// `metric,labels,timestamp_ms,value`, for tables. Cells that a spreadsheet would take for a formula get a `'`.
    case csv

    public var contentType: String {
        switch self {
        case .jsonl: "application/stream+json"
        case .prometheus: "text/plain; version=0.0.4; charset=utf-8"
        case .csv: "text/csv; charset=utf-8"
        }
    }

    /// What stands before the first series.
    public var head: [UInt8] { self == .csv ? Array("metric,labels,timestamp_ms,value\r\n".utf8) : [] }

    /// Appends one series' samples.
    public func write(
        _ labels: Labels, _ timestamps: some Collection<Int64>, _ values: some Collection<Double>, to text: inout [UInt8]
    ) {
        switch self {
        case .jsonl: ExportForm.line(labels, timestamps, values, &text)
        case .prometheus:
            let series = Array(ExportForm.series(labels).utf8)
            for (time, value) in zip(timestamps, values) where !value.isStale {
                text += series
                text.append(0x20)
                text += Array(ExportForm.number(value).utf8)
                text.append(0x20)
                JSON.write(time, to: &text)
                text.append(0x0A)
            }
        case .csv:
            let others = labels.filter { $0.name != Labels.metricName }
            let cells = "\(ExportForm.cell(labels.name)),\(ExportForm.cell(JSON.strings(others.dictionary).description)),"
            for (time, value) in zip(timestamps, values) where !value.isStale { text += Array("\(cells)\(time),\(ExportForm.number(value))\r\n".utf8) }
        }
    }

    private static func line(
        _ labels: Labels, _ timestamps: some Collection<Int64>, _ values: some Collection<Double>, _ text: inout [UInt8]
    ) {
        text += Array("{\"metric\":{".utf8)
        for (position, label) in labels.list.enumerated() {
            if position > 0 { text.append(0x2C) }
            JSON.write(label.name, to: &text)
            text.append(0x3A)
            JSON.write(label.value, to: &text)
        }
        text += Array("},\"values\":[".utf8)
        for (position, value) in values.enumerated() {
            if position > 0 { text.append(0x2C) }
            text += Array(jsonNumber(value).utf8)
        }
        text += Array("],\"timestamps\":[".utf8)
        for (position, time) in timestamps.enumerated() {
            if position > 0 { text.append(0x2C) }
            JSON.write(time, to: &text)
        }
        text += Array("]}\n".utf8)
    }

    /// What JSON has no numbers for is text, see `JSONLines`. The shortest decimal that reads back as the same bits.
    static func jsonNumber(_ value: Double) -> String {
        if value.isFinite { return value.description }
        if value.isInfinite { return value > 0 ? "\"Infinity\"" : "\"-Infinity\"" }
        if value.isStale { return "\"StaleNaN\"" }
        return value.bitPattern == 0x7ff8_0000_0000_0001 ? "\"NaN\"" : "\"NaN:\(String(value.bitPattern, radix: 16))\""
    }

    static func number(_ value: Double) -> String { value.isNaN ? "NaN" : value.isInfinite ? (value > 0 ? "+Inf" : "-Inf") : value.description }

    /// With names in quotes where the plain form cannot have them.
    static func series(_ labels: Labels) -> String {
        func isPlain(_ name: String, colon: Bool) -> Bool {
            guard let first = name.utf8.first, !(0x30...0x39).contains(first) else { return false }
            return name.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x7A).contains($0 | 0x20) || $0 == 0x5F || colon && $0 == 0x3A }
        }
        var parts: [String] = []
        let isPlainName = isPlain(labels.name, colon: true)
        if !isPlainName { parts.append("\"\(labels.name.escapedForLabel)\"") }
        for label in labels.list where label.name != Labels.metricName {
            parts.append("\(isPlain(label.name, colon: false) ? label.name : "\"\(label.name.escapedForLabel)\"")=\"\(label.value.escapedForLabel)\"")
        }
        return (isPlainName ? labels.name : "") + (parts.isEmpty ? "" : "{\(parts.joined(separator: ","))}")
    }

    private static func cell(_ text: String) -> String {
        let isFormula = text.utf8.first.map { [0x3D, 0x2B, 0x2D, 0x40, 0x09, 0x0D].contains($0) } ?? false
        let safe = isFormula ? "'" + text : text
        guard safe.contains(where: { $0 == "," || $0 == "\"" || $0.isNewline }) else { return safe }
        return "\"\(safe.replacing("\"", with: "\"\""))\""
    }
}
