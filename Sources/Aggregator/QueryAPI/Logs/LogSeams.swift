public import LogQL
public import Telemetry

/// New lines as they are stored: what live tails read, beside `LogSource`.
public protocol LogFeed: Sendable {
    /// First the stored lines of the selected streams from a moment on, then each new one once, in the order in which they are
    /// stored. Filters and severities of the selection may be left to the reader.
    func follow(_ selection: LogSelection) -> AsyncThrowingStream<LogFeedEvent, any Error>
}

public enum LogFeedEvent: Sendable {
    case rows(LogRows)
    /// The reader was too slow: so many rows are missing here, of which it is not known whether they were wanted.
    case dropped(Int)
}

/// Removal of lines by a query, as a store offers it: gone from answers at once, from the disk later.
public protocol LogDeletion: Sendable {
    /// - Parameter query: the text that asked for it, to be shown in the list.
    func delete(_ selection: LogSelection, query: String) async throws -> String
    func deletions() async throws -> [LogDeletionRequest]
    /// False if there is no such request, or it is done and cannot be taken back.
    func cancelDeletion(_ id: String) async throws -> Bool
}

public struct LogDeletionRequest: Sendable, Hashable {
    public var id: String
    public var query: String
    /// Nanoseconds since 1970.
    public var range: Range<Int64>
    public var created: Int64
    /// Whether the lines have left the disk too.
    public var isDone: Bool

    public init(id: String, query: String, range: Range<Int64>, created: Int64, isDone: Bool) {
        self.id = id
        self.query = query
        self.range = range
        self.created = created
        self.isDone = isDone
    }
}
