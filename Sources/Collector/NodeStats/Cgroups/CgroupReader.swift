import Glibc

/// What all readers of one machine share.
struct CgroupContext {
    let layout: CgroupLayout
    let files: FilePool
    let devices: DeviceNames
    let memoryStat: MemoryStat
    let sets: Set<MetricSet>
    let resctrl: ResctrlReader?
    let perf: PerfEvents?
}

/// Reads one cgroup's files each round, by descriptors that stay open: pread costs a tenth of open, read and close.
///
/// Of a cgroup whose CPU time did not move since the round before, only what can change all the same is read:
///
/// - CPU time, memory.usage and pids.current are read each round.
/// - CPU parts: if the CPU time changed. Throttling: if there is a quota.
/// - memory.stat and what belongs to it: if CPU time or memory usage changed. What other cgroups' want of memory does to
///   the age of an idle cgroup's pages, without taking any, is so seen up to ten rounds late; nothing else is.
/// - The peak: if the usage changed. v1's failcnt: if the peak has come within 4 MiB of the limit, since a charge is at
///   most a huge page of 2 MiB. Kills: if the machine's count of them (/proc/vmstat) changed.
/// - I/O: if CPU time or memory usage changed, or pages are dirty or on their way to the disk.
/// - cpu.pressure: if the CPU time changed or its average over 10 seconds is not zero, for who waits for a CPU gets one.
/// - Pressure of memory and I/O: unless its averages are all zero and the machine's own total did not move; a cgroup's stall
///   is one of the machine's.
/// - Processes: if the count of threads changed.
/// - Perf events: if the CPU time changed, for they count what tasks do.
///
/// Every tenth round all of this is read whatever the neighbours say. The limits, NUMA, huge pages and the counters that few
/// kernels have are read in the first rounds, while whoever made the cgroup sets it up, and then every thirtieth: their files
/// are opened for it, and made up a sixth of all that a round cost. Not Sendable: the collector owns it.
final class CgroupReader {
    let path: String
    let context: CgroupContext
    /// Nanoseconds since 1970 when the cgroup's directory was made, as far as its inode tells.
    let created: Int64
    private(set) var limits = CgroupLimits()
    /// The newest reading; what is not read again is carried from it.
    var sample = CgroupSample()
    private var slots = [FilePool.Slot](repeating: .init(), count: CgroupFile.allCases.count)
    private var rounds: Int
    private var roundsRead = 0
    /// Files of this round that were read, and whether one said that the cgroup is gone.
    private var readInRound = 0
    private var hasVanished = false
    var numbers: [UInt64] = []
    /// Made at the first reading, if the set is on.
    private lazy var perfCounters = context.perf?.counters(of: path)
    /// The cgroup's own processes when the count of its threads last changed, or some rounds ago.
    var processes: [Int32] = []

    static let refreshRounds = 10
    /// Refreshes between two looks at what changes seldom; the first few refresh it each time.
    static let refreshesPerLimits = 3
    static let eagerRounds = 3

    init(path: String, context: CgroupContext) {
        self.path = path
        self.context = context
        created = CgroupReader.creationTime(path, context.layout)
        // So that not all cgroups are refreshed in the same round. The first reading is whole in any case.
        rounds = abs(path.utf8.reduce(0) { ($0 &* 31 &+ Int($1)) & 0xFFFF }) % CgroupReader.refreshRounds
    }

    deinit { closeAll() }

    func closeAll() {
        for position in slots.indices { context.files.close(&slots[position]) }
    }

    /// Reads what may have changed. Nil if the cgroup has gone: no file of it could be read.
    func read(time: Int64, hints: HostHints, unchanged: HostHints.Unchanged) -> CgroupSample? {
        readInRound = 0
        hasVanished = false
        let isFirst = sample.time == 0
        let isEager = roundsRead < CgroupReader.eagerRounds
        let refreshes = isFirst || rounds % CgroupReader.refreshRounds == 0
        let readsLimits = isEager || (refreshes && rounds / CgroupReader.refreshRounds % CgroupReader.refreshesPerLimits == 0)
        rounds += 1
        roundsRead += 1
        let last = (cpu: sample.cpuUsage, memory: sample.memoryUsage, threads: sample.threads)
        sample.time = time
        // Throttling is read only under a quota, and failures only near a limit, so the limits come first.
        if readsLimits { readLimits() }
        readCPU(refreshes: refreshes)
        let isActive = refreshes || sample.cpuUsage != last.cpu
        readUsage(hints)
        let hasMoved = sample.memoryUsage != last.memory
        if isActive || hasMoved { readMemory() }
        if refreshes || hasMoved { sample.memoryPeak = number(.memoryPeak) }
        readMemoryEvents(isActive: isActive || hasMoved, refreshes: refreshes, killsUnchanged: unchanged.oomKills)
        sample.threads = number(.threads)
        if refreshes || sample.threads != last.threads { readProcesses() }
        if isActive || hasMoved || (sample.fileDirty ?? 1) > 0 || (sample.fileWriteback ?? 1) > 0 { readIO(refreshes: refreshes) }
        let isAtRest = !isActive && sample.cpuUsage != nil && (sample.cpuPressure.map { $0.some.average10 == 0 } ?? true)
        if !isAtRest || isFirst { pressure(.cpuPressure, \.cpuPressure, refreshes: refreshes, isUnchanged: unchanged.cpuStall) }
        pressure(.memoryPressure, \.memoryPressure, refreshes: refreshes, isUnchanged: unchanged.memoryStall)
        pressure(.ioPressure, \.ioPressure, refreshes: refreshes, isUnchanged: unchanged.ioStall)
        if isActive, let perf = context.perf {
            if perf.isFull, perfCounters == nil { context.files.skips.count(.descriptors) }
            sample.perfEvents = perfCounters?.read() ?? []
        }
        if refreshes {
            sample.irqPressure = context.sets.contains(.pressure) ? pressure(.irqPressure) : nil
        }
        if readsLimits { readRare() }
        guard readInRound > 0 else {
            closeAll()
            return nil
        }
        if hasVanished { context.files.skips.count(.vanished) }
        return sample
    }

