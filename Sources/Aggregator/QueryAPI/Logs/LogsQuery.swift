import LogQL
import LogStore
import Telemetry

/// What a request asks for: what the source can tell, and the steps of a pipeline that are left.
struct LogsQuery: Sendable {
    var selection: LogSelection
    /// nil where the source answers all.
    var runner: LogPipelineRunner?
    /// The query in LogQL, for `explain`.
    var text = ""
    /// Set if the query's last stages look at the answer as a whole; only a search for lines knows what to do with it.
    var whole: LogPipeline?

    /// The rows that are found, with their stream as it was written, and as fields what is known beside it, be it from
    /// their writer or by the pipeline.
    func lines(_ rows: LogRows) throws -> [LogLine] {
        let lines = try rows.lines()
        guard let runner else { return lines }
        var position = 0
        return try runner.entries(rows).map { entry in
            while lines[position].position != entry.cursor { position += 1 }
            var line = lines[position]
            line.body = entry.line
            line.fields = entry.labels.filter { $0.name != "detected_level" && line.stream[$0.name] != $0.value }
            return line
        }
    }

    /// Whether the line is one of those that are asked for; its time is not looked at.
    func accepts(_ line: LogLine) throws -> Bool {
        guard line.severity >= selection.minimumSeverity, selection.matchers.allSatisfy({ $0.accepts(line.stream) }),
            selection.filters.allSatisfy({ $0.accepts(line.body.span) })
        else { return false }
        return try runner == nil || !lines(LogRows(line)).isEmpty
    }
}
