import Exposition
import NodeStats

/// `/metrics/node`: the node's own metrics as node_exporter shows them.
public enum NodePage {
    /// The families in order of their names. Names and labels are copied as they were rendered when the series appeared.
    public static func print(_ metrics: NodeMetrics, format: TextFormat) -> [UInt8] {
        var page = PageWriter(format: format, reserving: 128 * metrics.values.count + 1024)
        for group in metrics.layout.groups {
            let family = group.family
            guard family.kind != .histogram, family.kind != .summary else {
                page.append(plain(group, metrics))
                continue
            }
            page.begin(family.head)
            for position in group.members { page.sample(metrics.layout.series[position].rendered, value: metrics.values[position]) }
        }
        return page.finish()
    }

    /// A family whose samples have suffixes, from a text file.
    private static func plain(_ group: NodeLayout.Group, _ metrics: NodeMetrics) -> MetricFamily {
        MetricFamily(
            name: group.family.name, help: group.family.head.help, kind: group.family.kind,
            samples: group.members.map { position in
                let series = metrics.layout.series[position]
                return .init(suffix: series.suffix, labels: series.labels, value: metrics.values[position].double)
            })
    }
}
