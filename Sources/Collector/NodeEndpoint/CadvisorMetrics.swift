import Exposition
import NodeStats
import Telemetry

/// `/metrics/cadvisor` and `/metrics/node` of one snapshot.
enum CadvisorMetrics {
    static func families(of snapshot: NodeSnapshot) -> [MetricFamily] {
        var families = ContainerMetric.all.reduce(into: [MetricFamily]()) { families, metric in
            let samples = snapshot.rows.compactMap { row -> MetricFamily.Sample? in
                guard let value = metric.value(row) else { return nil }
                let timestamp = metric.hasTimestamp ? Timestamp(milliseconds: row.sample.time / 1_000_000) : nil
                return .init(labels: row.reference.labels + metric.extraLabels, value: value, timestamp: timestamp)
            }
            // Two rows of the table may be one family (page faults by type).
            if let last = families.last, last.name == metric.name {
                families[families.count - 1].samples += samples
            } else if !samples.isEmpty {
                families.append(MetricFamily(name: metric.name, help: metric.help, kind: metric.isCounter ? .counter : .gauge, samples: samples))
            }
        }
        for metric in ContainerMetric.network {
            var family = MetricFamily(name: metric.name, help: metric.help, kind: .counter)
            for row in snapshot.rows {
                for counters in row.network?.interfaces ?? [] {
                    var labels = row.reference.labels + [("interface", counters.interface)]
                    if row.reference.sharesNodeNetwork { labels.append(("netns_shared", "true")) }
                    family.samples.append(
                        .init(
                            labels: labels, value: Double(metric.value(counters)),
                            timestamp: Timestamp(milliseconds: row.sample.time / 1_000_000)))
                }
            }
            families.append(family)
        }
        return families.sorted { $0.name < $1.name } + machine(snapshot)
    }

    private static func machine(_ snapshot: NodeSnapshot) -> [MetricFamily] {
        let machine = snapshot.machine
        let labels = [("boot_id", machine.bootID), ("machine_id", machine.machineID), ("system_uuid", machine.systemUUID)]
            .map { (name: $0.0, value: $0.1) }
        func gauge(_ name: String, _ help: String, _ value: Double) -> MetricFamily {
            MetricFamily(name: name, help: help, kind: .gauge, samples: [.init(labels: labels, value: value)])
        }
        return [
            gauge("machine_cpu_cores", "Logical CPUs.", Double(machine.cores)),
            gauge("machine_memory_bytes", "Memory installed.", Double(machine.memoryBytes)),
            MetricFamily(
                name: "machine_scrape_error", help: "1 if the machine could not be read.", kind: .gauge, samples: [.init(value: 0)]),
            gauge("machine_swap_bytes", "Swap installed.", Double(machine.swapBytes)),
        ]
    }

    static func nodeFamilies(of snapshot: NodeSnapshot) -> [MetricFamily] {
        NodeMetric.all(of: snapshot.node).map { metric in
            MetricFamily(
                name: metric.name, help: metric.help, kind: metric.isCounter ? .counter : .gauge,
                samples: metric.samples.map { .init(labels: $0.labels, value: $0.value) })
        }.sorted { $0.name < $1.name }
    }
}
