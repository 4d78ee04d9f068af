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
    private var statistics = QueryResult.Statistics()
    private var workUntilPause = 0

    init(_ engine: Engine, query: String, steps: Steps, lookback: Duration?) {
        self.engine = engine
        self.query = Array(query.utf8)
        querySteps = steps
        lookbackMilliseconds = (lookback ?? engine.options.lookback).wholeMilliseconds
    }

    func result(_ value: QueryResult.Value) -> QueryResult {
        QueryResult(value: value, warnings: warnings.sorted(), infos: infos.sorted(), statistics: statistics)
    }

    // MARK: What a query yields

    func instantValue(_ expression: Expression) async throws(QueryError) -> QueryResult.Value {
        let time = Timestamp(milliseconds: querySteps.start)
        if expression.type == .matrix {
            let windows = try await windows(of: expression.inner, querySteps)
            let end = windows.ends.start
            let series = windows.series.compactMap { series -> SeriesSamples? in
                let indices = series.timestamps.indices.filter { series.timestamps[$0] > end - windows.rangeMilliseconds && series.timestamps[$0] <= end }
                guard !indices.isEmpty else { return nil }
                return SeriesSamples(labels: series.labels, timestamps: indices.map { series.timestamps[$0] }, values: indices.map { series.values[$0] })
            }
            return .matrix(series.sorted { $0.labels < $1.labels })
        }
        switch try await evaluate(expression, querySteps) {
        case .scalar(let values): return .scalar(time, values[0])
        case .string(let text): return .string(time, text)
        case .vector(let columns):
            try checkUnique(columns)
            return .vector(columns.filter { !$0.values[0].isAbsent }.map { QueryResult.Sample(labels: $0.labels, timestamp: time, value: $0.values[0]) })
        }
    }

    func rangeValue(_ expression: Expression) async throws(QueryError) -> QueryResult.Value {
        switch try await evaluate(expression, querySteps) {
        case .scalar(let values): return .matrix(series([SeriesColumn(labels: Labels(), values: values)], querySteps))
        case .string: throw QueryError(.internal, "a string came out of a range query")
        case .vector(let columns):
            try checkUnique(columns)
            return .matrix(series(columns, querySteps).sorted { $0.labels < $1.labels })
        }
    }

    /// Columns as samples; series without any are left out.
    func series(_ columns: [SeriesColumn], _ steps: Steps) -> [SeriesSamples] {
        columns.compactMap { column in
            var series = SeriesSamples(labels: column.labels, timestamps: [], values: [])
            let count = column.values.count { !$0.isAbsent }
            guard count > 0 else { return nil }
            series.timestamps.reserveCapacity(count)
            series.values.reserveCapacity(count)
            for (index, value) in column.values.enumerated() where !value.isAbsent {
                series.timestamps.append(steps.time(index))
                series.values.append(value)
            }
            return series
        }
    }

    // MARK: Expressions

    func evaluate(_ expression: Expression, _ steps: Steps) async throws(QueryError) -> Operand {
        try await pause(after: steps.count)
        switch expression.node {
        case .number(let value):
            try account(steps.count)
            return .scalar(Array(repeating: value, count: steps.count))
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
            case .vector(let columns): return .vector(try mapped(columns) { -$0 })
            }
        case .call(let name, let arguments): return try await call(name, arguments, expression, steps)
        case .aggregation(let aggregation): return .vector(try await aggregate(aggregation, expression, steps))
        case .binary(let binary): return try await combine(binary, steps)
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

    /// Each value changed by itself; names are dropped.
    func mapped(_ columns: [SeriesColumn], _ change: (Double) -> Double) throws(QueryError) -> [SeriesColumn] {
        try merged(columns.map { column in SeriesColumn(labels: column.labels.withoutName, values: column.values.map { $0.isAbsent ? $0 : change($0) }) })
    }

    static let duplicateMessage = "vector cannot contain metrics with the same labelset"

    /// Joins columns whose labels became equal; an error if two have a value at one step.
    func merged(_ columns: [SeriesColumn]) throws(QueryError) -> [SeriesColumn] {
        var index: [Labels: Int] = [:]
        index.reserveCapacity(columns.count)
        var result: [SeriesColumn] = []
        result.reserveCapacity(columns.count)
        for column in columns {
            guard let known = index[column.labels] else {
                index[column.labels] = result.count
                result.append(column)
                continue
            }
            for (step, value) in column.values.enumerated() where !value.isAbsent {
                guard result[known].values[step].isAbsent else { throw .execution(Evaluator.duplicateMessage) }
                result[known].values[step] = value
            }
        }
        return result
    }

    private func checkUnique(_ columns: [SeriesColumn]) throws(QueryError) { _ = try merged(columns) }

    // MARK: Limits and remarks

    /// Counts samples or points that are now held; throws past the limit.
    func account(_ count: Int) throws(QueryError) {
        statistics.peakSamples += count
        if statistics.peakSamples > engine.options.maximumSamples {
            throw .execution("query processing would load too many samples into memory in query execution")
        }
    }

    func countRead(_ count: Int) { statistics.samplesRead += count }

    /// Lets other tasks in, and ends a cancelled query, once in a while.
    func pause(after work: Int) async throws(QueryError) {
        workUntilPause -= work
        guard workUntilPause <= 0 else { return }
        workUntilPause = 200_000
        if Task.isCancelled { throw QueryError(.canceled, "query was canceled in expression evaluation") }
        await Task.yield()
    }

    func warn(_ text: String, at position: Range<Int>) { warnings.insert("PromQL warning: \(text) (\(LineColumn(offset: position.lowerBound, in: query)))") }
    func inform(_ text: String, at position: Range<Int>) { infos.insert("PromQL info: \(text) (\(LineColumn(offset: position.lowerBound, in: query)))") }
}
