/// A CPU as the scheduler sees it, with its place in the machine.
struct LogicalCPU {
    var number: Int
    var package: Int
    var core: Int
    var book: Int?
    var drawer: Int?

    /// The CPUs that are online, by number.
    static func all(_ files: MachineFiles) -> [LogicalCPU] {
        files.list("/sys/devices/system/cpu").compactMap { name in
            guard name.hasPrefix("cpu"), let number = Int(name.dropFirst(3)) else { return nil }
            let directory = "/sys/devices/system/cpu/\(name)"
            // CPU 0 has no such file on most machines.
            if files.line("\(directory)/online") == "0" { return nil }
            func id(_ name: String) -> Int? { Int(files.line("\(directory)/topology/\(name)")) }
            // -1 is the kernel's word for a package that is not known, on ARM for one.
            return LogicalCPU(
                number: number, package: id("physical_package_id") ?? 0, core: id("core_id") ?? number, book: id("book_id"), drawer: id("drawer_id"))
        }
    }
}

/// A part of the machine with memory near to its CPUs.
public struct NUMANode: Hashable, Sendable {
    public var id: Int
    /// Bytes.
    public var memory: UInt64
    public var hugePages: [MachineInfo.HugePages]
    public var cores: [Core]
    /// Shared by all cores of the node.
    public var caches: [Cache]
    /// How far each node is in the firmware's units; 10 is the node itself.
    public var distances: [UInt64]

    public struct Core: Hashable, Sendable {
        public var id: Int
        public var socket: Int
        /// Numbers of its logical CPUs.
        public var threads: [Int]
        /// Of this core alone.
        public var caches: [Cache]
        /// Shared with some other cores of the node.
        public var uncoreCaches: [Cache]
    }

    public struct Cache: Hashable, Sendable {
        public var id: Int
        /// Bytes.
        public var size: UInt64
        /// `Data`, `Instruction`, `Unified`.
        public var type: String
        public var level: Int
        /// Logical CPUs that share it.
        var sharers: [Int]
    }

    /// The nodes by number; one of the whole machine where the kernel knows no NUMA.
    static func all(_ files: MachineFiles, cpus: [LogicalCPU], memoryBytes: UInt64, hugePages: [MachineInfo.HugePages]) -> [NUMANode] {
        let numbers = files.list("/sys/devices/system/node").compactMap { $0.hasPrefix("node") ? Int($0.dropFirst(4)) : nil }
        guard !numbers.isEmpty else {
            var whole = NUMANode(id: 0, memory: memoryBytes, hugePages: hugePages, cores: [], caches: [], distances: [10])
            whole.place(cpus, files)
            return [whole]
        }
        return numbers.sorted().map { number in
            let directory = "/sys/devices/system/node/node\(number)"
            var node = NUMANode(
                id: number, memory: files.kilobytes("\(directory)/meminfo")["MemTotal"] ?? 0,
                hugePages: MachineInfo.HugePages.all(files, "\(directory)/hugepages"), cores: [], caches: [],
                distances: files.line("\(directory)/distance").split(separator: " ").compactMap { UInt64($0) })
            let own = Set(files.list(directory).compactMap { $0.hasPrefix("cpu") ? Int($0.dropFirst(3)) : nil })
            node.place(cpus.filter { own.contains($0.number) }, files)
            return node
        }
    }

    /// Puts CPUs into cores, and caches where they belong: to a core, to some cores, to the node.
    private mutating func place(_ cpus: [LogicalCPU], _ files: MachineFiles) {
        for cpu in cpus {
            if let position = cores.firstIndex(where: { $0.id == cpu.core && $0.socket == cpu.package }) {
                cores[position].threads.append(cpu.number)
            } else {
                cores.append(Core(id: cpu.core, socket: cpu.package, threads: [cpu.number], caches: [], uncoreCaches: []))
            }
        }
        let threads = Set(cpus.map(\.number))
        for position in cores.indices {
            let core = cores[position]
            for cache in Cache.all(files, cpu: core.threads[0]) {
                let sharers = Set(cache.sharers).intersection(threads)
                if sharers.isSubset(of: core.threads), threads.count > core.threads.count || cache.level < 3 {
                    cores[position].caches.append(cache)
                } else if sharers == threads {
                    if !caches.contains(where: { $0.level == cache.level && $0.type == cache.type && $0.id == cache.id }) { caches.append(cache) }
                } else {
                    cores[position].uncoreCaches.append(cache)
                }
            }
        }
    }
}

extension NUMANode.Cache {
    static func all(_ files: MachineFiles, cpu: Int) -> [NUMANode.Cache] {
        let directory = "/sys/devices/system/cpu/cpu\(cpu)/cache"
        return files.list(directory).compactMap { index in
            guard index.hasPrefix("index"), let level = Int(files.line("\(directory)/\(index)/level")),
                let size = bytes(files.line("\(directory)/\(index)/size"))
            else { return nil }
            return NUMANode.Cache(
                id: Int(files.line("\(directory)/\(index)/id")) ?? 0, size: size, type: files.line("\(directory)/\(index)/type"), level: level,
                sharers: CPUList.parse(files.line("\(directory)/\(index)/shared_cpu_list")))
        }
    }

    /// `32K`, `1M`.
    static func bytes(_ text: String) -> UInt64? {
        guard let unit = text.last else { return nil }
        let factor: UInt64 = unit == "K" ? 1024 : unit == "M" ? 1024 * 1024 : unit == "G" ? 1024 * 1024 * 1024 : 1
        return UInt64(factor == 1 ? text[...] : text.dropLast()).map { $0 &* factor }
    }
}

/// The kernel's lists of CPUs: `0-3,8`.
enum CPUList {
    /// A machine has not more CPUs than this; a list that says so is cut.
    static let limit = 65_536

    static func parse(_ text: String) -> [Int] {
        var numbers: [Int] = []
        for part in text.split(separator: ",") {
            let ends = part.split(separator: "-", maxSplits: 1).compactMap { Int($0) }
            guard let first = ends.first, let last = ends.last, first >= 0, last >= first, last < limit else { continue }
            numbers += Array(first...last)
        }
        return numbers
    }
}
