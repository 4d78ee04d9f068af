import Exposition

/// A metric of the node under node_exporter's name.
public final class NodeFamily: Sendable {
    public let kind: MetricFamily.Kind
    /// As pages show it; for a histogram or a summary only its name and help are of use.
    public let head: FamilyHead
    public var name: String { head.name }

    init(_ name: String, _ kind: MetricFamily.Kind, _ help: String) {
        self.kind = kind
        head = FamilyHead(name: name, help: help, kind: kind)
    }
}

/// One series of a family.
public struct NodeSeries: Sendable {
    public typealias Label = (name: String, value: String)

    public let family: NodeFamily
    /// Tells series of a family apart without comparing labels: a hash of what the labels are made from.
    let key: UInt64
    /// `_bucket`, `_sum`, `_count` or nothing, behind the family's name.
    public let suffix: String
    /// By name, in order; one with an empty value is the same as none to Prometheus, but node_exporter shows it.
    public let labels: [Label]
    /// The labels as pages show them.
    public let rendered: RenderedLabels

    init(family: NodeFamily, key: UInt64, suffix: String = "", labels: [Label]) {
        self.family = family
        self.key = key
        self.suffix = suffix
        self.labels = labels.count > 1 ? labels.sorted { $0.name < $1.name } : labels
        rendered = RenderedLabels(self.labels)
    }
}

/// Which series there are, in the order of the values. It stays the same object from round to round while no device
/// comes or goes, so labels, printed prefixes and stored series are made once.
public final class NodeLayout: Sendable {
    public struct Group: Sendable {
        public let family: NodeFamily
        /// Positions in `series`, and in a round's values.
        public let members: [Int]
    }

    public let series: [NodeSeries]
    /// By the family's name.
    public let groups: [Group]

    init(_ series: [NodeSeries]) {
        self.series = series
        var members: [String: [Int]] = [:]
        for (position, one) in series.enumerated() { members[one.family.name, default: []].append(position) }
        groups = members.sorted { $0.key < $1.key }.map { Group(family: series[$0.value[0]].family, members: $0.value) }
    }

    static let empty = NodeLayout([])
}

/// What one round measured: a value for each series of the layout.
public struct NodeMetrics: Sendable {
    public let layout: NodeLayout
    public let values: [MetricValue]

    init(layout: NodeLayout = .empty, values: [MetricValue] = []) {
        self.layout = layout
        self.values = values
    }

    /// The value of the series with this name and these labels, in any order. O(series): for tests and status pages.
    public func value(_ name: String, _ labels: [String: String] = [:]) -> Double? {
        guard let group = layout.groups.first(where: { $0.family.name == name }) else { return nil }
        let position = group.members.first { position in
            let own = layout.series[position].labels
            return own.count == labels.count && own.allSatisfy { labels[$0.name] == $0.value }
        }
        return position.map { values[$0].double }
    }
}
