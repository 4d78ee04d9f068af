import Exposition
import Telemetry

/// Turns rows into frames for the store, keeping each source's set of series as long as it does not change.
struct FrameBuilder {
    /// What a value is: a metric of the table, and its labels beside the row's.
    private struct Column: Equatable {
        var metric: Int
        var extra: ExtraLabels
    }
    private struct Known {
        var series: SeriesSet
        var columns: [Column]
        /// The row's labels when the set was made.
        var labels: RenderedLabels
        var round: Int
    }
    private var known: [String: Known] = [:]
    private var round = 0
    private var nodeLayout: NodeLayout?
    /// Which of the layout's series are stored.
    private var nodePositions: [Int] = []
    private var nodeSeries = SeriesSet([])
    private let metrics: [ContainerMetric]
    let nodeName: String

    init(nodeName: String, sets: Set<MetricSet>) {
        self.nodeName = nodeName
        metrics = ContainerMetric.enabled(sets)
    }

    /// Sources whose series are kept in mind.
    var count: Int { known.count }

    /// One frame a row that `includes` takes and, if `includesNode`, one for the node; for a source that was there in the
    /// round before and has gone, a last frame of stale markers, so that a query does not see a stopped container for five
    /// more minutes.
    mutating func frames(for snapshot: NodeSnapshot, includesNode: Bool = true, _ includes: (borrowing NodeSnapshot.Row) -> Bool = { _ in true })
        -> [SampleFrame]
    {
        round += 1
        var frames: [SampleFrame] = []
        // By a span, since a row is some 3 KiB and has to be copied by an iterator.
        let rows = snapshot.rows.span
        for position in rows.indices {
            if includes(rows[position]) {
                append(rows[position], at: snapshot.timestamp, to: &frames)
            } else {
                known[FrameBuilder.source(rows[position])]?.round = round
            }
        }
        if includesNode { frames.append(nodeFrame(snapshot)) } else { known["node/\(nodeName)"]?.round = round }
        for (source, last) in known where last.round != round {
            known[source] = nil
            frames.append(FrameBuilder.stale(source, last.series.labels, at: snapshot.timestamp))
        }
        return frames
    }

    /// Frames of one row's earlier readings, before those of this round.
    mutating func frames(for rows: [NodeSnapshot.Row], interval: Int64) -> [SampleFrame] {
        var frames: [SampleFrame] = []
        for row in rows {
            // The reading was taken just after the second that it stands for.
            let milliseconds = row.sample.time / 1_000_000
            append(row, at: Timestamp(milliseconds: milliseconds - milliseconds % interval), to: &frames)
        }
        return frames
    }

    private static func source(_ row: borrowing NodeSnapshot.Row) -> String { "cgroup\(row.reference.cgroupPath)" }

    private static func stale(_ source: String, _ labels: [Labels], at timestamp: Timestamp) -> SampleFrame {
        SampleFrame(source: source, timestamp: timestamp, series: SeriesSet(labels), values: Array(repeating: .stale, count: labels.count))
    }

    /// A pod's own row is stored only for its network: its CPU and memory are the sums of its containers, and
    /// `sum by (pod)` over both would count them twice (docs/decisions/stored-metrics.md).
    private mutating func append(_ row: borrowing NodeSnapshot.Row, at timestamp: Timestamp, to frames: inout [SampleFrame]) {
        let isPod = !row.reference.pod.isEmpty && row.reference.container.isEmpty
        let source = FrameBuilder.source(row)
        let last = known[source]
        var values: [Double] = []
        values.reserveCapacity(last?.columns.count ?? 64)
        // Nearly always the row has the columns that it had; then only values are taken.
        var isSame = last != nil && last!.labels == row.labels
        if isSame, let columns = last?.columns {
            var next = 0
            for (position, metric) in metrics.enumerated() where !isPod || metric.isOfNetwork {
                metric.read(row) { extra, value in
                    guard isSame, next < columns.count, columns[next].metric == position, columns[next].extra == extra else {
                        isSame = false
                        return
                    }
                    next += 1
                    values.append(value.double)
                }
                if !isSame { break }
            }
            isSame = isSame && next == columns.count
        }
        if isSame, let last {
            known[source]?.round = round
            if !values.isEmpty { frames.append(SampleFrame(source: source, timestamp: timestamp, series: last.series, values: values)) }
            return
        }
        var columns: [Column] = []
        values.removeAll(keepingCapacity: true)
        for (position, metric) in metrics.enumerated() where !isPod || metric.isOfNetwork {
            metric.read(row) { extra, value in
                columns.append(Column(metric: position, extra: extra))
                values.append(value.double)
            }
        }
        guard !values.isEmpty else { return }
        let series = SeriesSet(labels(row, columns))
        known[source] = Known(series: series, columns: columns, labels: row.labels, round: round)
        // Series that the row no longer has end here, also those that only have other labels now.
        let now = last.map { _ in Set(series.labels) } ?? []
        let gone = last?.series.labels.filter { !now.contains($0) } ?? []
        guard !gone.isEmpty else {
            frames.append(SampleFrame(source: source, timestamp: timestamp, series: series, values: values))
            return
        }
        frames.append(
            SampleFrame(
                source: source, timestamp: timestamp, series: SeriesSet(series.labels + gone),
                values: values + Array(repeating: .stale, count: gone.count)))
    }

    private func labels(_ row: borrowing NodeSnapshot.Row, _ columns: [Column]) -> [Labels] {
        let common = row.reference.labels.map { ($0.name, $0.value) } + [("instance", nodeName), ("job", "cadvisor")]
        return columns.map { column in
            Labels([(Labels.metricName, metrics[column.metric].name)] + common + column.extra.pairs.map { ($0.name, $0.value) })
        }
    }

    /// All of the node's metrics but how long each collector took, which is of use on the page only. The reader keeps
    /// the layout while no device comes or goes, so the set of series is made once. Series that went with a device (or
    /// with an interface's state, which is a label) end in the first frame of the new layout.
    private mutating func nodeFrame(_ snapshot: NodeSnapshot) -> SampleFrame {
        let metrics = snapshot.node.metrics
        let source = "node/\(nodeName)"
        var gone: [Labels] = []
        if nodeLayout !== metrics.layout {
            nodeLayout = metrics.layout
            nodePositions = metrics.layout.series.indices.filter { metrics.layout.series[$0].family.name != "node_scrape_collector_duration_seconds" }
            let labels = nodePositions.map { nodeLabels(metrics.layout.series[$0]) }
            let now = Set(labels)
            gone = nodeSeries.labels.filter { !now.contains($0) }
            nodeSeries = SeriesSet(labels)
        }
        known[source] = Known(series: nodeSeries, columns: [], labels: .none, round: round)
        let values = nodePositions.map { metrics.values[$0].double }
        guard !gone.isEmpty else { return SampleFrame(source: source, timestamp: snapshot.timestamp, series: nodeSeries, values: values) }
        return SampleFrame(
            source: source, timestamp: snapshot.timestamp, series: SeriesSet(nodeSeries.labels + gone),
            values: values + Array(repeating: .stale, count: gone.count))
    }

    private func nodeLabels(_ series: NodeSeries) -> Labels {
        Labels(
            [(Labels.metricName, series.family.name + series.suffix), ("instance", nodeName), ("job", "node")]
                + series.labels.filter { !$0.value.isEmpty }.map { ($0.name, $0.value) })
    }
}

extension ContainerMetric {
    /// What belongs to a network namespace, and so to the pod.
    var isOfNetwork: Bool {
        switch set {
        case .network, .tcp, .udp, .advancedTCP: true
        default: false
        }
    }
}
