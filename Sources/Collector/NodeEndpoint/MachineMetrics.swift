import Exposition
import NodeStats

/// `machine_*`: what the machine is, under cAdvisor's names (contracts/metrics.md 1.3).
public enum MachineMetrics {
    /// The families in a fixed order. The set `cpu_topology` is off in cAdvisor by default.
    public static func families(of machine: MachineInfo, includingTopology: Bool) -> [MetricFamily] {
        let identity = [("boot_id", machine.bootID), ("machine_id", machine.machineID), ("system_uuid", machine.systemUUID)]
            .map { (name: $0.0, value: $0.1) }
        func gauge(_ name: String, _ help: String, _ samples: [(labels: [(name: String, value: String)], value: Double)]) -> MetricFamily {
            MetricFamily(name: name, help: help, kind: .gauge, samples: samples.map { .init(labels: identity + $0.labels, value: $0.value) })
        }
        func single(_ name: String, _ help: String, _ value: Int) -> MetricFamily { gauge(name, help, [([], Double(value))]) }
        let modules = machine.memoryByType.sorted { $0.key < $1.key }
        let nvm = machine.memoryByType["Non-volatile-RAM"]?.capacityBytes ?? 0
        var families = [
            single("machine_cpu_books", "Groups of sockets on IBM Z; 0 elsewhere.", machine.books),
            single("machine_cpu_cores", "Logical CPUs.", machine.cores),
            single("machine_cpu_drawers", "Groups of books on IBM Z; 0 elsewhere.", machine.drawers),
            single("machine_cpu_physical_cores", "Physical cores.", machine.physicalCores),
            single("machine_cpu_sockets", "CPU sockets.", machine.sockets),
            gauge("machine_dimm_capacity_bytes", "Memory modules by kind, in bytes.", modules.map { ([("type", $0.key)], Double($0.value.capacityBytes)) }),
            gauge("machine_dimm_count", "Memory modules by kind.", modules.map { ([("type", $0.key)], Double($0.value.count)) }),
            gauge("machine_memory_bytes", "Memory installed.", [([], Double(machine.memoryBytes))]),
            // How non-volatile memory is used is known to its vendor's library alone, not to the kernel.
            single("machine_nvm_avg_power_budget_watts", "Power budget of non-volatile memory; 0: the kernel does not say.", 0),
            gauge(
                "machine_nvm_capacity", "Non-volatile memory by mode, in bytes.",
                [([("mode", "app_direct_mode")], Double(nvm)), ([("mode", "memory_mode")], 0)]),
            MetricFamily(name: "machine_scrape_error", help: "1 if the machine could not be read.", kind: .gauge, samples: [.init(value: 0)]),
            gauge("machine_swap_bytes", "Swap installed.", [([], Double(machine.swapBytes))]),
        ]
        if includingTopology { families += topology(machine, gauge) }
        return families.filter { !$0.samples.isEmpty }
    }

    private typealias Gauge = (
        _ name: String, _ help: String, _ samples: [(labels: [(name: String, value: String)], value: Double)]
    ) -> MetricFamily

    private static func topology(_ machine: MachineInfo, _ gauge: Gauge) -> [MetricFamily] {
        var caches: [(labels: [(name: String, value: String)], value: Double)] = []
        var siblings = caches
        var memory = caches
        var pages = caches
        var distances = caches
        for node in machine.topology {
            let own = (name: "node_id", value: "\(node.id)")
            // Two sockets in one NUMA node may have cores of the same number: the first is shown.
            var seen: Set<String> = []
            func add(_ cache: NUMANode.Cache, core: String) {
                guard seen.insert("\(core) \(cache.level) \(cache.type)").inserted else { return }
                caches.append(([own, ("core_id", core), ("type", cache.type), ("level", "\(cache.level)")], Double(cache.size)))
            }
            for cache in node.caches { add(cache, core: "") }
            for core in node.cores {
                for cache in core.caches + core.uncoreCaches { add(cache, core: "\(core.id)") }
                for thread in core.threads {
                    siblings.append(([own, ("core_id", "\(core.id)"), ("thread_id", "\(thread)")], Double(core.threads.count)))
                }
            }
            memory.append(([own], Double(node.memory)))
            for size in node.hugePages { pages.append(([own, ("page_size", "\(size.pageSize)")], Double(size.count))) }
            for (target, distance) in zip(machine.topology, node.distances) {
                distances.append(([own, ("target_node_id", "\(target.id)")], Double(distance)))
            }
        }
        return [
            gauge("machine_cpu_cache_capacity_bytes", "Caches by core; without a core those of the whole NUMA node.", caches),
            gauge("machine_node_distance", "How far memory is, in the firmware's units.", distances),
            gauge("machine_node_hugepages_count", "Huge pages by size in KiB.", pages),
            gauge("machine_node_memory_capacity_bytes", "Memory of a NUMA node.", memory),
            gauge("machine_thread_siblings_count", "Logical CPUs of the core.", siblings),
        ]
    }
}
