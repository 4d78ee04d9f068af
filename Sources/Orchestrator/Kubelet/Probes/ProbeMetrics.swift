import Exposition
import Synchronization

/// The counters of `/metrics/probes`. A pod's series go with the pod.
public final class ProbeMetrics: Sendable {
    struct Subject: Hashable, Sendable {
        var namespace: String
        var pod: String
        var uid: String
        var container: String
        var kind: ProbeKind
    }
    private struct Figures {
        var successful = 0
        var failed = 0
        var unknown = 0
        var buckets = [Int](repeating: 0, count: bounds.count + 1)
        var sum = 0.0
    }
    private static let bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
    private let figures = Mutex<[Subject: Figures]>([:])

    func count(_ subject: Subject, _ outcome: ProbeOutcome, seconds: Double) {
        figures.withLock { figures in
            var entry = figures[subject] ?? Figures()
            switch outcome {
            case .success: entry.successful += 1
            case .failure: entry.failed += 1
            case .unknown: entry.unknown += 1
            }
            entry.buckets[Self.bounds.firstIndex { seconds <= $0 } ?? Self.bounds.count] += 1
            entry.sum += seconds
            figures[subject] = entry
        }
    }

    func forget(uid: String) { figures.withLock { figures in figures = figures.filter { $0.key.uid != uid } } }

    public func collect() -> [MetricFamily] {
        let sorted = figures.withLock { $0 }.sorted {
            ($0.key.namespace, $0.key.pod, $0.key.container, $0.key.kind.rawValue) < ($1.key.namespace, $1.key.pod, $1.key.container, $1.key.kind.rawValue)
        }
        var total = MetricFamily(name: "prober_probe_total", help: "Probes of containers by result.", kind: .counter)
        var duration = MetricFamily(name: "prober_probe_duration_seconds", help: "How long probes took.", kind: .histogram)
        for (subject, entry) in sorted {
            let labels = [
                (name: "container", value: subject.container), (name: "namespace", value: subject.namespace), (name: "pod", value: subject.pod),
                (name: "probe_type", value: subject.kind.rawValue),
            ]
            for (result, count) in [("failed", entry.failed), ("successful", entry.successful), ("unknown", entry.unknown)] where count > 0 {
                total.samples.append(.init(labels: labels + [(name: "pod_uid", value: subject.uid), (name: "result", value: result)], value: Double(count)))
            }
            var below = 0
            for (position, count) in entry.buckets.enumerated() {
                below += count
                let bound = position < Self.bounds.count ? "\(Self.bounds[position])" : "+Inf"
                duration.samples.append(.init(suffix: "_bucket", labels: labels + [(name: "le", value: bound)], value: Double(below)))
            }
            duration.samples.append(.init(suffix: "_sum", labels: labels, value: entry.sum))
            duration.samples.append(.init(suffix: "_count", labels: labels, value: Double(below)))
        }
        return [duration, total]
    }
}
