import Exposition
import NodeStats
import Telemetry

/// `/metrics/resource`: what metrics-server reads, and nothing else (contracts/metrics.md 1.4).
enum ResourceMetrics {
    static func families(of snapshot: NodeSnapshot) -> [MetricFamily] {
        let root = snapshot.rows.first { $0.reference.cgroupPath == "/" }
        let containers = snapshot.rows.filter { !$0.reference.container.isEmpty }
        let pods = snapshot.rows.filter { !$0.reference.pod.isEmpty && $0.reference.container.isEmpty }
        var families: [MetricFamily] = []

        func add(
            _ name: String, _ help: String, _ kind: MetricFamily.Kind, _ rows: [NodeSnapshot.Row], stamped: Bool = true,
            _ value: (NodeSnapshot.Row) -> Double?
        ) {
            let samples = rows.compactMap { row -> MetricFamily.Sample? in
                guard let value = value(row) else { return nil }
                var labels: [(name: String, value: String)] = []
                if !row.reference.container.isEmpty { labels.append(("container", row.reference.container)) }
                if !row.reference.pod.isEmpty { labels += [("namespace", row.reference.namespace), ("pod", row.reference.pod)] }
                return .init(labels: labels, value: value, timestamp: stamped ? Timestamp(milliseconds: row.sample.time / 1_000_000) : nil)
            }
            // Absent data is an absent family, never a zero.
            if !samples.isEmpty { families.append(MetricFamily(name: name, help: help, kind: kind, samples: samples)) }
        }

        let cpu: (NodeSnapshot.Row) -> Double? = { $0.sample.cpuUsage.map { Double($0) / 1e9 } }
        let memory: (NodeSnapshot.Row) -> Double? = { $0.sample.workingSet.map { Double($0) } }
        let swap: (NodeSnapshot.Row) -> Double? = { $0.sample.memorySwap.map { Double($0) } }
        add("container_cpu_usage_seconds_total", "CPU time used by the container, in core-seconds.", .counter, containers, cpu)
        add("container_memory_working_set_bytes", "Working set of the container.", .gauge, containers, memory)
        add("container_start_time_seconds", "When the container was started, in Unix seconds.", .gauge, containers, stamped: false) {
            $0.started == 0 ? nil : Double($0.started / 1_000_000) / 1000
        }
        add("container_swap_limit_bytes", "Swap that the container may use.", .gauge, containers) { row in
            SummaryNode.swap(row, snapshot).map { Double($0.used + $0.available) }
        }
        add("container_swap_usage_bytes", "Swap used by the container.", .gauge, containers, swap)
        let nodeRows = root.map { [$0] } ?? []
        add("node_cpu_usage_seconds_total", "CPU time used by the node, in core-seconds.", .counter, nodeRows) { _ in
            SummaryNode.cpuUsage(snapshot).map { Double($0) / 1e9 }
        }
        add("node_memory_working_set_bytes", "Working set of the node.", .gauge, nodeRows) { _ in SummaryNode.workingSet(snapshot).map { Double($0) } }
        add("node_swap_usage_bytes", "Swap used by the node.", .gauge, nodeRows) { _ in SummaryNode.swap(snapshot).map { Double($0.used) } }
        add("pod_cpu_usage_seconds_total", "CPU time used by the pod, in core-seconds.", .counter, pods, cpu)
        add("pod_memory_working_set_bytes", "Working set of the pod.", .gauge, pods, memory)
        add("pod_swap_usage_bytes", "Swap used by the pod.", .gauge, pods, swap)
        // Without a root there was no reading at all; the second name is the first's old one, which some still ask for.
        for name in ["resource_scrape_error", "scrape_error"] {
            families.append(
                MetricFamily(
                    name: name, help: "1 if there was an error while reading, and then there is no other series.", kind: .gauge,
                    samples: [.init(value: snapshot.rows.isEmpty ? 1 : 0)]))
        }
        return families
    }
}
