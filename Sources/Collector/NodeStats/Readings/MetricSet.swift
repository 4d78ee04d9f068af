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

    /// What is on unless told otherwise: all that costs no walk over processes or sockets.
    public static let standard: Set<MetricSet> = [
        .cpu, .percpu, .cpuLoad, .cpuset, .memory, .numa, .hugetlb, .disk, .diskIO, .network, .process, .oomEvent, .pressure, .cpuTopology, .app,
    ]
}
