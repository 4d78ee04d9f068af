/// The stages of a query for lines by themselves, for callers that read rows in their own way: live tails, exact paging.
/// Stages that look at an answer as a whole (`sort`, `limit`, `context`) are not among them.
public struct LogPipelineRunner: Sendable {
    private let plan: PipelinePlan
    private let now: Int64
    /// Stages that this cannot do, by their text.
    public let leftOut: [String]

    /// - Parameter now: nanoseconds since 1970, for templates.
    public init(_ pipeline: LogPipeline, now: Int64) throws(LogQLError) {
        plan = try PipelinePlan(pipeline, need: .all)
        self.now = now
        leftOut = plan.globals.map(\.description)
    }

    /// What a source is asked for; the stages then do the rest.
    public func selection(_ range: Range<Int64>) -> LogSelection { plan.selection(range) }

    /// Whether the source's selection is all of the query.
    public var isTrivial: Bool { plan.stages.isEmpty }

    /// The rows that go through, as they are after the stages, in the batch's order.
    public func entries(_ rows: LogRows) throws -> [LogEntry] {
        var runner = BatchRunner(plan, now: now)
        var entries: [LogEntry] = []
        try runner.run(rows, needsText: true) { row, _ in
            entries.append(
                LogEntry(
                    cursor: LogCursor(time: row.time, sequence: row.sequence), line: row.line, labels: row.labels.labels, categories: row.labels.categories))
            return true
        }
        return entries
    }
}
