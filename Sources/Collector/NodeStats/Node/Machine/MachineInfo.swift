import Runtime

/// What does not change while the machine runs (contracts/metrics.md 2.3, after cAdvisor's MachineInfo).
public struct MachineInfo: Hashable, Sendable {
    /// Logical CPUs.
    public var cores: Int
    public var physicalCores: Int
    public var sockets: Int
    /// Groups of sockets on IBM Z; 0 elsewhere.
    public var books: Int
    public var drawers: Int
    /// The highest that the CPU says it can do, else what it runs at; 0 if it does not say.
    public var cpuFrequencyKHz: UInt64
    /// `GenuineIntel`, `AuthenticAMD`; empty where /proc/cpuinfo has none.
    public var vendorID: String
    public var memoryBytes: UInt64
    public var swapBytes: UInt64
    /// Memory modules by kind, as far as the memory controller's driver tells.
    public var memoryByType: [String: MemoryModules]
    public var hugePages: [HugePages]
    public var topology: [NUMANode]
    public var disks: [BlockDevice]
    public var networkDevices: [NetworkDevice]
    public var machineID: String
    public var systemUUID: String
    public var bootID: String
    public var kernelVersion: String
    public var osImage: String
    /// Unix seconds.
    public var bootTime: UInt64
    public var cloud: CloudInstance

    public struct MemoryModules: Hashable, Sendable {
        public var capacityBytes: UInt64
        public var count: Int
    }

    public struct HugePages: Hashable, Sendable {
        /// Kibibytes.
        public var pageSize: UInt64
        public var count: UInt64
    }

    public struct BlockDevice: Hashable, Sendable {
        public var name: String
        public var major: UInt64
        public var minor: UInt64
        /// Bytes.
        public var size: UInt64
        /// `none` where the device has no queue of its own.
        public var scheduler: String
    }

    public struct NetworkDevice: Hashable, Sendable {
        public var name: String
        public var macAddress: String
        /// Megabits a second; 0 if the device does not know.
        public var speed: Int64
        public var mtu: Int64
    }

    /// Reads /proc, /sys and /etc below `root`; what is not there is empty or 0.
    public init(fileSystem: any FileSystem, root: String = "") {
        let files = MachineFiles(fileSystem: fileSystem, root: root)
        var text = KernelText(files.text("/proc/stat"))
        let stat = ProcStat(root: root)
        stat.parse(&text)
        bootTime = stat.bootTime
        let memory = files.kilobytes("/proc/meminfo")
        memoryBytes = memory["MemTotal"] ?? 0
        swapBytes = memory["SwapTotal"] ?? 0

        let cpus = LogicalCPU.all(files)
        cores = max(1, cpus.count, stat.cpus.count)
        physicalCores = max(1, Set(cpus.map { [$0.package, $0.core] }).count)
        sockets = max(1, Set(cpus.map(\.package)).count)
        books = Set(cpus.compactMap(\.book)).count
        drawers = Set(cpus.compactMap(\.drawer)).count
        let described = CPUInfo.parse(files.text("/proc/cpuinfo")).first?.fields ?? [:]
        vendorID = described["vendor_id"] ?? described["CPU implementer"] ?? ""
        let current = Double(described["cpu MHz"] ?? "").map { UInt64($0 * 1000) }
        cpuFrequencyKHz = files.number("/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq") ?? current ?? 0

        hugePages = HugePages.all(files, "/sys/kernel/mm/hugepages")
        topology = NUMANode.all(files, cpus: cpus, memoryBytes: memoryBytes, hugePages: hugePages)
        memoryByType = MemoryModules.all(files)
        disks = BlockDevice.all(files)
        networkDevices = NetworkDevice.all(files)

        bootID = files.line("/proc/sys/kernel/random/boot_id")
        systemUUID = files.line("/sys/class/dmi/id/product_uuid")
        kernelVersion = files.line("/proc/sys/kernel/osrelease")
        let machine = files.line("/etc/machine-id")
        machineID = machine.isEmpty ? bootID.filter { $0 != "-" } : machine
        let release = OSSource.parse(files.text("/etc/os-release"))
        osImage = release["PRETTY_NAME"] ?? "Linux"
        cloud = CloudInstance(files)
    }
}

/// The machine's files, by way of the seam for tests.
struct MachineFiles {
    let fileSystem: any FileSystem
    let root: String

    func text(_ path: String) -> String { (try? fileSystem.text(root + path)) ?? "" }
    func list(_ path: String) -> [String] { ((try? fileSystem.list(root + path)) ?? []).sorted(by: SysTree.inOrder) }
    /// The first line, without spaces around it.
    func line(_ path: String) -> String {
        let line = text(path).split(separator: "\n").first ?? ""
        return String(line.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
    func number(_ path: String) -> UInt64? { UInt64(line(path)) }

    /// `MemTotal:   1000 kB`, also behind `Node 0`, in bytes.
    func kilobytes(_ path: String) -> [String: UInt64] {
        var fields: [String: UInt64] = [:]
        for line in text(path).split(separator: "\n") {
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
            guard let position = words.firstIndex(where: { $0.hasSuffix(":") }), words.count > position + 1, let value = UInt64(words[position + 1])
            else { continue }
            fields[String(words[position].dropLast())] = value &* 1024
        }
        return fields
    }
}
