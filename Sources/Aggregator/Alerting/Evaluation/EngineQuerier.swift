import PromQL
import Telemetry

/// Asks the query engine for rules.
public struct EngineQuerier: RuleQuerier {
    private let engine: Engine

    public init(engine: Engine) { self.engine = engine }

    public func instant(_ query: String, at time: Timestamp) async throws -> [RuleSample] {
        switch try await engine.instant(query, at: time).value {
        case .scalar(_, let value): return [RuleSample(labels: [:], value: value)]
        case .vector(let samples): return samples.map { RuleSample(labels: $0.labels, value: $0.value) }
        case .string, .matrix: throw RuleProblem("rule result is not a vector or scalar")
        }
    }

    public func newest(_ query: String, from: Timestamp, through: Timestamp) async throws -> [(sample: RuleSample, time: Timestamp)] {
        let series = try await engine.source.select(try Parser.parseSelector(query), from: from, through: through)
        return series.compactMap { one in
            guard let last = one.values.lastIndex(where: { !$0.isStale }) else { return nil }
            return (RuleSample(labels: one.labels, value: one.values[last]), Timestamp(milliseconds: one.timestamps[last]))
        }
    }
}
