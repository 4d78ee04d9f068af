import HTTP
import JSON
import LogQL
import Runtime
import Telemetry

/// Queries for lines and for numbers, at a moment and over a time.
extension LokiAPI {
    func query(_ parameters: LokiParameters) async throws -> HTTPResponse {
        let expression = try Self.parse(try parameters.query())
        let time = try parameters.time("time") ?? parameters.now
        guard case .metric(let metric) = expression else {
            throw LokiError(400, "log queries are not supported as an instant query type, please change your query to a range query type")
        }
        let start = ContinuousClock.now
        let result = try await run { engine async throws(LogQLError) in try await engine.metric(metric, LogSteps(at: time)) }
        return LokiAnswer.instant(result, at: time, took: .now - start)
    }

    func queryRange(_ parameters: LokiParameters) async throws -> HTTPResponse {
        let expression = try Self.parse(try parameters.query())
        let range = try parameters.range()
        let start = ContinuousClock.now
        switch expression {
        case .lines(let pipeline):
            var request = LogLinesRequest(
                range, direction: try parameters.direction(), limit: try parameters.limit(options.defaultLines, maximum: options.maximumLines))
            request.interval = try parameters.duration("interval") ?? 0
            let isCategorized = parameters.request.fields["X-Loki-Response-Encoding-Flags"]?.contains("categorize-labels") == true
            let asked = request
            let result = try await run { engine async throws(LogQLError) in try await engine.lines(pipeline, asked) }
            return LokiAnswer.lines(result, isCategorized: isCategorized, took: .now - start)
        case .metric(let metric):
            let step = try parameters.step(range)
            let steps = LogSteps(from: range.lowerBound, through: range.upperBound, step: step)
            let result = try await run { engine async throws(LogQLError) in try await engine.metric(metric, steps) }
            return LokiAnswer.range(result, took: .now - start)
        }
    }

    /// Runs a query in one of a bounded number of places, within the limit of time.
    func run<Result: Sendable>(_ body: @escaping @Sendable (LogEngine) async throws(LogQLError) -> Result) async throws -> Result {
        try await gate.enter()
        let deadline = ContinuousClock.now + options.timeout
        var engineOptions = LogEngine.Options()
        engineOptions.maximumSeries = options.maximumSeries
        engineOptions.now = clock.nanoseconds
        engineOptions.isExpired = { ContinuousClock.now >= deadline }
        do {
            let result = try await body(LogEngine(source, options: engineOptions))
            await gate.leave()
            return result
        } catch {
            await gate.leave()
            throw error
        }
    }
}
