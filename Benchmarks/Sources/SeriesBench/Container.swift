import Glibc
import SeriesStore
import Telemetry

/// A made-up container whose metrics move as measured ones do: one in three idles, counters grow
/// in steps with noise, pages move by fours of KiB. The same number gives the same samples.
final class Container {
    let name: String
    private let set: SeriesSet
    private let load: Double
    private var random: SplitMix
    private var user = 0.0
    private var system = 0.0
    private var pages = 20000.0
    private var filePages = 5000.0
    private var faults = 1000.0
    private var received = 0.0
    private var sent = 0.0
    private var receivedPackets = 0.0
    private var sentPackets = 0.0
    private var written = 0.0
    private var waiting = 0.0

    /// Forty metrics, as NodeStats writes them for each container.
    static let names = [
        "cpu_usage_seconds_total", "cpu_user_seconds_total", "cpu_system_seconds_total", "cpu_cfs_periods_total",
        "cpu_cfs_throttled_periods_total", "cpu_cfs_throttled_seconds_total", "spec_cpu_quota", "spec_cpu_period", "spec_cpu_shares",
        "memory_usage_bytes", "memory_working_set_bytes", "memory_rss", "memory_cache", "memory_mapped_file", "memory_swap", "memory_failcnt",
        "memory_max_usage_bytes", "spec_memory_limit_bytes", "memory_failures_pgfault", "memory_failures_pgmajfault",
        "network_receive_bytes_total", "network_transmit_bytes_total", "network_receive_packets_total", "network_transmit_packets_total",
        "network_receive_errors_total", "network_transmit_errors_total", "fs_reads_bytes_total", "fs_writes_bytes_total", "fs_usage_bytes",
        "processes", "threads", "threads_max", "file_descriptors", "sockets", "start_time_seconds", "last_seen",
        "pressure_cpu_waiting_seconds_total", "pressure_memory_waiting_seconds_total", "pressure_io_waiting_seconds_total", "oom_events_total",
    ]

    init(_ number: Int) {
        name = "cgroup/kubepods/pod\(number)"
        random = SplitMix(state: UInt64(number) * 77)
        load = number % 3 == 0 ? 0.001 : Double(number % 5 + 1) * 0.05
        let pod: [(String, String)] = [
            ("container", "app"), ("pod", "web-\(number)-7d9f8b6c5d-x2x\(number)"), ("namespace", "default"),
            ("image", "docker.io/library/nginx:1.27"), ("id", "/kubepods/burstable/pod\(number)"), ("node", "node-1"),
        ]
        set = SeriesSet(Self.names.map { name in Labels(name: "container_" + name, Dictionary(uniqueKeysWithValues: pod)) })
    }

    /// The samples at `milliseconds` since 1970, and the state one second further.
    func frame(_ milliseconds: Int64) -> SampleFrame {
        let idles = load < 0.01 && uniform() < 0.8
        if !idles { advance() }
        let values: [Double] = [
            (user + system) / 1e6, user / 1e6, system / 1e6, 0, 0, 0, -1, 100_000, 1024, pages * 4096, (pages - filePages / 2) * 4096,
            (pages - filePages) * 4096, filePages * 4096, 819_200, 0, 0, 25000 * 4096, 536_870_912, faults, 12, received, sent,
            receivedPackets, sentPackets, 0, 0, 0, written, 1_234_567_168, 5, 9, 4096, (20 + 3 * normal()).rounded(), 6, 1_790_000_000.25,
            Double(milliseconds / 1000), waiting / 1e6, 0, 0.0123, 0,
        ]
        return SampleFrame(source: name, timestamp: Timestamp(milliseconds: milliseconds), series: set, values: values)
    }

    private func advance() {
        let microseconds = max(0, load * (1 + 0.3 * normal())) * 1e6
        let inSystem = (microseconds * (0.3 + 0.05 * normal())).rounded()
        system += max(0, inSystem)
        user += max(0, (microseconds - inSystem).rounded())
        if uniform() < 0.5 { pages += (20 * normal()).rounded() }
        if uniform() < 0.2 { filePages += (5 * normal()).rounded() }
        faults += (abs(normal()) * 50).rounded()
        let packets = (load * 400 * (1 + 0.2 * normal())).rounded()
        receivedPackets += max(0, packets)
        sentPackets += max(0, packets - 2)
        received += max(0, (packets * 500 * (1 + 0.1 * normal())).rounded())
        sent += max(0, (packets * 900 * (1 + 0.1 * normal())).rounded())
        if uniform() < 0.1 { written += (1 + abs(normal() * 10)).rounded() * 4096 }
        waiting += max(0, (microseconds * 0.01 * (1 + normal())).rounded())
    }

    private func uniform() -> Double { Double.random(in: 0..<1, using: &random) }

    /// Box and Muller's transform.
    private func normal() -> Double { (-2 * log(max(uniform(), 1e-300))).squareRoot() * cos(2 * .pi * uniform()) }
}

/// Steele, Lea and Flood's SplitMix64: small, seeded, good enough for noise.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
