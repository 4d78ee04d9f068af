import Runtime
import SQLite
import Telemetry
import TestKit
import Testing

@testable import SeriesStore

@Suite struct AdministrationTests {
    private static let start = StoreHarness.start

    private static func time(_ milliseconds: Int64) -> Timestamp { Timestamp(milliseconds: milliseconds) }

    /// Two days of samples each minute of twenty series, the first day in parts.
    private func filled(_ configuration: SeriesStoreConfiguration = .init()) async throws -> StoreHarness {
        let harness = try StoreHarness(configuration)
        var random = SeededGenerator(seed: 77)
        var counters = [UInt64](repeating: 0, count: 20)
        func noise(_ number: Int) -> Double {
            counters[number] += random.next() % 5000
            return Double(counters[number]) / 100
        }
        let identities = (0..<20).map { SeriesIdentity(["__name__": "m\($0 % 5)", "pod": "p\($0)"]) }
        for minute in stride(from: Int64(0), to: 2 * 1440, by: 60) {
            let batches = identities.enumerated().map { number, identity in
                SeriesBatch(identity, samples: (0..<60).map { .init(Self.start + (minute + $0) * 60_000, noise(number)) })
            }
            harness.advance(to: Self.start + (minute + 60) * 60_000)
            try await harness.store.write(batches)
            if minute == 1440 { try await harness.store.flush() }
        }
        return harness
    }

    @Test func `a snapshot taken while the store runs holds all that was acknowledged, and is restored`() async throws {
        let harness = try await filled()
        let before = try await harness.all().series.map(\.exact)
        let target = TemporaryDirectory("snapshot")
        try await harness.store.snapshot(to: target.file("copy"))
        // What comes later is not in it.
        try await harness.store.write([SeriesBatch(labels: ["__name__": "later"], samples: [.init(Self.start, 1)])])
        try SeriesStore.restore(target.file("copy"), to: target.file("restored"))
        let restored = try SeriesStore.open(directory: target.file("restored"), metrics: MetricRegistry(), clock: harness.clock)
        let answer = try await restored.answer([], from: Self.time(0), through: Self.time(.max / 2))
        #expect(answer.series.map(\.exact) == before && answer.warnings == [] && restored.openWarnings == [])
        await restored.close()
        let error = await #expect(throws: SeriesStoreError.self) { try await harness.store.snapshot(to: target.file("copy")) }
        #expect(error.map { "\($0)".contains("holds files already") } == true)
    }

