import Telemetry

/// One evaluation of one query: what it has read and what it has to say. Lives in one task.
final class Evaluator {
    let engine: Engine
    let query: [UInt8]
    /// The steps of the whole query, which `@ start()` and `step()` mean even inside subqueries.
    let querySteps: Steps
    let lookbackMilliseconds: Int64
    private var warnings: Set<String> = []
    private var infos: Set<String> = []
    var statistics = QueryResult.Statistics()
    private var workUntilPause = 0
    /// What selectors have been read ahead, and how often each is still to be used.
    var fetched: [SampleRequest: (selection: Selection, uses: Int)] = [:]
    /// What is held now: points of columns and samples of selectors.
    var heldSamples = 0
    private var heldBytes = 0
    /// The nodes that were evaluated, if the query is to be explained.
    private var plan: [PlanStep] = []
    private var depth = 0
    /// Of each of the query's steps; empty if nobody asks.
    private var samplesPerStep: [Int]

    init(_ engine: Engine, query: String, steps: Steps, lookback: Duration?) {
        self.engine = engine
        self.query = Array(query.utf8)
        querySteps = steps
        lookbackMilliseconds = (lookback ?? engine.options.lookback).wholeMilliseconds
        samplesPerStep = engine.options.countsSamplesPerStep ? Array(repeating: 0, count: steps.count) : []
    }

    func result(_ value: QueryResult.Value) -> QueryResult {
        statistics.samplesPerStep = samplesPerStep.enumerated().map { (Timestamp(milliseconds: querySteps.time($0)), $1) }
        return QueryResult(value: value, warnings: warnings.sorted(), infos: infos.sorted(), statistics: statistics, plan: plan)
    }

    // MARK: What a query yields

    func instantValue(_ expression: Expression) async throws(QueryError) -> QueryResult.Value {
        try await readAhead(expression)
        let time = Timestamp(milliseconds: querySteps.start)
        if expression.type == .matrix { return .matrix(try await matrix(expression)) }
        switch try await evaluate(expression, querySteps) {
        case .scalar(let values): return .scalar(time, values[0])
        case .string(let text): return .string(time, text)
        case .vector(let columns):
            let present = columns.filter { !$0.values[0].isAbsent }
            let sorted = try sortedUnique(present)
            return .vector(
                (expression.fixesOrder ? present : sorted).map { QueryResult.Sample(labels: $0.labels, timestamp: time, value: $0.values[0]) })
        }
    }

    /// The samples of a range vector at the query's only moment.
    private func matrix(_ expression: Expression) async throws(QueryError) -> [SeriesSamples] {
        let windows = try await windows(of: expression.inner, querySteps)
        var result: [SeriesSamples] = []
        for block in windows.blocks {
            let range = WindowCuts(block.timestamps, ends: windows.ends, length: windows.rangeMilliseconds).range(0)
            for (labels, column) in zip(block.labels, block.columns) {
                let run = SampleRun(compacting: Array(block.timestamps[range]), Array(column[range]))
                if !run.values.isEmpty { result.append(SeriesSamples(labels: labels, timestamps: run.timestamps, values: run.values)) }
            }
        }
        return result.sorted { $0.labels < $1.labels }
    }

    func rangeValue(_ expression: Expression) async throws(QueryError) -> QueryResult.Value {
        try await readAhead(expression)
        switch try await evaluate(expression, querySteps) {
        case .scalar(let values): return .matrix(series([SeriesColumn(labels: Labels(), values: values)], querySteps))
        case .string: throw QueryError(.internal, "a string came out of a range query")
        case .vector(let columns):
            return .matrix(series(try sortedUnique(columns), querySteps))
        }
    }

    /// Columns as samples; series without any are left out.
    private func series(_ columns: [SeriesColumn], _ steps: Steps) -> [SeriesSamples] {
        let times = (0..<steps.count).map(steps.time)
        return columns.compactMap { column in
            // Series without gaps share one array of times.
            guard column.values.hasGaps else { return SeriesSamples(labels: column.labels, timestamps: times, values: column.values) }
            let run = SampleRun(withoutGaps: times, column.values)
            return run.values.isEmpty ? nil : SeriesSamples(labels: column.labels, timestamps: run.timestamps, values: run.values)
        }
    }

    // MARK: Expressions

    func evaluate(_ expression: Expression, _ steps: Steps) async throws(QueryError) -> Operand {
        try await pause(after: steps.count)
        if case .parentheses(let inner) = expression.node { return try await evaluate(inner, steps) }
        let before = heldSamples, bytesBefore = heldBytes
        let index = beginStep(expression, steps)
        let operand = try await evaluateNode(expression, steps)
        // What the operands held is free again; the result is held from here on.
        heldSamples = before
        heldBytes = bytesBefore
        try account(operand.seriesCount * steps.count, series: operand.seriesCount)
        endStep(index, series: operand.seriesCount)
        return operand
    }

