import JSON
import Terminal

/// How a query was answered, as `query --explain` shows it: what was read, then each part of the expression below the
/// one that it belongs to.
enum QueryPlan {
    static func text(_ explain: JSON, width: Int?) -> String {
        var table = TextTable([
            .init("part", mayShrink: true), .init("series", .right), .init("samples", .right), .init("chunks", .right), .init("steps", .right),
            .init("time", .right),
        ])
        func number(_ value: JSON) -> String { value.int.map { $0 == 0 ? "" : "\($0)" } ?? "" }
        for node in explain["nodes"].elements {
            let indent = String(repeating: "  ", count: node["depth"].int ?? 0)
            table.rows.append([
                indent + TerminalText.escaped(node["expression"].string ?? ""), number(node["series"]), number(node["samples"]), number(node["chunks"]),
                number(node["steps"]), milliseconds(node["seconds"].double ?? 0),
            ])
        }
        let read = "\(explain["seriesRead"].int ?? 0) series and \(explain["samplesRead"].int ?? 0) samples read"
        let chunks = explain["chunksDecoded"].int ?? 0
        return table.render(width: width) + "\n" + read + (chunks > 0 ? " from \(chunks) chunks" : "")
            + ", \((explain["peakBytes"].int ?? 0) / 1024) KiB held at most\n"
    }

    private static func milliseconds(_ seconds: Double) -> String { "\((seconds * 1e6).rounded() / 1000) ms" }
}
