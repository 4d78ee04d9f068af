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

/// The spool is full, and its policy is to block.
public struct SpoolFull: Error, Hashable, Sendable, CustomStringConvertible {
    public var maximumBytes: Int64
    public var description: String { "the spool holds its \(maximumBytes) bytes; reading goes on when the aggregator has taken some" }
}
