import Telemetry
import TestKit
import Testing

@testable import SeriesStore

@Suite struct LimitTests {
    private func set(_ names: String...) -> SeriesSet { SeriesSet(names.map { Labels(name: $0) }) }

    @Test func `at the limit of series known ones go on and new ones are refused by name of the flag`() async throws {
        var configuration = SeriesStoreConfiguration()
        configuration.maxSeries = 2
        let harness = try StoreHarness(configuration)
        try await harness.store.append([frame("x", StoreHarness.start, set("a", "b"), [1, 2])])
        let error = await #expect(throws: SeriesStoreError.self) {
            try await harness.store.append([frame("x", StoreHarness.start + 1000, set("a", "c", "b"), [3, 4, 5])])
        }
        #expect(error.map { "\($0)".contains("holds 2 series, its limit") && "\($0)".contains("raise the limit") } == true)
        #expect(try await harness.all().series.map(\.values) == [[1, 3], [2, 5]])
        #expect(harness.counter("refused_series_total") == 1)
        try harness.crash()
        #expect(try await harness.all().series.map(\.values) == [[1, 3], [2, 5]])
    }

    @Test func `frames outside the accepted times are counted by reason`() async throws {
        let harness = try StoreHarness()
        let a = set("a")
        let now = StoreHarness.start
        let summary = try await harness.store.append([
            frame("x", now, a, [1]), frame("x", now, a, [1]), frame("x", now - 86_400_000, a, [3]), frame("x", now - 86_400_001, a, [4]),
            frame("x", now + 3_600_001, a, [5]), frame("y", now - 16 * 86_400_000, a, [6]),
        ])
        #expect(summary.storedFrames == 2 && summary.duplicateFrames == 1 && summary.tooOldFrames == 2 && summary.futureFrames == 1)
        #expect(try await harness.all().series.map(\.values) == [[3, 1]])
        #expect(harness.counter("rejected_frames_total") == 4)
    }

    @Test func `a query that is too large is refused`() async throws {
        var configuration = SeriesStoreConfiguration()
        configuration.maxSamplesPerQuery = 10
        let harness = try StoreHarness(configuration)
        for second in 0..<11 { try await harness.store.append([frame("x", StoreHarness.start + Int64(second), set("a"), [1])]) }
        let error = await #expect(throws: SeriesStoreError.self) { try await harness.all() }
        #expect(error.map { "\($0)".contains("more than 10 samples") } == true)
        try await harness.store.flush()
        await #expect(throws: SeriesStoreError.self) { try await harness.all() }
    }

    @Test func `the head is written out before it exceeds its bound`() async throws {
        var configuration = SeriesStoreConfiguration()
        configuration.maxHeadBytes = 64_000
        let harness = try StoreHarness(configuration)
        let names = SeriesSet((0..<50).map { Labels(name: "m\($0)") })
        for second in 0..<400 {
            try await harness.store.append([
                frame("x", StoreHarness.start + Int64(second) * 1000, names, (0..<50).map { Double(second * $0) / 3 })
            ])
            #expect(harness.store.statistics.headBytes < 64_000)
        }
        #expect(harness.store.statistics.storedSamples > 10_000)
        #expect(try await harness.all().series.allSatisfy { $0.values.count == 400 })
    }

    @Test func `a head that cannot be written refuses appends and recovers`() async throws {
        var configuration = SeriesStoreConfiguration()
        configuration.maxHeadBytes = 4000
        let plan = FaultPlan()
        let harness = try StoreHarness(configuration, interrupt: plan.step)
        let names = SeriesSet((0..<20).map { Labels(name: "m\($0)") })
        var refused = 0
        for second in 0..<60 {
            plan.arm("inside day")
            do throws(SeriesStoreError) {
                try await harness.store.append([frame("x", StoreHarness.start + Int64(second) * 1000, names, (0..<20).map { Double(second * $0) })])
            } catch {
                refused += 1
                #expect("\(error)".contains("wait for their day file"))
            }
        }
        #expect(refused > 0 && refused < 60)
        plan.arm("nothing")
        harness.clock.advance(by: .seconds(31))
        try await harness.store.append([frame("x", StoreHarness.start + 100_000, names, (0..<20).map { Double($0) })])
        #expect(try await harness.all().series[0].values.count == 61 - refused)
    }

    @Test func `retention unlinks whole days and forgets what is left without samples`() async throws {
        var configuration = SeriesStoreConfiguration()
        configuration.retention = .seconds(2 * 86_400)
        let harness = try StoreHarness(configuration)
        try await harness.store.append([frame("old", StoreHarness.start, set("gone", "stays"), [1, 2])])
        try await harness.store.flush()
        _ = try await harness.all()
        let later = StoreHarness.start + 4 * Day.milliseconds
        harness.advance(to: later)
        try await harness.store.append([frame("new", later, set("stays"), [3])])
        try await harness.store.flush()
        #expect(harness.store.statistics.days == 2)
        try await harness.store.applyRetention(now: Timestamp(milliseconds: later))
        #expect(harness.store.statistics.days == 1 && harness.store.statistics.series == 1)
        #expect(try await harness.all().series.map(\.values) == [[3]])
        try await harness.reopen()
        #expect(try await harness.all().series.map(\.values) == [[3]])
        // A series that comes back is a new one, and is found.
        try await harness.store.append([frame("old", later + 1000, set("gone", "stays"), [4, 5])])
        #expect(try await harness.all().series.map(\.values) == [[4], [3, 5]])
    }

    @Test func `names, values and series come from the span asked for`() async throws {
        let harness = try StoreHarness()
        let old = SeriesSet([["__name__": "up", "job": "a", "old": "1"]])
        let new = SeriesSet([["__name__": "up", "job": "b"], ["__name__": "down", "job": "b"]])
        try await harness.store.append([frame("x", StoreHarness.start, old, [1])])
        let later = StoreHarness.start + 6 * 3_600_000
        harness.advance(to: later)
        try await harness.store.append([frame("y", later, new, [1, 2])])
        for _ in 0..<2 {
            let store = harness.store
            let (all, recent) = (Timestamp(milliseconds: 0), Timestamp(milliseconds: later - 60_000))
            let end = Timestamp(milliseconds: later)
            #expect(try await store.labelNames(matchers: [], from: all, through: end) == ["__name__", "job", "old"])
            #expect(try await store.labelNames(matchers: [], from: recent, through: end) == ["__name__", "job"])
            #expect(try await store.labelValues("job", matchers: [], from: all, through: end) == ["a", "b"])
            #expect(try await store.labelValues("job", matchers: [Matcher("__name__", equals: "down")], from: all, through: end) == ["b"])
            #expect(try await store.labelValues("job", matchers: [], from: recent, through: end) == ["b"])
            #expect(try await store.series(matchers: [Matcher("job", equals: "b")], from: recent, through: end) == new.labels.sorted())
            try await harness.reopen()
        }
    }

    @Test func `a head of more samples than it may have is flushed at once, so that a start replays few`() async throws {
        var configuration = SeriesStoreConfiguration()
        configuration.maxHeadSamples = 100
        let harness = try StoreHarness(configuration)
        for step in Int64(0)..<10 {
            try await harness.store.write(
                (0..<30).map { SeriesBatch(labels: ["__name__": "m", "n": "\($0)"], samples: [.init(StoreHarness.start + step, Double(step))]) })
            #expect(harness.store.statistics.headSamples <= 100)
        }
        #expect(harness.store.statistics.storedSamples + harness.store.statistics.headSamples == 300)
        #expect(harness.counter("flushes_total") == 2)
    }
}
