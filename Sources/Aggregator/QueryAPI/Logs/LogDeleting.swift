public import HTTP
public import LogQL
import Telemetry

/// Removal of lines by a query, as a store offers it: gone from answers at once, from the disk later.
///
/// What a store cannot tell of its stored lines alone it refuses with `LogDeletionError`.
public protocol LogDeleting: Sendable {
    /// Removes the lines; returns by which name the request is listed.
    func delete(_ selection: LogSelection) async throws -> String
    /// How many lines it would remove now.
    func preview(_ selection: LogSelection) async throws -> Int
    /// All requests that the store remembers, oldest first.
    func deletions() async throws -> [LogDeletionRequest]
    /// False if there is no such request, or it is done and cannot be taken back.
    func cancelDeletion(_ id: String) async throws -> Bool
}

public struct LogDeletionRequest: Sendable, Hashable {
    public var id: String
    /// In LogQL.
    public var query: String
    /// Nanoseconds since 1970.
    public var range: Range<Int64>
    public var created: Int64
    /// Whether the lines have left the disk too.
    public var isDone: Bool
    /// Lines that were taken from the disk so far.
    public var lines: Int64

    public init(id: String, query: String, range: Range<Int64>, created: Int64, isDone: Bool, lines: Int64) {
        self.id = id
        self.query = query
        self.range = range
        self.created = created
        self.isDone = isDone
        self.lines = lines
    }
}

/// Why a deletion is refused that would be wrong, or too much at once.
public struct LogDeletionError: Error, Hashable, Sendable {
    /// As an HTTP status: 400, or 429 for later.
    public var status: Int
    public var message: String

    public init(_ message: String, status: Int = 400) {
        self.status = status
        self.message = message
    }
}

/// Deletion over HTTP, and who may ask for it: reading is for everybody who reaches a port, deleting is not.
public struct LogDeletionAccess: Sendable {
    let store: any LogDeleting
    /// Why a request may not delete, and what would help; nil if it may.
    let refusal: @Sendable (HTTPRequest) -> String?

    public init(_ store: any LogDeleting, refusal: @escaping @Sendable (HTTPRequest) -> String? = { _ in nil }) {
        self.store = store
        self.refusal = refusal
    }
}
