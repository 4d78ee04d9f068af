import Exposition
import Testing

@testable import NodeStats

/// Every name of contracts/metrics.md section 1.3: served, or why not.
@Suite struct ContractNamesTests {
    enum Answer: Equatable {
        case served
        /// Only cgroup v2 (or only v1) has it.
        case onlyV2, onlyV1
        /// Printed by another file of the endpoint.
        case page
        case no(String)
    }

    static let names: [(String, Answer)] = [
        ("container_last_seen", .served), ("container_start_time_seconds", .served), ("container_creation_time_seconds", .served),
        ("container_health_state", .served), ("container_spec_cpu_period", .served), ("container_spec_cpu_quota", .served),
        ("container_spec_cpu_shares", .served), ("container_spec_memory_limit_bytes", .served),
        ("container_spec_memory_reservation_limit_bytes", .served), ("container_spec_memory_swap_limit_bytes", .served),
        ("cadvisor_version_info", .page), ("container_scrape_error", .page), ("machine_scrape_error", .page),
        ("container_cpu_user_seconds_total", .served), ("container_cpu_system_seconds_total", .served), ("container_cpu_usage_seconds_total", .served),
        ("container_cpu_cfs_periods_total", .served), ("container_cpu_cfs_throttled_periods_total", .served),
        ("container_cpu_cfs_throttled_seconds_total", .served), ("container_cpu_cfs_burst_periods_total", .served),
        ("container_cpu_cfs_burst_seconds_total", .served), ("container_cpu_schedstat_run_seconds_total", .served),
        ("container_cpu_schedstat_runqueue_seconds_total", .served), ("container_cpu_schedstat_run_periods_total", .served),
        ("container_cpu_load_average_10s", .served), ("container_cpu_load_d_average_10s", .served), ("container_tasks_state", .served),
        ("container_memory_cache", .served), ("container_memory_rss", .served), ("container_memory_kernel_usage", .served),
        ("container_memory_mapped_file", .served), ("container_memory_swap", .served), ("container_memory_usage_bytes", .served),
        ("container_memory_max_usage_bytes", .served), ("container_memory_working_set_bytes", .served),
        ("container_memory_total_active_file_bytes", .served), ("container_memory_total_inactive_file_bytes", .served),
        ("container_memory_file_dirty_bytes", .served), ("container_memory_file_writeback_bytes", .served), ("container_memory_failcnt", .served),
        ("container_memory_failures_total", .served), ("container_memory_events_high_total", .onlyV2), ("container_memory_events_max_total", .onlyV2),
        ("container_memory_pgscan_total", .onlyV2), ("container_memory_pgsteal_total", .onlyV2),
        ("container_memory_workingset_refault_file_total", .onlyV2), ("container_memory_workingset_refault_anon_total", .onlyV2),
        ("container_memory_migrate", .onlyV1), ("container_memory_numa_pages", .served), ("container_hugetlb_failcnt", .served),
        ("container_hugetlb_usage_bytes", .served), ("container_hugetlb_max_usage_bytes", .onlyV1), ("container_fs_inodes_free", .served),
        ("container_fs_inodes_total", .served), ("container_fs_limit_bytes", .served), ("container_fs_usage_bytes", .served),
        ("container_fs_reads_bytes_total", .served), ("container_fs_reads_total", .served), ("container_fs_sector_reads_total", .served),
        ("container_fs_reads_merged_total", .onlyV1), ("container_fs_read_seconds_total", .onlyV1), ("container_fs_writes_bytes_total", .served),
        ("container_fs_writes_total", .served), ("container_fs_sector_writes_total", .served), ("container_fs_writes_merged_total", .onlyV1),
        ("container_fs_write_seconds_total", .onlyV1), ("container_fs_io_time_seconds_total", .onlyV1),
        ("container_fs_io_time_weighted_seconds_total", .onlyV1), ("container_fs_io_current", .onlyV1),
        ("container_fs_io_cost_usage_seconds_total", .onlyV2), ("container_fs_io_cost_wait_seconds_total", .onlyV2),
        ("container_fs_io_cost_indebt_seconds_total", .onlyV2), ("container_fs_io_cost_indelay_seconds_total", .onlyV2),
        ("container_blkio_device_usage_total", .served), ("container_network_receive_bytes_total", .served),
        ("container_network_receive_packets_total", .served), ("container_network_receive_packets_dropped_total", .served),
        ("container_network_receive_errors_total", .served), ("container_network_transmit_bytes_total", .served),
        ("container_network_transmit_packets_total", .served), ("container_network_transmit_packets_dropped_total", .served),
        ("container_network_transmit_errors_total", .served), ("container_network_tcp_usage_total", .served),
        ("container_network_tcp6_usage_total", .served), ("container_network_udp_usage_total", .served), ("container_network_udp6_usage_total", .served),
        ("container_network_advance_tcp_stats_total", .served), ("container_processes", .served), ("container_file_descriptors", .served),
        ("container_sockets", .served), ("container_threads", .served), ("container_threads_max", .served), ("container_ulimits_soft", .served),
        ("container_oom_events_total", .served), ("container_pressure_cpu_waiting_seconds_total", .served),
        ("container_pressure_cpu_stalled_seconds_total", .served), ("container_pressure_memory_waiting_seconds_total", .served),
        ("container_pressure_memory_stalled_seconds_total", .served), ("container_pressure_io_waiting_seconds_total", .served),
        ("container_pressure_io_stalled_seconds_total", .served), ("container_referenced_bytes", .served),
        ("container_memory_bandwidth_bytes", .served), ("container_memory_bandwidth_local_bytes", .served), ("container_llc_occupancy_bytes", .served),
        ("container_perf_events_total", .served),
        ("container_perf_events_scaling_ratio", .served),
        ("container_perf_uncore_events_total", .no("uncore counters are the machine's, and no machine to test on has them")),
        ("container_perf_uncore_events_scaling_ratio", .no("as container_perf_uncore_events_total")),
    ]

