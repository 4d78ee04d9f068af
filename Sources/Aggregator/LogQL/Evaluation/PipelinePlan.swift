import Telemetry

/// A pipeline made ready: what the source does, what is done to each line, and what to the answer.
struct PipelinePlan: Sendable {
    let matchers: [Matcher]
    /// Line filters that see the line as it was written.
    private(set) var filters: [LineFilter] = []
    private(set) var stages: [CompiledStage] = []
    private(set) var globals: [LogStage] = []
    /// The object of the `since` stage.
    private(set) var since: String?
    private(set) var hints: [FieldCondition] = []
    private(set) var minimumSeverity = LogRecord.Severity.unknown
    let need: LabelNeed

    /// - Parameter need: the labels that the result looks at.
    init(_ pipeline: LogPipeline, need: LabelNeed) throws(LogQLError) {
        matchers = pipeline.matchers
        var changesLines = false, changesLabels = 0
        var parser: FieldParser?
        for stage in pipeline.stages {
            if case .since(let object) = stage { since = object }
            guard let compiled = try CompiledStage(stage) else {
                if stage.isGlobal { globals.append(stage) }
                continue
            }
            if case .line(let filter) = compiled, !changesLines {
                filters.append(filter)
                continue
            }
            if case .label(let filter) = compiled {
                for part in filter.conjuncts {
                    if changesLabels == 0 { minimumSeverity = max(minimumSeverity, PipelinePlan.minimumSeverity(part)) }
                    if changesLabels == 1, let parser, let condition = part.condition, condition.name != LabelSet.errorName,
                        condition.name != LabelSet.errorDetailsName
                    {
                        hints.append(FieldCondition(parser, condition.name, accepts: condition.accepts))
                    }
                }
            }
            if compiled.changesLabels {
                changesLabels += 1
                switch compiled {
                case .json where !changesLines: parser = .json
                case .logfmt(isStrict: false, keepsEmpty: false) where !changesLines: parser = .logfmt
                default: break
                }
            }
            if compiled.changesLines { changesLines = true }
            stages.append(compiled)
        }
        var need = need
        for stage in stages { need.add(stage.reads) }
        self.need = need
    }

    /// The least severity that the filter lets pass, if it is about the store's severity.
    private static func minimumSeverity(_ filter: CompiledLabelFilter) -> LogRecord.Severity {
        guard case .matcher(let matcher) = filter, matcher.name == LabelSet.detectedLevelName else { return .unknown }
        return LogRecord.Severity.allCases.first { matcher.accepts($0.levelName) } ?? .fatal
    }

    /// Whether the labels of a line are those of its stream and fields.
    var keepsLabels: Bool { !stages.contains(where: \.changesLabels) }

    func selection(_ range: Range<Int64>) -> LogSelection {
        var selection = LogSelection(matchers, in: range, filters: filters)
        selection.minimumSeverity = minimumSeverity
        selection.hints = hints
        return selection
    }
}
