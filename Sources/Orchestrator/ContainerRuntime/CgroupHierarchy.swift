/// One mounted cgroup tree: all of v2, or one or several controllers of v1.
public struct CgroupHierarchy: Hashable, Sendable {
    public var isUnified: Bool
    /// v1: its controllers. v2: those that it offers (cgroup.controllers), filled in by who can read it.
    public var controllers: Set<String>
    /// The directory that stands for `/` of cgroup paths.
    public var path: String

    public init(isUnified: Bool, controllers: Set<String>, path: String) {
        self.isUnified = isUnified
        self.controllers = controllers
        self.path = path
    }

    /// The controllers of v1 that pods use; each is a tree of its own on most machines, so others would only cost time.
    static let wanted: Set = ["cpu", "cpuacct", "memory", "pids", "blkio", "freezer"]

    /// The trees that are mounted, v1 and v2 alike. A mount that shows only a subtree (a container's) is taken as it
    /// is: its mount point is the place below which we may make groups. Of several mounts of one tree the first counts.
    public static func find(in mounts: [MountInfo]) -> [CgroupHierarchy] {
        var found: [CgroupHierarchy] = []
        for mount in mounts {
            switch mount.type {
            case "cgroup2" where !found.contains { $0.isUnified }:
                found.append(CgroupHierarchy(isUnified: true, controllers: [], path: mount.mountPoint))
            case "cgroup":
                let controllers = wanted.intersection(mount.superOptions)
                guard !controllers.isEmpty, !found.contains(where: { !$0.controllers.isDisjoint(with: controllers) }) else { continue }
                found.append(CgroupHierarchy(isUnified: false, controllers: controllers, path: mount.mountPoint))
            default: continue
            }
        }
        return found
    }

    /// What to write into the group's files for these limits, in this order.
    public func values(for limits: ResourceLimits) -> [(file: String, value: String)] {
        var values: [(file: String, value: String)] = []
        if controllers.contains("cpu") {
            if let shares = limits.cpuShares {
                values.append(isUnified ? ("cpu.weight", "\(Self.weight(shares: shares))") : ("cpu.shares", "\(min(262_144, max(2, shares)))"))
            }
            if let quota = limits.cpuQuotaMicroseconds {
                // The kernel refuses less than a millisecond a period.
                let quota = max(1000, quota)
                if isUnified {
                    values.append(("cpu.max", "\(quota) 100000"))
                } else {
                    values += [("cpu.cfs_period_us", "100000"), ("cpu.cfs_quota_us", "\(quota)")]
                }
            }
        }
        if controllers.contains("memory") {
            if let bytes = limits.memoryBytes {
                // No swap beyond the limit: v1's second file counts memory and swap together.
                values +=
                    isUnified
                    ? [("memory.max", "\(bytes)"), ("memory.swap.max", "0")]
                    : [("memory.limit_in_bytes", "\(bytes)"), ("memory.memsw.limit_in_bytes", "\(bytes)")]
            }
        }
        if controllers.contains("pids"), let pids = limits.pids { values.append(("pids.max", "\(pids)")) }
        return values
    }

    /// cpu.weight for cpu.shares: the straight line from 2...262144 to 1...10000 (runc and the kubelet).
    public static func weight(shares: Int) -> Int { 1 + (min(262_144, max(2, shares)) - 2) * 9999 / 262_142 }

    /// The number of processes that the kernel killed for want of memory, from memory.events (v2) or memory.oom_control (v1).
    public static func memoryKills(_ text: String) -> Int {
        for line in text.split(separator: "\n") where line.hasPrefix("oom_kill ") { return Int(line.dropFirst(9)) ?? 0 }
        return 0
    }
}
