/// What the node as a whole did, from /proc.
public struct NodeSample: Sendable {
    /// Seconds by mode since boot, a CPU at a time; modes in node_exporter's order.
    public var cpuSeconds: [[Double]] = []
    public static let cpuModes = ["user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"]
    /// /proc/meminfo in bytes, under node_exporter's names: `MemTotal_bytes`, `Active_anon_bytes`.
    public var memory: [(name: String, bytes: UInt64)] = []
    public var load: [Double] = []
    public var contextSwitches: UInt64 = 0
    public var forks: UInt64 = 0
    public var processesRunning: UInt64 = 0
    public var processesBlocked: UInt64 = 0
    /// Unix seconds.
    public var bootTime: UInt64 = 0
    public var network: [NetworkCounters] = []
    public var disks: [Disk] = []
    public var fileSystems: [FileSystemUsage] = []

    public struct Disk: Hashable, Sendable {
        public var device: String
        public var reads: UInt64
        public var readBytes: UInt64
        /// Seconds.
        public var readTime: Double
        public var writes: UInt64
        public var writtenBytes: UInt64
        public var writeTime: Double
        public var ioTime: Double
    }

    public init() {}

    public func memoryBytes(_ name: String) -> UInt64 { memory.first { $0.name == name }?.bytes ?? 0 }

    /// `/proc/stat` in USER_HZ of 100, which Linux fixes for what it shows.
    mutating func parseStat(_ text: String) {
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard let key = fields.first, fields.count > 1 else { continue }
            let first = UInt64(fields[1]) ?? 0
            switch key {
            case "ctxt": contextSwitches = first
            case "btime": bootTime = first
            case "processes": forks = first
            case "procs_running": processesRunning = first
            case "procs_blocked": processesBlocked = first
            case _ where key.hasPrefix("cpu") && key != "cpu":
                let ticks = fields.dropFirst().prefix(Self.cpuModes.count).map { Double($0) ?? 0 }
                cpuSeconds.append(ticks.map { $0 / 100 })
            default: continue
            }
        }
    }

    /// `MemTotal:  24000 kB`; `Active(anon)` becomes `Active_anon`.
    mutating func parseMeminfo(_ text: String) {
        for line in text.split(separator: "\n") {
            let fields = line.split(whereSeparator: { $0 == " " || $0 == ":" })
            guard fields.count >= 2, let value = UInt64(fields[1]) else { continue }
            var name = ""
            for character in fields[0] where character != ")" { name.append(character == "(" ? "_" : character) }
            let isKilobytes = fields.count > 2
            memory.append((isKilobytes ? name + "_bytes" : name, isKilobytes ? value * 1024 : value))
        }
    }

    mutating func parseLoad(_ text: String) { load = text.split(separator: " ").prefix(3).compactMap { Double($0) } }

    /// Whole devices that have done something; sectors are 512 bytes, times milliseconds (kernel's iostats).
    mutating func parseDisks(_ text: String) {
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count >= 14, !fields[2].hasPrefix("loop"), !fields[2].hasPrefix("ram") else { continue }
            let numbers = fields.dropFirst(3).map { UInt64($0) ?? 0 }
            guard numbers[0] + numbers[4] > 0 else { continue }
            disks.append(
                Disk(
                    device: String(fields[2]), reads: numbers[0], readBytes: numbers[2] * 512, readTime: Double(numbers[3]) / 1000,
                    writes: numbers[4], writtenBytes: numbers[6] * 512, writeTime: Double(numbers[7]) / 1000,
                    ioTime: Double(numbers[9]) / 1000))
        }
    }
}

/// The room of one file system, from statfs(2).
public struct FileSystemUsage: Hashable, Sendable {
    public var device: String
    public var mountPoint: String
    public var type: String
    public var size: UInt64
    public var free: UInt64
    /// What an unprivileged process may still use.
    public var available: UInt64
    public var files: UInt64
    public var filesFree: UInt64
    public var used: UInt64 { size - min(size, free) }
}