    private func evaluateNode(_ expression: Expression, _ steps: Steps) async throws(QueryError) -> Operand {
        switch expression.node {
        case .number(let value): return .scalar(Array(repeating: value, count: steps.count))
        case .string(let text): return .string(text)
        case .parentheses(let inner): return try await evaluate(inner, steps)
        case .selector(let selector): return .vector(try await columns(of: selector, steps))
        case .range, .subquery: throw QueryError(.internal, "a range vector stands where a function should read it", at: expression.position)
        case .unary(let isMinus, let inner):
            let operand = try await evaluate(inner, steps)
            guard isMinus else { return operand }
            switch operand {
            case .scalar(let values): return .scalar(values.map { -$0 })
            case .string: return operand
            case .vector(let columns): return .vector(try negated(columns))
            }
        case .call(let name, let arguments): return try await call(name, arguments, expression, steps)
        case .aggregation(let aggregation): return .vector(try await aggregate(aggregation, expression, steps))
        case .binary(let binary): return try await combine(binary, expression, steps)
        }
    }

    func vector(_ expression: Expression, _ steps: Steps) async throws(QueryError) -> [SeriesColumn] {
        guard case .vector(let columns) = try await evaluate(expression, steps) else {
            throw QueryError(.internal, "expected an instant vector", at: expression.position)
        }
        return columns
    }

    func scalar(_ expression: Expression, _ steps: Steps) async throws(QueryError) -> [Double] {
        guard case .scalar(let values) = try await evaluate(expression, steps) else {
            throw QueryError(.internal, "expected a scalar", at: expression.position)
        }
        return values
    }

    func string(_ expression: Expression) throws(QueryError) -> String {
        guard case .string(let text) = expression.inner.node else { throw QueryError(.internal, "expected a string", at: expression.position) }
        return text
    }

    // MARK: Limits and remarks

    /// Points that a series' labels weigh, in bytes: an estimate, since texts are shared.
    private static let bytesPerSeries = 256

    /// Counts samples or points that are now held; throws past a limit.
    func account(_ count: Int, series: Int = 0, bytesPerSample: Int = 8) throws(QueryError) {
        heldSamples += count
        heldBytes += count * bytesPerSample + series * Evaluator.bytesPerSeries
        statistics.peakSamples = max(statistics.peakSamples, heldSamples)
        statistics.peakBytes = max(statistics.peakBytes, heldBytes)
        let options = engine.options
        if heldSamples > options.maximumSamples { throw Evaluator.tooManySamples(options.maximumSamples) }
        if heldBytes > options.maximumMemoryBytes {
            throw .execution(
                "query processing would hold more than \(options.maximumMemoryBytes) bytes of memory, the limit of one query (--query-max-memory); "
                    + "ask for fewer series, a shorter range or a longer step")
        }
    }

    static func tooManySamples(_ limit: Int) -> QueryError {
        .execution("query processing would load too many samples into memory in query execution (more than \(limit))")
    }

    /// Lets other tasks in, and ends a cancelled query, once in a while.
    func pause(after work: Int) async throws(QueryError) {
        workUntilPause -= work
        guard workUntilPause <= 0 else { return }
        workUntilPause = 200_000
        if Task.isCancelled { throw QueryError(.canceled, "query was canceled in expression evaluation") }
        await Task.yield()
    }

    func warn(_ text: String, at position: Range<Int>) { warnings.insert("PromQL warning: \(text) (\(place(position)))") }
    func inform(_ text: String, at position: Range<Int>) { infos.insert("PromQL info: \(text) (\(place(position)))") }
    /// A remark of the source, which has no place in the query.
    func warn(_ text: String) { warnings.insert(text) }
    func inform(_ text: String) { infos.insert(text) }
    private func place(_ position: Range<Int>) -> LineColumn { LineColumn(offset: position.lowerBound, in: query) }

    // MARK: Explanation

    /// Opens an entry of the plan; nil if nobody wants one.
    func beginStep(_ expression: Expression, _ steps: Steps) -> Int? {
        guard let clock = engine.options.explainClock else { return nil }
        plan.append(PlanStep(depth: depth, expression: expression.description, steps: steps.count, nanoseconds: -clock()))
        depth += 1
        return plan.count - 1
    }

    func endStep(_ index: Int?, series: Int) {
        guard let index, let clock = engine.options.explainClock else { return }
        depth -= 1
        plan[index].nanoseconds += clock()
        plan[index].series = series
    }

    /// Counts what the query's own steps look at; what subqueries do inside is counted with their results.
    func countPerStep(_ blocks: [SampleBlock], _ ends: Steps, length: Int64, _ steps: Steps, atMost most: Int = .max) {
        guard !samplesPerStep.isEmpty, steps == querySteps else { return }
        for block in blocks {
            let cuts = WindowCuts(block.timestamps, ends: ends, length: length)
            for step in samplesPerStep.indices { samplesPerStep[step] += block.labels.count * min(most, cuts.range(min(step, cuts.count - 1)).count) }
        }
    }

    /// Tells the plan what a selector read.
    func notePlan(_ request: SampleRequest, _ selection: Selection, nanoseconds: Int64) {
        guard engine.options.explainClock != nil else { return }
        plan.append(
            PlanStep(
                depth: 0, expression: "read {\(request.matchers.map(\.description).joined(separator: ", "))}", steps: 0, nanoseconds: nanoseconds,
                series: selection.seriesCount, samples: selection.sampleCount, chunks: selection.chunksDecoded))
    }
}

extension Expression {
    /// Whether the order of the result means something.
    var fixesOrder: Bool {
        switch inner.node {
        case .call(let name, _): name.hasPrefix("sort")
        case .aggregation(let aggregation): aggregation.operation == .topk || aggregation.operation == .bottomk
        default: false
        }
    }
}
