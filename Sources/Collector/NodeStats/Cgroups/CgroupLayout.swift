/// The files of a cgroup that are read, by what they say; each hierarchy has its own names for them.
enum CgroupFile: Int, CaseIterable {
    // Read each round, or when their neighbour says that they may have changed; kept open.
    case cpuUsage, cpuParts, cpuThrottling
    case memoryUsage, memoryStat, memoryPeak, memoryFailures, memoryEvents, memorySwap, memoryKernel
    case threads, processes
    case ioBytes, ioCounts
    case cpuPressure, memoryPressure, ioPressure, irqPressure
    // Read every tenth round; opened for it.
    case shares, quota, period, cpus
    case memoryLimit, swapLimit, reservation, threadLimit, memoryMigrate, numa
    case ioSchedulerBytes, ioSchedulerCounts, ioQueued, ioMerged, ioServiceTime, ioWaitTime, sectors, ioTime

    /// v1's kernel keeps the list of processes that a descriptor was first given as long as it is read again within a
    /// second, so that file is opened for each reading.
    var isKeptOpen: Bool { rawValue <= CgroupFile.irqPressure.rawValue && self != .processes }
}

/// Where this machine has each file: worked out once from its mounts, a controller at a time.
final class CgroupLayout {
    struct Place {
        var version: Int
        /// The mount point of the hierarchy; the cgroup's path follows, then `name`.
        var mount: String
        var name: String
        /// An absolute path for the root cgroup, whose files are elsewhere.
        var rootPath: String?
    }

    let mounts: CgroupMounts
    /// By `CgroupFile.rawValue`; nil if no hierarchy has it.
    let places: [Place?]
    let cpuVersion: Int
    let memoryVersion: Int
    let ioVersion: Int
    /// The directories of one cgroup, one a hierarchy.
    let mountPoints: [String]
    /// `2MB`, `1GB`, ascending.
    let hugePageSizes: [String]
    let hugePages: (version: Int, mount: String)?

