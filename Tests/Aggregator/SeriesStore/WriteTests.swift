import Runtime
import Telemetry
import TestKit
import Testing

@testable import SeriesStore

@Suite struct WriteTests {
    private static let start = StoreHarness.start
    private let a: Labels = ["__name__": "a"]

    private func values(_ harness: StoreHarness) async throws -> [[Double]] { try await harness.all().series.map(\.values) }

    @Test func `what became of each sample is counted by batch`() async throws {
        let harness = try StoreHarness()
        let first = try await harness.store.write([SeriesBatch(labels: a, samples: [.init(Self.start, 1), .init(Self.start - 60_000, 2)])])
        #expect(first.total.written == 2 && first.exceptions.isEmpty && first.reasons.isEmpty)
        let second = try await harness.store.write([
            SeriesBatch(labels: a, samples: [.init(Self.start, 1), .init(Self.start - 60_000, 3), .init(Self.start + 1, 4)]),
            SeriesBatch(labels: ["__name__": "b"], samples: [.init(Self.start + 7_200_000, 1), .init(Self.start - 2 * 86_400_000, 1)]),
            SeriesBatch(labels: [:], samples: [.init(Self.start, 1)]),
        ])
        #expect(second.total.written == 1 && second.total.duplicates == 1 && second.total.overwritten == 1)
        #expect(second.total.tooNew == 1 && second.total.tooOld == 1 && second.total.invalid == 1)
        #expect(second.exceptions[0]?.duplicates == 1 && second.exceptions[1]?.refused == 2 && second.exceptions[2]?.invalid == 1)
        #expect(second.reasons.count == 3 && second.reasons[0].contains("is too far ahead of the clock"))
        #expect(try await values(harness) == [[3, 1, 4]])
        try harness.crash()
        #expect(try await values(harness) == [[3, 1, 4]])
    }

    @Test func `the later write counts, wherever the earlier one is`() async throws {
        let harness = try StoreHarness()
        for value in 1...6 {
            try await harness.store.write([SeriesBatch(labels: a, samples: [.init(Self.start, Double(value)), .init(Self.start + Int64(value), 0)])])
            if value % 2 == 0 { try await harness.store.flush() }
            if value == 4 { try await harness.store.compact() }
            #expect(try await values(harness)[0][0] == Double(value))
        }
        try await harness.store.compact()
        #expect(try await values(harness) == [[6, 0, 0, 0, 0, 0, 0]])
        #expect(harness.store.statistics.storedSamples == 7)
    }

    @Test func `times from 1970 to 9999 are kept if nothing bounds them`() async throws {
        var configuration = SeriesStoreConfiguration()
        configuration.retention = SeriesStoreConfiguration.unlimited
        configuration.outOfOrderWindow = SeriesStoreConfiguration.unlimited
        let harness = try StoreHarness(configuration)
        let times: [Int64] = [253_402_300_799_999, 0, 1, 1_000_000_000_000, Self.start, 4_102_444_800_000]
        let summary = try await harness.store.write([SeriesBatch(labels: a, samples: times.map { .init($0, Double($0)) })])
        #expect(summary.total.written == 6)
        let bad = try await harness.store.write([
            SeriesBatch(labels: a, samples: [.init(-1, 1), .init(253_402_300_800_000, 1), .init(.max, 1), .init(.min, 1)])
        ])
        #expect(bad.total.tooOld == 2 && bad.total.tooNew == 2)
        for _ in 0..<2 {
            #expect(try await harness.all().series.map(\.timestamps) == [times.sorted()])
            try await harness.store.compact()
            try await harness.store.maintain()
            try await harness.reopen()
        }
        #expect(harness.store.statistics.days == 5)
    }

    @Test func `series of other rhythms do not blow up the head`() async throws {
        let harness = try StoreHarness()
        let identities = (0..<400).map { SeriesIdentity(["__name__": "m", "n": "\($0)"]) }
        var random = SeededGenerator(seed: 9)
        // All begin together, then each goes its own way.
        for step in 0..<60 {
            let batches = identities.enumerated().map { number, identity in
                SeriesBatch(
                    identity, samples: [.init(Self.start + Int64(step) * 10_000 + (step == 0 ? 0 : Int64(number * 7 + Int(random.next() % 5))), Double(step))])
            }
            harness.advance(to: Self.start + Int64(step) * 10_000)
            try await harness.store.write(batches)
        }
        #expect(harness.store.statistics.headSamples == 400 * 60)
        #expect(harness.store.statistics.headBytes < 400 * 60 * 60)
        let before = try await harness.all().series.map(\.exact)
        try await harness.store.compact()
        #expect(try await harness.all().series.map(\.exact) == before)
    }

    @Test func `labels beyond the rules are refused and told of`() async throws {
        let harness = try StoreHarness()
        let long = String(repeating: "x", count: 1 << 20)
        let summary = try await harness.store.write([
            SeriesBatch(labels: ["__name__": "a", "b": long], samples: [.init(Self.start, 1)]),
            SeriesBatch(labels: Labels(sortedUnchecked: [.init("b", "1"), .init("b", "2")]), samples: [.init(Self.start, 1)]),
            SeriesBatch(labels: ["__name__": "utf8.name with spaces", "ключ": "значение\0"], samples: [.init(Self.start, 1)]),
        ])
        #expect(summary.total.invalid == 2 && summary.total.written == 1)
        #expect(summary.reasons == ["a value of 1048576 bytes of the label b, the limit is 16384", "the label b twice or out of order"])
        try harness.crash()
        try await harness.store.compact()
        #expect(try await harness.all().series.map(\.labels) == [["__name__": "utf8.name with spaces", "ключ": "значение\0"]])
    }

    @Test func `limits count active series, and each metric has its own`() async throws {
        var configuration = SeriesStoreConfiguration()
        configuration.maxSeries = 4
        configuration.maxSeriesPerMetric = 2
        let harness = try StoreHarness(configuration)
        func batch(_ metric: String, _ numbers: Range<Int>) -> [SeriesBatch] {
            numbers.map { SeriesBatch(labels: ["__name__": metric, "n": "\($0)"], samples: [.init(harness.clock.now.milliseconds, 1)]) }
        }
        let first = try await harness.store.write(batch("m", 0..<3))
        #expect(first.total.written == 2 && first.total.overLimit == 1 && first.reasons[0].contains("the metric m has 2 active series"))
        let second = try await harness.store.write(batch("o", 0..<2) + batch("p", 0..<1))
        #expect(second.total.overLimit == 1 && second.reasons[0].contains("holds 4 active series"))
        // Two hours later the old ones are no longer active, though they are kept.
        harness.clock.advance(by: .seconds(3 * 3600))
        let later = try await harness.store.write(batch("p", 0..<2))
        #expect(later.total.written == 2 && harness.store.statistics.series == 6)
    }

    @Test func `a head that is full makes senders wait, by a typed error`() async throws {
        var configuration = SeriesStoreConfiguration()
        configuration.maxHeadBytes = 20_000
        let plan = FaultPlan()
        let harness = try StoreHarness(configuration, interrupt: plan.step)
        var refused = false
        for second in 0..<200 where !refused {
            plan.arm("inside day")
            do throws(SeriesStoreError) {
                try await harness.store.write(
                    (0..<20).map { SeriesBatch(labels: ["__name__": "m\($0)"], samples: [.init(Self.start + Int64(second) * 1000, Double(second * $0))]) })
            } catch {
                guard case .headFull = error else { throw error }
                refused = true
            }
        }
        #expect(refused)
    }
}
