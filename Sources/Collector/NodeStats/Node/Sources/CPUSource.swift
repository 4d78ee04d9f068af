import Exposition

/// `cpu`: seconds of each CPU in each mode, with guests' time apart, and how often it was throttled for its heat.
final class CPUSource: NodeSource {
    private static let seconds = NodeFamily("node_cpu_seconds_total", .counter, "Seconds that each CPU spent in each mode.")
    private static let guest = NodeFamily(
        "node_cpu_guest_seconds_total", .counter, "Seconds that each CPU ran virtual machines; also part of user and nice.")
    private static let coreThrottles = NodeFamily(
        "node_cpu_core_throttles_total", .counter, "Times that a core was slowed down because of its heat.")
    private static let packageThrottles = NodeFamily(
        "node_cpu_package_throttles_total", .counter, "Times that a package was slowed down because of its heat.")
    private static let info = NodeFamily("node_cpu_info", .gauge, "What /proc/cpuinfo says of each CPU; always 1.")

    private let stat: ProcStat
    private let tree: SysTree
    private let showsInfo: Bool
    private let showsGuests: Bool
    private var slow: [(family: NodeFamily, key: UInt64, labels: [NodeSeries.Label], value: MetricValue)] = []
    private var wait = 0

    init(stat: ProcStat, tree: SysTree, options: NodeOptions) {
        self.stat = stat
        self.tree = tree
        showsInfo = options.showsCPUInfo
        showsGuests = options.showsGuests
    }

    func collect(_ text: inout KernelText, _ series: inout SeriesRecorder, _ sample: inout NodeSample) throws(NodeReadError) {
        try stat.refresh(&text, round: sample.round)
        guard !stat.cpus.isEmpty else { throw .malformed }
        sample.cpuSeconds.reserveCapacity(stat.cpus.count)
        for cpu in stat.cpus {
            for (field, mode) in NodeSample.cpuModes.enumerated() {
                series.add(Self.seconds, .decimal(cpu.ticks[field], digits: 2), key: cpu.number << 4 | UInt64(field)) {
                    [("cpu", "\(cpu.number)"), ("mode", mode)]
                }
            }
            if showsGuests {
                for (field, mode) in ["user", "nice"].enumerated() {
                    series.add(Self.guest, .decimal(cpu.ticks[8 + field], digits: 2), key: cpu.number << 4 | UInt64(field)) {
                        [("cpu", "\(cpu.number)"), ("mode", mode)]
                    }
                }
            }
            sample.cpuSeconds.append(NodeSample.cpuModes.indices.map { Double(cpu.ticks[$0]) / 100 })
        }
        if wait == 0 {
            wait = 10
            readSlow()
        }
        wait -= 1
        for one in slow { series.add(one.family, one.value, key: one.key) { one.labels } }
    }

    private func readSlow() {
        slow = []
        var seenCores: Set<String> = []
        var seenPackages: Set<String> = []
        for cpu in stat.cpus {
            let directory = "/sys/devices/system/cpu/cpu\(cpu.number)"
            guard let package = tree.text("\(directory)/topology/physical_package_id"), let core = tree.text("\(directory)/topology/core_id")
            else { continue }
            if let count = tree.number("\(directory)/thermal_throttle/core_throttle_count"), seenCores.insert("\(package):\(core)").inserted {
                slow.append((Self.coreThrottles, cpu.number, [("core", core), ("package", package)], .integer(count)))
            }
            if let count = tree.number("\(directory)/thermal_throttle/package_throttle_count"), seenPackages.insert(package).inserted {
                slow.append((Self.packageThrottles, cpu.number, [("package", package)], .integer(count)))
            }
        }
        guard showsInfo else { return }
        for (number, cpu) in CPUInfo.read(tree).enumerated() {
            slow.append((Self.info, UInt64(number), cpu.labels, .integer(UInt64(1))))
        }
    }
}

/// `/proc/cpuinfo` by CPU: the same names mean the same on x86 only; elsewhere most are empty.
struct CPUInfo {
    var fields: [String: String] = [:]

    static func read(_ tree: SysTree) -> [CPUInfo] { parse(tree.text("/proc/cpuinfo") ?? "") }

