import JSON
import Telemetry
import Terminal

/// A query's answer as rows: one column a label that is not the same in all series, then the value.
struct QueryTable {
    var header: [String]
    var rows: [[String]]
    private var isNumeric: [Bool]

    /// Of `/api/v1/query`'s data: vector, scalar or string.
    ///
    /// - Parameter isWhole: every label, the time and the exact value, as a program wants it.
    static func vector(_ data: JSON, isWhole: Bool = false) -> QueryTable {
        guard data["resultType"] == "vector" else {
            let value = data["result"][1].string ?? ""
            return QueryTable(header: ["value"], rows: data["resultType"] == "matrix" ? [] : [[value]], isNumeric: [true])
        }
        let series = data["result"].elements
        let names = isWhole ? allNames(series) : labelNames(series)
        if isWhole {
            let rows = series.map { item in
                names.map { item["metric"][$0].string ?? "" }
                    + [CivilTime(Timestamp(seconds: item["value"][0].double ?? 0)).rfc3339(fractionDigits: 3), item["value"][1].string ?? ""]
            }
            return QueryTable(header: names.map(title) + ["time", "value"], rows: rows, isNumeric: names.map { _ in false } + [false, true])
        }
        let rows = series.map { item in names.map { item["metric"][$0].string ?? "" } + [readable(item["value"][1].string ?? "")] }
        return QueryTable(header: names.map(title) + ["value"], rows: rows, isNumeric: names.map { _ in false } + [true])
    }

    /// Of `/api/v1/query_range`'s data: one row a point.
    static func matrix(_ data: JSON) -> QueryTable {
        let series = data["result"].elements
        let names = allNames(series)
        var rows: [[String]] = []
        for item in series {
            let labels = names.map { item["metric"][$0].string ?? "" }
            for point in item["values"].elements {
                let time = CivilTime(Timestamp(seconds: point[0].double ?? 0)).rfc3339(fractionDigits: 3)
                rows.append(labels + [time, point[1].string ?? ""])
            }
        }
        return QueryTable(header: names.map(title) + ["time", "value"], rows: rows, isNumeric: names.map { _ in false } + [false, true])
    }

    /// The names that differ between series; all of them for a single series. The metric's name comes first.
    private static func labelNames(_ series: [JSON]) -> [String] {
        var values: [String: Set<String>] = [:]
        for item in series { for (name, value) in item["metric"].members { values[name, default: []].insert(value.string ?? "") } }
        let isPartial = values.mapValues { _ in 0 }.keys.filter { name in series.contains { $0["metric"][name].isNull } }
        let names = values.filter { series.count == 1 || $0.value.count > 1 || isPartial.contains($0.key) }.keys.sorted()
        return names.isEmpty ? values.keys.sorted() : names
    }

    private static func allNames(_ series: [JSON]) -> [String] {
        series.reduce(into: Set<String>()) { $0.formUnion($1["metric"].members.keys) }.sorted()
    }

    private static func title(_ name: String) -> String { name == Labels.metricName ? "metric" : name }

    /// At most six significant digits, which is what a person reads.
    private static func readable(_ text: String) -> String {
        guard let value = Double(text), value.isFinite, text.count > 12 else { return text }
        let magnitude = abs(value)
        guard magnitude >= 1e-6, magnitude < 1e9 else { return text }
        var scale = 1.0
        while magnitude * scale < 100_000 { scale *= 10 }
        let rounded = (value * scale).rounded() / scale
        return "\(rounded)"
    }

    func text(width: Int?) -> String {
        var table = TextTable(zip(header, isNumeric).map { .init($0, $1 ? .right : .left, mayShrink: !$1) })
        table.rows = rows.map { $0.map { TerminalText.escaped($0) } }
        return table.render(width: width)
    }

    /// RFC 4180, with a header.
    var csv: String { ([header] + rows).map { $0.map(CSV.field).joined(separator: ",") + "\r\n" }.joined() }
}

enum CSV {
    static func field(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 == 0x22 || $0 == 0x2C || $0 == 0x0A || $0 == 0x0D }) else { return text }
        return "\"" + text.replacing("\"", with: "\"\"") + "\""
    }
}

/// A range query's answer as a braille graph with a legend.
enum QueryGraph {
    /// Lines beyond this make no readable picture; the legend says how many are left out.
    static let lineLimit = 10

    static func render(
        _ series: [JSON], from: Timestamp, through: Timestamp, step: Duration, width: Int, ascii: Bool, palette: Palette
    ) -> String {
        guard !series.isEmpty else { return "no data between \(CivilTime(from).rfc3339()) and \(CivilTime(through).rfc3339())\n" }
        let steps = Int((through - from).wholeMilliseconds / max(1, step.wholeMilliseconds)) + 1
        let lines = series.map { item -> BrailleGraph.Line in
            var values = [Double?](repeating: nil, count: steps)
            for point in item["values"].elements {
                let offset = Timestamp(seconds: point[0].double ?? 0) - from
                let position = Int(offset.wholeMilliseconds / max(1, step.wholeMilliseconds))
                if values.indices.contains(position) { values[position] = point[1].string.flatMap(Double.init) }
            }
            return BrailleGraph.Line(name: name(item["metric"]), values: values)
        }.sorted { (average($0) ?? 0) > (average($1) ?? 0) }
        let shown = Array(lines.prefix(lineLimit))
        var text = ""
        let chart = BrailleGraph(width: max(20, min(width, 160) - 12), height: 12)
        for row in chart.render(shown, ascii: ascii) { text += row + "\n" }
        text += "        \(CivilTime(from).rfc3339()) to \(CivilTime(through).rfc3339()), a point each \(HumanNumber.duration(seconds: step.inSeconds))\n\n"
        var table = TextTable([
            .init("series", mayShrink: true), .init("last", .right), .init("min", .right), .init("mean", .right), .init("max", .right),
        ])
        for line in shown {
            let known = line.values.compactMap { $0 }
            table.rows.append(
                [TerminalText.escaped(line.name)]
                    + [known.last, known.min(), average(line), known.max()].map { $0.map(HumanNumber.text) ?? "-" })
        }
        text += table.render(width: width)
        if lines.count > lineLimit { text += "… and \(lines.count - lineLimit) more series\n" }
        return text
    }

    private static func average(_ line: BrailleGraph.Line) -> Double? {
        let known = line.values.compactMap { $0 }
        return known.isEmpty ? nil : known.reduce(0, +) / Double(known.count)
    }

    private static func name(_ metric: JSON) -> String { Labels(metric.stringMap).description }
}
