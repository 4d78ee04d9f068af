import Telemetry
import TestKit
import Testing

@testable import SeriesStore

/// The store against a dictionary, through appends in and out of order, flushes, seals, clean restarts and crashes.
@Suite struct ModelTests {
    /// What the store must hold, without any thought for speed.
    private struct Model {
        var sources: [String] = []
        var samples: [Labels: [Int64: (rank: Int, value: Double)]] = [:]
        var times: [String: Set<Int64>] = [:]

        /// Takes a frame as the store must; returns whether it is stored.
        mutating func add(_ frame: SampleFrame, window: Int64) -> Bool {
            let time = frame.timestamp.milliseconds
            if !sources.contains(frame.source) { sources.append(frame.source) }
            if times[frame.source, default: []].contains(time) { return false }
            if let last = times[frame.source]?.max(), time < last - window { return false }
            times[frame.source, default: []].insert(time)
            let rank = sources.firstIndex(of: frame.source)!
            for (labels, value) in zip(frame.series.labels, frame.values) where !value.isAbsent {
                if let known = samples[labels]?[time], known.rank <= rank { continue }
                samples[labels, default: [:]][time] = (rank, value)
            }
            return true
        }

        func select(_ matchers: [Matcher], _ from: Int64, _ through: Int64) -> [SeriesSamples] {
            samples.filter { labels, _ in matchers.allSatisfy { $0.accepts(labels) } }.compactMap { labels, all in
                let inside = all.filter { $0.key >= from && $0.key <= through }.sorted { $0.key < $1.key }
                return inside.isEmpty ? nil : SeriesSamples(labels: labels, timestamps: inside.map(\.key), values: inside.map(\.value.value))
            }
            .sorted { $0.labels < $1.labels }
        }
    }

    private func randomValue(_ random: inout SeededGenerator, _ previous: Double) -> Double {
        switch random.next() % 20 {
        case 0..<8: previous
        case 8..<12: (previous.isFinite ? previous : 0) + Double(random.next() % 100_000) / 1e6
        case 12..<15: Double(random.next() % 1000) * 4096
        case 15: .absent
        case 16: .stale
        case 17: Double(bitPattern: random.next())
        case 18: [.nan, -0.0, .infinity, Double(bitPattern: 0x7ff8_0000_0000_0001), 1e300].randomElement(using: &random)!
        default: Double.random(in: 0..<1, using: &random)
        }
    }

    private func randomSet(_ source: Int, _ random: inout SeededGenerator) -> SeriesSet {
        var labels: [Labels] = []
        for number in 0..<(1 + random.next() % 14) {
            // One in ten series is told by all sources.
            let shared = random.next() % 10 == 0
            labels.append(["__name__": "m\(number)", "source": shared ? "" : "s\(source)", "kind": number % 2 == 0 ? "even" : "odd"])
        }
        return SeriesSet(labels)
    }

    private static let sourceNames = ["node/a", "cgroup/b", "cgroup/c", "target/d"]

    @Test(arguments: UInt64(1)...24) func `the store holds what a dictionary would`(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        var configuration = SeriesStoreConfiguration()
        configuration.maxColumnsPerPart = [3, 128].randomElement(using: &random)!
        configuration.flushInterval = .seconds(60)
        let harness = try StoreHarness(configuration)
        var model = Model()
        var sets = (0..<4).map { randomSet($0, &random) }
        var last: [[Double]] = sets.map { Array(repeating: 0, count: $0.count) }
        var newest = [Int64](repeating: StoreHarness.start, count: 4)
        let window = configuration.outOfOrderWindow.wholeMilliseconds

        for step in 0..<150 {
            let action = random.next() % 100
            switch action {
            case 0..<70:
                var frames: [SampleFrame] = []
                for _ in 0..<(1 + random.next() % 5) {
                    let source = Int(random.next() % 4)
                    if random.next() % 30 == 0 {
                        sets[source] = randomSet(source, &random)
                        last[source] = Array(repeating: 0, count: sets[source].count)
                    }
                    var time = newest[source]
                    switch random.next() % 20 {
                    case 0: break
                    case 1: time -= Int64(random.next() % 20) * 1000
                    case 2: time -= Int64(random.next() % 30) * 3_600_000
                    case 3: time += Int64(random.next() % 10) * 3_600_000
                    case 4: time += 1000 + Int64(random.next() % 5)
                    default: time += 1000
                    }
                    newest[source] = max(newest[source], time)
                    last[source] = last[source].map { randomValue(&random, $0) }
                    frames.append(frame(Self.sourceNames[source], time, sets[source], last[source]))
                }
                harness.advance(to: newest.max()!)
                // The store numbers new sources of one batch by name.
                for name in Set(frames.map(\.source)).sorted() where !model.sources.contains(name) { model.sources.append(name) }
                let summary = try await harness.store.append(frames)
                let stored = frames.count { model.add($0, window: window) }
                #expect(summary.storedFrames == stored, "seed \(seed) step \(step)")
                #expect(summary.storedFrames + summary.duplicateFrames + summary.tooOldFrames == frames.count)
            case 70..<78: try await harness.store.flush()
            case 78..<84:
                harness.clock.advance(by: .seconds(Double(random.next() % 600)))
                try await harness.store.maintain()
            case 84..<88: try harness.crash()
            case 88..<90: try await harness.reopen()
            default:
                let from = StoreHarness.start + Int64(random.next() % 40) * 3_600_000 - 40_000_000
                let through = from + Int64(random.next() % 100_000_000)
                let matchers: [Matcher] = [
                    [], [Matcher("kind", equals: "odd")], [try Matcher("source", .notEqual, "s1")], [Matcher("source", equals: "")],
                    [Matcher("__name__", equals: "m2"), try Matcher("source", .notEqual, "")],
                ].randomElement(using: &random)!
                let answer = try await harness.store.answer(
                    matchers, from: Timestamp(milliseconds: from), through: Timestamp(milliseconds: through))
                #expect(answer.warnings == [])
                #expect(
                    answer.series.map(\.exact) == model.select(matchers, from, through).map(\.exact), "seed \(seed) step \(step) \(matchers)")
                let names = try await harness.store.series(
                    matchers: matchers, from: Timestamp(milliseconds: from), through: Timestamp(milliseconds: through))
                #expect(Set(names).isSuperset(of: answer.series.map(\.labels)))
            }
        }
        for attempt in 0..<3 {
            let answer = try await harness.all()
            #expect(answer.series.map(\.exact) == model.select([], 0, .max - 1).map(\.exact), "seed \(seed) at the end, attempt \(attempt)")
            if attempt == 0 {
                harness.clock.advance(by: .seconds(86_400))
                try await harness.store.flush()
                for _ in 0..<10 { try await harness.store.maintain() }
            } else {
                try await harness.reopen()
                #expect(harness.store.openWarnings == [])
            }
        }
        let statistics = harness.store.statistics
        #expect(statistics.headRows == 0 && statistics.storedSamples > 0)
    }
}
