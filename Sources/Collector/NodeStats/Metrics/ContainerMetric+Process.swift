import Exposition

extension ContainerMetric {
    static let process: [ContainerMetric] = [
        gauge(.process, "container_processes", "Processes in the cgroup itself.") { number($0.sample.processes) },
        gauge(.process, "container_file_descriptors", "Files that the cgroup's own processes have open.") { number($0.sample.descriptors?.files) },
        gauge(.process, "container_sockets", "Sockets that the cgroup's own processes have open.") { number($0.sample.descriptors?.sockets) },
        gauge(.process, "container_threads", "Threads in the cgroup and those below it.") { number($0.sample.threads) },
        gauge(.process, "container_threads_max", "The most threads allowed; 0 is unlimited.") { .unsigned($0.limits.threads ?? 0) },
        gauges(.process, "container_ulimits_soft", "Soft limits of the first process; -1 is unlimited.") { row, emit in
            if let descriptors = row.sample.descriptors { emit(openFiles, .signed(descriptors.softLimit)) }
        },
    ]
    private static let openFiles = ExtraLabels.fixed(("ulimit", "max_open_files"))

    /// What only some machines can tell.
    static let platform: [ContainerMetric] = [
        gauges(.resctrl, "container_memory_bandwidth_bytes", "Memory traffic by cache domain.") { row, emit in
            for domain in row.sample.resctrl {
                if let value = domain.bandwidthTotal { emit(.one("node_id", domain.node), .unsigned(value)) }
            }
        },
        gauges(.resctrl, "container_memory_bandwidth_local_bytes", "Memory traffic with the near memory by cache domain.") { row, emit in
            for domain in row.sample.resctrl {
                if let value = domain.bandwidthLocal { emit(.one("node_id", domain.node), .unsigned(value)) }
            }
        },
        gauges(.resctrl, "container_llc_occupancy_bytes", "Bytes of the last-level cache in use by cache domain.") { row, emit in
            for domain in row.sample.resctrl {
                if let value = domain.cacheOccupancy { emit(.one("node_id", domain.node), .unsigned(value)) }
            }
        },
        counters(.perf, "container_perf_events_total", "Counts of a perf event, scaled to all of the time.") { row, emit in
            for event in row.sample.perfEvents { emit(labels(event), .unsigned(event.value)) }
        },
        gauges(.perf, "container_perf_events_scaling_ratio", "Share of the time for which a perf event was counted.") { row, emit in
            for event in row.sample.perfEvents { emit(labels(event), .double(event.scaling)) }
        },
    ]

    private static func labels(_ event: CgroupSample.PerfEvent) -> ExtraLabels {
        .many([.init("cpu", "\(event.cpu)"), .init("event", event.name)])
    }

    static let limits: [ContainerMetric] = [
        fixed("container_spec_cpu_period", "CPU period in microseconds.") { number($0.limits.period) },
        fixed("container_spec_cpu_quota", "CPU quota in microseconds a period.") { row in row.limits.quota == 0 ? nil : number(row.limits.quota) },
        fixed("container_spec_cpu_shares", "CPU shares.") { number($0.limits.shares) },
        fixed("container_spec_memory_limit_bytes", "Memory limit; 0 is unlimited.") { .unsigned($0.limits.memory ?? 0) },
        fixed("container_spec_memory_reservation_limit_bytes", "Memory that is kept for the container; 0 is none.") {
            .unsigned($0.limits.memoryReservation ?? 0)
        },
        fixed("container_spec_memory_swap_limit_bytes", "Memory and swap limit; 0 is unlimited.") { .unsigned($0.limits.swap ?? 0) },
    ]

    /// Use as a share of what the owner asked for and allows; only where the owner says.
    static let utilisation: [ContainerMetric] = [
        ratio(.cpu, "container_cpu_request_utilization_ratio", "CPU use by the request.") { cores($0.usageNanoCores, $0.reference.cpuRequest) },
        ratio(.cpu, "container_cpu_limit_utilization_ratio", "CPU use by the limit.") { cores($0.usageNanoCores, $0.reference.cpuLimit) },
        ratio(.memory, "container_memory_request_utilization_ratio", "Working set by the request.") {
            bytes($0.sample.workingSet, $0.reference.memoryRequest)
        },
        ratio(.memory, "container_memory_limit_utilization_ratio", "Working set by the limit.") {
            bytes($0.sample.workingSet, $0.reference.memoryLimit ?? $0.limits.memory)
        },
    ]

    private static func ratio(
        _ set: MetricSet, _ name: String, _ help: String, _ value: @escaping @Sendable (borrowing NodeSnapshot.Row) -> Double?
    ) -> ContainerMetric {
        gauge(set, name, help) { row in value(row).map { .double($0) } }
    }
    private static func cores(_ nanoCores: UInt64?, _ milliCores: UInt64?) -> Double? {
        guard let nanoCores, let milliCores, milliCores > 0 else { return nil }
        return Double(nanoCores) / 1e6 / Double(milliCores)
    }
    private static func bytes(_ used: UInt64?, _ allowed: UInt64?) -> Double? {
        guard let used, let allowed, allowed > 0 else { return nil }
        return Double(used) / Double(allowed)
    }
}
