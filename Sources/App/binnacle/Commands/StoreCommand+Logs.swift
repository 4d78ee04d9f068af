import LogStore
import Terminal

/// The logs' part of `store check` and `store stats`.
extension StoreCommand.Check {
    /// Prints what each file of the log store is; returns what is wrong, each in words.
    static func checkLogs(_ directory: String) throws -> [String] {
        var progress = StepProgress()
        let reports: [LogStoreCheck.FileReport]
        do { reports = try LogStoreCheck(directory: directory).run { progress.step($0) } } catch { throw CommandFailure(message: "\(error)") }
        progress.end()
        var table = TextTable([
            .init("file"), .init("parts", .right), .init("lines", .right), .init("text", .right), .init("size", .right), .init("is"),
        ])
        for report in reports {
            table.rows.append([
                report.name, "\(report.chunks)", "\(report.lines)", HumanNumber.bytes(Double(report.rawBytes)), HumanNumber.bytes(Double(report.fileBytes)),
                report.problems.isEmpty ? "right" : "wrong",
            ])
        }
        try Output.write("\n" + table.render())
        return reports.flatMap { report in report.problems.map { "\(directory)/\(report.name): \($0)" } }
    }
}

extension StoreCommand.Stats {
    /// Prints where the bytes of the log store are.
    static func writeLogs(_ directory: String, _ limit: Int) throws {
        let stats: LogStoreStats
        do { stats = try LogStoreStats.read(directory) } catch { throw CommandFailure(message: "\(error)") }
        for problem in stats.unreadable { Output.error("warning: logs: \(problem); it is not counted") }
        let text = max(1, Double(stats.rawBytes))
        func largest(_ shares: [String: LogStoreStats.Share]) -> [(key: String, value: LogStoreStats.Share)] {
            shares.sorted { ($1.value.bytes, $0.key) < ($0.value.bytes, $1.key) }
        }
        var parts = TextTable([.init("logs"), .init("size", .right), .init("of the text", .right)])
        for (name, share) in largest(stats.tables) where share.bytes > 0 {
            parts.rows.append([name, HumanNumber.bytes(Double(share.bytes)), HumanNumber.text(Double(share.bytes) / text)])
        }
        var kinds = TextTable([.init("kind of column"), .init("columns", .right), .init("size", .right), .init("of the text", .right)])
        for (name, share) in largest(stats.kinds) {
            kinds.rows.append([name, "\(share.columns)", HumanNumber.bytes(Double(share.bytes)), HumanNumber.text(Double(share.bytes) / text)])
        }
        var templates = TextTable([.init("lines", .right), .init("size", .right), .init("bytes a line", .right), .init("template", mayShrink: true)])
        for (name, share) in largest(stats.templates).prefix(max(0, limit)) {
            templates.rows.append([
                "\(share.lines)", HumanNumber.bytes(Double(share.bytes)), HumanNumber.text(Double(share.bytes) / Double(max(1, share.lines))),
                TerminalText.escaped(name),
            ])
        }
        var output = ""
        for table in [parts, kinds, templates] { output += "\n" + table.render(width: Output.width) }
        output += "\n\(stats.lines) lines in \(stats.chunks) parts of \(stats.days) days; text \(HumanNumber.bytes(Double(stats.rawBytes))), "
        output += "all files \(HumanNumber.bytes(Double(stats.fileBytes))): \(HumanNumber.text(Double(stats.fileBytes) / text)) of the text\n"
        try Output.write(output)
    }
}
