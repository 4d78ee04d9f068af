/// cAdvisor's groups of metrics, by the names that its `--enable_metrics` and `--disable_metrics` take.
public enum MetricSet: String, CaseIterable, Sendable, Hashable {
    case cpu, percpu
    case schedstat = "sched"
    case cpuLoad, cpuset
    case cpuTopology = "cpu_topology"
    case memory
    case numa = "memory_numa"
    case hugetlb
    case referencedMemory = "referenced_memory"
    case disk, diskIO, network, tcp, udp
    case advancedTCP = "advtcp"
    case process
    case oomEvent = "oom_event"
    case pressure
    case perf = "perf_event"
    case resctrl, app
    /// Ours: each line of memory.stat under the kernel's name.
    case memoryParts = "memory_parts"

    /// What is on unless told otherwise: all that costs no walk over processes or sockets.
    public static let standard: Set<MetricSet> = [
        .cpu, .percpu, .cpuLoad, .cpuset, .memory, .numa, .hugetlb, .disk, .diskIO, .network, .process, .oomEvent, .pressure, .cpuTopology, .app,
    ]

    /// What is left of the standard sets after `--disable-metrics`, with those of `--enable-metrics`, which win.
    public static func chosen(enabled: Set<MetricSet>, disabled: Set<MetricSet>) -> Set<MetricSet> {
        standard.subtracting(disabled).union(enabled)
    }

    /// Reads names separated by commas, as both flags take them; `all` is every set.
    public static func parse(_ text: String) throws(MetricSetError) -> Set<MetricSet> {
        var sets: Set<MetricSet> = []
        for part in text.split(separator: ",") {
            let name = part.filter { $0 != " " }
            if name == "all" {
                sets.formUnion(MetricSet.allCases)
            } else if let set = MetricSet(rawValue: name) {
                sets.insert(set)
            } else {
                throw MetricSetError(name: name)
            }
        }
        return sets
    }
}

/// A name that is no set of metrics.
public struct MetricSetError: Error, Hashable, CustomStringConvertible {
    public var name: String
    public var description: String {
        let names = MetricSet.allCases.map(\.rawValue).sorted().joined(separator: ", ")
        return "there is no set of metrics named \"\(name)\"; the sets are \(names), or all"
    }
}
