import Telemetry

/// A pipeline made ready: what the source does, what is done to each line, and what to the answer.
struct PipelinePlan: Sendable {
    let matchers: [Matcher]
    /// Line filters that see the line as it was written.
    let filters: [LineFilter]
    let stages: [CompiledStage]
    let globals: [LogStage]
    /// The object of the `since` stage.
    let since: String?
    let hints: [FieldCondition]
    let minimumSeverity: LogRecord.Severity
    let need: LabelNeed

    /// - Parameter need: the labels that the result looks at.
    init(_ pipeline: LogPipeline, need: LabelNeed) throws(LogQLError) {
        let builder = try PipelinePlan.built(pipeline)
        matchers = pipeline.matchers
        filters = builder.filters
        stages = builder.stages
        globals = builder.globals
        since = builder.since
        hints = builder.hints
        minimumSeverity = builder.minimumSeverity
        self.need = builder.needed(beside: need)
    }

    @inline(never) private static func built(_ pipeline: LogPipeline) throws(LogQLError) -> Builder {
        var builder = Builder()
        for stage in pipeline.stages {
            if case .since(let object) = stage { builder.since = object }
            guard let compiled = try CompiledStage(stage) else {
                if stage.isGlobal { builder.globals.append(stage) }
                continue
            }
            builder.add(compiled)
        }
        return builder
    }

    /// Sorts the stages into what the source does and what is left, in their order.
    ///
    /// The compiler (6.3.1, -O) fails on one function that does all of this, so it is cut into several.
    private struct Builder {
        var filters: [LineFilter] = []
        var stages: [CompiledStage] = []
        var globals: [LogStage] = []
        var since: String?
        var hints: [FieldCondition] = []
        var minimumSeverity = LogRecord.Severity.unknown
        private var changesLines = false
        private var labelChanges = 0
        private var parser: FieldParser?

        @inline(never) mutating func add(_ stage: CompiledStage) {
            if !changesLines, let filter = stage.lineFilter {
                filters.append(filter)
                return
            }
            for part in stage.labelFilter?.conjuncts ?? [] { note(part) }
            if stage.changesLabels {
                labelChanges += 1
                if !changesLines, let parser = stage.fieldParser { self.parser = parser }
            }
            if stage.changesLines { changesLines = true }
            stages.append(stage)
        }

        @inline(never) func needed(beside result: LabelNeed) -> LabelNeed {
            var need = result
            for stage in stages { need.add(stage.reads) }
            return need
        }

        @inline(never) private mutating func note(_ filter: CompiledLabelFilter) {
            if labelChanges == 0 { minimumSeverity = max(minimumSeverity, PipelinePlan.minimumSeverity(filter)) }
            guard labelChanges == 1, let parser, let condition = filter.condition else { return }
            let name = condition.name
            if name == LabelSet.errorName || name == LabelSet.errorDetailsName { return }
            hints.append(FieldCondition(parser, name, accepts: condition.accepts))
        }
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

extension CompiledStage {
    fileprivate var lineFilter: LineFilter? { if case .line(let filter) = self { filter } else { nil } }

    fileprivate var labelFilter: CompiledLabelFilter? { if case .label(let filter) = self { filter } else { nil } }

    /// The parser whose fields a source may know.
    var fieldParser: FieldParser? {
        switch self {
        case .json: .json
        case .logfmt(isStrict: false, keepsEmpty: false): .logfmt
        default: nil
        }
    }
}
