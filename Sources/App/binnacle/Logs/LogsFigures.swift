import JSON
import Runtime
import Telemetry
import Terminal

/// What the command prints instead of lines.
struct LogsFigures {
    let transport: LogsTransport
    let request: LogsRequest
    let palette: Palette
    let isJSON: Bool

    private func ask(_ path: String, _ more: [(String, String)] = [], parameters: [(String, String)]? = nil) async throws -> JSON {
        try await transport.get("/api/logs" + path, (parameters ?? request.parameters) + more)
    }

    private func outcome(_ answer: JSON, matched: Int) -> LogsOutcome {
        var outcome = LogsOutcome(matched: matched)
        outcome.take(answer)
        return outcome
    }

    private func printed(_ answer: JSON) throws { try Output.write(answer.bytes(indented: true) + [0x0A]) }

    func count(by names: String?) async throws -> LogsOutcome {
        let answer = try await ask("/count", [("by", names ?? "namespace,pod")])
        if isJSON {
            try printed(answer)
        } else {
            let rows = answer["counts"].elements
            let columns = rows.first.map { row in row.members.keys.filter { $0 != "count" } } ?? []
            var table = TextTable(columns.map { .init($0) } + [.init("lines", .right)])
            let sorted = columns.contains("time") ? rows : rows.sorted { ($0["count"].int ?? 0) > ($1["count"].int ?? 0) }
            func cell(_ row: JSON, _ name: String) -> String {
                let text = row[name].string ?? ""
                // Steps begin on whole seconds.
                return name == "time" ? text.replacing(".000000000Z", with: "Z") : TerminalText.escaped(text)
            }
            for row in sorted { table.rows.append(columns.map { cell(row, $0) } + ["\(row["count"].int ?? 0)"]) }
            try Output.write(table.render(width: Output.width))
            try Output.write("\n\(answer["total"].int ?? 0) lines\n")
        }
        return outcome(answer, matched: answer["total"].int ?? 0)
    }

    func patterns(limit: Int) async throws -> LogsOutcome {
        let answer = try await ask("/patterns", [("limit", "\(max(1, limit))")])
        if isJSON {
            try printed(answer)
        } else {
            var table = TextTable([.init("count", .right), .init("share", .right), .init("level"), .init("pattern", mayShrink: true)])
            for row in answer["patterns"].elements {
                let share = "\(HumanNumber.text((row["share"].double ?? 0) * 100)) %"
                table.rows.append(["\(row["count"].int ?? 0)", share, level(row), TerminalText.escaped(row["template"].string ?? "")])
            }
            try Output.write(table.render(width: Output.width))
            if let rest = answer["uncounted"].int, rest > 0 { Output.error("note: \(rest) lines have patterns beyond the bound and are not shown") }
        }
        return outcome(answer, matched: answer["stats"]["linesMatched"].int ?? answer["patterns"].elements.count)
    }

    private func level(_ row: JSON) -> String {
        let severity = row["severity"].string ?? ""
        return severity == "unknown" ? "" : severity
    }

    func difference(_ span: String) async throws -> LogsOutcome {
        guard let earlier = HumanTime.span(span, now: request.now, zone: LocalZone.offset) else {
            throw CommandFailure(message: "--diff is \"\(span)\", which is no span of time", hint: "write yesterday, or 2h ago..1h ago", exitCode: 2)
        }
        let answer = try await ask("/patterns/diff", LogsRequest.times(earlier, "a_"))
        if isJSON {
            try printed(answer)
        } else {
            var table = TextTable([.init("change"), .init("before", .right), .init("now", .right), .init("level"), .init("pattern", mayShrink: true)])
            for row in answer["changes"].elements {
                table.rows.append([
                    row["change"].string ?? "", "\(row["before"].int ?? 0)", "\(row["after"].int ?? 0)", level(row),
                    TerminalText.escaped(row["template"].string ?? ""),
                ])
            }
            try Output.write(table.render(width: Output.width))
        }
        var outcome = outcome(answer, matched: answer["changes"].elements.count)
        outcome.nothing = "no pattern is new, gone or changed"
        return outcome
    }

    func histogram(every: String?) async throws -> LogsOutcome {
        let answer = try await ask("/hist", every.map { [("step", $0)] } ?? [("buckets", "30")])
        if isJSON {
            try printed(answer)
        } else {
            let zone = LocalZone.offset
            let isLong = (answer["step"].double ?? 0) >= 3600
            let rows = answer["buckets"].elements.map { bucket -> HistogramText.Row in
                let counts = bucket["counts"]
                let time = CivilTime.parse(bucket["time"].string ?? "")?.nanosecondsSinceEpoch ?? 0
                let local = CivilTime(nanosecondsSinceEpoch: time + zone).rfc3339()
                return HistogramText.Row(
                    label: isLong ? String(local.prefix(16)).replacing("T", with: " ") : String(local.dropFirst(11).prefix(8)),
                    total: counts.members.reduce(0) { $0 + ($1.value.int ?? 0) }, errors: (counts["error"].int ?? 0) + (counts["fatal"].int ?? 0),
                    warnings: counts["warning"].int ?? 0)
            }
            let text = HistogramText(width: Output.width ?? 100, palette: palette, isASCII: !Output.isUTF8)
            for line in text.render(rows) { try Output.write(line + "\n") }
            try Output.write("\(answer["total"].int ?? 0) lines\n")
        }
        return outcome(answer, matched: answer["total"].int ?? 0)
    }

    func top(_ field: String, limit: Int) async throws -> LogsOutcome {
        let answer = try await ask("/top", [("field", field), ("limit", "\(max(1, limit))")])
        if isJSON {
            try printed(answer)
        } else {
            var table = TextTable([.init("count", .right), .init(field, mayShrink: true)])
            for row in answer["values"].elements { table.rows.append(["\(row["count"].int ?? 0)", TerminalText.escaped(row["value"].string ?? "")]) }
            try Output.write(table.render(width: Output.width))
            try Output.write("\n\(answer["distinct"].int ?? 0) values in \(answer["total"].int ?? 0) lines\n")
        }
        return outcome(answer, matched: answer["values"].elements.count)
    }

    func fields() async throws -> LogsOutcome {
        let answer = try await ask("/fields")
        if isJSON {
            try printed(answer)
        } else {
            var table = TextTable([.init("field"), .init("lines", .right), .init("values", .right), .init("such as", mayShrink: true)])
            for row in answer["fields"].elements {
                let examples = row["examples"].elements.compactMap(\.string).map { TerminalText.escaped($0) }.joined(separator: ", ")
                table.rows.append([row["name"].string ?? "", "\(row["lines"].int ?? 0)", "\(row["distinct"].int ?? 0)", examples])
            }
            try Output.write(table.render(width: Output.width))
        }
        return outcome(answer, matched: answer["sampled"].int ?? 0)
    }

    func explain() async throws -> LogsOutcome {
        let answer = try await ask("/explain")
        try printed(answer)
        return outcome(answer, matched: 1)
    }
}
