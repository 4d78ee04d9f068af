import Exposition

/// One metric of a cgroup: its name, its meaning and how it comes from a row. The one table that the
/// endpoint's text, the stored series and the documentation follow (contracts/metrics.md 1.3).
public struct ContainerMetric: Sendable {
    /// Takes a sample: the labels beside those of the row, and the value.
    public typealias Emit = (ExtraLabels, MetricValue) -> Void

    public let head: FamilyHead
    /// The set that turns it on; nil is always on.
    public let set: MetricSet?
    /// Whether samples carry the time of reading (contracts/metrics.md 1.2); start times and limits do not.
    public let hasTimestamp: Bool
    /// Gives the row's samples in an order that holds as long as the row has the same devices, CPUs and so on.
    public let read: @Sendable (borrowing NodeSnapshot.Row, Emit) -> Void

    public var name: String { head.name }
    public var help: String { head.help }
    public var isCounter: Bool { head.kind == .counter }

    /// The value of the row's only sample, or of its first.
    public func value(_ row: NodeSnapshot.Row) -> Double? {
        var first: Double?
        read(row) { _, value in if first == nil { first = value.double } }
        return first
    }

    /// Every metric of a cgroup.
    public static let all: [ContainerMetric] =
        identity + cpu + schedule + load + memory + numa + hugePages + fileSystem + io + network + sockets + process + pressure + platform + limits
        + utilisation

    /// Those of the chosen sets, in the order of `all`.
    public static func enabled(_ sets: Set<MetricSet>) -> [ContainerMetric] {
        all.filter { metric in metric.set.map(sets.contains) ?? true }
    }

    // MARK: - How rows of the table are written

    static func counter(
        _ set: MetricSet?, _ name: String, _ help: String, _ value: @escaping @Sendable (borrowing NodeSnapshot.Row) -> MetricValue?
    ) -> ContainerMetric { single(.counter, set, name, help, hasTimestamp: true, value) }

    static func gauge(
        _ set: MetricSet?, _ name: String, _ help: String, _ value: @escaping @Sendable (borrowing NodeSnapshot.Row) -> MetricValue?
    ) -> ContainerMetric { single(.gauge, set, name, help, hasTimestamp: true, value) }

    /// A gauge that says how the container was made, and so has no time of reading.
    static func fixed(_ name: String, _ help: String, _ value: @escaping @Sendable (borrowing NodeSnapshot.Row) -> MetricValue?) -> ContainerMetric {
        single(.gauge, nil, name, help, hasTimestamp: false, value)
    }

    static func counters(
        _ set: MetricSet?, _ name: String, _ help: String, _ read: @escaping @Sendable (borrowing NodeSnapshot.Row, Emit) -> Void
    ) -> ContainerMetric {
        ContainerMetric(head: FamilyHead(name: name, help: help, kind: .counter), set: set, hasTimestamp: true, read: read)
    }

    static func gauges(
        _ set: MetricSet?, _ name: String, _ help: String, _ read: @escaping @Sendable (borrowing NodeSnapshot.Row, Emit) -> Void
    ) -> ContainerMetric {
        ContainerMetric(head: FamilyHead(name: name, help: help, kind: .gauge), set: set, hasTimestamp: true, read: read)
    }

    private static func single(
        _ kind: MetricFamily.Kind, _ set: MetricSet?, _ name: String, _ help: String, hasTimestamp: Bool,
        _ value: @escaping @Sendable (borrowing NodeSnapshot.Row) -> MetricValue?
    ) -> ContainerMetric {
        ContainerMetric(head: FamilyHead(name: name, help: help, kind: kind), set: set, hasTimestamp: hasTimestamp) { row, emit in
            if let value = value(row) { emit(.none, value) }
        }
    }

    static func number(_ value: UInt64?) -> MetricValue? { value.map { .unsigned($0) } }
    static func nanoseconds(_ value: UInt64?) -> MetricValue? { value.map { .scaled($0, digits: 9) } }
    static func microseconds(_ value: UInt64?) -> MetricValue? { value.map { .scaled($0, digits: 6) } }
}

extension ContainerReference {
    /// The six labels that every row has; empty where unknown.
    public var labels: [(name: String, value: String)] {
        [
            ("container", container), ("id", cgroupPath), ("image", image), ("name", name), ("namespace", namespace), ("pod", pod),
        ]
    }
}
