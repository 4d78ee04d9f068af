import Glibc
import Runtime

/// Reads one cgroup's files each round by descriptors that stay open: pread costs a tenth of open, read and close.
///
/// Not Sendable: the collector owns it.
final class CgroupReader {
    /// A file that is opened at its first reading; one that is not there is asked for again only now and then.
    private final class Slot {
        let path: String?
        var file: HostFile?
        /// Rounds until an absent file is looked for again.
        var pause = 0
        init(_ path: String?) { self.path = path }
    }

    private let version: (cpu: Int, memory: Int, pids: Int, io: Int)
    private let cpuUsage, cpuUser, cpuSystem, cpuStat: Slot
    private let memoryUsage, memoryStat, memoryPeak, memoryEvents, memoryFailures, memorySwap, memoryKernel: Slot
    private let threads, processes: Slot
    private let ioBytes, ioCounts: Slot
    private let cpuPressure, memoryPressure, ioPressure: Slot
    private let shares, quota, period, memoryLimit, swapLimit, threadLimit: Slot

    private static let absentPause = 60

    init(path: String, mounts: CgroupMounts) {
        func place(_ controller: String) -> (Int, (String, String) -> Slot) {
            guard let (version, directory) = mounts.directory(controller: controller, path: path) else { return (0, { _, _ in Slot(nil) }) }
            return (
                version,
                { v1, v2 in
                    let name = version == 1 ? v1 : v2
                    return Slot(name.isEmpty ? nil : "\(directory)/\(name)")
                }
            )
        }
        let (accountingVersion, accounting) = place(mounts.v1["cpuacct"] != nil ? "cpuacct" : "cpu")
        let (cpuVersion, cpu) = place("cpu")
        let (memoryVersion, memory) = place("memory")
        let (pidsVersion, pids) = place("pids")
        let (ioVersion, io) = place(mounts.v1["blkio"] != nil ? "blkio" : "io")
        // In v2 usage and throttling are one file.
        version = (accountingVersion, memoryVersion, pidsVersion, ioVersion)
        cpuUsage = accounting("cpuacct.usage", "cpu.stat")
        cpuUser = accounting("cpuacct.usage_user", "")
        cpuSystem = accounting("cpuacct.usage_sys", "")
        cpuStat = cpu("cpu.stat", cpuVersion == accountingVersion ? "" : "cpu.stat")
        memoryUsage = memory("memory.usage_in_bytes", "memory.current")
        memoryStat = memory("memory.stat", "memory.stat")
        memoryPeak = memory("memory.max_usage_in_bytes", "memory.peak")
        memoryEvents = memory("memory.oom_control", "memory.events")
        memoryFailures = memory("memory.failcnt", "")
        memorySwap = memory("", "memory.swap.current")
        memoryKernel = memory("memory.kmem.usage_in_bytes", "")
        threads = pids("pids.current", "pids.current")
        processes = pids("cgroup.procs", "cgroup.procs")
        ioBytes = io("blkio.throttle.io_service_bytes_recursive", "io.stat")
        ioCounts = io("blkio.throttle.io_serviced_recursive", "")
        let unified = mounts.v2.map { path == "/" ? $0 : $0 + path }
        // The machine's own pressure is in /proc; a root cgroup has no such files.
        func pressure(_ name: String) -> Slot { Slot(path == "/" ? "/proc/pressure/\(name)" : unified.map { "\($0)/\(name).pressure" }) }
        cpuPressure = pressure("cpu")
        memoryPressure = pressure("memory")
        ioPressure = pressure("io")
        shares = cpu("cpu.shares", "cpu.weight")
        quota = cpu("cpu.cfs_quota_us", "cpu.max")
        period = cpu("cpu.cfs_period_us", "")
        memoryLimit = memory("memory.limit_in_bytes", "memory.max")
        swapLimit = memory("memory.memsw.limit_in_bytes", "memory.swap.max")
        threadLimit = pids("pids.max", "pids.max")
    }

