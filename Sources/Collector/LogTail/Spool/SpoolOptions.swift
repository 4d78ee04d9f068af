import Glibc

/// How much the spool may hold, and what happens then.
public struct SpoolOptions: Sendable {
    public enum WhenFull: String, Hashable, Sendable, CaseIterable {
        /// Nothing more is read: the log files are the buffer.
        case block
        case dropOldest = "drop_oldest"
        case dropNewest = "drop_newest"
    }

    /// Of packed batches.
    public var maximumBytes: Int64 = 1 << 30
    public var whenFull = WhenFull.block

    public init() {}
}

/// What a sink throws that will not take a delivery, however often it is sent.
public struct LogRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    public var reason: String
    public init(_ reason: String) { self.reason = reason }
    public var description: String { reason }
}

/// What a sink throws that names the time after which to try again.
public struct LogBusy: Error, Hashable, Sendable, CustomStringConvertible {
    public var wait: Duration
    public init(_ wait: Duration) { self.wait = wait }
    public var description: String { "the aggregator is busy and asks to be left alone for \(wait)" }
}

/// There is no room in the spool, and its policy is to block, or none on its disk, and then no policy helps.
public struct SpoolFull: Error, Hashable, Sendable, CustomStringConvertible {
    public var description: String

    init(maximumBytes: Int64) { description = "the spool holds its \(maximumBytes) bytes; reading goes on when the aggregator has taken some" }
    init(diskOf path: String, free: Int64) {
        description = "the disk of \(path) has only \(free) bytes left; reading goes on when there is room"
    }
}

/// Room on disks.
enum DiskRoom {
    /// What may still be written on the disk that a path is on; nil if that cannot be told.
    @Sendable static func free(_ path: String) -> Int64? {
        var info = statvfs()
        guard unsafe statvfs(path, &info) == 0 else { return nil }
        return Int64(clamping: UInt64(info.f_bavail).multipliedReportingOverflow(by: UInt64(info.f_frsize)).partialValue)
    }

    /// SQLite writes a delivery into its log, then into its file, and needs some room to delete in: on a disk that is full to the last
    /// byte nothing could be taken out either.
    static func needed(for bytes: Int) -> Int64 { Int64(bytes) * 3 + (4 << 20) }
}
