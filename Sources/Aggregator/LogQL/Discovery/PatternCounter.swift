import Telemetry

/// Groups lines by their template, as `patterns` shows them.
public struct PatternCounter: Sendable {
    /// Counts by template, then by the start of a step in nanoseconds.
    private var counts: [String: [Int64: Int]] = [:]
    private let step: Int64
    private let maximumPatterns: Int
    /// Lines whose template was one too many.
    public private(set) var uncounted = 0

    public init(step: Int64, maximumPatterns: Int = 1000) {
        self.step = max(1, step)
        self.maximumPatterns = maximumPatterns
    }

    public mutating func add(_ line: ArraySlice<UInt8>, at time: Int64) {
        let template = LineShape.template(of: line)
        guard counts[template] != nil || counts.count < maximumPatterns else {
            uncounted += 1
            return
        }
        counts[template, default: [:]][time.floorDivided(by: step) * step, default: 0] += 1
    }

    /// The most frequent first; samples by time.
    public func patterns() -> [(pattern: String, samples: [(time: Int64, count: Int)])] {
        counts.map { template, samples in (template, samples.sorted { $0.key < $1.key }.map { (time: $0.key, count: $0.value) }, samples.values.reduce(0, +)) }
            .sorted { ($1.2, $0.0) < ($0.2, $1.0) }.map { (pattern: $0.0, samples: $0.1) }
    }
}
