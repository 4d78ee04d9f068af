import Exposition
import NodeStats
import Telemetry

/// `/metrics/cadvisor` of one snapshot: what the containers did, and what the machine is.
public enum CadvisorMetrics {
    /// The page: a family once, with a sample for each row that has one.
    ///
    /// `reserving` is about how many bytes it will have; the last page's size is a good guess.
    public static func print(_ snapshot: NodeSnapshot, format: TextFormat, sets: Set<MetricSet>, reserving: Int? = nil) -> [UInt8] {
        var page = PageWriter(format: format, reserving: reserving ?? 4096 + snapshot.rows.count * 8_000)
        var cache = ExtraLabelCache()
        // By a span, since a row is some 3 KiB and has to be copied by an iterator.
        let rows = snapshot.rows.span
        let labels = snapshot.rows.map(\.labels)
        for metric in ContainerMetric.enabled(sets) {
            page.begin(metric.head)
            for position in rows.indices {
                let time = metric.hasTimestamp ? rows[position].sample.time / 1_000_000 : nil
                let labels = labels[position]
                metric.read(rows[position]) { extra, value in page.sample(labels, cache.rendered(extra), value: value, at: time) }
            }
        }
        version(snapshot, &page)
        for family in MachineMetrics.families(of: snapshot.machine, includingTopology: sets.contains(.cpuTopology)) { page.append(family) }
        return page.finish()
    }

    private static let versionHead = FamilyHead(name: "cadvisor_version_info", help: "Versions of the kernel, the system and the collector.", kind: .gauge)
    private static let errorHead = FamilyHead(name: "container_scrape_error", help: "1 if the containers could not be read.", kind: .gauge)

    private static func version(_ snapshot: NodeSnapshot, _ page: inout PageWriter) {
        page.begin(versionHead)
        page.sample(
            RenderedLabels([
                ("cadvisorRevision", ""), ("cadvisorVersion", "binnacle"), ("dockerVersion", ""), ("kernelVersion", snapshot.machine.kernelVersion),
                ("osVersion", snapshot.machine.osImage),
            ]), value: .unsigned(1))
        page.begin(errorHead)
        page.sample(value: .unsigned(snapshot.rows.isEmpty ? 1 : 0))
    }
}
