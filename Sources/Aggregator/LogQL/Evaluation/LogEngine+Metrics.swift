import Pattern
import Telemetry

extension LogEngine {
    /// The longest result; more steps are refused.
    public static let maximumSteps = 11_000

    /// The numbers of a query at each step.
    public func metric(_ metric: LogMetric, _ steps: LogSteps) async throws(LogQLError) -> LogMetricResult {
        guard steps.count <= LogEngine.maximumSteps else {
            throw LogQLError(
                .limit, "the query has \(steps.count) steps and at most \(LogEngine.maximumSteps) are allowed; take a larger step or a shorter range")
        }
        var evaluation = MetricEvaluation(engine: self, steps: steps)
        let operand = try await evaluation.evaluate(metric)
        let value: LogMetricResult.Value
        switch operand {
        case .scalar(let values): value = .scalar(values)
        case .vector(var series):
            series.removeAll(where: \.isEmpty)
            guard series.count <= options.maximumSeries else {
                throw LogQLError(
                    .limit,
                    "maximum of series (\(options.maximumSeries)) reached for a single query: there are \(series.count); aggregate them or narrow the selector")
            }
            if !(steps.count == 1 && metric.isOrdered) { series.sort { $0.labels < $1.labels } }
            value = .vector(series)
        }
        return LogMetricResult(value: value, steps: steps, statistics: evaluation.statistics, isFromCounts: evaluation.isFromCounts)
    }
}

extension LogMetric {
    /// Whether it gives its elements an order of its own.
    fileprivate var isOrdered: Bool {
        if case .aggregation(let aggregation) = self {
            [.topk, .bottomk, .sort, .sortDescending, .approximateTopk].contains(aggregation.operation)
        } else {
            false
        }
    }
}

/// One evaluation of a metric query.
struct MetricEvaluation {
    enum Operand {
        case scalar([Double])
        case vector([LogSeries])
    }
    let engine: LogEngine
    let steps: LogSteps
    var statistics = LogStatistics()
    var isFromCounts = false

    mutating func evaluate(_ metric: LogMetric) async throws(LogQLError) -> Operand {
        try engine.checkTime()
        switch metric {
        case .number(let value): return .scalar(Array(repeating: value, count: steps.count))
        case .vector(let value): return .vector([LogSeries(Labels(), Array(repeating: value, count: steps.count))])
        case .range(let range): return .vector(try await series(range, outer: nil))
        case .aggregation(let aggregation): return .vector(try await aggregate(aggregation))
        case .binary(let binary):
            let left = try await evaluate(binary.left)
            return try VectorMath.combine(binary, left, try await evaluate(binary.right), steps.count)
        case .labelReplace(let inner, let destination, let replacement, let source, let pattern):
            guard case .vector(let series) = try await evaluate(inner) else { throw LogQLError(.pipeline, "label_replace needs a vector") }
            return .vector(try MetricEvaluation.replace(series, destination, ReplacementTemplate(replacement), source, pattern))
        }
    }

    private static func replace(_ series: [LogSeries], _ destination: String, _ replacement: ReplacementTemplate, _ source: String, _ expression: String)
        throws(LogQLError) -> [LogSeries]
    {
        let pattern: Pattern
        do throws(PatternError) { pattern = try Pattern(expression, anchored: true) } catch { throw LogQLError(.syntax, error.message) }
        var result = series
        var seen: Set<Labels> = []
        for index in result.indices {
            let value = Array(result[index].labels[source].utf8)
            if let groups = pattern.groups(in: value) { result[index].labels[destination] = replacement.expand(value, groups, names: pattern.groupNames) }
            guard seen.insert(result[index].labels).inserted else {
                throw LogQLError(.pipeline, "label_replace gives two series the labels \(result[index].labels)")
            }
        }
        return result
    }

    private mutating func aggregate(_ aggregation: VectorAggregation) async throws(LogQLError) -> [LogSeries] {
        if case .range(let range) = aggregation.inner, range.grouping == nil, aggregation.joins(range.operation) {
            // The windows can be filled by the outer groups at once.
            return try await series(range, outer: aggregation.grouping ?? LabelGrouping([]))
        }
        guard case .vector(let inner) = try await evaluate(aggregation.inner) else {
            throw LogQLError(.pipeline, "\(aggregation.operation.rawValue) needs a vector")
        }
        return VectorMath.aggregate(aggregation, inner, steps.count)
    }

    // MARK: Reading

