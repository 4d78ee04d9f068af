import Glibc
import Runtime

/// Asks file systems how much room they have without ever waiting for one that does not answer.
///
/// statfs(2) on a dead NFS server or a stuck FUSE process sleeps in the kernel and cannot be interrupted. File systems
/// of local disks and of memory answer from memory and are asked in place; every other kind is asked on a thread of its
/// own (BlockingCalls), and what it said before is shown meanwhile.
final class MountProber: Sendable {
    enum Answer: Hashable, Sendable {
        case room(FileSystemProbe.Room)
        /// What node_exporter shows as `device_error`.
        case failure(String)
        /// It was asked a moment ago for the first time.
        case pending
    }

    /// Steady nanoseconds for which a remote answer is good, and after which a mount is called hung.
    static let interval: Int64 = 5_000_000_000
    static let timeout: Int64 = 5_000_000_000
    /// Types that answer without another machine or a process of somebody's.
    private static let local: Set<String> = [
        "ext2", "ext3", "ext4", "xfs", "btrfs", "tmpfs", "ramfs", "vfat", "f2fs", "jfs", "reiserfs", "exfat", "ntfs3", "bcachefs",
    ]

    private let root: String
    private let ask: @Sendable (String) -> Answer
    private let remote: BlockingCalls<Answer>

    /// `ask` is statvfs(3), or what a test puts in its place.
    init(root: String, metrics: MetricRegistry, ask: @escaping @Sendable (String) -> Answer = MountProber.statfs) {
        self.root = root
        self.ask = ask
        remote = BlockingCalls(name: "node_filesystem", timeout: Self.timeout, metrics: metrics, call: ask)
    }

    /// An answer for each mount, in order. `now` is steady nanoseconds.
    func probe(_ mounts: [MountTable.Mount], now: Int64) -> [Answer] {
        var hasRemote = false
        let answers = mounts.map { mount -> Answer in
            if Self.local.contains(mount.type) { return ask(root + mount.point) }
            hasRemote = true
            let answer = remote.answer(root + mount.point, noOlderThan: Self.interval, now: now)
            return answer.isHung ? .failure("mountpoint timeout") : answer.value ?? .pending
        }
        if hasRemote { remote.forget(notAskedSince: now - 10 * Self.interval) }
        return answers
    }

    @Sendable static func statfs(_ path: String) -> Answer {
        if let room = FileSystemProbe.room(path) { return .room(room) }
        return .failure(errnoText(errno).lowercased())
    }
}

extension FileSystemUsage {
    /// The file system that holds `path`; nil where it cannot be asked.
    public static func of(path: String, device: String = "", type: String = "") -> FileSystemUsage? {
        guard let room = FileSystemProbe.room(path), room.size > 0 else { return nil }
        return FileSystemUsage(
            device: device, mountPoint: path, type: type, size: room.size, free: room.free, available: room.available, files: room.files,
            filesFree: room.filesFree)
    }
}
