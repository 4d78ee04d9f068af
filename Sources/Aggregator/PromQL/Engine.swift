import Telemetry

/// Evaluates PromQL over a source of samples.
///
/// An expression is evaluated for all steps at once: each selector is fetched once for the whole range, each
/// operator works on whole columns. The engine reads no clock; a caller that wants a limit of time cancels the
/// task, which the engine looks for between pieces of work.
public struct Engine: Sendable {
    public struct Options: Sendable {
        /// How far back an instant selector looks for a sample.
        public var lookback: Duration
        /// The step of subqueries that name none.
        public var subqueryStep: Duration
        /// Samples and points that one query may hold.
        public var maximumSamples: Int
        /// Bytes that one query may hold, by an estimate.
        public var maximumMemoryBytes = 1 << 30
        /// Points a series that a range query may yield.
        public var maximumPoints: Int
        /// Tasks among which the work of one large query is shared.
        public var parallelism = 2
        /// Nanoseconds of a steady clock. If set, the result has a plan.
        public var explainClock: (@Sendable () -> Int64)?
        /// Whether the statistics are to have the samples of each step.
        public var countsSamplesPerStep = false

        public init(lookback: Duration = .seconds(300), subqueryStep: Duration = .seconds(60), maximumSamples: Int = 50_000_000, maximumPoints: Int = 11_000) {
            self.lookback = lookback
            self.subqueryStep = subqueryStep
            self.maximumSamples = maximumSamples
            self.maximumPoints = maximumPoints
        }
    }

    public let source: any SampleSource
    public let options: Options

    public init(source: any SampleSource, options: Options = Options()) {
        self.source = source
        self.options = options
    }

    /// The value of a query at one moment.
    public func instant(_ query: String, at time: Timestamp, lookback: Duration? = nil) async throws(QueryError) -> QueryResult {
        let expression = try Parser.parse(query).resolved(stepMilliseconds: 0, rangeMilliseconds: 0)
        let evaluator = Evaluator(self, query: query, steps: .single(time.milliseconds), lookback: lookback)
        let value = try await evaluator.instantValue(expression)
        return evaluator.result(value)
    }

    /// The values of a query at `from`, `from + step` and so on through `through`.
    public func range(
        _ query: String, from: Timestamp, through: Timestamp, step: Duration, lookback: Duration? = nil
    ) async throws(QueryError) -> QueryResult {
        guard through >= from else { throw QueryError(.badData, "end timestamp must not be before start time") }
        let stepMilliseconds = step.wholeMilliseconds
        guard stepMilliseconds > 0 else {
            throw QueryError(.badData, "zero or negative query resolution step widths are not accepted. Try a positive integer")
        }
        let count = (through.milliseconds - from.milliseconds) / stepMilliseconds
        guard count <= options.maximumPoints else {
            throw QueryError(.badData, "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)")
        }
        let expression = try Parser.parse(query)
        guard expression.type == .scalar || expression.type == .vector else {
            throw QueryError(.badData, "a range query needs a scalar or an instant vector, not a \(expression.type.phrase)", at: expression.position)
        }
        let steps = Steps(start: from.milliseconds, step: stepMilliseconds, count: Int(count) + 1)
        let evaluator = Evaluator(self, query: query, steps: steps, lookback: lookback)
        let resolved = try expression.resolved(stepMilliseconds: stepMilliseconds, rangeMilliseconds: through.milliseconds - from.milliseconds)
        let value = try await evaluator.rangeValue(resolved)
        return evaluator.result(value)
    }
}