    @Test func `every name is answered for`() {
        let table = Dictionary(grouping: ContainerMetric.all, by: \.name)
        for (name, answer) in Self.names where answer == .served || answer == .onlyV1 || answer == .onlyV2 {
            #expect(table[name] != nil, "\(name) is not in the table")
        }
        for (name, metrics) in table { #expect(metrics.count == 1, "\(name) is there \(metrics.count) times") }
    }

    @Test func `what is only one version's is shown by its record`() async throws {
        func shown(_ name: String) async throws -> Set<String> {
            let fixture = try CgroupFixture(name)
            let rows = await fixture.collector().snapshot().rows
            var names: Set<String> = []
            for metric in ContainerMetric.all {
                for row in rows { metric.read(row) { _, _ in names.insert(metric.name) } }
            }
            return names
        }
        let (first, second) = (try await shown("v1"), try await shown("v2"))
        for (name, answer) in Self.names {
            switch answer {
            case .onlyV1: #expect(first.contains(name) && !second.contains(name), "\(name)")
            // v1 kernels of later years give some of these as well.
            case .onlyV2: #expect(second.contains(name), "\(name)")
            case .no: #expect(!first.contains(name) && !second.contains(name), "\(name)")
            case .served, .page: break
            }
        }
    }

    /// Every name that cAdvisor's `--enable_metrics` takes: some metric or page has it, or why not.
    @Test(
        arguments: [
            ("accelerator", "cAdvisor itself has it no more"), ("app", "a container's own metrics are scraped into the store under their own names"),
            ("cpu_topology", "machine_*: MachineMetrics"), ("advtcp", nil), ("cpu", nil), ("cpuLoad", nil), ("cpuset", nil), ("disk", nil), ("diskIO", nil),
            ("hugetlb", nil), ("memory", nil), ("memory_numa", nil), ("network", nil), ("oom_event", nil), ("perf_event", nil), ("process", nil),
            ("percpu", "the label cpu of container_cpu_usage_seconds_total"), ("pressure", nil), ("referenced_memory", nil), ("resctrl", nil),
            ("sched", nil), ("tcp", nil), ("udp", nil),
        ] as [(String, String?)])
    func `every set is answered for`(name: String, instead: String?) throws {
        if name == "accelerator" { return #expect(MetricSet(rawValue: name) == nil) }
        let set = try #require(MetricSet(rawValue: name))
        #expect(ContainerMetric.all.contains { $0.set == set } == (instead == nil), "\(instead ?? "no metric")")
    }

    /// Types: what ends in `_total` counts, but for those that cAdvisor calls gauges in spite of their names.
    @Test func `kinds are as cAdvisor has them`() {
        let gauges = [
            "container_network_tcp_usage_total", "container_network_tcp6_usage_total", "container_network_udp_usage_total",
            "container_network_udp6_usage_total", "container_network_advance_tcp_stats_total", "container_fs_inodes_total",
        ]
        let counters = ["container_memory_failcnt", "container_hugetlb_failcnt"]
        for metric in ContainerMetric.all {
            let counts = metric.name.hasSuffix("_total") && !gauges.contains(metric.name) || counters.contains(metric.name)
            #expect(metric.isCounter == counts, "\(metric.name)")
            #expect(metric.help.hasSuffix("."), "\(metric.name)")
        }
    }

    @Test func `times are left out where cAdvisor leaves them out`() {
        let timeless = ContainerMetric.all.filter { !$0.hasTimestamp }.map(\.name)
        #expect(timeless.allSatisfy { $0.hasPrefix("container_spec_") || $0 == "container_start_time_seconds" || $0 == "container_creation_time_seconds" })
        #expect(timeless.count == 8)
    }
}
