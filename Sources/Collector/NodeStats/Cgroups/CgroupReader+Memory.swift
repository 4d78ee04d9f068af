extension CgroupReader {
    /// How near to its limit the peak must have come for a charge to have failed: a charge is at most a huge page of 2 MiB.
    private static let largestCharges: UInt64 = 4 << 20

    func readUsage(_ hints: HostHints) {
        sample.memoryUsage = number(.memoryUsage)
        // A v2 root has no memory.current.
        if sample.memoryUsage == nil, path == "/" { sample.memoryUsage = hints.memoryInUse }
    }

    func readMemory() {
        _ = read(.memoryStat) { bytes, problems in
            context.memoryStat.parse(bytes, into: &sample, &problems)
            return true
        }
        if context.layout.memoryVersion == 1 {
            sample.memoryKernel = number(.memoryKernel)
            sample.memoryUnreclaimable = sample.memoryUnreclaimable.map { $0 &+ (sample.memoryKernel ?? 0) }
        } else {
            sample.memorySwap = number(.memorySwap)
        }
    }

    func readMemoryEvents(isActive: Bool, refreshes: Bool, killsUnchanged: Bool) {
        if context.layout.memoryVersion == 1 {
            let isNearLimit = limits.memory.map { limit in (sample.memoryPeak ?? .max) >= limit - min(limit, CgroupReader.largestCharges) } ?? false
            if refreshes || isNearLimit { sample.memoryFailures = number(.memoryFailures) }
            guard refreshes || (isActive && !killsUnchanged) else { return }
        } else if !isActive {
            return
        }
        _ = read(.memoryEvents) { bytes, problems in
            CgroupText.forEachPair(bytes, &problems) { key, value in
                if CgroupText.equals(bytes, key, "oom_kill") { sample.oomKills = value }
                guard context.layout.memoryVersion == 2 else { return }
                if CgroupText.equals(bytes, key, "high") { sample.highEvents = value }
                if CgroupText.equals(bytes, key, "max") {
                    sample.maxEvents = value
                    sample.memoryFailures = value
                }
            }
            return true
        }
    }

    func readNUMA() {
        let isFirstVersion = context.layout.memoryVersion == 1
        let page: UInt64 = 4096
        let nodes = read(.numa) { bytes, problems -> [CgroupSample.NUMANode]? in
            NUMAText.parse(bytes, isFirstVersion: isFirstVersion, pageSize: page, &problems)
        }
        sample.numa = nodes ?? []
    }
}

/// memory.numa_stat: v1 `file=12 N0=8 N1=4` in pages, with `hierarchical_` lines; v2 `file N0=4096 N1=0` in bytes.
enum NUMAText {
    /// Nodes beyond this number are taken for nonsense.
    static let nodeLimit = 1024

    static func parse(_ bytes: Span<UInt8>, isFirstVersion: Bool, pageSize: UInt64, _ problems: inout TextProblems) -> [CgroupSample.NUMANode] {
        let lines = bytes.extracting(first: CgroupText.wholeLines(bytes, &problems))
        var nodes: [CgroupSample.NUMANode] = []
        var offset = 0
        while offset < lines.count {
            let start = offset
            while offset < lines.count, lines[offset] != UInt8(ascii: "="), lines[offset] > CgroupText.space { offset += 1 }
            let key = start..<offset
            if let fields = fields(lines, key, isFirstVersion) {
                values(lines, at: &offset, &problems) { node, value in
                    let pages = isFirstVersion ? value : value / pageSize
                    let position = nodes.firstIndex { $0.node == node } ?? nodes.count
                    if position == nodes.count { nodes.append(.init(node: node)) }
                    for field in fields { nodes[position][keyPath: field] = pages }
                }
            }
            CgroupText.skip(lines, to: CgroupText.lineFeed, at: &offset)
            offset += 1
        }
        return nodes
    }

    private static func fields(_ lines: Span<UInt8>, _ key: Range<Int>, _ isFirstVersion: Bool) -> [WritableKeyPath<CgroupSample.NUMANode, UInt64>]? {
        if isFirstVersion {
            if CgroupText.equals(lines, key, "file") { return [\.file] }
            if CgroupText.equals(lines, key, "anon") { return [\.anonymous] }
            if CgroupText.equals(lines, key, "unevictable") { return [\.unevictable] }
            if CgroupText.equals(lines, key, "hierarchical_file") { return [\.hierarchyFile] }
            if CgroupText.equals(lines, key, "hierarchical_anon") { return [\.hierarchyAnonymous] }
            if CgroupText.equals(lines, key, "hierarchical_unevictable") { return [\.hierarchyUnevictable] }
            return nil
        }
        // v2 counts the cgroup and all below it together.
        if CgroupText.equals(lines, key, "file") { return [\.file, \.hierarchyFile] }
        if CgroupText.equals(lines, key, "anon") { return [\.anonymous, \.hierarchyAnonymous] }
        if CgroupText.equals(lines, key, "unevictable") { return [\.unevictable, \.hierarchyUnevictable] }
        return nil
    }

    /// The ` N0=8 N1=4` of a line, whatever comes before the first.
    private static func values(_ lines: Span<UInt8>, at offset: inout Int, _ problems: inout TextProblems, _ body: (Int, UInt64) -> Void) {
        while offset < lines.count, lines[offset] != CgroupText.lineFeed {
            guard lines[offset] == CgroupText.space, offset + 1 < lines.count, lines[offset + 1] == UInt8(ascii: "N") else {
                offset += 1
                continue
            }
            offset += 2
            guard let node = CgroupText.number(lines, at: &offset, &problems), node < nodeLimit, offset < lines.count,
                lines[offset] == UInt8(ascii: "=")
            else { continue }
            offset += 1
            if let value = CgroupText.number(lines, at: &offset, &problems) { body(Int(node), value) }
        }
    }
}