    private mutating func series(_ range: RangeAggregation, outer: LabelGrouping?) async throws(LogQLError) -> [LogSeries] {
        guard steps.count > 0 else { return [] }
        let windows = Windows(start: steps.start, step: steps.step, count: steps.count, range: range.range, offset: range.offset)
        let plan = try RangePlan(range, windows, outer: outer)
        let span = try engine.range(windows.span, plan.pipeline)
        var fold = RangeFold(plan, engine.options)
        if try await !fill(&fold, span) { try await scan(&fold, span) }
        if range.operation == .absentOverTime { return [MetricEvaluation.absence(range, fold, steps.count)].filter { !$0.isEmpty } }
        try engine.checkTime()
        return fold.labels.indices.map { LogSeries(fold.labels[$0], fold.column($0)) }.filter { !$0.isEmpty }
    }

    private mutating func scan(_ fold: inout RangeFold, _ span: Range<Int64>) async throws(LogQLError) {
        let plan = fold.plan, engine = engine
        do {
            let (partials, cost) = try await engine.source.scan(
                plan.pipeline.selection(span), into: { RangeFold(plan, engine.options) },
                { partial, rows in
                    try engine.checkTime()
                    try partial.add(rows)
                })
            statistics.add(cost)
            for partial in partials { try fold.merge(partial) }
        } catch { throw LogEngine.wrapped(error) }
    }

    /// From counts by minute, if they say just what is asked.
    private mutating func fill(_ fold: inout RangeFold, _ span: Range<Int64>) async throws(LogQLError) -> Bool {
        let plan = fold.plan, windows = plan.windows, minute: Int64 = 60_000_000_000
        guard engine.options.usesCounts, plan.filling == .counts, plan.unwrap == nil, plan.pipeline.filters.isEmpty, plan.pipeline.since == nil,
            windows.range % minute == 0, windows.count == 1 || windows.step % minute == 0, (windows.start - windows.offset) % minute == 0,
            plan.pipeline.stages.allSatisfy(\.isCountable)
        else { return false }
        let names: [String]
        switch plan.grouping {
        case .by(let list): names = list
        case .single: names = []
        case .without: return false
        }
        var selection = plan.pipeline.selection(span)
        selection.minimumSeverity = .unknown
        let counts: LogCounts?
        do { counts = try await engine.source.counts(selection) } catch { throw LogEngine.wrapped(error) }
        guard let counts else { return false }
        for name in names where name != LabelSet.detectedLevelName && counts.fieldNames?.contains(name) ?? true {
            guard counts.streams.allSatisfy({ !$0[name].isEmpty }) else { return false }
        }
        for entry in counts.entries {
            let stream = counts.streams[Int(entry.stream)]
            var set = LabelSet()
            set.reset(stream: stream, metadata: Labels(), severity: entry.severity)
            guard plan.pipeline.stages.allSatisfy({ if case .label(let filter) = $0 { filter.accepts(&set) } else { true } }) else { continue }
            try fold.add(entry, stream: stream)
        }
        isFromCounts = true
        return true
    }

    /// 1 where no line is, with the labels that the selector tells.
    private static func absence(_ range: RangeAggregation, _ fold: RangeFold, _ stepCount: Int) -> LogSeries {
        let present = fold.labels.isEmpty ? Array(repeating: Double.absent, count: stepCount) : fold.column(0)
        var pairs: [(String, String)] = []
        let matchers = range.pipeline.matchers
        for matcher in matchers where matcher.operation == .equal && matchers.count(where: { $0.name == matcher.name }) == 1 {
            pairs.append((matcher.name, matcher.value))
        }
        return LogSeries(Labels(pairs), present.map { $0.isAbsent ? 1 : .absent })
    }
}

extension VectorAggregation {
    /// Whether the windows of a range aggregation may be filled by this one's groups: sums of counts are counts.
    fileprivate func joins(_ inner: RangeAggregation.Operation) -> Bool {
        switch (operation, inner) {
        case (.sum, .countOverTime), (.sum, .rate), (.sum, .bytesOverTime), (.sum, .bytesRate), (.sum, .sumOverTime), (.min, .minimumOverTime),
            (.max, .maximumOverTime):
            true
        default: false
        }
    }
}

extension CompiledStage {
    /// Whether counts by stream and severity can answer for it.
    fileprivate var isCountable: Bool {
        switch self {
        case .label(let filter):
            filter.names.allSatisfy { $0 == LabelSet.detectedLevelName } && filter.conjuncts.allSatisfy { if case .quantity = $0 { false } else { true } }
        case .drop(let choices): choices.allSatisfy { $0.name == LabelSet.errorName || $0.name == LabelSet.errorDetailsName }
        default: false
        }
    }
}
