import PromQL
import Synchronization
import Telemetry

/// Series in memory: what a unit test of rules reads and writes.
final class MemorySamples: SampleSource, RuleSampleSink {
    private let series = Mutex<[Labels: SeriesSamples]>([:])

    /// Values at `interval` from time 0 on; nil is no sample.
    func load(_ labels: Labels, _ values: [Double?], interval: Duration) {
        series.withLock { series in
            var one = series[labels] ?? SeriesSamples(labels: labels, timestamps: [], values: [])
            for (position, value) in values.enumerated() {
                guard let value else { continue }
                one.timestamps.append(Int64(position) * interval.wholeMilliseconds)
                one.values.append(value)
            }
            series[labels] = one
        }
    }

    func append(_ samples: [RuleSample], at time: Timestamp) async throws {
        series.withLock { series in
            for sample in samples {
                var one = series[sample.labels] ?? SeriesSamples(labels: sample.labels, timestamps: [], values: [])
                guard one.timestamps.last.map({ $0 < time.milliseconds }) ?? true else { continue }
                one.timestamps.append(time.milliseconds)
                one.values.append(sample.value)
                series[sample.labels] = one
            }
        }
    }

    func select(_ matchers: [Matcher], from: Timestamp, through: Timestamp) async throws -> [SeriesSamples] {
        series.withLock { series in
            series.values.compactMap { one in
                guard matchers.allSatisfy({ $0.accepts(one.labels) }) else { return nil }
                let start = Self.first(in: one.timestamps, from: from.milliseconds)
                let inside = start..<max(start, Self.first(in: one.timestamps, from: through.milliseconds + 1))
                guard !inside.isEmpty else { return nil }
                return SeriesSamples(labels: one.labels, timestamps: Array(one.timestamps[inside]), values: Array(one.values[inside]))
            }
        }
    }

    /// The position of the first time stamp that is not before `moment`.
    private static func first(in timestamps: [Int64], from moment: Int64) -> Int {
        var (low, high) = (0, timestamps.count)
        while low < high {
            let middle = (low + high) / 2
            if timestamps[middle] < moment { low = middle + 1 } else { high = middle }
        }
        return low
    }

    func series(matchers: [Matcher], from: Timestamp, through: Timestamp) async throws -> [Labels] {
        try await select(matchers, from: from, through: through).map(\.labels)
    }

    func labelNames(matchers: [Matcher], from: Timestamp, through: Timestamp) async throws -> [String] {
        Set(try await series(matchers: matchers, from: from, through: through).flatMap { $0.list.map(\.name) }).sorted()
    }

    func labelValues(_ name: String, matchers: [Matcher], from: Timestamp, through: Timestamp) async throws -> [String] {
        Set(try await series(matchers: matchers, from: from, through: through).map { $0[name] }).subtracting([""]).sorted()
    }
}
