import JSON
import Telemetry

/// How series are written down for other programs, and for `binnacle import`.
public enum ExportForm: String, Sendable, CaseIterable {
    /// One series a line, as `/api/v1/import` reads it: every bit of every value comes back.
    case jsonl
    /// Prometheus' text with times in milliseconds: every value comes back but for the payloads of NaN.
    case prometheus
    /// OpenMetrics' text: the same with times in seconds, metric by metric with what they are, and `# EOF` at the end.
    case openmetrics
    /// `metric,labels,timestamp_ms,value`, for tables; every bit comes back. Cells that a spreadsheet would take for a formula get a `'`.
    case csv

    public var contentType: String {
        switch self {
        case .jsonl: "application/stream+json"
        case .prometheus: "text/plain; version=0.0.4; charset=utf-8"
        case .openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
        case .csv: "text/csv; charset=utf-8"
        }
    }

    /// What stands before the first series.
    public var head: [UInt8] { self == .csv ? Array("\(ExportForm.tableHead)\r\n".utf8) : [] }
    /// What stands after the last.
    public var tail: [UInt8] { self == .openmetrics ? Array("# EOF\n".utf8) : [] }

    static let tableHead = "metric,labels,timestamp_ms,value"

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
        case .openmetrics:
            let series = Array(ExportForm.series(labels).utf8)
            for (time, value) in zip(timestamps, values) where !value.isStale {
                text += series
                text.append(0x20)
                text += Array(ExportForm.number(value).utf8)
                text.append(0x20)
                ExportForm.writeSeconds(time, to: &text)
                text.append(0x0A)
            }
        case .csv:
            // A name with a line feed is among the labels, where JSON escapes it: a row is then a line, and files can be cut at lines.
            let isNameApart = labels.name.utf8.allSatisfy { $0 >= 0x20 }
            let others = labels.filter { $0.name != Labels.metricName || !isNameApart }
            let cells = "\(ExportForm.cell(isNameApart ? labels.name : "")),\(ExportForm.cell(JSON.strings(others.dictionary).description)),"
            for (time, value) in zip(timestamps, values) { text += Array("\(cells)\(time),\(ExportForm.plainNumber(value))\r\n".utf8) }
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
    static func jsonNumber(_ value: Double) -> String { value.isFinite ? value.description : "\"\(plainNumber(value))\"" }

    private static func plainNumber(_ value: Double) -> String {
        if value.isFinite { return value.description }
        if value.isInfinite { return value > 0 ? "Infinity" : "-Infinity" }
        if value.isStale { return "StaleNaN" }
        return value.bitPattern == 0x7ff8_0000_0000_0001 ? "NaN" : "NaN:\(String(value.bitPattern, radix: 16))"
    }

    /// Milliseconds as seconds with three decimals.
    private static func writeSeconds(_ milliseconds: Int64, to text: inout [UInt8]) {
        let magnitude = milliseconds.magnitude
        if milliseconds < 0 { text.append(0x2D) }
        JSON.write(Int64(magnitude / 1000), to: &text)
        text.append(0x2E)
        for divisor in [UInt64(100), 10, 1] { text.append(0x30 + UInt8(magnitude / divisor % 10)) }
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
        // One that begins with a `'` gets another, so that one can always be taken off again.
        let isFormula = text.utf8.first.map { [0x3D, 0x2B, 0x2D, 0x40, 0x09, 0x0D, 0x27].contains($0) } ?? false
        let safe = isFormula ? "'" + text : text
        guard safe.contains(where: { $0 == "," || $0 == "\"" || $0.isNewline }) else { return safe }
        return "\"\(safe.replacing("\"", with: "\"\""))\""
    }
}
