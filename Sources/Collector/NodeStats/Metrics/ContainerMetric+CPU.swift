import Exposition

extension ContainerMetric {
    /// What every container has, whatever is turned off.
    static let identity: [ContainerMetric] = [
        gauge(nil, "container_last_seen", "When the container was last seen, in Unix seconds.") { .unsigned(UInt64(max(0, $0.sample.time / 1_000_000_000))) },
        fixed("container_start_time_seconds", "When the container was started, in Unix seconds.") { row in
            row.started <= 0 ? nil : .milliseconds(UInt64(row.started / 1_000_000))
        },
        fixed("container_creation_time_seconds", "When the container was made, in Unix seconds.") { row in
            row.created <= 0 ? nil : .milliseconds(UInt64(row.created / 1_000_000))
        },
        gauge(nil, "container_health_state", "1 healthy, 0 starting or unhealthy, -1 without a health check.") { row in
            row.reference.health.map { .signed(Int64($0)) }
        },
    ]

    static let cpu: [ContainerMetric] = [
        usage,
        counter(.cpu, "container_cpu_user_seconds_total", "CPU time used in user mode, in seconds.") { nanoseconds($0.sample.cpuUser) },
        counter(.cpu, "container_cpu_system_seconds_total", "CPU time used in the kernel, in seconds.") { nanoseconds($0.sample.cpuSystem) },
        throttle("container_cpu_cfs_periods_total", "Enforcement periods that have passed.") { number($0.sample.periods) },
        throttle("container_cpu_cfs_throttled_periods_total", "Periods in which the cgroup was throttled.") { number($0.sample.throttledPeriods) },
        throttle("container_cpu_cfs_throttled_seconds_total", "Time for which the cgroup was throttled, in seconds.") {
            nanoseconds($0.sample.throttledTime)
        },
        throttle("container_cpu_cfs_burst_periods_total", "Periods in which the cgroup used saved quota.") { number($0.sample.burstPeriods) },
        throttle("container_cpu_cfs_burst_seconds_total", "CPU time used beyond the quota from what was saved, in seconds.") {
            nanoseconds($0.sample.burstTime)
        },
    ]

    private static let usage = counters(.cpu, "container_cpu_usage_seconds_total", "CPU time used, in seconds.") { row, emit in
        if row.sample.cpuUsageByCPU.isEmpty {
            if let usage = row.sample.cpuUsage { emit(.allCPUs, .nanoseconds(usage)) }
            return
        }
        // As cAdvisor does: CPUs that were never used are left out.
        for (cpu, usage) in row.sample.cpuUsageByCPU.enumerated() where usage > 0 { emit(.cpu(cpu), .nanoseconds(usage)) }
    }

    static let schedule: [ContainerMetric] = [
        counter(.schedstat, "container_cpu_schedstat_run_seconds_total", "Time that tasks ran, in seconds.") { nanoseconds($0.sample.schedule?.runTime) },
        counter(.schedstat, "container_cpu_schedstat_runqueue_seconds_total", "Time that tasks waited for a CPU, in seconds.") {
            nanoseconds($0.sample.schedule?.queueTime)
        },
        counter(.schedstat, "container_cpu_schedstat_run_periods_total", "How often a task was given a CPU.") { number($0.sample.schedule?.runPeriods) },
    ]

    static let load: [ContainerMetric] = [
        gauge(.cpuLoad, "container_cpu_load_average_10s", "Tasks that can run, smoothed over 10 seconds, in thousandths.") {
            number($0.sample.load?.average)
        },
        gauge(.cpuLoad, "container_cpu_load_d_average_10s", "Tasks that wait uninterruptibly, smoothed over 10 seconds, in thousandths.") {
            number($0.sample.load?.uninterruptibleAverage)
        },
        gauges(.cpuLoad, "container_tasks_state", "Tasks by state.") { row, emit in
            guard let load = row.sample.load else { return }
            emit(states[0], .unsigned(load.sleeping))
            emit(states[1], .unsigned(load.running))
            emit(states[2], .unsigned(load.stopped))
            emit(states[3], .unsigned(load.uninterruptible))
            emit(states[4], .unsigned(load.ioWaiting))
        },
    ]
    private static let states: [ExtraLabels] = ["sleeping", "running", "stopped", "uninterruptible", "iowaiting"].map { .fixed(("state", $0)) }

    static let pressure: [ContainerMetric] = [
        stall("cpu", "waiting", "some task waited for a CPU") { $0.sample.cpuPressure?.some.total },
        stall("cpu", "stalled", "all tasks waited for a CPU") { $0.sample.cpuPressure?.full.total },
        stall("memory", "waiting", "some task waited for memory") { $0.sample.memoryPressure?.some.total },
        stall("memory", "stalled", "all tasks waited for memory") { $0.sample.memoryPressure?.full.total },
        stall("io", "waiting", "some task waited for I/O") { $0.sample.ioPressure?.some.total },
        stall("io", "stalled", "all tasks waited for I/O") { $0.sample.ioPressure?.full.total },
        // Not cAdvisor's: newer kernels tell it.
        stall("irq", "stalled", "all tasks waited for interrupts") { $0.sample.irqPressure?.full.total },
    ]

    private static func stall(
        _ resource: String, _ kind: String, _ meaning: String, _ total: @escaping @Sendable (borrowing NodeSnapshot.Row) -> UInt64?
    ) -> ContainerMetric {
        counter(.pressure, "container_pressure_\(resource)_\(kind)_seconds_total", "Time in which \(meaning), in seconds.") {
            microseconds(total($0))
        }
    }

    /// Throttling exists only where a quota does.
    private static func throttle(
        _ name: String, _ help: String, _ value: @escaping @Sendable (borrowing NodeSnapshot.Row) -> MetricValue?
    ) -> ContainerMetric {
        counter(.cpu, name, help) { row in row.limits.quota == nil ? nil : value(row) }
    }
}
