import Glibc
import SeededNoise
import SeriesStore
import Telemetry

/// A made-up cluster of 12,000 series: 100 containers, 100 programs with histograms, two nodes. The same seed gives
/// the same samples. Some 40 % of the series never change; each hour one container in twenty is replaced by another.
final class MadeCluster {
    private(set) var targets: [MadeTarget] = []
    private var random = SplitMix(state: 20_261_124)
    private var born = 0
    let idleShare: Double

    init(idleShare: Double = 0) {
        self.idleShare = idleShare
        for _ in 0..<100 { targets.append(container()) }
        for number in 0..<100 { targets.append(program(number)) }
        for number in 0..<2 { targets.append(node(number)) }
    }

    var seriesCount: Int { targets.reduce(0) { $0 + $1.names.count } }

    /// Replaces some containers, as deployments do.
    func churn() { for _ in 0..<5 { targets[Int(random.next() % 100)] = container() } }

    private func letters(_ count: Int) -> String {
        let alphabet = Array("bcdfghjklmnpqrstvwxz2456789")
        return String((0..<count).map { _ in alphabet[Int(random.next() % UInt64(alphabet.count))] })
    }

    private func container() -> MadeTarget {
        let number = born
        born += 1
        let workload = ["web", "api", "cart", "search", "payments", "mail", "queue", "db", "cache", "auth"][number % 10]
        let pod = "\(workload)-\(letters(9))-\(letters(5))"
        let id = "/kubepods/burstable/pod\(letters(8))-\(letters(4))-\(letters(4))-\(letters(12))/\(letters(32))\(letters(32))"
        let target = MadeTarget(
            labels: [
                ("job", "kubelet"), ("instance", "10.0.0.\(number % 2 + 1):10250"), ("namespace", "shop-\(number % 4)"), ("pod", pod), ("container", workload),
                ("image", "registry.example.com/shop/\(workload):1.\(number % 7).0"), ("id", id), ("node", "node-\(number % 2)"),
            ], seed: UInt64(number + 1), isIdle: Double(number % 100) < idleShare * 100)
        let load = 0.02 + 0.5 * random.uniform()
        target.add("container_cpu_user_seconds_total", Signal(.counter(rate: load * 700_000, noise: 0.2, chance: 1), scale: 1e6))
        target.add("container_cpu_system_seconds_total", Signal(.counter(rate: load * 300_000, noise: 0.2, chance: 1), scale: 1e6))
        target.add("container_cpu_usage_seconds_total", Signal(.sum, scale: 1e6))
        target.add("container_cpu_cfs_periods_total", Signal(.counter(rate: 10, noise: 0.003, chance: 1)))
        target.add("container_cpu_cfs_throttled_periods_total", Signal(.counter(rate: 0.3, noise: 0.5, chance: 0.2)))
        target.add("container_cpu_cfs_throttled_seconds_total", Signal(.counter(rate: 9000, noise: 0.6, chance: 0.2), scale: 1e6))
        for (name, pages) in [("usage_bytes", 60_000), ("working_set_bytes", 50_000), ("rss", 40_000), ("cache", 9000), ("mapped_file", 2000)] {
            target.add("container_memory_\(name)", Signal(.level(size: 40, chance: 0.6), scale: 1 / 4096.0, state: Double(pages)))
        }
        for name in ["swap", "failcnt", "kernel_usage", "max_usage_bytes"] {
            target.add("container_memory_\(name)", Signal(.constant, state: Double(random.next() % 1000) * 4096))
        }
        for scope in ["container", "hierarchy"] {
            for (type, rate) in [("pgfault", 40.0), ("pgmajfault", 0.01)] {
                let labels = [("scope", scope), ("failure_type", type)]
                target.add(
                    "container_memory_failures_total", labels,
                    Signal(scope == "hierarchy" ? .copy(2) : .counter(rate: rate, noise: 0.7, chance: rate > 1 ? 1 : 0.05)))
            }
        }
        for interface in ["eth0", "lo"] {
            let labels = [("interface", interface)]
            let quiet = interface == "lo" ? 0.05 : 1.0
            for direction in ["receive", "transmit"] {
                target.add("container_network_\(direction)_bytes_total", labels, Signal(.counter(rate: load * 200_000 * quiet, noise: 0.4, chance: quiet)))
                target.add("container_network_\(direction)_packets_total", labels, Signal(.counter(rate: load * 300 * quiet, noise: 0.4, chance: quiet)))
                target.add("container_network_\(direction)_errors_total", labels, Signal(.constant))
                target.add("container_network_\(direction)_packets_dropped_total", labels, Signal(.constant))
            }
        }
        for device in ["/dev/sda", "/dev/sdb"] {
            for name in ["reads_total", "writes_total", "reads_bytes_total", "writes_bytes_total"] {
                let isBytes = name.hasSuffix("bytes_total")
                let isQuiet = device == "/dev/sdb" || name.hasPrefix("reads")
                target.add(
                    "container_fs_\(name)", [("device", device)],
                    Signal(isQuiet ? .constant : .counter(rate: 3, noise: 0.8, chance: 0.4), scale: isBytes ? 1 / 4096.0 : 1, state: 77))
            }
            target.add(
                "container_fs_usage_bytes", [("device", device)],
                Signal(.level(size: 3, chance: device == "/dev/sda" ? 0.1 : 0), scale: 1 / 4096.0, state: 30_000))
            target.add("container_fs_limit_bytes", [("device", device)], Signal(.constant, state: 105_088_212_992))
        }
        target.add("container_processes", Signal(.constant, state: 3))
        target.add("container_threads", Signal(.gauge(mean: 20, deviation: 0.7)))
        target.add("container_file_descriptors", Signal(.gauge(mean: 60, deviation: 4)))
        target.add("container_sockets", Signal(.gauge(mean: 12, deviation: 1.5)))
        for (name, value) in [
            ("threads_max", 4096.0), ("start_time_seconds", 1_790_000_000.25 + Double(number)), ("spec_cpu_period", 100_000), ("spec_cpu_quota", 200_000),
            ("spec_cpu_shares", 1024), ("spec_memory_limit_bytes", 536_870_912), ("spec_memory_reservation_limit_bytes", 0),
            ("spec_memory_swap_limit_bytes", 0),
            ("oom_events_total", 0), ("ulimits_soft", 1_048_576),
        ] { target.add("container_\(name)", Signal(.constant, state: value)) }
        target.add("container_last_seen", Signal(.clock, scale: 1000))
        for resource in ["cpu", "memory", "io"] {
            target.add(
                "container_pressure_\(resource)_waiting_seconds_total",
                Signal(resource == "cpu" ? .counter(rate: 3000, noise: 0.8, chance: 1) : .constant, scale: 1e6))
            target.add("container_pressure_\(resource)_stalled_seconds_total", Signal(.constant))
        }
        return target
    }

