/// What the node as a whole did, from /proc and /sys: every metric of the round, and by name what the summary shows.
public struct NodeSample: Sendable {
    /// All of node_exporter's metrics that are on.
    public internal(set) var metrics = NodeMetrics()
    /// The round's number, from 0.
    var round = 0

    /// Seconds by mode since boot, a CPU at a time; modes in the kernel's order.
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
    /// Of each mount that is shown and answered, in the order of the mount table; one device may be there more than once.
    public var fileSystems: [FileSystemUsage] = []

    public struct Disk: Hashable, Sendable {
        public var device: String
        public var reads: UInt64 = 0
        public var readBytes: UInt64 = 0
        /// Seconds.
        public var readTime = 0.0
        public var writes: UInt64 = 0
        public var writtenBytes: UInt64 = 0
        public var writeTime = 0.0
        public var ioTime = 0.0
    }

    public init() {}

    public func memoryBytes(_ name: String) -> UInt64 { memory.first { $0.name == name }?.bytes ?? 0 }
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
    public var isReadOnly = false
    public var used: UInt64 { size - min(size, free) }
}