    @Test func `a check finds nothing in a good store and names what is wrong in a damaged one`() async throws {
        let harness = try await filled()
        try await harness.store.compact()
        let good = try await harness.store.check()
        #expect(good.flatMap(\.problems) == [])
        #expect(good.filter { $0.name.hasPrefix("series-") }.reduce(0) { $0 + $1.samples } == harness.store.statistics.storedSamples)
        await harness.store.close()
        // A flipped byte anywhere: found, or not part of anything that is read.
        var random = SeededGenerator(seed: 3)
        let files = HostFileSystem()
        let day = try #require(files.list(harness.directory.path).first { $0.hasPrefix("series-") })
        let bytes = try files.read(harness.directory.file(day))
        let copy = TemporaryDirectory("damaged")
        for name in try files.list(harness.directory.path) { try files.write(copy.file(name), files.read(harness.directory.file(name))) }
        var found = 0
        for _ in 0..<40 {
            var damaged = bytes
            damaged[Int(random.next() % UInt64(bytes.count))] ^= UInt8(1 + random.next() % 255)
            try files.write(copy.file(day), damaged)
            found += try StoreCheck(directory: copy.path).run().contains { !$0.problems.isEmpty } ? 1 : 0
        }
        #expect(found >= 10, "\(found) of 40")
        #expect(throws: SeriesStoreError.self) {
            var damaged = bytes
            damaged[bytes.count / 2] ^= 0xFF
            try files.write(copy.file(day), damaged)
            try SeriesStore.restore(copy.path, to: copy.file("restored"))
        }
    }

    @Test func `a flipped byte anywhere never crashes the store nor changes a sample that it answers with`() async throws {
        let harness = try await filled()
        try await harness.store.flush()
        await harness.store.close()
        var truth: [Labels: [Int64: UInt64]] = [:]
        try await harness.reopen()
        for series in try await harness.all().series {
            truth[series.labels] = Dictionary(uniqueKeysWithValues: zip(series.timestamps, series.values.map(\.bitPattern)))
        }
        await harness.store.close()
        let files = HostFileSystem()
        let names = try files.list(harness.directory.path).filter { $0.hasSuffix(".db") }
        for seed in UInt64(1)...8 {
            var random = SeededGenerator(seed: seed)
            let copy = TemporaryDirectory("damaged")
            let victim = names.randomElement(using: &random)!
            for name in names {
                var bytes = try files.read(harness.directory.file(name))
                if name == victim { bytes[Int(random.next() % UInt64(bytes.count))] ^= 1 << UInt8(random.next() % 8) }
                try files.write(copy.file(name), bytes)
            }
            guard let store = try? SeriesStore.open(directory: copy.path, metrics: MetricRegistry(), clock: harness.clock),
                let answer = try? await store.answer([], from: Self.time(0), through: Self.time(.max / 2))
            else { continue }
            var count = 0
            for series in answer.series {
                for (time, value) in zip(series.timestamps, series.values) {
                    #expect(truth[series.labels]?[time] == value.bitPattern, "seed \(seed) \(victim)")
                    count += 1
                }
            }
            let isWhole = count == truth.values.reduce(0) { $0 + $1.count }
            #expect(isWhole || !answer.warnings.isEmpty || !store.openWarnings.isEmpty, "seed \(seed) \(victim): \(count) samples and no warning")
            try? await store.maintain()
            try? await store.compact()
            await store.close()
        }
    }

    @Test func `rollups say what the samples say, and days without them are not listed`() async throws {
        let harness = try await filled()
        harness.advance(to: Self.start + 3 * Day.milliseconds)
        try await harness.store.flush()
        for _ in 0..<3 {
            harness.clock.advance(by: .seconds(600))
            try await harness.store.maintain()
        }
        let (from, through) = (Self.time(Self.start), Self.time(Self.start + 3 * Day.milliseconds))
        let raw = try await harness.store.answer([Matcher("pod", equals: "p7")], from: from, through: through).series[0]
        for resolution in RollupResolution.allCases {
            let answer = try await harness.store.rollups(matchers: [Matcher("pod", equals: "p7")], from: Self.time(0), through: through, resolution: resolution)
            #expect(answer.warnings == [] && answer.days.count == 3)
            let series = try #require(answer.series.first)
            #expect(series.buckets.reduce(0) { $0 + $1.count } == Double(raw.values.count))
            for bucket in series.buckets {
                let inside = zip(raw.timestamps, raw.values).filter { $0.0 > bucket.end - resolution.milliseconds && $0.0 <= bucket.end }
                #expect(bucket.first == inside.first?.1 && bucket.last == inside.last?.1 && bucket.firstTime == inside.first?.0)
                #expect(bucket.min == inside.map(\.1).min() && bucket.max == inside.map(\.1).max() && bucket.sum == inside.reduce(0) { $0 + $1.1 })
            }
        }
        try await harness.reopen()
        let early = try await harness.store.rollups(
            matchers: [], from: Self.time(Self.start - 5 * Day.milliseconds), through: Self.time(Self.start - 4 * Day.milliseconds), resolution: .oneHour)
        #expect(early.days == [] && early.series.isEmpty)
    }

    @Test func `buckets count resets and what a counter grew by`() {
        let times: [Int64] = [1, 60_000, 120_000, 300_001, 360_000]
        let buckets = RollupBucket.buckets(times, [10, 15, 3, 4, .stale], .fiveMinutes)
        #expect(buckets.count == 2)
        #expect(buckets[0].increase == 8 && buckets[0].resets == 1 && buckets[0].count == 3 && buckets[0].last == 3)
        #expect(buckets[1].count == 1 && buckets[1].lastTime == 300_001)
        // One that falls on an end belongs to the bucket that ends there.
        #expect(RollupBucket.buckets([300_000, 600_000], [0.5, 2], .fiveMinutes).map(\.end) == [300_000, 600_000])
        #expect(buckets[0].isWhole && !RollupBucket.buckets([1, 2], [1, 0.5], .oneHour)[0].isWhole)
    }

    @Test func `what is deleted is gone from answers, from the disk and from the index`() async throws {
        let harness = try await filled()
        try await harness.store.compact()
        let bytes = harness.store.statistics.partBytes
        let matchers = [try Matcher("pod", .matches, "p[0-9]")]
        let count = try await harness.store.delete(matchers: matchers, from: Self.time(0), through: Self.time(.max / 2))
        #expect(count == 10 * 2880)
        #expect(try await harness.all().series.count == 10)
        #expect(
            harness.store.statistics.series == 10 && harness.store.statistics.storedSamples == 10 * 2880 && harness.store.statistics.partBytes < bytes * 2 / 3)
        try harness.crash()
        #expect(try await harness.all().series.count == 10)
        // One that comes back is found under a new number.
        try await harness.store.write([SeriesBatch(labels: ["__name__": "m1", "pod": "p1"], samples: [.init(Self.start + 86_400_000, 5)])])
        #expect(try await harness.all().series.count == 11)
    }

    @Test func `metadata, exemplars and native histograms are kept`() async throws {
        var configuration = SeriesStoreConfiguration()
        configuration.maxExemplars = 3
        let harness = try StoreHarness(configuration)
        let labels: Labels = ["__name__": "rpc_seconds"]
        let exemplars = (0..<5).map { SeriesBatch.Exemplar(labels: ["trace_id": "t\($0)"], timestamp: Self.start + Int64($0), value: Double($0)) }
        let histogram = SeriesBatch.Histogram(timestamp: Self.start, encoded: [1, 2, 3])
        let metadata = [MetricMetadata(metric: "rpc_seconds", type: "histogram", help: "How long.\n", unit: "seconds")]
        let summary = try await harness.store.write(
            [SeriesBatch(labels: labels, samples: [.init(Self.start, 1)], exemplars: exemplars, histograms: [histogram])], metadata: metadata)
        #expect(summary.total.written == 2 && summary.total.exemplars == 5)
        for _ in 0..<2 {
            try harness.crash()
            let (from, through) = (Self.time(0), Self.time(Self.start + 1000))
            #expect(try await harness.store.metadata() == metadata)
            #expect(try await harness.store.exemplars(matchers: [], from: from, through: through).map(\.exemplars) == [Array(exemplars.suffix(3))])
            let found = try await harness.store.histograms(matchers: [], from: from, through: through)
            #expect(found.map(\.labels) == [labels] && found.map(\.histograms) == [[histogram]])
            try await harness.store.compact()
        }
    }

    @Test func `statistics tell where bytes and series are`() async throws {
        let harness = try await filled()
        try await harness.store.compact()
        let stats = try await harness.store.stats()
        #expect(stats.samples == 20 * 2880 && stats.metrics.count == 5 && stats.codecs.values.reduce(0) { $0 + $1.samples } == stats.samples)
        let cardinality = await harness.store.cardinality(from: Self.time(0), through: Self.time(.max / 2), limit: 3)
        #expect(cardinality.series == 20 && cardinality.labelPairs == 25)
        #expect(cardinality.seriesByMetric == [.init(name: "m0", count: 4), .init(name: "m1", count: 4), .init(name: "m2", count: 4)])
        #expect(cardinality.valuesByLabel == [.init(name: "pod", count: 20), .init(name: "__name__", count: 5)])
        let count = await harness.store.seriesCount(matchers: [Matcher("__name__", equals: "m3")], from: Self.time(0), through: Self.time(.max / 2))
        #expect(count == 4)
    }

    @Test func `series read at the same moments come with one array of times`() async throws {
        let harness = try await filled()
        try await harness.store.compact()
        try await harness.store.write(
            (0..<20).map { SeriesBatch(labels: ["__name__": "m\($0 % 5)", "pod": "p\($0)"], samples: [.init(Self.start + 2 * Day.milliseconds, 1)]) })
        let seen = Collected()
        let summary = try await harness.store.forEachSeries([], from: Self.time(0), through: Self.time(.max / 2)) { seen.add($0) }
        #expect(summary.series == 20 && summary.samples == 20 * 2881 && summary.parts > 0)
        #expect(Set(seen.all.map(\.timesGroup)).count == 1)
        let (blocks, _) = try await harness.store.blocks([], from: Self.time(0), through: Self.time(.max / 2))
        #expect(blocks.count == 1 && blocks[0].labels.count == 20 && blocks[0].columns.allSatisfy { $0.count == 2881 })
    }

    @Test func `old days go when the files exceed their bound`() async throws {
        var configuration = SeriesStoreConfiguration()
        configuration.makesRollups = false
        let harness = try await filled(configuration)
        try await harness.store.compact()
        let days = harness.store.statistics.days
        await harness.store.close()
        harness.configuration.maxBytes = harness.store.statistics.fileBytes * 2 / 3
        try await harness.reopen()
        try await harness.store.maintain()
        #expect(harness.store.statistics.days < days && harness.store.statistics.days > 0)
    }

    @Test func `a rule of retention removes its series from days that are past it`() async throws {
        var configuration = SeriesStoreConfiguration()
        configuration.retentionRules = [.init(matchers: [Matcher("__name__", equals: "m1")], retention: .seconds(86_400))]
        let harness = try await filled(configuration)
        harness.advance(to: Self.start + 4 * Day.milliseconds)
        try await harness.store.flush()
        try await harness.store.applyRetention(now: Self.time(Self.start + 4 * Day.milliseconds))
        #expect(try await harness.all().series.count == 16)
    }
}

import Synchronization

private final class Collected: Sendable {
    private let columns = Mutex<[SeriesColumn]>([])
    func add(_ column: SeriesColumn) { columns.withLock { $0.append(column) } }
    var all: [SeriesColumn] { columns.withLock { $0 } }
}