    /// Reads all files. Nil if the cgroup has gone (its CPU and memory files both failed).
    func sample(time: Int64, buffer: inout [UInt8]) -> CgroupSample? {
        var sample = CgroupSample()
        sample.time = time
        readCPU(&sample, &buffer)
        readMemory(&sample, &buffer)
        guard sample.cpuUsage != nil || sample.memoryUsage != nil else { return nil }
        sample.threads = number(threads, &buffer)
        if let count = read(processes, &buffer) { sample.processes = UInt64(buffer[..<count].count { $0 == 0x0A }) }
        readIO(&sample, &buffer)
        sample.cpuPressure = pressure(cpuPressure, &buffer)
        sample.memoryPressure = pressure(memoryPressure, &buffer)
        sample.ioPressure = pressure(ioPressure, &buffer)
        return sample
    }

    func limits(buffer: inout [UInt8]) -> CgroupLimits {
        var limits = CgroupLimits()
        if let value = number(shares, &buffer) {
            // cgroup v2's weight back to shares: the inverse of the kubelet's formula (contracts/kubernetes.md 4.7).
            limits.shares = version.cpu == 1 ? value : 2 + (value - min(value, 1)) * 262_142 / 9_999
        }
        if let count = read(quota, &buffer) {
            var offset = 0
            limits.quota = KeyedText.number(buffer, count: count, at: &offset)
            if offset < count, buffer[offset] != 0x20 { while offset < count, buffer[offset] != 0x20 { offset += 1 } }
            offset += 1
            if offset < count { limits.period = KeyedText.number(buffer, count: count, at: &offset) }
        }
        if limits.period == nil { limits.period = number(period, &buffer) }
        // v1 says "none" by the largest multiple of a page below 2^63.
        limits.memory = number(memoryLimit, &buffer).flatMap { $0 > 1 << 62 ? nil : $0 }
        limits.swap = number(swapLimit, &buffer).flatMap { $0 > 1 << 62 ? nil : $0 }
        limits.threads = number(threadLimit, &buffer)
        return limits
    }

    private func readCPU(_ sample: inout CgroupSample, _ buffer: inout [UInt8]) {
        if version.cpu == 1 {
            sample.cpuUsage = number(cpuUsage, &buffer)
            sample.cpuUser = number(cpuUser, &buffer)
            sample.cpuSystem = number(cpuSystem, &buffer)
        } else if let count = read(cpuUsage, &buffer) {
            KeyedText.forEachPair(buffer, count: count) { key, value in
                if KeyedText.equals(buffer, key, "usage_usec") { sample.cpuUsage = value &* 1000 }
                if KeyedText.equals(buffer, key, "user_usec") { sample.cpuUser = value &* 1000 }
                if KeyedText.equals(buffer, key, "system_usec") { sample.cpuSystem = value &* 1000 }
                Self.throttling(key, value, buffer, &sample)
            }
        }
        if let count = read(cpuStat, &buffer) {
            KeyedText.forEachPair(buffer, count: count) { key, value in Self.throttling(key, value, buffer, &sample) }
        }
    }

    private static func throttling(_ key: Range<Int>, _ value: UInt64, _ buffer: [UInt8], _ sample: inout CgroupSample) {
        if KeyedText.equals(buffer, key, "nr_periods") { sample.periods = value }
        if KeyedText.equals(buffer, key, "nr_throttled") { sample.throttledPeriods = value }
        if KeyedText.equals(buffer, key, "throttled_time") { sample.throttledTime = value }
        if KeyedText.equals(buffer, key, "throttled_usec") { sample.throttledTime = value &* 1000 }
    }

