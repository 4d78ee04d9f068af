import Telemetry

/// One metric of a cgroup: its name, its meaning and how it comes from a row. The one table that the
/// endpoint's text, the stored series and the documentation follow.
public struct ContainerMetric: Sendable {
    public var name: String
    public var help: String
    public var isCounter: Bool
    /// Whether samples carry the time of reading (contracts/metrics.md 1.2); start times and limits do not.
    public var hasTimestamp: Bool
    /// Labels beside the six of every row.
    public var extraLabels: [(name: String, value: String)]
    public var value: @Sendable (NodeSnapshot.Row) -> Double?

    static func counter(
        _ name: String, _ help: String, extra: [(name: String, value: String)] = [], _ value: @escaping @Sendable (CgroupSample) -> Double?
    ) -> ContainerMetric {
        ContainerMetric(name: name, help: help, isCounter: true, hasTimestamp: true, extraLabels: extra) { value($0.sample) }
    }
    static func gauge(_ name: String, _ help: String, _ value: @escaping @Sendable (CgroupSample) -> Double?) -> ContainerMetric {
        ContainerMetric(name: name, help: help, isCounter: false, hasTimestamp: true, extraLabels: []) { value($0.sample) }
    }
    static func fixed(_ name: String, _ help: String, _ value: @escaping @Sendable (NodeSnapshot.Row) -> Double?) -> ContainerMetric {
        ContainerMetric(name: name, help: help, isCounter: false, hasTimestamp: false, extraLabels: [], value: value)
    }

    /// Every metric of a cgroup but the network's.
    public static let all: [ContainerMetric] = cpu + memory + io + process + pressure + spec

    static let cpu: [ContainerMetric] = [
        counter("container_cpu_usage_seconds_total", "CPU time used, in seconds.", extra: [("cpu", "total")]) { nanoseconds($0.cpuUsage) },
        counter("container_cpu_user_seconds_total", "CPU time used in user mode, in seconds.") { nanoseconds($0.cpuUser) },
        counter("container_cpu_system_seconds_total", "CPU time used in the kernel, in seconds.") { nanoseconds($0.cpuSystem) },
        throttle("container_cpu_cfs_periods_total", "Enforcement periods that have passed.") { number($0.periods) },
        throttle("container_cpu_cfs_throttled_periods_total", "Periods in which the cgroup was throttled.") { number($0.throttledPeriods) },
        throttle("container_cpu_cfs_throttled_seconds_total", "Time for which the cgroup was throttled, in seconds.") {
            nanoseconds($0.throttledTime)
        },
    ]

    static let memory: [ContainerMetric] = [
        gauge("container_memory_usage_bytes", "Memory in use, page cache included.") { number($0.memoryUsage) },
        gauge("container_memory_working_set_bytes", "Memory in use less inactive page cache.") { number($0.workingSet) },
        gauge("container_memory_rss", "Anonymous memory and swap cache.") { number($0.memoryRSS) },
        gauge("container_memory_cache", "Page cache.") { number($0.memoryCache) },
        gauge("container_memory_mapped_file", "Mapped files.") { number($0.memoryMapped) },
        gauge("container_memory_swap", "Swap in use.") { number($0.memorySwap) },
        gauge("container_memory_kernel_usage", "Kernel memory.") { number($0.memoryKernel) },
        gauge("container_memory_max_usage_bytes", "The most memory that was in use.") { number($0.memoryPeak) },
        gauge("container_memory_total_active_file_bytes", "Active page cache.") { number($0.activeFile) },
        gauge("container_memory_total_inactive_file_bytes", "Inactive page cache.") { number($0.inactiveFile) },
        gauge("container_memory_unreclaimable_bytes", "Memory that cannot be given back without killing.") { number($0.memoryUnreclaimable) },
        counter("container_memory_failcnt", "How often memory hit the limit.") { number($0.memoryFailures) },
        failures("pgfault") { number($0.pageFaults) },
        failures("pgmajfault") { number($0.majorPageFaults) },
        counter("container_oom_events_total", "Processes killed for memory.") { number($0.oomKills) },
    ]

    static let io: [ContainerMetric] = [
        counter("container_fs_reads_bytes_total", "Bytes read.", extra: [("device", "")]) { number($0.readBytes) },
        counter("container_fs_reads_total", "Reads completed.", extra: [("device", "")]) { number($0.reads) },
        counter("container_fs_writes_bytes_total", "Bytes written.", extra: [("device", "")]) { number($0.writeBytes) },
        counter("container_fs_writes_total", "Writes completed.", extra: [("device", "")]) { number($0.writes) },
    ]

