import JSON
import Telemetry

/// The forms that a report takes.
public enum ReportForm: String, Sendable, CaseIterable {
    case html, md, csv, json

    public var contentType: String {
        switch self {
        case .html: "text/html; charset=utf-8"
        case .md: "text/markdown; charset=utf-8"
        case .csv: "text/csv; charset=utf-8; header=present"
        case .json: "application/json"
        }
    }

    public func render(_ report: Report) -> [UInt8] {
        switch self {
        case .html: Array(HTMLReport.render(report).utf8)
        case .md: Array(MarkdownReport.render(report).utf8)
        case .csv: Array(CSVReport.render(report).utf8)
        case .json: JSONReport.document(report).bytes(indented: true) + [0x0A]
        }
    }
}

extension Report.Cell {
    /// As people read it.
    var text: String {
        switch self {
        case .text(let text): text
        case .number(let value, let unit): ReportNumber.text(value, unit)
        case .status(_, let text): text
        case .unknown: "–"
        }
    }

    /// As programs read it: plain numbers in the unit that the column's key names.
    var raw: JSON {
        switch self {
        case .text(let text): .string(text)
        case .number(let value, _): .number(value)
        case .status(let status, let text): ["status": .string(status.rawValue), "text": .string(text)]
        case .unknown: .null
        }
    }
}

enum MarkdownReport {
    static func render(_ report: Report) -> String {
        var text = "# \(report.title)\n\n\(CivilTime(report.from).rfc3339()) to \(CivilTime(report.through).rfc3339()), \(report.scope)\n\n"
        for sentence in report.summary { text += "- \(escape(sentence))\n" }
        for section in report.sections {
            text += "\n## \(section.title)\n"
            for line in section.text { text += "\n\(escape(line))\n" }
            for table in section.tables { text += "\n" + self.table(table) }
        }
        return text
    }

    private static func table(_ table: Report.Table) -> String {
        guard !table.rows.isEmpty else { return "\(table.empty)\n" }
        var text = "| " + table.columns.map(\.title).joined(separator: " | ") + " |\n"
        let isNumber = table.columns.indices.map { column in
            table.rows.contains { if case .number = $0[column] { true } else { false } }
        }
        text += "|" + isNumber.map { $0 ? " ---: |" : " --- |" }.joined() + "\n"
        for row in table.rows { text += "| " + row.map { escape($0.text) }.joined(separator: " | ") + " |\n" }
        return text
    }

    /// What a log line holds must not become a column, a tag or an emphasis.
    private static func escape(_ text: String) -> String {
        var result = ""
        for character in text {
            switch character {
            case "|", "*", "_", "`", "<", "[", "\\": result += "\\\(character)"
            case "\n", "\r\n": result += " "
            default: result.append(character)
            }
        }
        return result
    }
}

/// All tables one after another, each with a line that names it: RFC 4180 otherwise.
enum CSVReport {
    static func render(_ report: Report) -> String {
        var text = ""
        for section in report.sections {
            for table in section.tables {
                if !text.isEmpty { text += "\r\n" }
                text += (["table"] + table.columns.map(\.key)).map(field).joined(separator: ",") + "\r\n"
                for row in table.rows { text += ([field(table.id)] + row.map(cell)).joined(separator: ",") + "\r\n" }
            }
        }
        return text
    }

    private static func cell(_ cell: Report.Cell) -> String {
        switch cell {
        case .number(let value, _): return value == value.rounded() && abs(value) < 1e15 ? "\(Int64(value))" : "\(value)"
        case .unknown: return ""
        case .text(let text), .status(_, let text):
            // A spreadsheet must not take a log line for a formula.
            let isFormula = text.first.map { "=+-@\t".contains($0) } ?? false
            return field(isFormula ? "'" + text : text)
        }
    }

    private static func field(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 == 0x22 || $0 == 0x2C || $0 == 0x0A || $0 == 0x0D }) else { return text }
        return "\"" + text.replacing("\"", with: "\"\"") + "\""
    }
}

enum JSONReport {
    static func document(_ report: Report) -> JSON {
        [
            "schema": .string(Report.schema), "title": .string(report.title), "from": time(report.from), "to": time(report.through),
            "generated": time(report.generated), "scope": .string(report.scope), "summary": .array(report.summary.map { .string($0) }),
            "sections": .array(report.sections.map(section)),
        ]
    }

    private static func section(_ section: Report.Section) -> JSON {
        [
            "id": .string(section.id), "title": .string(section.title), "text": .array(section.text.map { .string($0) }),
            "tables": .array(
                section.tables.map { table in
                    [
                        "id": .string(table.id),
                        "rows": .array(table.rows.map { row in .object(zip(table.columns, row).map { ($0.key, $1.raw) }) }),
                    ]
                }),
            "charts": .array(
                section.charts.map { chart in
                    [
                        "title": .string(chart.title), "unit": .string(chart.unit.rawValue),
                        "series": .array(
                            chart.series.map { series in
                                [
                                    "name": .string(series.name),
                                    "points": .array(series.points.map { [.number(Double($0.time) / 1000), .number($0.value)] }),
                                ]
                            }),
                    ]
                }),
        ]
    }

    private static func time(_ timestamp: Timestamp) -> JSON { .string(CivilTime(timestamp).rfc3339()) }
}
