import Glibc

/// A call to the file system that failed: what, on which path, with which errno.
public struct FileError: Error, Hashable, Sendable, CustomStringConvertible {
    public var operation: String
    public var path: String
    public var code: Int32

    public init(_ operation: String, _ path: String, code: Int32 = errno) {
        self.operation = operation
        self.path = path
        self.code = code
    }

    public var isNotFound: Bool { code == ENOENT || code == ENOTDIR }
    public var description: String { "cannot \(operation) \(path): \(errnoText(code))" }
}

/// The text of an errno, as strerror(3) has it.
public func errnoText(_ code: Int32) -> String {
    guard let text = unsafe strerror(code) else { return "error \(code)" }
    return unsafe String(cString: text)
}

/// What stat(2) tells of a file.
public struct FileStatus: Hashable, Sendable {
    public var device: UInt64
    public var inode: UInt64
    public var size: Int64
    /// st_mode, with the type bits.
    public var mode: UInt32
    /// Nanoseconds since 1970.
    public var modified: Int64
    /// Nanoseconds since 1970; of a cgroup directory this is when it was made.
    public var changed: Int64

    public init(device: UInt64, inode: UInt64, size: Int64, mode: UInt32, modified: Int64, changed: Int64) {
        self.device = device
        self.inode = inode
        self.size = size
        self.mode = mode
        self.modified = modified
        self.changed = changed
    }

    public var isDirectory: Bool { mode & S_IFMT == S_IFDIR }
    public var isRegular: Bool { mode & S_IFMT == S_IFREG }
}

/// An open file. Closed when the last reference goes.
public protocol ReadableFile: Sendable {
    func status() throws(FileError) -> FileStatus
    /// Up to `count` bytes from `offset`; fewer at the end of the file, none past it.
    func read(at offset: Int64, count: Int) throws(FileError) -> [UInt8]
}

/// The file operations that Binnacle's shells use, as a seam for tests that make them fail.
public protocol FileSystem: Sendable {
    /// The whole file, whatever size stat says (files of /proc and cgroups say 0).
    func read(_ path: String) throws(FileError) -> [UInt8]
    /// Opens for reading without following a symbolic link at the leaf, without blocking on a FIFO.
    func open(_ path: String) throws(FileError) -> any ReadableFile
    /// The names in a directory, without `.` and `..`, sorted.
    func list(_ path: String) throws(FileError) -> [String]
    /// Follows symbolic links.
    func status(_ path: String) throws(FileError) -> FileStatus
    /// Writes in place: what cgroup and /proc/sys files need.
    func write(_ path: String, _ bytes: [UInt8]) throws(FileError)
    /// Replaces the file: a temporary file beside it, synced, then renamed over it.
    func replace(_ path: String, _ bytes: [UInt8], mode: UInt32) throws(FileError)
    /// Makes the directory and those above it that are missing.
    func makeDirectory(_ path: String, mode: UInt32) throws(FileError)
    /// Removes a file or an empty directory; nothing there is no error.
    func remove(_ path: String) throws(FileError)
    func rename(_ path: String, to newPath: String) throws(FileError)
}

extension FileSystem {
    public func text(_ path: String) throws(FileError) -> String { String(decoding: try read(path), as: UTF8.self) }
    public func exists(_ path: String) -> Bool { (try? status(path)) != nil }
    /// Removes a directory and all below it, without following links.
    public func removeTree(_ path: String) throws(FileError) {
        // Opened first, which a symbolic link refuses: what a link points at is not ours to remove.
        if let info = try? open(path).status(), info.isDirectory, let names = try? list(path) {
            for name in names { try removeTree("\(path)/\(name)") }
        }
        try remove(path)
    }
}

/// The machine's file system.
public struct HostFileSystem: FileSystem {
    public init() {}

    public func read(_ path: String) throws(FileError) -> [UInt8] {
        let file = try HostFile(path, flags: O_RDONLY)
        var bytes: [UInt8] = []
        while true {
            let more = try file.read(at: Int64(bytes.count), count: 65_536)
            if more.isEmpty { return bytes }
            bytes.append(contentsOf: more)
        }
    }

