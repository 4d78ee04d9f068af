import Glibc
import Pattern
import PromQL
import Telemetry
import Testing

/// Figures for commits: `BINNACLE_MEASURE=1 swift test -c release --filter Measurements`.
@Suite(.enabled(if: unsafe getenv("BINNACLE_MEASURE") != nil), .serialized) struct Measurements {
    /// One hour of samples each second.
    private func source(series: Int) -> MemorySource {
        MemorySource(
            all: (0..<series).map { number in
                let times = (0..<3600).map { Int64($0) * 1000 }
                return SeriesSamples(
                    labels: ["__name__": "c_total", "pod": "pod-\(number)", "ns": "ns-\(number % 10)"], timestamps: times,
                    values: times.map { Double($0 / 1000 * Int64(number % 7 + 1)) })
            })
    }

    @Test(arguments: ["c_total", "rate(c_total[1m])", "sum by (ns) (rate(c_total[5m]))", "max_over_time(c_total[5m])", "c_total / on (pod) c_total"])
    func `evaluates an hour of a thousand series in 240 steps`(query: String) async throws {
        let source = source(series: 1000)
        let engine = Engine(source: source)
        let clock = ContinuousClock()
        let fetch = try await clock.measure { _ = try await source.select([], from: Timestamp(milliseconds: 0), through: Timestamp(milliseconds: 3_600_000)) }
        let time = try await clock.measure {
            _ = try await engine.range(query, from: Timestamp(milliseconds: 15_000), through: Timestamp(milliseconds: 3_600_000), step: .seconds(15))
        }
        print("measured: \(query): \(time) with the test's own source, which takes \(fetch) a selector")
    }

    @Test(arguments: ["refused", "(?i)refused", "status=5[0-9]{2}", "error|warn|fatal", #"\btook [0-9]+ms\b"#, "^.*GET.*$"])
    func `searches lines`(expression: String) throws {
        let pattern = try Pattern(expression)
        let lines = (0..<100_000).map {
            Array("2026-11-24T08:48:41Z INFO request \($0) GET /api/v1/items/\($0 % 977) status=\(200 + $0 % 5) took \($0 % 311)ms".utf8)
        }
        let bytes = lines.reduce(0) { $0 + $1.count }
        var hits = 0
        let time = ContinuousClock().measure { for line in lines where pattern.matches(line) { hits += 1 } }
        print(
            "measured: \(expression): \(hits) of \(lines.count) lines, \(Int(Double(bytes) / 1e6 / (Double(time.components.attoseconds) * 1e-18 + Double(time.components.seconds)))) MB/s"
        )
    }
}
