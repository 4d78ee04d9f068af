import Glibc
import Runtime
import Synchronization

/// The machine's file system with one failure: the nth changing call fails with `code`, after half its
/// bytes were written if it was a write. Loop n upward until a run has no fault (`faulted` stays false).
public final class FaultyFileSystem: FileSystem {
    private let base = HostFileSystem()
    private let code: Int32
    private let countdown: Mutex<Int>

    public init(failingCall n: Int, code: Int32 = ENOSPC) {
        self.code = code
        countdown = Mutex(n)
    }

    /// Whether the failure has happened.
    public var faulted: Bool { countdown.withLock { $0 <= 0 } }

    private func isDue() -> Bool {
        countdown.withLock { left in
            left -= 1
            return left == 0
        }
    }

    public func read(_ path: String) throws(FileError) -> [UInt8] { try base.read(path) }
    public func open(_ path: String) throws(FileError) -> any ReadableFile { try base.open(path) }
    public func list(_ path: String) throws(FileError) -> [String] { try base.list(path) }
    public func status(_ path: String) throws(FileError) -> FileStatus { try base.status(path) }

    public func write(_ path: String, _ bytes: [UInt8]) throws(FileError) {
        guard isDue() else { return try base.write(path, bytes) }
        try base.write(path, Array(bytes.prefix(bytes.count / 2)))
        throw FileError("write", path, code: code)
    }

    public func replace(_ path: String, _ bytes: [UInt8], mode: UInt32) throws(FileError) {
        guard isDue() else { return try base.replace(path, bytes, mode: mode) }
        throw FileError("write", path, code: code)
    }

    public func makeDirectory(_ path: String, mode: UInt32) throws(FileError) {
        guard isDue() else { return try base.makeDirectory(path, mode: mode) }
        throw FileError("make the directory", path, code: code)
    }

    public func remove(_ path: String) throws(FileError) {
        guard isDue() else { return try base.remove(path) }
        throw FileError("remove", path, code: code)
    }

    public func rename(_ path: String, to newPath: String) throws(FileError) {
        guard isDue() else { return try base.rename(path, to: newPath) }
        throw FileError("rename", path, code: code)
    }
}