    private func readMemory(_ sample: inout CgroupSample, _ buffer: inout [UInt8]) {
        sample.memoryUsage = number(memoryUsage, &buffer)
        sample.memoryPeak = number(memoryPeak, &buffer)
        sample.memoryFailures = number(memoryFailures, &buffer)
        sample.memorySwap = number(memorySwap, &buffer)
        sample.memoryKernel = number(memoryKernel, &buffer)
        if let count = read(memoryEvents, &buffer) {
            KeyedText.forEachPair(buffer, count: count) { key, value in
                if KeyedText.equals(buffer, key, "oom_kill") { sample.oomKills = value }
                if version.memory == 2, KeyedText.equals(buffer, key, "max") { sample.memoryFailures = value }
            }
        }
        guard let count = read(memoryStat, &buffer) else { return }
        if version.memory == 1 { parseV1(&sample, buffer, count) } else { parseV2(&sample, buffer, count) }
    }

    private func parseV1(_ sample: inout CgroupSample, _ buffer: [UInt8], _ count: Int) {
        var dirty: UInt64 = 0
        var unevictable: UInt64 = 0
        var shared: UInt64 = 0
        KeyedText.forEachPair(buffer, count: count) { key, value in
            if KeyedText.equals(buffer, key, "total_cache") { sample.memoryCache = value }
            if KeyedText.equals(buffer, key, "total_rss") { sample.memoryRSS = value }
            if KeyedText.equals(buffer, key, "total_mapped_file") { sample.memoryMapped = value }
            if KeyedText.equals(buffer, key, "total_swap") { sample.memorySwap = value }
            if KeyedText.equals(buffer, key, "total_inactive_file") { sample.inactiveFile = value }
            if KeyedText.equals(buffer, key, "total_active_file") { sample.activeFile = value }
            if KeyedText.equals(buffer, key, "total_pgfault") { sample.pageFaults = value }
            if KeyedText.equals(buffer, key, "total_pgmajfault") { sample.majorPageFaults = value }
            if KeyedText.equals(buffer, key, "total_dirty") { dirty = value }
            if KeyedText.equals(buffer, key, "total_unevictable") { unevictable = value }
            if KeyedText.equals(buffer, key, "total_shmem") { shared = value }
        }
        sample.memoryUnreclaimable = (sample.memoryRSS ?? 0) + dirty + unevictable + shared + (sample.memoryKernel ?? 0)
    }

    private func parseV2(_ sample: inout CgroupSample, _ buffer: [UInt8], _ count: Int) {
        var pinned: UInt64 = 0
        KeyedText.forEachPair(buffer, count: count) { key, value in
            if KeyedText.equals(buffer, key, "file") { sample.memoryCache = value }
            if KeyedText.equals(buffer, key, "anon") { sample.memoryRSS = value }
            if KeyedText.equals(buffer, key, "file_mapped") { sample.memoryMapped = value }
            if KeyedText.equals(buffer, key, "kernel") { sample.memoryKernel = value }
            if KeyedText.equals(buffer, key, "inactive_file") { sample.inactiveFile = value }
            if KeyedText.equals(buffer, key, "active_file") { sample.activeFile = value }
            if KeyedText.equals(buffer, key, "pgfault") { sample.pageFaults = value }
            if KeyedText.equals(buffer, key, "pgmajfault") { sample.majorPageFaults = value }
            for name: StaticString in ["shmem", "slab_unreclaimable", "file_dirty", "unevictable"] where KeyedText.equals(buffer, key, name) {
                pinned += value
            }
        }
        sample.memoryUnreclaimable = (sample.memoryRSS ?? 0) + pinned
    }

