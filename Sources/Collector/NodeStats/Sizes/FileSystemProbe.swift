import Glibc
import Runtime

/// Asks for the room on file systems. Local ones are asked at once; those that depend on another machine or on a process
/// of somebody's (NFS, CIFS, FUSE, ...) on a thread of their own, so that a dead server keeps nobody waiting.
public final class FileSystemProbe: Sendable {
    public struct Room: Hashable, Sendable {
        // Bytes.
        public var size: UInt64
        public var free: UInt64
        public var available: UInt64
        public var files: UInt64
        public var filesFree: UInt64
        public init(size: UInt64, free: UInt64, available: UInt64, files: UInt64, filesFree: UInt64) {
            self.size = size
            self.free = free
            self.available = available
            self.files = files
            self.filesFree = filesFree
        }
    }

    public struct Answer: Sendable {
        /// Nil if it could not be asked, or has not answered yet.
        public var room: Room?
        /// It does not answer now; `room` is what it said before, `age` nanoseconds ago.
        public var isHung: Bool
        public var age: Int64
    }

    private let remote: BlockingCalls<Room?>
    private let call: @Sendable (String) -> Room?
    /// Nanoseconds for which a remote answer is good.
    private let interval: Int64

    /// `call` is statvfs(3), or what a test puts in its place.
    public init(
        interval: Int64 = 10_000_000_000, timeout: Int64 = 5_000_000_000, metrics: MetricRegistry,
        call: @escaping @Sendable (String) -> Room? = FileSystemProbe.room
    ) {
        self.interval = interval
        self.call = call
        remote = BlockingCalls(name: "statfs", timeout: timeout, metrics: metrics, call: call)
    }

    /// Never waits for a remote file system; its first answer is there in the next round. `now` is steady nanoseconds.
    public func answer(for mount: MountTable.Mount, now: Int64) -> Answer {
        answer(for: mount.point, isLocal: mount.isLocal, now: now)
    }

    public func answer(for path: String, isLocal: Bool, now: Int64) -> Answer {
        if isLocal { return Answer(room: call(path), isHung: false, age: 0) }
        let answer = remote.answer(path, noOlderThan: interval, now: now)
        return Answer(room: answer.value ?? nil, isHung: answer.isHung, age: answer.age)
    }

    /// Forgets mounts that have gone.
    public func forget(notAskedSince time: Int64) { remote.forget(notAskedSince: time) }

    /// statvfs(3).
    @Sendable public static func room(_ path: String) -> Room? {
        var info = statvfs()
        guard unsafe statvfs(path, &info) == 0 else { return nil }
        let unit = UInt64(info.f_frsize > 0 ? info.f_frsize : info.f_bsize)
        func bytes(_ blocks: some BinaryInteger) -> UInt64 { UInt64(blocks) &* unit }
        return Room(
            size: bytes(info.f_blocks), free: bytes(info.f_bfree), available: bytes(info.f_bavail), files: UInt64(info.f_files),
            filesFree: UInt64(info.f_ffree))
    }
}
