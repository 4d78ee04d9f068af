/// What one cgroup had used at one moment. What the kernel does not offer is nil.
public struct CgroupSample: Hashable, Sendable {
    /// Nanoseconds since 1970, when the files were read.
    public var time: Int64 = 0
    // Nanoseconds of CPU time since the cgroup was made.
    public var cpuUsage: UInt64?
    public var cpuUser: UInt64?
    public var cpuSystem: UInt64?
    /// By CPU number; empty where the kernel does not say (v2).
    public var cpuUsageByCPU: [UInt64] = []
    public var periods: UInt64?
    public var throttledPeriods: UInt64?
    /// Nanoseconds.
    public var throttledTime: UInt64?
    public var burstPeriods: UInt64?
    /// Nanoseconds.
    public var burstTime: UInt64?
    public var schedule: Schedule?
    public var load: Load?

    // Bytes.
    public var memoryUsage: UInt64?
    public var memoryPeak: UInt64?
    public var memoryCache: UInt64?
    public var memoryRSS: UInt64?
    public var memoryMapped: UInt64?
    public var memorySwap: UInt64?
    public var memoryKernel: UInt64?
    public var inactiveFile: UInt64?
    public var activeFile: UInt64?
    public var fileDirty: UInt64?
    public var fileWriteback: UInt64?
    /// What cannot be given back without killing: anonymous, shared, unevictable, dirty and kernel memory.
    public var memoryUnreclaimable: UInt64?
    /// Every line of memory.stat that no field above has, under the kernel's name (v1: with `total_` where there is one).
    public var memoryParts: [NamedValue] = []
    // Pages and faults, the cgroup and those below it.
    public var pageFaults: UInt64?
    public var majorPageFaults: UInt64?
    /// Of the cgroup without those below it; on v2 the kernel counts only both together, and these are equal to the others.
    public var ownPageFaults: UInt64?
    public var ownMajorPageFaults: UInt64?
    public var pagesScanned: UInt64?
    public var pagesStolen: UInt64?
    public var refaultsFile: UInt64?
    public var refaultsAnonymous: UInt64?
    public var memoryFailures: UInt64?
    /// memory.events: how often the cgroup went over `memory.high`, and ran into `memory.max`.
    public var highEvents: UInt64?
    public var maxEvents: UInt64?
    public var oomKills: UInt64?
    /// 1 if the cpuset moves pages when its nodes change.
    public var memoryMigrate: UInt64?
    public var numa: [NUMANode] = []
    public var hugePages: [HugePages] = []
    /// Bytes referenced since the references were last cleared (`referenced_memory`, off unless asked for).
    public var referencedBytes: UInt64?

    public var processes: UInt64?
    public var threads: UInt64?
    public var descriptors: Descriptors?

    /// A row a block device that the cgroup has used, by major and minor number.
    public var devices: [DeviceIO] = []

    public var cpuPressure: Pressure?
    public var memoryPressure: Pressure?
    public var ioPressure: Pressure?
    public var irqPressure: Pressure?

    public var resctrl: [ResctrlDomain] = []
    public var perfEvents: [PerfEvent] = []

    // Sums over the devices, for who needs one number.
    public var readBytes: UInt64? { sum(\.readBytes) }
    public var writeBytes: UInt64? { sum(\.writeBytes) }
    public var reads: UInt64? { sum(\.reads) }
    public var writes: UInt64? { sum(\.writes) }
    private func sum(_ field: KeyPath<DeviceIO, UInt64?>) -> UInt64? {
        devices.reduce(nil) { sum, device in device[keyPath: field].map { (sum ?? 0) &+ $0 } ?? sum }
    }

    public struct NamedValue: Hashable, Sendable {
        public var name: String
        public var value: UInt64
        public init(_ name: String, _ value: UInt64) {
            self.name = name
            self.value = value
        }
    }

    /// Sums over the cgroup's tasks, those that have ended included, so that they never fall.
    public struct Schedule: Hashable, Sendable {
        /// Nanoseconds on a CPU, and waiting for one.
        public var runTime: UInt64 = 0
        public var queueTime: UInt64 = 0
        public var runPeriods: UInt64 = 0
        public init() {}
    }

    /// Tasks by state now, and exponentially smoothed loads in thousandths.
    public struct Load: Hashable, Sendable {
        public var sleeping: UInt64 = 0
        public var running: UInt64 = 0
        public var stopped: UInt64 = 0
        public var uninterruptible: UInt64 = 0
        public var ioWaiting: UInt64 = 0
        public var average: UInt64 = 0
        public var uninterruptibleAverage: UInt64 = 0
        public init() {}
    }

    /// Pages (v1) or bytes (v2) turned into pages, of one memory node; `hierarchy` includes the cgroups below.
    public struct NUMANode: Hashable, Sendable {
        public var node: Int
        public var file: UInt64 = 0
        public var anonymous: UInt64 = 0
        public var unevictable: UInt64 = 0
        public var hierarchyFile: UInt64 = 0
        public var hierarchyAnonymous: UInt64 = 0
        public var hierarchyUnevictable: UInt64 = 0
        public init(node: Int) { self.node = node }
    }

