import Glibc
import Runtime
import Telemetry
import TestKit
import Testing

@testable import SeriesStore

/// The store against a dictionary, through writes in and out of order, flushes, merges, deletions, clean restarts,
/// crashes and moves of the clock.
@Suite struct ModelTests {
    /// What the store must hold, without any thought for speed.
    private struct Model {
        var samples: [Labels: [Int64: Double]] = [:]
        var newest: Int64 = .min
        var now: Int64 = 0
        let window: Int64
        let retention: Int64

        func fits(_ time: Int64) -> Bool {
            time <= now + 3_600_000 && time >= max(0, now - retention) && (newest == .min || time >= newest - window)
        }

        /// Takes a sample as the store must.
        mutating func add(_ labels: Labels, _ time: Int64, _ value: Double, _ outcome: inout WriteOutcome) {
            if value.isAbsent { return }
            guard time <= now + 3_600_000 else { return outcome.tooNew += 1 }
            guard fits(time) else { return outcome.tooOld += 1 }
            newest = max(newest, time)
            samples[labels, default: [:]][time] = value
            outcome.written += 1
        }

        func select(_ matchers: [Matcher], _ from: Int64, _ through: Int64) -> [SeriesSamples] {
            samples.filter { labels, _ in matchers.allSatisfy { $0.accepts(labels) } }.compactMap { labels, all in
                let inside = all.filter { $0.key >= from && $0.key <= through }.sorted { $0.key < $1.key }
                return inside.isEmpty ? nil : SeriesSamples(labels: labels, timestamps: inside.map(\.key), values: inside.map(\.value))
            }
            .sorted { $0.labels < $1.labels }
        }

        mutating func delete(_ matchers: [Matcher], _ from: Int64, _ through: Int64) {
            for labels in samples.keys where matchers.allSatisfy({ $0.accepts(labels) }) {
                samples[labels] = samples[labels]!.filter { $0.key < from || $0.key > through }
            }
            // The window counts from what is still stored.
            newest = samples.values.lazy.flatMap(\.keys).max() ?? .min
        }
    }

    /// BINNACLE_MODEL_SEEDS says how many (24 if it is not set).
    static let seeds = UInt64(1)...(unsafe getenv("BINNACLE_MODEL_SEEDS").flatMap { unsafe UInt64(String(cString: $0)) } ?? 24)

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

