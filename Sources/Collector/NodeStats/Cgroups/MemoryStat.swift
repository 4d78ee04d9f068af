/// Reads memory.stat of either version. The kernel prints the same lines in the same order each time, so where each
/// line goes is found once and then only compared.
///
/// Not Sendable: the collector owns it. One serves all cgroups of a hierarchy.
final class MemoryStat {
    /// Where a line's value goes.
    private enum Field: UInt8 {
        case cache, rss, mapped, swap, inactiveFile, activeFile, dirty, writeback, shared, unevictable, kernel, slabUnreclaimable
        case ownFaults, ownMajorFaults, faults, majorFaults, scanned, stolen, refaultsFile, refaultsAnonymous, nothing, part
    }
    private struct Line {
        var key: [UInt8]
        var name: String
        var field: Field
    }

    private let version: Int
    /// Whether lines that have no field are kept under their names.
    private let keepsParts: Bool
    private var plan: [Line] = []
    /// Lines of one file that are looked at; today's kernels have about 60.
    static let lineLimit = 512

    init(version: Int, keepsParts: Bool) {
        self.version = version
        self.keepsParts = keepsParts
    }

    /// v1 has the cgroup's own values first and then, with `total_`, those of the cgroup and all below it, which are
    /// what is wanted; without a hierarchy there are only the first.
    private static let v1: [String: Field] = [
        "cache": .cache, "total_cache": .cache, "rss": .rss, "total_rss": .rss, "mapped_file": .mapped, "total_mapped_file": .mapped,
        "swap": .swap, "total_swap": .swap, "inactive_file": .inactiveFile, "total_inactive_file": .inactiveFile, "active_file": .activeFile,
        "total_active_file": .activeFile, "dirty": .dirty, "total_dirty": .dirty, "writeback": .writeback, "total_writeback": .writeback,
        "shmem": .shared, "total_shmem": .shared, "unevictable": .unevictable, "total_unevictable": .unevictable, "pgfault": .ownFaults,
        "pgmajfault": .ownMajorFaults, "total_pgfault": .faults, "total_pgmajfault": .majorFaults,
        "workingset_refault_file": .refaultsFile, "total_workingset_refault_file": .refaultsFile,
        "workingset_refault_anon": .refaultsAnonymous, "total_workingset_refault_anon": .refaultsAnonymous,
        "pgscan": .scanned, "total_pgscan": .scanned, "pgsteal": .stolen, "total_pgsteal": .stolen,
        "hierarchical_memory_limit": .nothing, "hierarchical_memsw_limit": .nothing,
    ]
    private static let v2: [String: Field] = [
        "file": .cache, "anon": .rss, "file_mapped": .mapped, "inactive_file": .inactiveFile, "active_file": .activeFile,
        "file_dirty": .dirty, "file_writeback": .writeback, "shmem": .shared, "unevictable": .unevictable, "kernel": .kernel,
        "slab_unreclaimable": .slabUnreclaimable, "pgfault": .faults, "pgmajfault": .majorFaults, "pgscan": .scanned, "pgsteal": .stolen,
        "workingset_refault_file": .refaultsFile, "workingset_refault_anon": .refaultsAnonymous,
    ]

    func parse(_ bytes: Span<UInt8>, into sample: inout CgroupSample, _ problems: inout TextProblems) {
        let lines = bytes.extracting(first: CgroupText.wholeLines(bytes, &problems))
        guard lines.count > 0 else { return }
        sample.memoryParts.removeAll(keepingCapacity: true)
        var shared: UInt64 = 0
        var unevictable: UInt64 = 0
        var slab: UInt64 = 0
        var (faults, majorFaults): (UInt64?, UInt64?)
        var offset = 0
        var number = 0
        while offset < lines.count, number < MemoryStat.lineLimit {
            let start = offset
            CgroupText.skip(lines, to: CgroupText.space, at: &offset)
            let key = start..<offset
            offset += 1
            if offset < lines.count, lines[offset - 1] == CgroupText.space, let value = CgroupText.number(lines, at: &offset, &problems) {
                let position = position(of: key, at: number, lines)
                switch plan[position].field {
                case .cache: sample.memoryCache = value
                case .rss: sample.memoryRSS = value
                case .mapped: sample.memoryMapped = value
                case .swap: sample.memorySwap = value
                case .inactiveFile: sample.inactiveFile = value
                case .activeFile: sample.activeFile = value
                case .dirty: sample.fileDirty = value
                case .writeback: sample.fileWriteback = value
                case .shared: shared = value
                case .unevictable: unevictable = value
                case .kernel: sample.memoryKernel = value
                case .slabUnreclaimable: slab = value
                case .ownFaults: sample.ownPageFaults = value
                case .ownMajorFaults: sample.ownMajorPageFaults = value
                case .faults: faults = value
                case .majorFaults: majorFaults = value
                case .scanned: sample.pagesScanned = value
                case .stolen: sample.pagesStolen = value
                case .refaultsFile: sample.refaultsFile = value
                case .refaultsAnonymous: sample.refaultsAnonymous = value
                case .part: sample.memoryParts.append(.init(plan[position].name, value))
                case .nothing: break
                }
            }
            if offset <= lines.count { CgroupText.skip(lines, to: CgroupText.lineFeed, at: &offset) }
            offset += 1
            number += 1
        }
        if version == 2 {
            sample.ownPageFaults = faults
            sample.ownMajorPageFaults = majorFaults
        }
        sample.pageFaults = faults ?? sample.ownPageFaults
        sample.majorPageFaults = majorFaults ?? sample.ownMajorPageFaults
        // contracts/metrics.md 7.6; v1 tells kernel memory in a file of its own, which the reader adds.
        sample.memoryUnreclaimable = (sample.memoryRSS ?? 0) &+ unevictable &+ shared &+ slab &+ (sample.fileDirty ?? 0)
    }

    /// The line's place in the plan: nearly always `number` itself.
    private func position(of key: Range<Int>, at number: Int, _ bytes: Span<UInt8>) -> Int {
        if number < plan.count, CgroupText.equals(bytes, key, plan[number].key) { return number }
        if let known = plan.firstIndex(where: { CgroupText.equals(bytes, key, $0.key) }) { return known }
        let name = CgroupText.string(bytes, key)
        let fields = version == 1 ? MemoryStat.v1 : MemoryStat.v2
        // Of v1's pairs the whole is kept, where there is one.
        let isOwn = version == 1 && !name.hasPrefix("total_")
        let line = Line(key: Array(name.utf8), name: name, field: fields[name] ?? (keepsParts && !isOwn ? .part : .nothing))
        if plan.count >= 4 * MemoryStat.lineLimit { plan.removeAll() }
        if number < plan.count {
            plan.insert(line, at: number)
            return number
        }
        plan.append(line)
        return plan.count - 1
    }
}