    private func readIO(_ sample: inout CgroupSample, _ buffer: inout [UInt8]) {
        if version.io == 1 {
            var devices: [Substring: CgroupSample.DeviceIO] = [:]
            blkio(ioBytes, &buffer, &devices, read: \.readBytes, write: \.writeBytes)
            blkio(ioCounts, &buffer, &devices, read: \.reads, write: \.writes)
            sample.devices = devices.values.sorted { ($0.major, $0.minor) < ($1.major, $1.minor) }
        } else if let text = text(ioBytes, &buffer) {
            for line in text.split(separator: "\n") {
                let fields = line.split(separator: " ")
                guard let first = fields.first, var device = Self.device(first) else { continue }
                for field in fields.dropFirst() {
                    let halves = field.split(separator: "=")
                    guard halves.count == 2, let value = UInt64(halves[1]) else { continue }
                    switch halves[0] {
                    case "rbytes": device.readBytes = value
                    case "wbytes": device.writeBytes = value
                    case "rios": device.reads = value
                    case "wios": device.writes = value
                    default: continue
                    }
                }
                sample.devices.append(device)
            }
        }
    }

    private static func device(_ text: Substring) -> CgroupSample.DeviceIO? {
        let numbers = text.split(separator: ":").compactMap { UInt32($0) }
        return numbers.count == 2 ? CgroupSample.DeviceIO(major: numbers[0], minor: numbers[1], name: "") : nil
    }

    /// Lines `MAJ:MIN Read N` and `MAJ:MIN Write N`.
    private func blkio(
        _ slot: Slot, _ buffer: inout [UInt8], _ devices: inout [Substring: CgroupSample.DeviceIO],
        read: WritableKeyPath<CgroupSample.DeviceIO, UInt64?>, write: WritableKeyPath<CgroupSample.DeviceIO, UInt64?>
    ) {
        guard let text = text(slot, &buffer) else { return }
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count == 3, let value = UInt64(fields[2]), var device = devices[fields[0]] ?? Self.device(fields[0]) else { continue }
            if fields[1] == "Read" { device[keyPath: read] = value }
            if fields[1] == "Write" { device[keyPath: write] = value }
            devices[fields[0]] = device
        }
    }

    private func pressure(_ slot: Slot, _ buffer: inout [UInt8]) -> CgroupSample.Pressure? {
        text(slot, &buffer).flatMap { PressureText.parse($0) }
    }

    private func number(_ slot: Slot, _ buffer: inout [UInt8]) -> UInt64? {
        read(slot, &buffer).flatMap { KeyedText.single(buffer, count: $0) }
    }

    private func text(_ slot: Slot, _ buffer: inout [UInt8]) -> String? {
        read(slot, &buffer).flatMap { $0 == 0 ? nil : String(decoding: buffer[..<$0], as: UTF8.self) }
    }

    /// The number of bytes now in the buffer, or nil if the file is not there or vanished between two reads.
    private func read(_ slot: Slot, _ buffer: inout [UInt8]) -> Int? {
        guard let path = slot.path else { return nil }
        if slot.file == nil {
            guard slot.pause == 0 else {
                slot.pause -= 1
                return nil
            }
            slot.file = try? HostFile(path, flags: O_RDONLY)
            if slot.file == nil { slot.pause = Self.absentPause }
        }
        return try? slot.file?.read(into: &buffer)
    }
}

enum PressureText {
    /// `some avg10=0.00 avg60=0.00 avg300=0.00 total=0` and `full ...`.
    static func parse(_ text: String) -> CgroupSample.Pressure? {
        var pressure = CgroupSample.Pressure()
        for line in text.split(separator: "\n") {
            var result = CgroupSample.Pressure.Line()
            let fields = line.split(separator: " ")
            for field in fields.dropFirst() {
                let halves = field.split(separator: "=")
                guard halves.count == 2 else { return nil }
                switch halves[0] {
                case "avg10": result.average10 = Double(halves[1]) ?? 0
                case "avg60": result.average60 = Double(halves[1]) ?? 0
                case "avg300": result.average300 = Double(halves[1]) ?? 0
                case "total": result.total = UInt64(halves[1]) ?? 0
                default: continue
                }
            }
            if fields.first == "some" { pressure.some = result }
            if fields.first == "full" { pressure.full = result }
        }
        return pressure
    }
}
