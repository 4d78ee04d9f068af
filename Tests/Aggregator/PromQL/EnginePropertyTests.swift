import PromQL
import Telemetry
import TestKit
import Testing

/// A range query works on whole columns with sliding windows; an instant query sees one step. Both must agree.
@Suite struct EnginePropertyTests {

    /// Counters and gauges with resets, gaps, stale markers, NaN and uneven times.
    private func source(_ random: inout SeededGenerator) -> MemorySource {
        var all: [SeriesSamples] = []
        for name in ["a_total", "b", "c_bucket"] {
            for job in ["x", "y"] {
                for instance in ["1", "2"] where Int.random(in: 0..<5, using: &random) > 0 {
                    var series = SeriesSamples(labels: ["__name__": name, "job": job, "i": instance], timestamps: [], values: [])
                    if name == "c_bucket" {
                        series.labels["i"] = ""
                        series.labels["le"] = ["1": "0.5", "2": "+Inf"][instance] ?? ""
                    }
                    var time = Int64.random(in: 0..<60_000, using: &random)
                    var value = Double(Int.random(in: 0..<10, using: &random))
                    while time < 900_000 {
                        series.timestamps.append(time)
                        switch Int.random(in: 0..<20, using: &random) {
                        case 0: series.values.append(.stale)
                        case 1 where name == "b": series.values.append(.nan)
                        case 2:
                            value = 0
                            series.values.append(value)
                        default:
                            value += Double(Int.random(in: name == "b" ? -3..<4 : 0..<5, using: &random))
                            series.values.append(value)
                        }
                        time += Int.random(in: 0..<12, using: &random) == 0 ? 200_000 : Int64.random(in: 9_000..<16_000, using: &random)
                    }
                    all.append(series)
                }
            }
        }
        return MemorySource(all: all)
    }

    static let leaves = [
        "a_total", "b", "b{job=\"x\"}", "b offset 1m", "b @ 300", "rate(a_total[1m])", "increase(a_total[5m])", "irate(a_total[2m] offset 30s)", "delta(b[3m])",
        "avg_over_time(b[2m])", "max_over_time(b[90s])", "quantile_over_time(0.7, b[5m])", "changes(b[4m])", "resets(a_total[4m])", "last_over_time(b[1m])",
        "stddev_over_time(b[5m])", "deriv(b[3m])", "predict_linear(b[3m], 60)", "sum_over_time(b[2m:20s])", "max_over_time(rate(a_total[1m])[3m:30s])",
        "rate(a_total[1m] @ 600)", "vector(time())", "absent(b{job=\"x\", i=\"1\"})", "histogram_quantile(0.4, c_bucket)", "timestamp(b)",
        "count_over_time(b[1m] @ start())", "min_over_time(b[4m])", "stdvar_over_time(b[2m])", "mad_over_time(b[5m])", "ts_of_max_over_time(b[3m])",
        "ts_of_min_over_time(b[5m])", "rate(a_total[2m] anchored)", "increase(a_total[2m] smoothed)", "b smoothed",
        "double_exponential_smoothing(b[3m], 0.5, 0.3)",
        "present_over_time(b[1m])", "idelta(b[2m])", "avg_over_time(b[7m])", "max_over_time(b[10m])", "quantile_over_time(0.2, b[9m])",
    ]

    private func query(_ depth: Int, _ random: inout SeededGenerator) -> String {
        guard depth > 0 else { return Self.leaves.randomElement(using: &random) ?? "b" }
        func inner(_ random: inout SeededGenerator) -> String { query(depth - 1, &random) }
        switch Int.random(in: 0..<9, using: &random) {
        case 0: return "sum by (job) (\(inner(&random)))"
        case 1: return "avg without (i) (\(inner(&random)))"
        case 2: return "count_values(\"v\", round(\(inner(&random)), 0.01))"
        case 3: return "topk(2, \(inner(&random)))"
        case 4: return "(\(inner(&random))) + on (job, i) (\(inner(&random)))"
        case 5: return "(\(inner(&random))) \(["and", "or", "unless"].randomElement(using: &random) ?? "or") on (job) (\(inner(&random)))"
        case 6: return "(\(inner(&random))) > 3"
        case 7: return "(\(inner(&random))) / on (job) group_left () sum by (job) (\(inner(&random)))"
        default: return "-abs(\(inner(&random)))"
        }
    }

