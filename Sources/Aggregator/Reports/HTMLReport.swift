import Telemetry

enum HTMLText {
    static func escape(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            // Control characters have no place in HTML.
            case _ where scalar.value < 0x20 && scalar != "\n" && scalar != "\t": result += "\u{FFFD}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

/// One self-contained file: style and pictures inline, no script, nothing loaded. Prints well, light and dark.
enum HTMLReport {
    static func render(_ report: Report) -> String {
        let from = CivilTime(report.from).rfc3339()
        let through = CivilTime(report.through).rfc3339()
        var html = """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
            <title>\(HTMLText.escape(report.title)) · \(HTMLText.escape(report.scope)) · \(from)</title>
            <style>\(style)</style>
            </head>
            <body>
            <header>
            <h1>\(HTMLText.escape(report.title))</h1>
            <p class="muted">\(HTMLText.escape(report.scope)) · <time datetime="\(from)">\(from)</time> to <time datetime="\(through)">\(through)</time></p>
            </header>
            <main>
            <section class="summary" aria-label="Summary"><ul>
            """
        for sentence in report.summary { html += "<li>\(HTMLText.escape(sentence))</li>\n" }
        html += "</ul></section>\n<nav aria-label="
        html += "\"Sections\">" + report.sections.map { "<a href=\"#\($0.id)\">\(HTMLText.escape($0.title))</a>" }.joined(separator: " ") + "</nav>\n"
        for section in report.sections { html += self.section(section, report) }
        html += "</main>\n<footer class=\"muted\">Written by Binnacle at \(CivilTime(report.generated).rfc3339()); times are UTC.</footer>\n</body>\n</html>\n"
        return html
    }

    private static func section(_ section: Report.Section, _ report: Report) -> String {
        var html = "<section id=\"\(section.id)\">\n<h2>\(HTMLText.escape(section.title))</h2>\n"
        for line in section.text { html += "<p>\(HTMLText.escape(line))</p>\n" }
        for chart in section.charts { html += SVGChart.render(chart, from: chartStart(report), through: report.through) }
        for table in section.tables { html += self.table(table) }
        return html + "</section>\n"
    }

    /// All charts share one axis, which begins with the first measurement: an hour's report of a node that has
    /// run for ten minutes is not five parts empty.
    private static func chartStart(_ report: Report) -> Timestamp {
        let charts = report.sections.flatMap(\.charts)
        guard let first = charts.flatMap(\.series).compactMap({ $0.points.first?.time }).min() else { return report.from }
        let margin = (charts.map(\.gap).max() ?? 0) / 3
        return max(report.from, Timestamp(milliseconds: first - margin))
    }

    private static func table(_ table: Report.Table) -> String {
        guard !table.rows.isEmpty else { return "<p class=\"muted\">\(HTMLText.escape(table.empty))</p>\n" }
        let isNumber = table.columns.indices.map { column in
            table.rows.contains { if case .number = $0[column] { true } else { false } }
        }
        var html = "<div class=\"scroll\"><table>\n<thead><tr>"
        for (column, right) in zip(table.columns, isNumber) { html += "<th scope=\"col\"\(right ? " class=\"n\"" : "")>\(HTMLText.escape(column.title))</th>" }
        html += "</tr></thead>\n<tbody>\n"
        for row in table.rows {
            html += "<tr>"
            for (cell, right) in zip(row, isNumber) {
                if case .status(let status, let text) = cell {
                    // Shape, word and colour: none of them alone carries the meaning.
                    let mark = status == .good ? "●" : status == .warning ? "■" : "▲"
                    html += "<td class=\"\(status.rawValue)\(right ? " n" : "")\">\(mark) \(HTMLText.escape(text))</td>"
                } else {
                    html += "<td\(right ? " class=\"n\"" : "")>\(HTMLText.escape(cell.text))</td>"
                }
            }
            html += "</tr>\n"
        }
        return html + "</tbody></table></div>\n"
    }

    private static let style = """

        :root{color-scheme:light dark;--bg:#f6f8fa;--surface:#fff;--text:#1b2430;--muted:#556170;--line:#d5dbe3;--accent:#0b5fd0;
        --good:#1a7f37;--warning:#8a5a00;--critical:#c11a22;
        --c1:#3295f6;--c2:#ac4403;--c3:#0a796f;--c4:#e944b9;--c5:#7315a8;--c6:#979653;--c7:#06435b;--c8:#72130b}
        @media(prefers-color-scheme:dark){:root{--bg:#0b0e13;--surface:#12161c;--text:#e6ebf2;--muted:#a3b0c0;--line:#3a4555;--accent:#5aa9ff;
        --good:#4ac26b;--warning:#e3b341;--critical:#ff7b72;
        --c1:#1c7dee;--c2:#f68c11;--c3:#40c59b;--c4:#9f779a;--c5:#b99ffa;--c6:#e0de73;--c7:#a2e4f5;--c8:#ea3b48}}
        *{box-sizing:border-box}
        body{margin:0;background:var(--bg);color:var(--text);font:14px/20px system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;
        font-variant-numeric:tabular-nums}
        header,main,footer{max-width:1000px;margin:0 auto;padding:0 24px}
        header{padding-top:32px}footer{padding-bottom:32px}
        h1{font-size:28px;line-height:36px;margin:0}h2{font-size:20px;line-height:28px;margin:0 0 8px}
        .muted{color:var(--muted)}
        section{background:var(--surface);border:1px solid var(--line);border-radius:8px;padding:16px 24px;margin:16px 0}
        .summary ul{margin:0;padding-left:20px;font-size:16px;line-height:24px}
        nav{display:flex;flex-wrap:wrap;gap:4px 16px;margin:16px 0}a{color:var(--accent)}
        figure{margin:16px 0}figcaption{font-weight:600;margin-bottom:4px}
        svg{width:100%;height:auto;display:block}
        .grid{stroke:var(--line);stroke-width:1}.tick{fill:var(--muted);font-size:12px}
        .line{fill:none;stroke-width:1.8;stroke-linejoin:round;stroke-linecap:round}
        .c1{stroke:var(--c1)}.c2{stroke:var(--c2)}.c3{stroke:var(--c3)}.c4{stroke:var(--c4)}.c5{stroke:var(--c5);stroke-dasharray:6 3}
        .c6{stroke:var(--c6);stroke-dasharray:6 3}.c7{stroke:var(--c7);stroke-dasharray:6 3}.c8{stroke:var(--c8);stroke-dasharray:2 3}
        .legend{list-style:none;display:flex;flex-wrap:wrap;gap:4px 20px;margin:4px 0 0;padding:0 0 0 64px;font-size:13px}
        .swatch{display:inline-block;width:14px;height:4px;border-radius:2px;margin-right:6px;vertical-align:middle}
        .s1{background:var(--c1)}.s2{background:var(--c2)}.s3{background:var(--c3)}.s4{background:var(--c4)}.s5{background:var(--c5)}
        .s6{background:var(--c6)}.s7{background:var(--c7)}.s8{background:var(--c8)}
        .scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;margin:8px 0;font-size:13px}
        th,td{text-align:left;padding:6px 12px 6px 0;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:anywhere}
        td:first-child{min-width:150px}th{color:var(--muted);font-weight:600;white-space:nowrap}.n{text-align:right;white-space:nowrap}
        td.good{color:var(--good)}td.warning{color:var(--warning)}td.critical{color:var(--critical);font-weight:600}
        @media print{body{background:#fff}section{break-inside:avoid;border:none;padding:8px 0}nav{display:none}}

        """
}
