import NodeStats

/// What a summary says of the node as a whole. The root cgroup of v1 counts everything; where it cannot be read, /proc does.
enum SummaryNode {
    static func root(_ snapshot: NodeSnapshot) -> NodeSnapshot.Row? { snapshot.row(at: "/") }

    /// Nanoseconds since boot.
    static func cpuUsage(_ snapshot: NodeSnapshot) -> UInt64? {
        if let usage = root(snapshot)?.sample.cpuUsage { return usage }
        guard !snapshot.node.cpuSeconds.isEmpty else { return nil }
        // All modes but idle and iowait.
        let seconds = snapshot.node.cpuSeconds.reduce(0.0) { sum, modes in
            sum + modes.enumerated().filter { $0.offset != 3 && $0.offset != 4 }.reduce(0) { $0 + $1.element }
        }
        return UInt64(seconds * 1e9)
    }

    /// MemTotal - MemFree.
    static func usage(_ snapshot: NodeSnapshot) -> UInt64 {
        let total = snapshot.node.memoryBytes("MemTotal_bytes")
        return total - min(total, snapshot.node.memoryBytes("MemFree_bytes"))
    }

    /// Usage less inactive page cache.
    static func workingSet(_ snapshot: NodeSnapshot) -> UInt64? {
        let usage = usage(snapshot)
        return usage == 0 ? nil : usage - min(usage, snapshot.node.memoryBytes("Inactive_file_bytes"))
    }

    /// Of the machine; nil where it has no swap.
    static func swap(_ snapshot: NodeSnapshot) -> (used: UInt64, available: UInt64)? {
        let total = snapshot.node.memoryBytes("SwapTotal_bytes")
        guard total > 0 else { return nil }
        let free = min(total, snapshot.node.memoryBytes("SwapFree_bytes"))
        return (total - free, free)
    }

    /// What a cgroup has in swap and what it may still put there: its limit, or what the machine has free.
    static func swap(_ row: NodeSnapshot.Row, _ snapshot: NodeSnapshot) -> (used: UInt64, available: UInt64)? {
        guard let used = row.sample.memorySwap, let machine = swap(snapshot) else { return nil }
        // v1's limit is of memory and swap together, v2's of swap; a row of either has what its hierarchy says.
        let limit = row.limits.swap.map { limit in limit - min(limit, used) }
        return (used, min(limit ?? machine.available, machine.available))
    }
}