    @Test(arguments: UInt64(1)...6)
    func `a range query equals the instant queries at its steps`(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<60 {
            let engine = Engine(source: source(&random))
            let query = query(2, &random)
            // `@ start()` means the range's own start, so it is left to the scripts.
            guard !query.contains("start()") else { continue }
            let range: [SeriesSamples]
            do throws(QueryError) {
                guard
                    case .matrix(let series) = try await engine.range(
                        query, from: Timestamp(milliseconds: 200_000), through: Timestamp(milliseconds: 800_000), step: .seconds(30)
                    ).value
                else { continue }
                range = series
            } catch {
                #expect(error.kind == .execution, "seed \(seed), \(query): \(error.message)")
                continue
            }
            for step in 0...20 {
                let time = Int64(200_000 + step * 30_000)
                guard case .vector(let samples) = try await engine.instant(query, at: Timestamp(milliseconds: time)).value else { continue }
                var wanted: [Labels: Double] = [:]
                for sample in samples { wanted[sample.labels] = sample.value }
                var got: [Labels: Double] = [:]
                for series in range { if let index = series.timestamps.firstIndex(of: time) { got[series.labels] = series.values[index] } }
                let agrees =
                    wanted.count == got.count && wanted.allSatisfy { labels, value in got[labels].map { Self.agree($0, value) } ?? false }
                #expect(agrees, "seed \(seed), \(query) at \(time): range \(got), instant \(wanted)")
            }
        }
    }

    /// Sliding windows add in another order than single ones, so the last digits may differ.
    private static func agree(_ a: Double, _ b: Double) -> Bool {
        a == b || a.isNaN && b.isNaN || (a - b).magnitude <= 1e-9 * max(1, a.magnitude, b.magnitude)
    }

    @Test func `holds its limits`() async {
        let source = MemorySource(all: (0..<100).map { SeriesSamples(labels: Labels(name: "m", ["i": "\($0)"]), timestamps: [0, 1000], values: [1, 2]) })
        let engine = Engine(source: source, options: .init(maximumSamples: 150))
        let error = await #expect(throws: QueryError.self) { try await engine.instant("m[1m]", at: Timestamp(milliseconds: 1000)) }
        #expect(error == QueryError(.execution, "query processing would load too many samples into memory in query execution (more than 150)"))
        var options = Engine.Options()
        options.maximumMemoryBytes = 50_000
        let small = Engine(source: source, options: options)
        let range = await #expect(throws: QueryError.self) {
            try await small.range("m", from: Timestamp(milliseconds: 0), through: Timestamp(milliseconds: 1_000_000), step: .seconds(1))
        }
        #expect(range?.kind == .execution)
        #expect(range?.message.contains("more than 50000 bytes") == true)
    }

    @Test func `a cancelled query ends`() async {
        let source = MemorySource(all: (0..<200).map { SeriesSamples(labels: Labels(name: "m", ["i": "\($0)"]), timestamps: [0, 1000], values: [1, 2]) })
        let engine = Engine(source: source)
        let task = Task {
            try await engine.range("max_over_time(m[1d:1s])", from: Timestamp(milliseconds: 0), through: Timestamp(milliseconds: 10_000_000), step: .seconds(1))
        }
        task.cancel()
        let error = await #expect(throws: QueryError.self) { try await task.value }
        #expect(error?.kind == .canceled)
    }

    /// A query of years of steps, and small ones beside it: these are answered while it is still at work.
    @Test func `a query bomb costs its author only`() async throws {
        let times = (0..<2000).map { Int64($0) * 1000 }
        let source = MemorySource(
            all: (0..<50).map { number in
                SeriesSamples(labels: Labels(name: "m", ["i": "\(number)"]), timestamps: times, values: times.map { Double($0 % 977) })
            })
        let engine = Engine(source: source)
        let bomb = Task {
            try await engine.range(
                "quantile_over_time(0.9, m[1h]) + quantile_over_time(0.8, m[1h]) + quantile_over_time(0.7, m[1h]) + max_over_time(m[6h:1s])",
                from: Timestamp(milliseconds: 0), through: Timestamp(milliseconds: 10_000_000), step: .seconds(1))
        }
        for _ in 0..<20 {
            guard case .vector(let samples) = try await engine.instant("count(m)", at: Timestamp(milliseconds: 1_000_000)).value else { continue }
            #expect(samples.map(\.value) == [50])
        }
        bomb.cancel()
        let error = await #expect(throws: QueryError.self) { try await bomb.value }
        #expect(error?.kind == .canceled)
    }
}
