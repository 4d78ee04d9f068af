import Telemetry

/// What was read for one selector.
struct Selection: Sendable {
    var blocks: [SampleBlock]
    var chunksDecoded = 0

    var seriesCount: Int { blocks.reduce(0) { $0 + $1.labels.count } }
    var sampleCount: Int { blocks.reduce(0) { $0 + $1.labels.count * $1.timestamps.count } }
}

extension Evaluator {
    /// The moments at which a shifted expression looks; one only if `@` fixes it.
    func moments(_ shift: TimeShift, _ steps: Steps) -> (steps: Steps, isFixed: Bool) {
        let anchor: Int64
        switch shift.anchor {
        case .time(let time): anchor = time.milliseconds
        case .start: anchor = querySteps.start
        case .end: anchor = querySteps.last
        case nil: return (steps.shifted(by: -shift.offsetMilliseconds), false)
        }
        return (.single(anchor - shift.offsetMilliseconds), true)
    }

    /// What an instant selector reads.
    func request(_ selector: Selector, _ steps: Steps, _ context: ReadContext) -> SampleRequest {
        let (moments, isFixed) = moments(selector.shift, steps)
        let ahead = selector.looksBeyond == .smoothed ? lookbackMilliseconds : 0
        return request(selector.matchers, after: moments.start - lookbackMilliseconds, through: moments.last + ahead, step: isFixed ? nil : steps, context)
    }

    /// What a range selector reads.
    func request(_ range: RangeSelector, _ steps: Steps, _ context: ReadContext) -> SampleRequest {
        let (ends, isFixed) = moments(range.selector.shift, steps)
        let beyond = range.selector.looksBeyond == nil ? 0 : lookbackMilliseconds
        let ahead = range.selector.looksBeyond == .smoothed ? lookbackMilliseconds : 0
        var request = request(
            range.selector.matchers, after: ends.start - range.range.milliseconds - beyond, through: ends.last + ahead, step: isFixed ? nil : steps, context)
        request.range = range.range.milliseconds
        request.mayBeEvaluated = range.selector.looksBeyond == nil && !context.function.isEmpty
        return request
    }

    private func request(_ matchers: [Matcher], after: Int64, through: Int64, step steps: Steps?, _ context: ReadContext) -> SampleRequest {
        var request = SampleRequest(matchers: matchers, from: Timestamp(milliseconds: after + 1), through: Timestamp(milliseconds: through))
        if let steps, steps.count > 1 { request.step = steps.step }
        request.function = context.function
        request.needsValues = context.needsValues
        request.maximumSamples = engine.options.maximumSamples
        return request
    }

    /// The moments at which a subquery evaluates its expression: multiples of its step since 1970, the first strictly
    /// after the left edge of the first window. Nil if there are none.
    func innerSteps(_ subquery: Subquery, _ ends: Steps) throws(QueryError) -> Steps? {
        let step = subquery.step?.milliseconds ?? engine.options.subqueryStep.wholeMilliseconds
        let left = ends.start - subquery.range.milliseconds
        let start = (left.floorDivided(by: step) + 1) * step
        guard start <= ends.last else { return nil }
        let count = (ends.last - start) / step + 1
        guard count <= engine.options.maximumSamples else { throw Evaluator.tooManySamples(engine.options.maximumSamples) }
        return Steps(start: start, step: step, count: Int(count))
    }

    // MARK: Reading ahead

    /// Reads all that the selectors need, at once, and what two of them share once.
    func readAhead(_ expression: Expression) async throws(QueryError) {
        var uses: [SampleRequest: Int] = [:]
        try collect(expression, querySteps, ReadContext(), &uses)
        let source = engine.source
        let clock = engine.options.explainClock
        if let only = uses.first, uses.count == 1 {
            let begin = clock?() ?? 0
            let answer = try await Evaluator.read(source, only.key)
            return try keep(only.key, answer, uses: only.value, nanoseconds: (clock?() ?? 0) - begin)
        }
        typealias Outcome = (SampleRequest, Result<SampleAnswer, QueryError>, Int64)
        let answers = await withTaskGroup(of: Outcome.self) { group in
            for request in uses.keys {
                group.addTask {
                    let begin = clock?() ?? 0
                    do throws(QueryError) {
                        let answer = try await Evaluator.read(source, request)
                        return (request, .success(answer), (clock?() ?? 0) - begin)
                    } catch {
                        return (request, .failure(error), 0)
                    }
                }
            }
            var answers: [Outcome] = []
            for await answer in group {
                if case .failure = answer.1 { group.cancelAll() }
                answers.append(answer)
            }
            return answers
        }
        // Not the cancellation that another's failure brought about.
        for answer in answers { if case .failure(let error) = answer.1, error.kind != .canceled { throw error } }
        for (request, answer, nanoseconds) in answers { try keep(request, try answer.get(), uses: uses[request] ?? 1, nanoseconds: nanoseconds) }
    }

