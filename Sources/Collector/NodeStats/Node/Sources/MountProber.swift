import Glibc
import Synchronization

/// Asks file systems how much room they have without ever waiting for one that does not answer.
///
/// statfs(2) on a dead NFS server or a stuck FUSE process sleeps in the kernel and cannot be interrupted. File systems
/// of local disks and of memory answer from memory and are asked in place; every other kind is asked by a thread, of
/// which a stuck mount holds one, and the answers of the round before are shown meanwhile.
final class MountProber: Sendable {
    struct Room: Hashable, Sendable {
        var size: UInt64
        var free: UInt64
        var available: UInt64
        var files: UInt64
        var filesFree: UInt64
    }
    enum Answer: Hashable, Sendable {
        case room(Room)
        /// What node_exporter shows as `device_error`.
        case failure(String)
        /// It was asked a moment ago for the first time.
        case pending
    }
    /// Asks one mount point; tests put one here that blocks.
    typealias Ask = @Sendable (_ path: String) -> Answer

    /// Threads that may be stuck at a time; mounts beyond that wait for one to come back.
    static let threadLimit = 8
    /// Rounds without an answer after which a mount is called stuck.
    static let patience = 5

    private struct State {
        /// By mount point: the last answer, and the round in which the question under way was put.
        var answers: [String: (answer: Answer, asked: Int?)] = [:]
        var queue: [(path: String, round: Int)] = []
        var threads = 0
        var round = 0
    }

    private let root: String
    private let ask: Ask
    private let state = Mutex(State())
    private static let local: Set<String> = ["ext2", "ext3", "ext4", "xfs", "btrfs", "tmpfs", "ramfs", "vfat", "f2fs", "jfs", "reiserfs", "exfat", "ntfs3"]

    init(root: String, ask: @escaping Ask = MountProber.statfs) {
        self.root = root
        self.ask = ask
    }

    /// Threads that wait for a file system now.
    var stuckThreads: Int { state.withLock { $0.threads } }

    /// An answer for each mount, in order.
    func probe(_ mounts: [Mount]) -> [Answer] {
        let remote = mounts.filter { !Self.local.contains($0.type) }
        if !remote.isEmpty { put(remote) }
        return mounts.map { mount in
            if Self.local.contains(mount.type) { return ask(root + mount.point) }
            return state.withLock { state in
                guard let known = state.answers[mount.point] else { return .pending }
                if let asked = known.asked, state.round - asked >= Self.patience { return .failure("mountpoint timeout") }
                return known.answer
            }
        }
    }

    private func put(_ mounts: [Mount]) {
        let starts = state.withLock { state -> Bool in
            state.round += 1
            let points = Set(mounts.map(\.point))
            // A mount that has gone is forgotten, unless a thread still waits for it.
            state.answers = state.answers.filter { points.contains($0.key) || $0.value.asked != nil }
            for point in points where state.answers[point]?.asked == nil {
                state.answers[point] = (state.answers[point]?.answer ?? .pending, state.round)
                state.queue.append((point, state.round))
            }
            // One thread serves all mounts while they answer; another is made only if those there are stuck.
            guard !state.queue.isEmpty, state.threads < Self.threadLimit else { return false }
            let isStuck = state.queue[0].round < state.round || state.threads == 0
            if isStuck { state.threads += 1 }
            return isStuck
        }
        if starts, !start() { state.withLock { $0.threads -= 1 } }
    }

    /// Works until the queue is empty.
    private func work() {
        while true {
            let next: String? = state.withLock { state in
                guard !state.queue.isEmpty else {
                    state.threads -= 1
                    return nil
                }
                return state.queue.removeFirst().path
            }
            guard let next else { return }
            let answer = ask(root + next)
            state.withLock { $0.answers[next] = (answer, nil) }
        }
    }

    private func start() -> Bool {
        var thread = pthread_t()
        var attributes = pthread_attr_t()
        guard unsafe pthread_attr_init(&attributes) == 0 else { return false }
        defer { unsafe pthread_attr_destroy(&attributes) }
        unsafe pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        unsafe pthread_attr_setstacksize(&attributes, 256 << 10)
        // The thread takes over this reference and gives it up when it ends.
        let retained = unsafe Unmanaged.passRetained(self)
        let code = unsafe pthread_create(
            &thread, &attributes,
            { pointer in
                let prober = unsafe Unmanaged<MountProber>.fromOpaque(pointer!).takeRetainedValue()
                prober.work()
                return nil
            }, retained.toOpaque())
        if code != 0 { unsafe retained.release() }
        return code == 0
    }

    @Sendable static func statfs(_ path: String) -> Answer {
        var info = statvfs()
        guard unsafe statvfs(path, &info) == 0 else { return .failure(unsafe String(cString: strerror(errno)).lowercased()) }
        let block = UInt64(info.f_frsize)
        return .room(
            Room(
                size: UInt64(info.f_blocks) &* block, free: UInt64(info.f_bfree) &* block, available: UInt64(info.f_bavail) &* block,
                files: UInt64(info.f_files), filesFree: UInt64(info.f_ffree)))
    }
}

extension FileSystemUsage {
    /// The file system that holds `path`; nil where it cannot be asked.
    public static func of(path: String, device: String = "", type: String = "") -> FileSystemUsage? {
        guard case .room(let room) = MountProber.statfs(path), room.size > 0 else { return nil }
        return FileSystemUsage(
            device: device, mountPoint: path, type: type, size: room.size, free: room.free, available: room.available, files: room.files,
            filesFree: room.filesFree)
    }
}
