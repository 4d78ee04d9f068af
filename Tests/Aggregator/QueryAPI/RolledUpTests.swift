import PromQL
import QueryAPI
import Runtime
import SeriesStore
import Telemetry
import TestKit
import Testing

/// Answers from rollups against answers from the same samples.
@Suite struct RolledUpTests {
    private static let day: Int64 = 86_400_000
    /// The first moment of a day.
    private static let start: Int64 = 1_789_948_800_000

    /// The store without its rollups.
    private struct Raw: SampleSource {
        let store: SeriesStore
        func select(_ matchers: [Matcher], from: Timestamp, through: Timestamp) async throws -> [SeriesSamples] {
            try await store.select(matchers, from: from, through: through)
        }
        func read(_ request: SampleRequest) async throws -> SampleAnswer {
            var request = request
            request.mayBeEvaluated = false
            return try await store.read(request)
        }
        func labelNames(matchers: [Matcher], from: Timestamp, through: Timestamp) async throws -> [String] { [] }
        func labelValues(_ name: String, matchers: [Matcher], from: Timestamp, through: Timestamp) async throws -> [String] { [] }
        func series(matchers: [Matcher], from: Timestamp, through: Timestamp) async throws -> [Labels] { [] }
    }

    /// Counters of whole numbers and of fractions that fall now and then, gauges, gaps, stale markers, samples of whole hours.
    private static func series(_ seed: UInt64, days: Int64) -> [SeriesBatch] {
        var random = SeededGenerator(seed: seed)
        return (0..<8).map { number in
            var samples: [SeriesBatch.Sample] = []
            var value = 0.0
            var time = start + Int64(random.below(60_000))
            while time < start + days * day {
                switch number {
                case 0, 1: value += Double(random.below(1000))
                case 2, 3: value += Double(random.below(1000)) / 64_000
                case 4: value = Double(random.below(1_000_000) - 500_000) * 4096
                case 5: value = Double.random(in: -1..<1, using: &random)
                case 6: value = random.below(50) == 0 ? .nan : Double(random.below(9))
                default: value = 7
                }
                // The first two fall rarely, the others often.
                if number < 4, random.below(number % 2 == 0 ? 2000 : 100) == 0 { value = 0 }
                samples.append(.init(time, random.below(300) == 0 ? .stale : value))
                time += random.below(400) == 0 ? 7_200_000 : 60_000 + Int64(random.below(120_000))
                if random.below(6) == 0 { time = time / 300_000 * 300_000 + 300_000 }
            }
            return SeriesBatch(labels: ["__name__": "m\(number)_total", "n": "\(number)"], samples: samples)
        }
    }

    private static func filled(_ directory: TemporaryDirectory, _ clock: ManualClock, _ seed: UInt64, days: Int64) async throws -> SeriesStore {
        var configuration = SeriesStoreConfiguration()
        configuration.retention = .seconds(86_400 * 40)
        configuration.outOfOrderWindow = .seconds(86_400 * 40)
        let store = try SeriesStore.open(directory: directory.path, configuration: configuration, metrics: MetricRegistry(), clock: clock)
        clock.advance(by: .milliseconds(days * day))
        try await store.write(series(seed, days: days))
        try await store.flush()
        for _ in 0..<3 {
            clock.advance(by: .seconds(600))
            try await store.maintain()
        }
        return store
    }

    private static func bits(_ result: QueryResult) -> [String] {
        guard case .matrix(let series) = result.value else { return [] }
        return series.map { one in
            "\(one.labels) \(zip(one.timestamps, one.values).map { "\($0)=\($1.isNaN ? "NaN" : String(($1 == 0 ? 0 : $1).bitPattern, radix: 16))" })"
        }.sorted()
    }

    private static let functions = [
        "min_over_time", "max_over_time", "count_over_time", "present_over_time", "last_over_time", "first_over_time", "sum_over_time", "avg_over_time",
        "rate", "increase", "delta", "resets", "ts_of_last_over_time", "changes", "stddev_over_time",
    ]