    private func keep(_ request: SampleRequest, _ answer: SampleAnswer, uses: Int, nanoseconds: Int64 = 0) throws(QueryError) {
        let selection = Selection(blocks: answer.blocks, chunksDecoded: answer.chunksDecoded)
        for warning in answer.warnings { warn(warning) }
        for info in answer.infos { inform(info) }
        statistics.samplesRead += selection.sampleCount
        statistics.seriesRead += selection.seriesCount
        statistics.chunksDecoded += answer.chunksDecoded
        try account(selection.sampleCount, series: selection.seriesCount, bytesPerSample: request.needsValues ? 8 : 1)
        notePlan(request, selection, nanoseconds: nanoseconds)
        fetched[request] = (selection, uses)
    }

    /// What a request yields; its memory is let go after its last use.
    func selection(_ request: SampleRequest) async throws(QueryError) -> Selection {
        if let known = fetched[request] {
            if known.uses > 1 { fetched[request]?.uses -= 1 } else { fetched[request] = nil }
            return known.selection
        }
        try keep(request, try await Evaluator.read(engine.source, request), uses: 1)
        return fetched.removeValue(forKey: request)?.selection ?? Selection(blocks: [])
    }

    private static func read(_ source: any SampleSource, _ request: SampleRequest) async throws(QueryError) -> SampleAnswer {
        do {
            return try await source.read(request)
        } catch is CancellationError {
            throw QueryError(.canceled, "query was canceled while reading samples")
        } catch let error as QueryError {
            throw error
        } catch let error as TooManySamples {
            throw tooManySamples(error.limit)
        } catch {
            throw QueryError(.internal, "reading samples failed: \(error)")
        }
    }

    /// Goes the way that the evaluation will go, and notes what it will read. What it misses is read when it is met.
    private func collect(_ expression: Expression, _ steps: Steps, _ context: ReadContext, _ uses: inout [SampleRequest: Int]) throws(QueryError) {
        switch expression.node {
        case .number, .string: break
        case .parentheses(let inner): try collect(inner, steps, context, &uses)
        case .unary(_, let inner): try collect(inner, steps, ReadContext(), &uses)
        case .selector(let selector): uses[request(selector, steps, context), default: 0] += 1
        case .range(let range): uses[request(range, steps, context), default: 0] += 1
        case .subquery(let subquery):
            guard let inner = try innerSteps(subquery, moments(subquery.shift, steps).steps) else { return }
            try collect(subquery.inner, inner, ReadContext(), &uses)
        case .call(let name, let arguments):
            let context = ReadContext(function: name)
            for argument in name == "info" ? [arguments[0]] : arguments { try collect(argument, steps, context, &uses) }
        case .aggregation(let aggregation):
            if let parameter = aggregation.parameter { try collect(parameter, steps, ReadContext(), &uses) }
            try collect(aggregation.inner, steps, ReadContext(aggregation), &uses)
        case .binary(let binary):
            try collect(binary.left, steps, ReadContext(), &uses)
            try collect(binary.right, steps, ReadContext(), &uses)
        }
    }
}

/// What a selector's samples are for.
struct ReadContext {
    var function = ""
    var needsValues = true

    init() {}

    /// Only of functions that read their selector themselves; others see columns.
    init(function name: String) {
        guard let function = Function.named(name) else { return }
        if case .window(let window) = function.body {
            self.function = name
            needsValues = window.needsValues
        } else if ["absent", "absent_over_time", "timestamp"].contains(name) {
            self.function = name
            needsValues = false
        }
    }

    init(_ aggregation: Aggregation) {
        guard aggregation.operation == .count || aggregation.operation == .group else { return }
        function = aggregation.operation.rawValue
        needsValues = false
    }
}