    @Test(arguments: ModelTests.seeds) func `the store holds what a dictionary would`(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        var configuration = SeriesStoreConfiguration()
        configuration.maxColumnsPerPart = [3, 128].randomElement(using: &random)!
        configuration.flushInterval = .seconds(60)
        configuration.makesRollups = seed % 3 == 0
        configuration.maxCacheBytes = [0, 4000, 64 << 20][Int(seed) % 3]
        configuration.maxCachedLabels = [0, 5, 1000][Int(seed / 3) % 3]
        let harness = try StoreHarness(configuration)
        var model = Model(window: configuration.outOfOrderWindow.wholeMilliseconds, retention: configuration.retention.wholeMilliseconds)
        var sets = (0..<4).map { randomSet($0, &random) }
        var last: [[Double]] = sets.map { Array(repeating: 0, count: $0.count) }
        var identities: [Labels: SeriesIdentity] = [:]
        var newest = [Int64](repeating: StoreHarness.start, count: 4)

        func randomTime(_ source: Int) -> Int64 {
            var time = newest[source]
            switch random.next() % 20 {
            case 0: break
            case 1: time -= Int64(random.next() % 20) * 1000
            case 2: time -= Int64(random.next() % 30) * 3_600_000
            case 3: time += Int64(random.next() % 10) * 3_600_000
            case 4: time += 1000 + Int64(random.next() % 5)
            default: time += 1000
            }
            return time
        }
        func randomMatchers() throws -> [Matcher] {
            try [
                [], [Matcher("kind", equals: "odd")], [Matcher("source", .notEqual, "s1")], [Matcher("source", equals: "")],
                [Matcher("__name__", equals: "m2"), Matcher("source", .notEqual, "")],
            ].randomElement(using: &random)!
        }
        func randomSpan() -> (from: Int64, through: Int64) {
            let from = StoreHarness.start + Int64(random.next() % 40) * 3_600_000 - 40_000_000
            return (from, from + Int64(random.next() % 100_000_000))
        }

        for step in 0..<160 {
            switch random.next() % 100 {
            case 0..<40:
                var frames: [SampleFrame] = []
                for _ in 0..<(1 + random.next() % 4) {
                    let source = Int(random.next() % 4)
                    if random.next() % 30 == 0 {
                        sets[source] = randomSet(source, &random)
                        last[source] = Array(repeating: 0, count: sets[source].count)
                    }
                    let time = randomTime(source)
                    newest[source] = max(newest[source], time)
                    last[source] = last[source].map { randomValue(&random, $0) }
                    frames.append(frame("source", time, sets[source], last[source]))
                }
                harness.advance(to: newest.max()!)
                model.now = harness.clock.now.milliseconds
                let summary = try await harness.store.append(frames)
                var outcome = WriteOutcome()
                for frame in frames {
                    let time = frame.timestamp.milliseconds
                    guard model.fits(time) else { continue }
                    for (labels, value) in zip(frame.series.labels, frame.values) { model.add(labels, time, value, &outcome) }
                }
                #expect(summary.storedFrames + summary.duplicateFrames + summary.tooOldFrames + summary.futureFrames == frames.count)
            case 40..<70:
                var batches: [SeriesBatch] = []
                let source = Int(random.next() % 4)
                for position in sets[source].labels.indices where random.next() % 3 > 0 {
                    let labels = sets[source].labels[position]
                    let identity = random.next() % 2 == 0 ? SeriesIdentity(labels) : identities[labels] ?? SeriesIdentity(labels)
                    identities[labels] = identity
                    let samples = (0..<(random.next() % 5)).map { _ in
                        last[source][position] = randomValue(&random, last[source][position])
                        return SeriesBatch.Sample(randomTime(source), last[source][position])
                    }
                    newest[source] = max(newest[source], samples.map(\.timestamp).max() ?? 0)
                    batches.append(SeriesBatch(identity, samples: samples))
                }
                harness.advance(to: newest.max()!)
                model.now = harness.clock.now.milliseconds
                var outcome = WriteOutcome()
                for batch in batches {
                    for sample in batch.samples { model.add(batch.series.labels, sample.timestamp, sample.value, &outcome) }
                }
                let summary = try await harness.store.write(batches)
                #expect(summary.total.accepted == outcome.written, "seed \(seed) step \(step)")
                #expect(summary.total.tooOld == outcome.tooOld && summary.total.tooNew == outcome.tooNew && summary.total.overLimit == 0)
                // A retry changes nothing, and what it finds in the head it knows again.
                if random.next() % 4 == 0 {
                    let again = try await harness.store.write(batches)
                    var retried = WriteOutcome()
                    for batch in batches {
                        for sample in batch.samples { model.add(batch.series.labels, sample.timestamp, sample.value, &retried) }
                    }
                    #expect(again.total.accepted == retried.written, "seed \(seed) step \(step)")
                }
            case 70..<77: try await harness.store.flush()
            case 77..<83:
                // The clock may be set back, too.
                harness.clock.advance(by: .seconds(Double(random.next() % 600) - 100))
                try await harness.store.maintain()
            case 83..<85: try await harness.store.compact()
            case 85..<88: try harness.crash()
            case 88..<90: try await harness.reopen()
            case 90..<92:
                let (from, through) = randomSpan()
                let matchers = try randomMatchers()
                try await harness.store.delete(
                    matchers: matchers, from: Timestamp(milliseconds: from), through: Timestamp(milliseconds: through))
                model.delete(matchers, from, through)
            default:
                let (from, through) = randomSpan()
                let matchers = try randomMatchers()
                let answer = try await harness.store.answer(
                    matchers, from: Timestamp(milliseconds: from), through: Timestamp(milliseconds: through))
                #expect(answer.warnings == [])
                #expect(
                    answer.series.map(\.exact) == model.select(matchers, from, through).map(\.exact), "seed \(seed) step \(step) \(matchers)")
                // Twice: from files, then from the cache.
                for needsValues in [true, false, true] {
                    let series = try await harness.blocks(matchers, from, through, needsValues: needsValues)
                    #expect(
                        series.map(\.exact) == (needsValues ? answer.series : answer.series.map(\.marks)).map(\.exact), "seed \(seed) step \(step) \(matchers)")
                }
                let names = try await harness.store.series(
                    matchers: matchers, from: Timestamp(milliseconds: from), through: Timestamp(milliseconds: through))
                #expect(Set(names).isSuperset(of: answer.series.map(\.labels)))
            }
        }
        for attempt in 0..<4 {
            let answer = try await harness.all()
            #expect(answer.series.map(\.exact) == model.select([], 0, .max - 1).map(\.exact), "seed \(seed) at the end, attempt \(attempt)")
            switch attempt {
            case 0: try await harness.store.compact()
            case 1:
                harness.clock.advance(by: .seconds(86_400))
                for _ in 0..<3 { try await harness.store.maintain() }
            default:
                try await harness.reopen()
                #expect(harness.store.openWarnings == [])
            }
        }
        let statistics = harness.store.statistics
        #expect(statistics.headSamples == 0 && statistics.storedSamples == model.samples.values.reduce(0) { $0 + $1.count })
    }
}