    static let process: [ContainerMetric] = [
        gauge("container_processes", "Processes in the cgroup itself.") { number($0.processes) },
        gauge("container_threads", "Threads in the cgroup and those below it.") { number($0.threads) },
        fixed("container_threads_max", "The most threads allowed; 0 is unlimited.") { $0.limits.threads.map { Double($0) } ?? 0 },
    ]

    static let pressure: [ContainerMetric] = [
        counter("container_pressure_cpu_waiting_seconds_total", "Time in which some task waited for CPU.") { micro($0.cpuPressure?.some.total) },
        counter("container_pressure_cpu_stalled_seconds_total", "Time in which all tasks waited for CPU.") { micro($0.cpuPressure?.full.total) },
        counter("container_pressure_memory_waiting_seconds_total", "Time in which some task waited for memory.") {
            micro($0.memoryPressure?.some.total)
        },
        counter("container_pressure_memory_stalled_seconds_total", "Time in which all tasks waited for memory.") {
            micro($0.memoryPressure?.full.total)
        },
        counter("container_pressure_io_waiting_seconds_total", "Time in which some task waited for I/O.") { micro($0.ioPressure?.some.total) },
        counter("container_pressure_io_stalled_seconds_total", "Time in which all tasks waited for I/O.") { micro($0.ioPressure?.full.total) },
    ]

    static let spec: [ContainerMetric] = [
        fixed("container_spec_cpu_shares", "CPU shares.") { number($0.limits.shares) },
        fixed("container_spec_cpu_period", "CPU period in microseconds.") { number($0.limits.period) },
        fixed("container_spec_cpu_quota", "CPU quota in microseconds a period.") { number($0.limits.quota) },
        fixed("container_spec_memory_limit_bytes", "Memory limit; 0 is unlimited.") { number($0.limits.memory) ?? 0 },
        fixed("container_spec_memory_swap_limit_bytes", "Memory and swap limit; 0 is unlimited.") { number($0.limits.swap) ?? 0 },
        fixed("container_start_time_seconds", "When the container was started, in Unix seconds.") { row in
            row.reference.started == 0 ? nil : Double(row.reference.started / 1_000_000) / 1000
        },
        ContainerMetric(
            name: "container_last_seen", help: "When the container was last seen, in Unix seconds.", isCounter: false, hasTimestamp: true,
            extraLabels: []
        ) { Double($0.sample.time / 1_000_000_000) },
    ]

    /// Throttling exists only where a quota does.
    private static func throttle(_ name: String, _ help: String, _ value: @escaping @Sendable (CgroupSample) -> Double?) -> ContainerMetric {
        ContainerMetric(name: name, help: help, isCounter: true, hasTimestamp: true, extraLabels: []) { row in
            row.limits.quota == nil ? nil : value(row.sample)
        }
    }
    private static func failures(_ type: String, _ value: @escaping @Sendable (CgroupSample) -> Double?) -> ContainerMetric {
        counter(
            "container_memory_failures_total", "Page faults.", extra: [("failure_type", type), ("scope", "hierarchy")], value)
    }
    private static func number(_ value: UInt64?) -> Double? { value.map { Double($0) } }
    private static func nanoseconds(_ value: UInt64?) -> Double? { value.map { Double($0) / 1e9 } }
    private static func micro(_ value: UInt64?) -> Double? { value.map { Double($0) / 1e6 } }

    /// The network's counters of an interface, each with its value.
    public static let network: [(name: String, help: String, value: @Sendable (NetworkCounters) -> UInt64)] = [
        ("container_network_receive_bytes_total", "Bytes received.", { $0.receivedBytes }),
        ("container_network_receive_packets_total", "Packets received.", { $0.receivedPackets }),
        ("container_network_receive_packets_dropped_total", "Packets dropped on receipt.", { $0.receiveDrops }),
        ("container_network_receive_errors_total", "Errors on receipt.", { $0.receiveErrors }),
        ("container_network_transmit_bytes_total", "Bytes sent.", { $0.transmittedBytes }),
        ("container_network_transmit_packets_total", "Packets sent.", { $0.transmittedPackets }),
        ("container_network_transmit_packets_dropped_total", "Packets dropped on sending.", { $0.transmitDrops }),
        ("container_network_transmit_errors_total", "Errors on sending.", { $0.transmitErrors }),
    ]
}

extension ContainerReference {
    /// The six labels that every row has; empty where unknown.
    public var labels: [(name: String, value: String)] {
        [
            ("container", container), ("id", cgroupPath), ("image", image), ("name", name), ("namespace", namespace), ("pod", pod),
        ]
    }
}
