/// What one cgroup had used at one moment. What the kernel does not offer is nil.
public struct CgroupSample: Hashable, Sendable {
    /// Nanoseconds since 1970, when the files were read.
    public var time: Int64 = 0
    // Nanoseconds of CPU time since the cgroup was made.
    public var cpuUsage: UInt64?
    public var cpuUser: UInt64?
    public var cpuSystem: UInt64?
    public var periods: UInt64?
    public var throttledPeriods: UInt64?
    /// Nanoseconds.
    public var throttledTime: UInt64?

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
    /// What cannot be given back without killing: anonymous, shared, unevictable, dirty and kernel memory.
    public var memoryUnreclaimable: UInt64?
    public var pageFaults: UInt64?
    public var majorPageFaults: UInt64?
    public var memoryFailures: UInt64?
    public var oomKills: UInt64?

    public var processes: UInt64?
    public var threads: UInt64?

    public var readBytes: UInt64?
    public var writeBytes: UInt64?
    public var reads: UInt64?
    public var writes: UInt64?

    public var cpuPressure: Pressure?
    public var memoryPressure: Pressure?
    public var ioPressure: Pressure?

    /// Microseconds stalled since the cgroup was made (PSI), and shares of the last 10, 60, 300 s in percent.
    public struct Pressure: Hashable, Sendable {
        public struct Line: Hashable, Sendable {
            public var average10 = 0.0
            public var average60 = 0.0
            public var average300 = 0.0
            public var total: UInt64 = 0
        }
        public var some = Line()
        public var full = Line()
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
    public var threads: UInt64?

    public init() {}
}