    /// `size` as the kernel's file names have it: `2MB`, `1GB`. Bytes.
    public struct HugePages: Hashable, Sendable {
        public var size: String
        public var usage: UInt64 = 0
        public var peak: UInt64?
        public var failures: UInt64 = 0
        public init(size: String) { self.size = size }
    }

    /// What the processes of the cgroup itself hold open.
    public struct Descriptors: Hashable, Sendable {
        public var files: UInt64 = 0
        public var sockets: UInt64 = 0
        /// Of the first process; -1 is unlimited.
        public var softLimit: Int64 = -1
        public var hardLimit: Int64 = -1
        public init() {}
    }

    /// What the cgroup did on one block device. Nil is what this hierarchy and scheduler do not count.
    public struct DeviceIO: Hashable, Sendable {
        public var major: UInt32
        public var minor: UInt32
        /// `/dev/sda`; empty if the device has no name.
        public var name: String
        public var readBytes: UInt64?
        public var writeBytes: UInt64?
        public var discardBytes: UInt64?
        public var syncBytes: UInt64?
        public var asyncBytes: UInt64?
        public var reads: UInt64?
        public var writes: UInt64?
        public var discards: UInt64?
        public var syncs: UInt64?
        public var asyncs: UInt64?
        /// cgroup v1 with a scheduler that counts them, by operation (`Read`, `Write`, `Sync`, `Async`, `Discard`, `Total`).
        public var queued: [NamedValue] = []
        public var merged: [NamedValue] = []
        /// Nanoseconds.
        public var serviceTime: [NamedValue] = []
        public var waitTime: [NamedValue] = []
        public var sectors: UInt64?
        public var ioTime: UInt64?
        // Microseconds of the io.cost controller.
        public var costUsage: UInt64?
        public var costWait: UInt64?
        public var costInDebt: UInt64?
        public var costInDelay: UInt64?

        public init(major: UInt32, minor: UInt32, name: String) {
            self.major = major
            self.minor = minor
            self.name = name
        }
    }

    /// One L3 cache domain of resctrl. Bytes.
    public struct ResctrlDomain: Hashable, Sendable {
        public var node: String
        public var bandwidthTotal: UInt64?
        public var bandwidthLocal: UInt64?
        public var cacheOccupancy: UInt64?
        public init(node: String) { self.node = node }
    }

    /// One hardware or software event on one CPU.
    public struct PerfEvent: Hashable, Sendable {
        public var name: String
        public var cpu: Int
        public var value: UInt64
        /// Share of the time for which the event was counted, 0 to 1.
        public var scaling: Double
        public init(name: String, cpu: Int, value: UInt64, scaling: Double) {
            self.name = name
            self.cpu = cpu
            self.value = value
            self.scaling = scaling
        }
    }

    /// Microseconds stalled since the cgroup was made (PSI), and shares of the last 10, 60, 300 s in percent.
    public struct Pressure: Hashable, Sendable {
        public struct Line: Hashable, Sendable {
            public var average10 = 0.0
            public var average60 = 0.0
            public var average300 = 0.0
            public var total: UInt64 = 0
            public init() {}
        }
        public var some = Line()
        public var full = Line()
        public init() {}
    }

    /// usage - inactive_file, at least 0: what Kubernetes calls the working set (contracts/metrics.md 1.6).
    public var workingSet: UInt64? {
        memoryUsage.map { usage in usage - min(usage, inactiveFile ?? 0) }
    }

    public init() {}
}

/// What a cgroup may use. Nil is unlimited or not told.
public struct CgroupLimits: Hashable, Sendable {
    public var shares: UInt64?
    /// Microseconds a period.
    public var quota: UInt64?
    /// Microseconds.
    public var period: UInt64?
    public var memory: UInt64?
    public var swap: UInt64?
    /// v1's soft limit, v2's memory.low.
    public var memoryReservation: UInt64?
    public var threads: UInt64?
    /// CPUs that it may run on, as the kernel lists them: `0-3,7`. Empty if not told.
    public var cpuMask: String = ""

    public init() {}

    /// These limits, and where there is none of CPU time, memory or threads that of a cgroup inside, if it holds all processes.
    func filled(from inner: CgroupLimits) -> CgroupLimits {
        var limits = self
        if quota == nil, inner.quota != nil { (limits.quota, limits.period, limits.shares) = (inner.quota, inner.period, inner.shares) }
        if memory == nil { limits.memory = inner.memory }
        if swap == nil { limits.swap = inner.swap }
        if (memoryReservation ?? 0) == 0 { limits.memoryReservation = inner.memoryReservation }
        if threads == nil { limits.threads = inner.threads }
        return limits
    }
}
