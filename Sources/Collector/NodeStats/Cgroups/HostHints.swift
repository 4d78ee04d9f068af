import Glibc

/// Totals of the machine that tell, at the price of four reads a round, what no cgroup's files can have changed.
///
/// A cgroup's stall is a stall of the machine as well, and each kill for want of memory is in /proc/vmstat.
struct HostHints: Equatable {
    /// Microseconds of `some` stalls since boot; nil if the kernel does not say, and then nothing is skipped.
    var cpuStall: UInt64?
    var memoryStall: UInt64?
    var ioStall: UInt64?
    var oomKills: UInt64?
    /// MemTotal - MemFree: the usage of a v2 root, which has no memory.current.
    var memoryInUse: UInt64?

    /// What has not changed since the round before.
    struct Unchanged {
        var cpuStall = false
        var memoryStall = false
        var ioStall = false
        var oomKills = false
    }

    func unchanged(since last: HostHints?) -> Unchanged {
        func same(_ field: KeyPath<HostHints, UInt64?>) -> Bool {
            guard let last, let now = self[keyPath: field] else { return false }
            return now == last[keyPath: field]
        }
        return Unchanged(
            cpuStall: same(\.cpuStall), memoryStall: same(\.memoryStall), ioStall: same(\.ioStall), oomKills: same(\.oomKills))
    }
}

/// Reads the hints. Not Sendable: the collector owns it.
final class HostHintReader {
    private let root: String
    private let files: FilePool
    private var slots = [FilePool.Slot](repeating: .init(), count: 5)

    init(root: String, files: FilePool) {
        self.root = root
        self.files = files
    }

    deinit {
        for position in slots.indices { files.close(&slots[position]) }
    }

    func read() -> HostHints {
        var hints = HostHints()
        hints.cpuStall = stall(0, "cpu")
        hints.memoryStall = stall(1, "memory")
        hints.ioStall = stall(2, "io")
        hints.oomKills = try? files.read(&slots[3], keepsOpen: true, path: { "\(root)/proc/vmstat" }) { bytes -> UInt64? in
            var problems: TextProblems = []
            var kills: UInt64?
            CgroupText.forEachPair(bytes, &problems) { key, value in
                if CgroupText.equals(bytes, key, "oom_kill") { kills = value }
            }
            return kills
        }
        hints.memoryInUse = try? files.read(&slots[4], keepsOpen: true, path: { "\(root)/proc/meminfo" }) { HostHintReader.memoryInUse($0) }
        return hints
    }

    private func stall(_ slot: Int, _ resource: String) -> UInt64? {
        try? files.read(&slots[slot], keepsOpen: true, path: { "\(root)/proc/pressure/\(resource)" }) { bytes in
            var problems: TextProblems = []
            return PressureText.parse(bytes, &problems)?.some.total
        }
    }

    /// From the first two lines, `MemTotal:   123 kB` and `MemFree: ...`.
    static func memoryInUse(_ bytes: Span<UInt8>) -> UInt64? {
        var (total, free): (UInt64?, UInt64?)
        var problems: TextProblems = []
        var offset = 0
        while offset < bytes.count, total == nil || free == nil {
            let start = offset
            CgroupText.skip(bytes, to: UInt8(ascii: ":"), at: &offset)
            let key = start..<offset
            offset += 1
            while offset < bytes.count, bytes[offset] == CgroupText.space { offset += 1 }
            let value = offset < bytes.count ? CgroupText.number(bytes, at: &offset, &problems) : nil
            if CgroupText.equals(bytes, key, "MemTotal") { total = value }
            if CgroupText.equals(bytes, key, "MemFree") { free = value }
            if offset < bytes.count { CgroupText.skip(bytes, to: CgroupText.lineFeed, at: &offset) }
            offset += 1
        }
        guard let total, let free, free <= total, total < 1 << 50 else { return nil }
        return (total - free) * 1024
    }
}
