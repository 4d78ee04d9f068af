import Exposition
import Synchronization
import Telemetry

/// A count that only grows. Its value is read by a scrape while others add.
public final class Counter: Sendable {
    private let bits = Atomic<UInt64>(0)
    init() {}
    public func increment(by amount: UInt64 = 1) { bits.wrappingAdd(amount, ordering: .relaxed) }
    public var value: UInt64 { bits.load(ordering: .relaxed) }
}

/// A value that goes up and down.
public final class Gauge: Sendable {
    private let bits = Atomic<UInt64>(0)
    init() {}
    public var value: Double {
        get { Double(bitPattern: bits.load(ordering: .relaxed)) }
        set { bits.store(newValue.bitPattern, ordering: .relaxed) }
    }
}

/// Counts of observations by size, in Prometheus' classic form.
public final class Histogram: Sendable {
    struct State { var counts: [UInt64], sum: Double }
    let bounds: [Double]
    private let state: Mutex<State>

    init(bounds: [Double]) {
        self.bounds = bounds
        state = Mutex(State(counts: Array(repeating: 0, count: bounds.count + 1), sum: 0))
    }

    public func observe(_ value: Double) {
        let position = bounds.firstIndex { value <= $0 } ?? bounds.count
        state.withLock {
            $0.counts[position] += 1
            $0.sum += value
        }
    }

    public func observe(_ duration: Duration) { observe(duration.inSeconds) }

    func samples(labels: [(name: String, value: String)]) -> [MetricFamily.Sample] {
        let state = state.withLock { $0 }
        var samples: [MetricFamily.Sample] = []
        var total: UInt64 = 0
        for (position, count) in state.counts.enumerated() {
            total += count
            let bound = position < bounds.count ? "\(bounds[position])" : "+Inf"
            samples.append(.init(suffix: "_bucket", labels: labels + [("le", bound)], value: Double(total)))
        }
        samples.append(.init(suffix: "_sum", labels: labels, value: state.sum))
        samples.append(.init(suffix: "_count", labels: labels, value: Double(total)))
        return samples
    }
}

/// Binnacle's metrics of itself. One registry a process, handed to each part by the executable.
///
/// Asking twice for a name and label set gives the same instrument.
public final class MetricRegistry: Sendable {
    private enum Instrument { case counter(Counter), gauge(Gauge), histogram(Histogram), computed(@Sendable () -> Double) }
    private struct Family {
        var help: String
        var kind: MetricFamily.Kind
        var instruments: [[String: String]: Instrument] = [:]
    }
    private let families = Mutex<[String: Family]>([:])

    /// Seconds, for durations of requests and rounds.
    public static let durationBounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

    public init() {}

    /// `name` ends in `_total`.
    public func counter(_ name: String, _ help: String, _ labels: [String: String] = [:]) -> Counter {
        let instrument = instrument(name, help, .counter, labels) { .counter(Counter()) }
        guard case .counter(let counter) = instrument else { preconditionFailure("\(name) is no counter") }
        return counter
    }

    public func gauge(_ name: String, _ help: String, _ labels: [String: String] = [:]) -> Gauge {
        let instrument = instrument(name, help, .gauge, labels) { .gauge(Gauge()) }
        guard case .gauge(let gauge) = instrument else { preconditionFailure("\(name) is no gauge") }
        return gauge
    }

    /// A gauge whose value is worked out when it is scraped. The newest closure wins.
    public func gauge(_ name: String, _ help: String, _ labels: [String: String] = [:], _ value: @escaping @Sendable () -> Double) {
        families.withLock { $0[name, default: Family(help: help, kind: .gauge)].instruments[labels] = .computed(value) }
    }

    public func histogram(
        _ name: String, _ help: String, _ labels: [String: String] = [:], bounds: [Double] = MetricRegistry.durationBounds
    ) -> Histogram {
        let instrument = instrument(name, help, .histogram, labels) { .histogram(Histogram(bounds: bounds)) }
        guard case .histogram(let histogram) = instrument else { preconditionFailure("\(name) is no histogram") }
        return histogram
    }

    private func instrument(
        _ name: String, _ help: String, _ kind: MetricFamily.Kind, _ labels: [String: String], _ make: () -> Instrument
    ) -> Instrument {
        families.withLock { families in
            if let known = families[name]?.instruments[labels] { return known }
            let new = make()
            families[name, default: Family(help: help, kind: kind)].instruments[labels] = new
            return new
        }
    }

    /// All families, sorted by name.
    public func collect() -> [MetricFamily] {
        families.withLock { $0 }.sorted { $0.key < $1.key }.map { name, family in
            var result = MetricFamily(name: name, help: family.help, kind: family.kind)
            let sorted = family.instruments.map { (labels: $0.sorted { $0.key < $1.key }.map { (name: $0.key, value: $0.value) }, instrument: $1) }
                .sorted { left, right in left.labels.map(\.value).lexicographicallyPrecedes(right.labels.map(\.value)) }
            for (labels, instrument) in sorted {
                switch instrument {
                case .counter(let counter): result.samples.append(.init(labels: labels, value: Double(counter.value)))
                case .gauge(let gauge): result.samples.append(.init(labels: labels, value: gauge.value))
                case .computed(let value): result.samples.append(.init(labels: labels, value: value()))
                case .histogram(let histogram): result.samples += histogram.samples(labels: labels)
                }
            }
            return result
        }
    }
}