    // MARK: - Reading one file

    /// Reads a file and hands it to `body`; nil if it is not there or could not be read.
    func read<Result>(_ file: CgroupFile, _ body: (Span<UInt8>, inout TextProblems) -> Result?) -> Result? {
        let layout = context.layout
        guard layout.places[file.rawValue] != nil, path == "/" || layout.places[file.rawValue]?.version != 0 else { return nil }
        do {
            var problems: TextProblems = []
            let result = try context.files.read(&slots[file.rawValue], keepsOpen: file.isKeptOpen, path: { layout.path(of: file, in: path) ?? "" }) { bytes in
                body(bytes, &problems)
            }
            readInRound += 1
            context.files.skips.note(problems)
            return result
        } catch {
            if error == .vanished { hasVanished = true }
            return nil
        }
    }

    func number(_ file: CgroupFile) -> UInt64? {
        read(file) { bytes, problems in CgroupText.single(bytes, &problems) }
    }

    private func pressure(_ file: CgroupFile) -> CgroupSample.Pressure? {
        read(file) { bytes, problems in PressureText.parse(bytes, &problems) }
    }

    private func pressure(
        _ file: CgroupFile, _ field: WritableKeyPath<CgroupSample, CgroupSample.Pressure?>, refreshes: Bool, isUnchanged: Bool
    ) {
        guard context.sets.contains(.pressure) else { return }
        if isUnchanged, !refreshes {
            guard let last = sample[keyPath: field] else { return }
            if last.some.isAtRest, last.full.isAtRest { return }
        }
        sample[keyPath: field] = pressure(file)
    }

    private func readLimits() {
        limits = CgroupLimits()
        if let value = number(.shares) {
            // cgroup v2's weight back to shares: the inverse of the kubelet's formula (contracts/kubernetes.md 4.7).
            limits.shares = context.layout.places[CgroupFile.shares.rawValue]?.version == 1 ? value : 2 + (value - min(value, 1)) * 262_142 / 9_999
        }
        // v2 has both in one line, `max 100000` or `20000 100000`; v1 has -1 for none.
        let pair = read(.quota) { bytes, problems -> (UInt64?, UInt64?) in
            let line = bytes.extracting(first: CgroupText.wholeLines(bytes, &problems))
            guard line.count > 0 else { return (nil, nil) }
            var offset = 0
            var quota: UInt64?
            if line[0] != UInt8(ascii: "m"), line[0] != UInt8(ascii: "-") { quota = CgroupText.number(line, at: &offset, &problems) }
            CgroupText.skip(line, to: CgroupText.space, at: &offset)
            guard offset < line.count, line[offset] == CgroupText.space else { return (quota, nil) }
            offset += 1
            return (quota, CgroupText.number(line, at: &offset, &problems))
        }
        limits.quota = pair?.0
        limits.period = pair?.1 ?? number(.period)
        // v1 says "none" by the largest multiple of a page below 2^63.
        limits.memory = number(.memoryLimit).flatMap { $0 > 1 << 62 ? nil : $0 }
        limits.swap = number(.swapLimit).flatMap { $0 > 1 << 62 ? nil : $0 }
        limits.memoryReservation = number(.reservation).flatMap { $0 > 1 << 62 ? nil : $0 }
        limits.threads = number(.threadLimit)
        limits.cpuMask =
            read(.cpus) { bytes, _ in
                var end = bytes.count
                while end > 0, bytes[end - 1] <= CgroupText.space { end -= 1 }
                return CgroupText.string(bytes, 0..<min(end, 4096))
            } ?? ""
    }

    /// The inode's time of change: kernfs gives no time of birth. Of the hierarchies the earliest, since an inode that the
    /// kernel had let go is made anew.
    private static func creationTime(_ path: String, _ layout: CgroupLayout) -> Int64 {
        var earliest = Int64.max
        for mount in layout.mountPoints {
            var info = stat()
            guard unsafe stat(path == "/" ? mount : mount + path, &info) == 0 else { continue }
            earliest = min(earliest, Int64(info.st_ctim.tv_sec) * 1_000_000_000 + Int64(info.st_ctim.tv_nsec))
        }
        return earliest == .max ? 0 : earliest
    }
}

extension CgroupSample.Pressure.Line {
    fileprivate var isAtRest: Bool { average10 == 0 && average60 == 0 && average300 == 0 }
}