    init(mounts: CgroupMounts, root: String, hugePageSizes: [String]) {
        self.mounts = mounts
        func hierarchy(_ controllers: String...) -> (version: Int, mount: String)? {
            for controller in controllers {
                if let mount = mounts.v1[controller] { return (1, mount) }
            }
            return mounts.v2.map { (2, $0) }
        }
        let accounting = hierarchy("cpuacct")
        let cpu = hierarchy("cpu")
        let memory = hierarchy("memory")
        let io = hierarchy("blkio")
        cpuVersion = accounting?.version ?? 0
        memoryVersion = memory?.version ?? 0
        ioVersion = io?.version ?? 0
        let (pids, cpuset) = (hierarchy("pids"), hierarchy("cpuset"))
        // Processes are the same in each hierarchy in which the cgroup is; pids is there with most runtimes.
        let processes = pids ?? memory ?? cpu
        func place(_ hierarchy: (version: Int, mount: String)?, _ v1: String?, _ v2: String?) -> Place? {
            guard let hierarchy, let name = hierarchy.version == 1 ? v1 : v2 else { return nil }
            return Place(version: hierarchy.version, mount: hierarchy.mount, name: name, rootPath: nil)
        }
        func pressure(_ resource: String) -> Place? {
            // The machine's own pressure is in /proc: a root cgroup has no such files.
            let path = "\(root)/proc/pressure/\(resource)"
            return Place(version: mounts.v2 == nil ? 0 : 2, mount: mounts.v2 ?? "", name: "\(resource).pressure", rootPath: path)
        }
        places = CgroupFile.allCases.map { file in
            switch file {
            case .cpuUsage: place(accounting, "cpuacct.usage_percpu", "cpu.stat")
            case .cpuParts: place(accounting, "cpuacct.usage_all", nil)
            // In v2 usage and throttling are one file.
            case .cpuThrottling: place(cpu, "cpu.stat", accounting?.version == 2 ? nil : "cpu.stat")
            case .memoryUsage: place(memory, "memory.usage_in_bytes", "memory.current")
            case .memoryStat: place(memory, "memory.stat", "memory.stat")
            case .memoryPeak: place(memory, "memory.max_usage_in_bytes", "memory.peak")
            case .memoryFailures: place(memory, "memory.failcnt", nil)
            case .memoryEvents: place(memory, "memory.oom_control", "memory.events")
            case .memorySwap: place(memory, nil, "memory.swap.current")
            case .memoryKernel: place(memory, "memory.kmem.usage_in_bytes", nil)
            case .threads: place(pids, "pids.current", "pids.current")
            case .processes: place(processes, "cgroup.procs", "cgroup.procs")
            case .ioBytes: place(io, "blkio.throttle.io_service_bytes_recursive", "io.stat")
            case .ioCounts: place(io, "blkio.throttle.io_serviced_recursive", nil)
            case .cpuPressure: pressure("cpu")
            case .memoryPressure: pressure("memory")
            case .ioPressure: pressure("io")
            case .irqPressure: pressure("irq")
            case .shares: place(cpu, "cpu.shares", "cpu.weight")
            case .quota: place(cpu, "cpu.cfs_quota_us", "cpu.max")
            case .period: place(cpu, "cpu.cfs_period_us", nil)
            case .cpus: place(cpuset, "cpuset.cpus", "cpuset.cpus.effective")
            case .memoryLimit: place(memory, "memory.limit_in_bytes", "memory.max")
            case .swapLimit: place(memory, "memory.memsw.limit_in_bytes", "memory.swap.max")
            case .reservation: place(memory, "memory.soft_limit_in_bytes", "memory.low")
            case .threadLimit: place(pids, "pids.max", "pids.max")
            case .memoryMigrate: place(cpuset, "cpuset.memory_migrate", nil)
            case .numa: place(memory, "memory.numa_stat", "memory.numa_stat")
            case .ioSchedulerBytes: place(io, "blkio.bfq.io_service_bytes_recursive", nil)
            case .ioSchedulerCounts: place(io, "blkio.bfq.io_serviced_recursive", nil)
            case .ioQueued: place(io, "blkio.io_queued_recursive", nil)
            case .ioMerged: place(io, "blkio.io_merged_recursive", nil)
            case .ioServiceTime: place(io, "blkio.io_service_time_recursive", nil)
            case .ioWaitTime: place(io, "blkio.io_wait_time_recursive", nil)
            case .sectors: place(io, "blkio.sectors_recursive", nil)
            case .ioTime: place(io, "blkio.time_recursive", nil)
            }
        }
        hugePages = hierarchy("hugetlb")
        self.hugePageSizes = hugePages == nil ? [] : hugePageSizes
        var points: [String] = []
        for point in [accounting, cpu, memory, pids, io].compactMap({ $0?.mount }) + [mounts.v2].compactMap({ $0 }) where !points.contains(point) {
            points.append(point)
        }
        mountPoints = points
    }

    func path(of file: CgroupFile, in cgroup: String) -> String? {
        guard let place = places[file.rawValue] else { return nil }
        if cgroup == "/" { return place.rootPath ?? "\(place.mount)/\(place.name)" }
        // Without a v2 hierarchy there is only the machine's own pressure.
        return place.version == 0 ? nil : "\(place.mount)\(cgroup)/\(place.name)"
    }

    /// `hugepages-2048kB` as cgroup files name it: `2MB`.
    static func hugePageName(_ directory: String) -> String? {
        guard directory.hasPrefix("hugepages-"), directory.hasSuffix("kB"), let kilobytes = UInt64(directory.dropFirst(10).dropLast(2)) else { return nil }
        if kilobytes >= 1 << 20 { return "\(kilobytes >> 20)GB" }
        return kilobytes >= 1 << 10 ? "\(kilobytes >> 10)MB" : "\(kilobytes)KB"
    }
}