    public func open(_ path: String) throws(FileError) -> any ReadableFile {
        try HostFile(path, flags: O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
    }

    public func list(_ path: String) throws(FileError) -> [String] {
        guard let directory = unsafe opendir(path) else { throw FileError("list", path) }
        defer { unsafe closedir(directory) }
        var names: [String] = []
        while let entry = unsafe readdir(directory) {
            // d_name is a NUL-terminated array inside the entry, valid until the next readdir.
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
                unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    public func status(_ path: String) throws(FileError) -> FileStatus {
        var info = stat()
        guard unsafe stat(path, &info) == 0 else { throw FileError("look at", path) }
        return FileStatus(info)
    }

    public func write(_ path: String, _ bytes: [UInt8]) throws(FileError) {
        let file = try HostFile(path, flags: O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644)
        try file.write(bytes)
    }

    public func replace(_ path: String, _ bytes: [UInt8], mode: UInt32) throws(FileError) {
        let temporary = "\(path).tmp-\(getpid())"
        do throws(FileError) {
            let file = try HostFile(temporary, flags: O_WRONLY | O_CREAT | O_TRUNC, mode: mode)
            try file.write(bytes)
            try file.sync()
        } catch {
            _ = unsafe unlink(temporary)
            throw error
        }
        try rename(temporary, to: path)
    }

    public func makeDirectory(_ path: String, mode: UInt32) throws(FileError) {
        var partial = path.hasPrefix("/") ? "" : "."
        for part in path.split(separator: "/") {
            partial += "/\(part)"
            guard unsafe mkdir(partial, mode) != 0 else { continue }
            let code = errno
            if code == EEXIST { continue }
            // A read-only or forbidden ancestor that is there already is no obstacle.
            if let there = try? status(partial), there.isDirectory { continue }
            throw FileError("make the directory", partial, code: code)
        }
    }

    public func remove(_ path: String) throws(FileError) {
        guard unsafe Glibc.remove(path) != 0, errno != ENOENT else { return }
        throw FileError("remove", path)
    }

    public func rename(_ path: String, to newPath: String) throws(FileError) {
        guard unsafe Glibc.rename(path, newPath) == 0 else { throw FileError("rename", path) }
    }
}

extension FileStatus {
    init(_ info: stat) {
        self.init(
            device: UInt64(info.st_dev), inode: UInt64(info.st_ino), size: Int64(info.st_size), mode: info.st_mode,
            modified: Int64(info.st_mtim.tv_sec) * 1_000_000_000 + Int64(info.st_mtim.tv_nsec),
            changed: Int64(info.st_ctim.tv_sec) * 1_000_000_000 + Int64(info.st_ctim.tv_nsec))
    }
}

/// A file of the machine, by its descriptor; closed with the object. `read` uses pread(2), so one
/// descriptor kept open serves a file that is read each second.
public final class HostFile: ReadableFile {
    public let descriptor: Int32
    public let path: String

    public init(_ path: String, flags: Int32, mode: UInt32 = 0) throws(FileError) {
        self.path = path
        descriptor = unsafe Glibc.open(path, flags | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw FileError("open", path) }
    }

    deinit { close(descriptor) }

    public func status() throws(FileError) -> FileStatus {
        var info = stat()
        guard unsafe fstat(descriptor, &info) == 0 else { throw FileError("look at", path) }
        return FileStatus(info)
    }

    public func read(at offset: Int64, count: Int) throws(FileError) -> [UInt8] {
        var failure: Int32 = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, used in
            let got = unsafe pread(descriptor, buffer.baseAddress, count, off_t(offset))
            if got < 0 { failure = errno }
            used = max(0, got)
        }
        guard failure == 0 else { throw FileError("read", path, code: failure) }
        return bytes
    }

    /// Reads into a caller's buffer; returns the number of bytes read.
    public func read(into buffer: inout [UInt8], at offset: Int64 = 0) throws(FileError) -> Int {
        let got = unsafe buffer.withUnsafeMutableBytes { unsafe pread(descriptor, $0.baseAddress, $0.count, off_t(offset)) }
        guard got >= 0 else { throw FileError("read", path) }
        return got
    }

    public func write(_ bytes: [UInt8]) throws(FileError) {
        var done = 0
        while done < bytes.count {
            let wrote = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress! + done, $0.count - done) }
            guard wrote >= 0 else {
                if errno == EINTR { continue }
                throw FileError("write", path)
            }
            done += wrote
        }
    }

    public func sync() throws(FileError) {
        guard fsync(descriptor) == 0 else { throw FileError("sync", path) }
    }
}
