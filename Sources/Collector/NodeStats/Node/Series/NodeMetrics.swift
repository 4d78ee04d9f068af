/// A metric of the node under node_exporter's name.
public final class NodeFamily: Sendable {
    public enum Kind: String, Sendable { case counter, gauge, untyped, histogram, summary }

    public let name: String
    public let help: String
    public let kind: Kind

    init(_ name: String, _ kind: Kind, _ help: String) {
        self.name = name
        self.kind = kind
        self.help = help
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
    /// By name, in order.
    public let labels: [Label]
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
    public let values: [NodeValue]

    init(layout: NodeLayout = .empty, values: [NodeValue] = []) {
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