    @Test(arguments: UInt64(1)...3) func `an answer from rollups is the one from samples, to the last bit`(seed: UInt64) async throws {
        let directory = TemporaryDirectory("rolled")
        let clock = ManualClock(startingAt: Timestamp(milliseconds: Self.start))
        let store = try await Self.filled(directory, clock, seed, days: 3)
        // Some that no rollup has yet, and one that came late.
        let now = clock.timestamp.milliseconds
        for step in Int64(0)..<20 {
            try await store.write([SeriesBatch(labels: ["__name__": "m0_total", "n": "0"], samples: [.init(now - 1_200_000 + step * 60_000, Double(step))])])
        }
        var random = SeededGenerator(seed: seed)
        let rolled = Engine(source: store), raw = Engine(source: Raw(store: store))
        var fromRollups = 0
        for number in 0..<80 {
            if number == 50 {
                try await store.write([SeriesBatch(labels: ["__name__": "m1_total", "n": "1"], samples: [.init(Self.start + Self.day * 2 + 777, 5)])])
            }
            if number == 60 {
                try await store.flush()
                try await store.delete(
                    matchers: [Matcher("n", equals: "4")], from: Timestamp(milliseconds: Self.start + 1),
                    through: Timestamp(milliseconds: Self.start + Self.day))
            }
            let function = Self.functions[random.below(Self.functions.count)]
            let unit: Int64 = [300_000, 3_600_000][random.below(2)]
            let range = Int64(1 + random.below(30)) * unit / 60_000
            var from = (Self.start + Int64(random.below(Int(Self.day * 3)))) / unit * unit
            if random.below(8) == 0 { from += 1 }
            let step = Int64(1 + random.below(12)) * unit
            let count = Int64(1 + random.below(40))
            let query = "\(function)({n=~\"\(["[0-7]", "[04]", "[1-3]", "5|6"][random.below(4)])\"}[\(range)m]\(random.below(6) == 0 ? " offset 1h" : ""))"
            func ask(_ engine: Engine) async throws -> QueryResult {
                try await engine.range(
                    query, from: Timestamp(milliseconds: from), through: Timestamp(milliseconds: from + step * (count - 1)), step: .milliseconds(step))
            }
            let answer = try await ask(rolled), wanted = try await ask(raw)
            if answer.infos.contains(where: { $0.hasPrefix("answered from") }) { fromRollups += 1 }
            #expect(Self.bits(answer) == Self.bits(wanted), "seed \(seed), \(query) from \(from) step \(step) count \(count) \(answer.infos)")
            #expect(answer.warnings == [] && wanted.infos.allSatisfy { !$0.contains("rollup") })
        }
        #expect(fromRollups > 20, "\(fromRollups) of 80")
        await store.close()
    }

    @Test func `where samples are gone rollups answer, and say so`() async throws {
        let directory = TemporaryDirectory("rolled")
        let clock = ManualClock(startingAt: Timestamp(milliseconds: Self.start))
        var store = try await Self.filled(directory, clock, 9, days: 4)
        func ask(_ query: String, at time: Int64) async throws -> QueryResult {
            try await Engine(source: store).instant(query, at: Timestamp(milliseconds: time))
        }
        func values(_ result: QueryResult) -> [String: Double] {
            guard case .vector(let samples) = result.value else { return [:] }
            return Dictionary(uniqueKeysWithValues: samples.map { ($0.labels["n"], $0.value) })
        }
        let end = Self.start + 2 * Self.day
        let exact = ["increase({n=\"0\"}[1d])", "max_over_time({n=~\".+\"}[6h])", "count_over_time({n=~\".+\"}[1h])"]
        var before: [[String: Double]] = []
        for query in exact { before.append(values(try await ask(query, at: end))) }
        let fractions = values(try await ask("sum_over_time({n=\"5\"}[1d])", at: end))
        let newest = values(try await ask("{n=\"4\"}", at: end - 300_001))
        let later = values(try await ask("{n=\"4\"}", at: end + Self.day))
        // Two days go; then a restart, which must find the same.
        try await store.applyRetention(now: Timestamp(milliseconds: Self.start + 42 * Self.day))
        for round in 0..<2 {
            #expect(store.statistics.days == 2 && store.statistics.series == 8)
            for (query, wanted) in zip(exact, before) {
                let answer = try await ask(query, at: end)
                #expect(values(answer) == wanted, "\(query), round \(round)")
                #expect(answer.infos.contains { $0.hasPrefix("answered from 1h rollup: samples before 2026-09-23T00:00:00Z are gone") }, "\(answer.infos)")
            }
            let sums = try await ask("sum_over_time({n=\"5\"}[1d])", at: end)
            #expect(abs(try #require(values(sums)["5"]) - fractions["5"]!) < 1e-9)
            #expect(sums.infos.contains { $0.hasSuffix("and sums may differ from theirs in the last digit") }, "\(sums.infos)")
            let cut = try await ask("max_over_time({n=\"4\"}[1h])", at: end - 1234)
            #expect(cut.infos.contains { $0.hasSuffix("so windows are cut at whole five minutes") } && values(cut).count == 1, "\(cut.infos)")
            let instant = try await ask("{n=\"4\"}", at: end - 300_001)
            #expect(instant.infos.contains { $0.contains("the last of each 5m rollup stands for them") }, "\(instant.infos)")
            #expect(values(instant).count == newest.count)
            #expect(values(try await ask("{n=\"4\"}", at: end + Self.day)) == later)
            if round == 0 {
                await store.close()
                var configuration = SeriesStoreConfiguration()
                configuration.retention = .seconds(86_400 * 40)
                store = try SeriesStore.open(directory: directory.path, configuration: configuration, metrics: MetricRegistry(), clock: clock)
            }
        }
        // Deleting takes it out of them too.
        try await store.delete(matchers: [Matcher("n", equals: "0")], from: Timestamp(milliseconds: 0), through: Timestamp(milliseconds: end - 1))
        #expect(values(try await ask("increase({n=\"0\"}[1d])", at: end)).isEmpty)
        #expect(try await values(ask(exact[1], at: end - 3_600_000)).count == before[1].count - 1)
        await store.close()
    }
}
