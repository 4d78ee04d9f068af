import Glibc
import Runtime

/// The mounts of a process, by its `mountinfo`; looking here never waits for one of them.
public struct MountTable: Hashable, Sendable {
    public struct Mount: Hashable, Sendable {
        public var major: UInt32
        public var minor: UInt32
        /// What is mounted: `/dev/sda1`, `server:/export`.
        public var source: String
        public var type: String
        public var point: String
        /// By the mount or by the file system itself.
        public var isReadOnly: Bool
        /// The file system's own options, by commas: of a cgroup hierarchy its controllers.
        public var superOptions: String

        /// Types that ask no other machine and no process of somebody's: a call to them returns.
        public var isLocal: Bool { Self.localTypes.contains(type) }

        static let localTypes: Set<String> = [
            "ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "vfat", "exfat", "ntfs3", "iso9660", "squashfs", "erofs", "udf", "jfs", "reiserfs",
            "bcachefs", "tmpfs", "devtmpfs", "ramfs", "rootfs", "overlay", "aufs", "proc", "sysfs", "cgroup", "cgroup2", "devpts", "mqueue", "hugetlbfs",
            "debugfs", "tracefs", "securityfs", "pstore", "bpf", "configfs", "fusectl", "binfmt_misc", "efivarfs", "nsfs", "selinuxfs", "rpc_pipefs",
        ]
    }

    /// In the order of mounting: the last one on a point is what is seen there.
    public var mounts: [Mount]

    /// Where the table is, the best first. With the host's files under `root` this process is in a container, and only the
    /// host's first process has the host's mounts; a recorded tree has this process's alone.
    public static func paths(root: String) -> [String] { (root.isEmpty ? [] : ["\(root)/proc/1/mountinfo"]) + ["\(root)/proc/self/mountinfo"] }

    /// Columns as in proc_pid_mountinfo(5); `prefix` is put before each mount point, where the host's files are seen there.
    public init(mountinfo: String, prefix: String = "") {
        mounts = mountinfo.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ", omittingEmptySubsequences: false)
            guard fields.count >= 10, let dash = fields.dropFirst(6).firstIndex(of: "-"), dash + 2 < fields.count else { return nil }
            let numbers = fields[2].split(separator: ":").map { UInt32($0) }
            guard numbers.count == 2, let major = numbers[0], let minor = numbers[1] else { return nil }
            let own = dash + 3 < fields.count ? fields[dash + 3] : ""
            return Mount(
                major: major, minor: minor, source: Self.unescape(fields[dash + 2]), type: String(fields[dash + 1]), point: Self.point(fields[4], prefix),
                isReadOnly: [fields[5], own].contains { $0.split(separator: ",").contains("ro") }, superOptions: String(own))
        }
    }

    private static func point(_ field: Substring, _ prefix: String) -> String {
        let point = unescape(field)
        return prefix.isEmpty ? point : point == "/" ? prefix : prefix + point
    }

    /// The mount that holds the path, which is absolute and without links.
    public func mount(holding path: String) -> Mount? {
        var best: Mount?
        for mount in mounts {
            let isAbove = mount.point == "/" || mount.point == path || path.hasPrefix(mount.point + "/")
            if isAbove, mount.point.utf8.count >= best?.point.utf8.count ?? 0 { best = mount }
        }
        return best
    }

    /// `\040` is a space: an octal number of three digits after a backslash.
    static func unescape(_ text: Substring) -> String {
        guard text.utf8.contains(UInt8(ascii: "\\")) else { return String(text) }
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\\"), rest.count >= 3, rest.prefix(3).allSatisfy({ (0x30...0x37).contains($0) }) {
                bytes.append(rest.prefix(3).reduce(0) { $0 &* 8 &+ ($1 & 7) })
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// The mount table, read again when the kernel says that it has changed. Not Sendable: its owner's thread asks it.
public final class MountTableReader {
    private let file: HostFile?
    private let prefix: String
    private var buffer = [UInt8](repeating: 0, count: 16 << 10)
    private var known: MountTable?

    /// Bytes of the table that are read: 40,000 mounts.
    static let limit = 8 << 20

    /// `root` is put before /proc and before the mount points, for recorded trees and for a container that sees the host's
    /// files there.
    public convenience init(root: String = "") { self.init(MountTable.paths(root: root), prefix: root) }

    /// The first of the files that may be read.
    init(_ paths: [String], prefix: String = "") {
        file = paths.lazy.compactMap { try? HostFile($0, flags: O_RDONLY) }.first
        self.prefix = prefix
    }

    public var table: MountTable {
        guard let file else { return MountTable(mountinfo: "") }
        // The kernel marks the file with an exceptional condition when a mount came or went: proc_pid_mountinfo(5).
        var question = pollfd(fd: file.descriptor, events: Int16(POLLPRI), revents: 0)
        let hasChanged = unsafe poll(&question, 1, 0) > 0 && Int32(question.revents) & (POLLPRI | POLLERR) != 0
        if let known, !hasChanged { return known }
        let count = file.readWhole(into: &buffer, limit: Self.limit) ?? 0
        let table = MountTable(mountinfo: String(decoding: buffer[..<count], as: UTF8.self), prefix: prefix)
        known = table
        return table
    }
}
