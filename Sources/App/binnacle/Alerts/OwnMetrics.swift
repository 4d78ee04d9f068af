import Exposition
import Runtime
import SeriesStore
import Telemetry

/// Stores what Binnacle counts of itself, so that rules can ask for it: counters and gauges, not histograms.
struct OwnMetrics {
    let registry: MetricRegistry
    let instance: String
    let store: SeriesStore
    /// Families that are kept elsewhere.
    var more: @Sendable () -> [MetricFamily] = { [] }

    static let interval: Int64 = 15_000

    func run() async throws {
        let clock = SystemClock()
        var last: (keys: [Labels], series: SeriesSet)?
        while !Task.isCancelled {
            let now = clock.now.milliseconds
            let due = (now / Self.interval + 1) * Self.interval
            try await Task.sleep(for: .milliseconds(due - now))
            let samples = samples()
            let keys = samples.map(\.0)
            var ended: [Labels] = []
            if last?.keys != keys {
                let fresh = Set(keys)
                ended = (last?.keys ?? []).filter { !fresh.contains($0) }
                last = (keys, SeriesSet(keys))
            }
            let series = ended.isEmpty ? last?.series ?? SeriesSet(keys) : SeriesSet(keys + ended)
            let values = samples.map(\.1) + Array(repeating: .stale, count: ended.count)
            // What the store does not take it counts itself.
            _ = try? await store.append([SampleFrame(source: "binnacle", timestamp: Timestamp(milliseconds: due), series: series, values: values)])
        }
    }

    private func samples() -> [(Labels, Double)] {
        (registry.collect() + more()).filter { $0.kind == .counter || $0.kind == .gauge }.flatMap { family in
            family.samples.map { sample in
                let own = [(Labels.metricName, family.name), ("instance", instance), ("job", "binnacle")]
                return (Labels(own + sample.labels.map { ($0.name, $0.value) }), sample.value)
            }
        }
    }
}
