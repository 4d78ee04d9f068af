import Exposition
import HTTP
import NodeStats
import Telemetry

/// `/metrics/cadvisor` of one snapshot: what the containers did, and what the machine is.
public enum CadvisorMetrics {
    /// The page whole; `reserving` is about how many bytes it will have.
    public static func print(_ snapshot: NodeSnapshot, format: TextFormat, sets: Set<MetricSet>, reserving: Int = pieceBytes) -> [UInt8] {
        var page = PageWriter(format: format, reserving: reserving)
        var families = Families(snapshot, sets: sets)
        while families.writeNext(to: &page) {}
        return page.finish()
    }

    /// The page in pieces of about `pieceBytes`, each handed on before the next is made: a page of a thousand containers is
    /// twelve megabytes, and never in memory as a whole.
    public static func write(_ snapshot: NodeSnapshot, format: TextFormat, sets: Set<MetricSet>, to writer: any HTTPBodyWriter) async throws {
        var page = PageWriter(format: format, reserving: pieceBytes + pieceBytes / 4)
        var families = Families(snapshot, sets: sets)
        while families.writeNext(to: &page) {
            if page.pending >= pieceBytes { try await writer.write(page.take()) }
        }
        try await writer.write(page.finish())
    }

    public static let pieceBytes = 48 << 10

    /// The page's families one after another, each with a sample for each row that has one.
    private struct Families {
        private let snapshot: NodeSnapshot
        private let sets: Set<MetricSet>
        private let metrics: [ContainerMetric]
        private let labels: [RenderedLabels]
        /// Of each row, in milliseconds. Here, since to ask a row for its reading is to copy a kilobyte and more.
        private let times: [Int64]
        private var cache = ExtraLabelCache()
        private var next = 0

        init(_ snapshot: NodeSnapshot, sets: Set<MetricSet>) {
            self.snapshot = snapshot
            self.sets = sets
            metrics = ContainerMetric.enabled(sets)
            labels = snapshot.rows.map(\.labels)
            times = snapshot.rows.map { $0.time / 1_000_000 }
        }

        /// False when there is no other; the machine's come with the last.
        mutating func writeNext(to page: inout PageWriter) -> Bool {
            guard next < metrics.count else { return false }
            Families.write(metrics[next], snapshot.rows, labels, times, &cache, to: &page)
            next += 1
            if next == metrics.count {
                version(snapshot, &page)
                for family in MachineMetrics.families(of: snapshot.machine, includingTopology: sets.contains(.cpuTopology)) { page.append(family) }
            }
            return true
        }

        private static func write(
            _ metric: ContainerMetric, _ rows: [NodeSnapshot.Row], _ labels: [RenderedLabels], _ times: [Int64], _ cache: inout ExtraLabelCache,
            to page: inout PageWriter
        ) {
            page.begin(metric.head)
            // By a span, since a row is not to be copied.
            let rows = rows.span
            for position in rows.indices {
                let time = metric.hasTimestamp ? times[position] : nil
                let labels = labels[position]
                metric.read(rows[position]) { extra, value in page.sample(labels, cache.rendered(extra), value: value, at: time) }
            }
        }
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