    private func program(_ number: Int) -> MadeTarget {
        let target = MadeTarget(
            labels: [("job", "shop"), ("instance", "10.1.\(number / 10).\(number % 10):8080")], seed: UInt64(number + 90_001),
            isIdle: Double(number) < idleShare * 100)
        let shares = [0.02, 0.1, 0.2, 0.25, 0.2, 0.1, 0.06, 0.04, 0.02, 0.005, 0.003, 0.002]
        for handler in ["/", "/cart"] {
            for (bound, share) in zip(["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf"], shares) {
                target.add(
                    "http_request_duration_seconds_bucket", [("handler", handler), ("le", bound)],
                    Signal(.bucket(share: share == 0.02 && bound != "0.005" ? 0.021 : share)))
            }
            target.add("http_request_duration_seconds_count", [("handler", handler)], Signal(.copy(1)))
            target.add("http_request_duration_seconds_sum", [("handler", handler)], Signal(.counter(rate: 2_000_000, noise: 0.3, chance: 1), scale: 1e6))
        }
        target.add("process_cpu_seconds_total", Signal(.counter(rate: 7, noise: 0.4, chance: 1), scale: 100))
        target.add("process_resident_memory_bytes", Signal(.level(size: 20, chance: 0.5), scale: 1 / 4096.0, state: 20_000))
        target.add("process_open_fds", Signal(.gauge(mean: 40, deviation: 3)))
        for (name, value) in [
            ("process_max_fds", 1_048_576.0), ("process_start_time_seconds", 1_790_000_000.11), ("process_virtual_memory_bytes", 1_234_567_168),
            ("process_virtual_memory_max_bytes", 1.8446744073709552e+19), ("go_info", 1), ("go_threads", 12), ("build_info", 1), ("up", 1),
        ] { target.add(name, Signal(.constant, state: value)) }
        target.add("go_goroutines", Signal(.gauge(mean: 60, deviation: 8)))
        target.add("go_memstats_alloc_bytes", Signal(.gauge(mean: 1_000_000, deviation: 200_000), scale: 1 / 8.0))
        target.add("go_memstats_heap_objects", Signal(.gauge(mean: 60_000, deviation: 9000)))
        return target
    }

    private func node(_ number: Int) -> MadeTarget {
        let target = MadeTarget(labels: [("job", "node"), ("instance", "10.0.0.\(number + 1):9100")], seed: UInt64(number + 70_001))
        for cpu in 0..<32 {
            for (mode, rate) in [("user", 12.0), ("system", 5), ("idle", 80), ("iowait", 0.3), ("irq", 0), ("softirq", 0.4), ("steal", 0), ("nice", 0)] {
                target.add(
                    "node_cpu_seconds_total", [("cpu", "\(cpu)"), ("mode", mode)],
                    Signal(rate == 0 ? .constant : .counter(rate: rate, noise: 0.3, chance: 1), scale: 100))
            }
        }
        for item in 0..<50 {
            target.add(
                "node_memory_item\(item)_bytes",
                Signal(item % 3 == 0 ? .level(size: 200, chance: 0.9) : .constant, scale: 1 / 4096.0, state: Double(item) * 10_000))
        }
        for device in 0..<8 {
            for item in 0..<17 {
                target.add(
                    "node_disk_item\(item)_total", [("device", "sd\(device)")],
                    Signal(device < 2 && item < 9 ? .counter(rate: 50, noise: 0.5, chance: 0.7) : .constant, scale: 1, state: 12345))
            }
        }
        for item in 0..<600 {
            let kind: Signal.Kind =
                item % 10 < 6 ? .constant : item % 10 < 9 ? .counter(rate: Double(item), noise: 0.3, chance: 0.9) : .gauge(mean: 100, deviation: 8)
            target.add("node_other_item\(item)", Signal(kind, state: Double(item)))
        }
        return target
    }
}

extension MadeTarget {
    func add(_ name: String, _ signal: Signal) { add(name, [], signal) }

    var seriesLabels: [Labels] { names.map { Labels(labels + $0.labels + [(Labels.metricName, $0.name)]) } }
}
