import Exposition
import Runtime
import Telemetry
import TestKit
import Testing

@testable import SeriesStore

extension StoreHarness {
    /// What `SeriesStore.blocks` gives, cut to the span, as series in order.
    func blocks(_ matchers: [Matcher], _ from: Int64, _ through: Int64, needsValues: Bool) async throws -> [SeriesSamples] {
        let (blocks, summary) = try await store.blocks(
            matchers, from: Timestamp(milliseconds: from), through: Timestamp(milliseconds: through), needsValues: needsValues)
        #expect(summary.warnings == [])
        var result: [SeriesSamples] = []
        for block in blocks {
            let start = block.timestamps.firstPosition(notBefore: from), end = block.timestamps.firstPosition(notBefore: through + 1)
            for (labels, column) in zip(block.labels, block.columns) {
                #expect(column.count == block.timestamps.count || (column.isEmpty && !needsValues))
                let values = column.isEmpty ? Array(repeating: 1, count: end - start) : Array(column[start..<end])
                let series = SeriesSamples(labels: labels, timestamps: Array(block.timestamps[start..<end]), values: values)
                result.append(needsValues ? series : series.marks)
            }
        }
        return result.sorted { $0.labels < $1.labels }
    }
}

extension SeriesSamples {
    /// With 1 for each value that is no marker.
    var marks: SeriesSamples { SeriesSamples(labels: labels, timestamps: timestamps, values: values.map { $0.isStale ? $0 : 1 }) }
}

@Suite struct BlockTests {
    private static let start = StoreHarness.start / Day.milliseconds * Day.milliseconds

    /// Series `m0` ... of one pod, each 15 s for some hours.
    private func filled(_ configuration: SeriesStoreConfiguration = .init(), series: Int = 20, rows: Int = 1500) async throws -> StoreHarness {
        let harness = try StoreHarness(configuration)
        let set = SeriesSet((0..<series).map { ["__name__": "m\($0)", "pod": "p"] })
        for first in stride(from: 0, to: rows, by: 100) {
            let frames = (first..<min(first + 100, rows)).map { row in
                frame("pod", Self.start + Int64(row) * 15_000, set, (0..<series).map { Double(row * ($0 + 1)) })
            }
            harness.advance(to: Self.start + Int64(first + 100) * 15_000)
            try await harness.store.append(frames)
        }
        try await harness.store.compact()
        return harness
    }

    private func read(_ harness: StoreHarness, _ name: String, rows: Range<Int64> = 0..<1500) async throws -> [SeriesSamples] {
        try await harness.blocks(
            [Matcher("__name__", equals: name)], Self.start + rows.lowerBound * 15_000, Self.start + (rows.upperBound - 1) * 15_000, needsValues: true)
    }

    private func outcome(_ harness: StoreHarness, _ outcome: String) -> Double {
        harness.registry.collect().filter { $0.name.contains("cached_columns") }.flatMap(\.samples)
            .filter { $0.labels.contains { $0.value == outcome } }.reduce(0) { $0 + $1.value }
    }

    @Test func `a column is decoded once`() async throws {
        let harness = try await filled()
        let first = try await read(harness, "m3")
        #expect(first.count == 1 && first[0].values == (0..<1500).map { Double($0 * 4) })
        let misses = outcome(harness, "miss")
        #expect(misses > 0 && outcome(harness, "hit") == 0)
        #expect(try await read(harness, "m3").map(\.exact) == first.map(\.exact))
        #expect(outcome(harness, "miss") == misses && outcome(harness, "hit") == misses)
        // Another span, of the same columns.
        #expect(try await read(harness, "m3", rows: 700..<720)[0].values == (700..<720).map { Double($0 * 4) })
        #expect(outcome(harness, "miss") == misses)
    }

    @Test func `what is deleted is not answered from the cache`() async throws {
        let harness = try await filled()
        _ = try await read(harness, "m3")
        try await harness.store.delete(
            matchers: [Matcher("__name__", equals: "m3")], from: Timestamp(milliseconds: Self.start),
            through: Timestamp(milliseconds: Self.start + 99 * 15_000))
        #expect(try await read(harness, "m3")[0].timestamps.first == Self.start + 100 * 15_000)
        try await harness.store.write([SeriesBatch(labels: ["__name__": "m3", "pod": "p"], samples: [.init(Self.start + 5 * 15_000, -1)])])
        #expect(try await read(harness, "m3")[0].values.prefix(2) == [-1, 400])
        try await harness.store.compact()
        #expect(try await read(harness, "m3")[0].values.prefix(2) == [-1, 400])
    }

    @Test func `the cache stays within its bound`() async throws {
        var configuration = SeriesStoreConfiguration()
        configuration.maxCacheBytes = 60_000
        let harness = try await filled(configuration)
        for round in 0..<3 {
            for name in 0..<20 {
                #expect(try await read(harness, "m\(name)")[0].values == (0..<1500).map { Double($0 * (name + 1)) }, "round \(round)")
                #expect(harness.store.shared.cache.bytes <= 60_000)
            }
        }
        #expect(harness.counter("cache_evictions_total") + harness.counter("cache_evictions") > 0)
    }

    @Test func `too many samples are refused before they are decoded`() async throws {
        let harness = try await filled()
        let span = (from: Timestamp(milliseconds: Self.start), through: Timestamp(milliseconds: Self.start + 1500 * 15_000))
        await #expect(throws: SeriesStoreError.self) {
            _ = try await harness.store.blocks([], from: span.from, through: span.through, limit: 10_000)
        }
        #expect(outcome(harness, "miss") < 20)
        let (blocks, summary) = try await harness.store.blocks([], from: span.from, through: span.through, needsValues: false)
        #expect(summary.samples == 30_000 && blocks.count == 1 && blocks[0].columns.allSatisfy(\.isEmpty))
        #expect(outcome(harness, "miss") < 20)
    }
}
