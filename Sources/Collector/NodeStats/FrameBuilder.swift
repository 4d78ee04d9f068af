import Telemetry

/// Turns rows into frames for the store, keeping each source's set of series as long as it does not change.
struct FrameBuilder {
    private struct Known {
        var series: SeriesSet
        /// Which metrics gave the values, so that a change of what the kernel offers makes a new set.
        var signature: [Int]
        var round: Int
    }
    private var known: [String: Known] = [:]
    private var round = 0
    let nodeName: String

    init(nodeName: String) { self.nodeName = nodeName }

    /// One frame a row and one for the node; for a source that was there in the round before and has gone, a
    /// last frame of stale markers, so that a query does not see a stopped container for five more minutes.
    mutating func frames(for snapshot: NodeSnapshot) -> [SampleFrame] {
        round += 1
        var frames = snapshot.rows.compactMap { frame(for: $0, at: snapshot.timestamp) }
        frames.append(nodeFrame(snapshot))
        for (source, last) in known where last.round != round {
            known[source] = nil
            frames.append(
                SampleFrame(
                    source: source, timestamp: snapshot.timestamp, series: last.series,
                    values: Array(repeating: .stale, count: last.series.count)))
        }
        return frames
    }

    /// A pod's own row is stored only for its network: its CPU and memory are the sums of its containers, and
    /// `sum by (pod)` over both would count them twice (docs/decisions/stored-metrics.md).
    private mutating func frame(for row: NodeSnapshot.Row, at timestamp: Timestamp) -> SampleFrame? {
        let isPod = !row.reference.pod.isEmpty && row.reference.container.isEmpty
        var signature: [Int] = []
        var values: [Double] = []
        if !isPod {
            for (position, metric) in ContainerMetric.all.enumerated() {
                guard let value = metric.value(row) else { continue }
                signature.append(position)
                values.append(value)
            }
        }
        for (number, counters) in (row.network?.interfaces ?? []).enumerated() {
            for (position, metric) in ContainerMetric.network.enumerated() {
                signature.append(1000 * (number + 1) + position)
                values.append(Double(metric.value(counters)))
            }
        }
        guard !values.isEmpty else { return nil }
        let source = "cgroup\(row.reference.cgroupPath)"
        let nodeName = nodeName
        let series = series(source, signature) { row.seriesLabels(signature: signature, nodeName: nodeName) }
        return SampleFrame(source: source, timestamp: timestamp, series: series, values: values)
    }

    private mutating func nodeFrame(_ snapshot: NodeSnapshot) -> SampleFrame {
        let metrics = NodeMetric.all(of: snapshot.node)
        let source = "node/\(nodeName)"
        let nodeName = nodeName
        let series = series(source, metrics.map(\.samples.count)) {
            metrics.flatMap { metric in
                metric.samples.map { sample in
                    Labels(
                        [(Labels.metricName, metric.name), ("instance", nodeName), ("job", "node")] + sample.labels.map { ($0.name, $0.value) })
                }
            }
        }
        return SampleFrame(source: source, timestamp: snapshot.timestamp, series: series, values: metrics.flatMap { $0.samples.map(\.value) })
    }

    private mutating func series(_ source: String, _ signature: [Int], _ labels: () -> [Labels]) -> SeriesSet {
        if let last = known[source], last.signature == signature {
            known[source]?.round = round
            return last.series
        }
        let series = SeriesSet(labels())
        known[source] = Known(series: series, signature: signature, round: round)
        return series
    }
}

extension NodeSnapshot.Row {
    fileprivate func seriesLabels(signature: [Int], nodeName: String) -> [Labels] {
        let common = reference.labels.map { ($0.name, $0.value) } + [("instance", nodeName), ("job", "cadvisor")]
        return signature.map { position in
            if position >= 1000 {
                let shared = reference.sharesNodeNetwork ? [("netns_shared", "true")] : []
                return Labels(
                    [(Labels.metricName, ContainerMetric.network[position % 1000].name)] + common
                        + [("interface", network?.interfaces[position / 1000 - 1].interface ?? "")] + shared)
            }
            let metric = ContainerMetric.all[position]
            return Labels([(Labels.metricName, metric.name)] + common + metric.extraLabels.map { ($0.name, $0.value) })
        }
    }
}