    static func parse(_ text: String) -> [CPUInfo] {
        var cpus: [CPUInfo] = []
        for line in text.split(separator: "\n") {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let name = line[..<colon].split(whereSeparator: { $0 == " " || $0 == "\t" }).joined(separator: " ")
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            if name == "processor" { cpus.append(CPUInfo()) }
            // Lines before the first processor (and after the last on some machines) are about the whole.
            if !cpus.isEmpty { cpus[cpus.count - 1].fields[name] = String(value) }
        }
        return cpus
    }

    var labels: [NodeSeries.Label] {
        [
            ("package", "physical id"), ("core", "core id"), ("cpu", "processor"), ("vendor", "vendor_id"), ("family", "cpu family"),
            ("model", "model"), ("model_name", "model name"), ("microcode", "microcode"), ("stepping", "stepping"), ("cachesize", "cache size"),
        ].map { (name: $0.0, value: fields[$0.1] ?? "") }
    }
}

/// `stat`: what the kernel as a whole did.
final class StatSource: NodeSource {
    private static let interrupts = NodeFamily("node_intr_total", .counter, "Interrupts served.")
    private static let contextSwitches = NodeFamily("node_context_switches_total", .counter, "Context switches.")
    private static let forks = NodeFamily("node_forks_total", .counter, "Processes and threads started.")
    private static let bootTime = NodeFamily("node_boot_time_seconds", .gauge, "When the node booted, in Unix seconds.")
    private static let running = NodeFamily("node_procs_running", .gauge, "Processes that run or could.")
    private static let blocked = NodeFamily("node_procs_blocked", .gauge, "Processes that wait for I/O.")
    private static let softIRQs = NodeFamily("node_softirqs_total", .counter, "Soft interrupts served, by vector.")
    /// The kernel's order (include/linux/interrupt.h).
    private static let vectors = ["hi", "timer", "net_tx", "net_rx", "block", "block_iopoll", "tasklet", "sched", "hrtimer", "rcu"]

    private let stat: ProcStat
    private let showsSoftIRQs: Bool

    init(stat: ProcStat, options: NodeOptions) {
        self.stat = stat
        showsSoftIRQs = options.showsSoftIRQs
    }

    func collect(_ text: inout KernelText, _ series: inout SeriesRecorder, _ sample: inout NodeSample) throws(NodeReadError) {
        try stat.refresh(&text, round: sample.round)
        series.add(Self.interrupts, .integer(stat.interrupts))
        series.add(Self.contextSwitches, .integer(stat.contextSwitches))
        series.add(Self.forks, .integer(stat.forks))
        series.add(Self.bootTime, .integer(stat.bootTime))
        series.add(Self.running, .integer(stat.running))
        series.add(Self.blocked, .integer(stat.blocked))
        if showsSoftIRQs {
            for (number, (vector, value)) in zip(Self.vectors, stat.softIRQs).enumerated() {
                series.add(Self.softIRQs, .integer(value), key: UInt64(number)) { [("vector", vector)] }
            }
        }
        sample.contextSwitches = stat.contextSwitches
        sample.forks = stat.forks
        sample.processesRunning = stat.running
        sample.processesBlocked = stat.blocked
        sample.bootTime = stat.bootTime
    }
}

/// `loadavg`.
final class LoadSource: NodeSource {
    private static let families = [("1", "one minute"), ("5", "five minutes"), ("15", "fifteen minutes")].map {
        NodeFamily("node_load\($0.0)", .gauge, "Processes that run, could run or wait for disks, averaged over \($0.1).")
    }
    private let file: KernelFile

    init(root: String) { file = KernelFile(root + "/proc/loadavg") }

    func collect(_ text: inout KernelText, _ series: inout SeriesRecorder, _ sample: inout NodeSample) throws(NodeReadError) {
        try file.read(into: &text)
        guard text.nextLine() else { throw .malformed }
        for family in Self.families {
            guard let word = text.word(), let value = text.decimal(in: word) else { throw .malformed }
            series.add(family, value)
            sample.load.append(value.double)
        }
    }
}
