/// Why a query was refused or failed, in Prometheus' kinds.
public struct QueryError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The raw value is the `errorType` of the HTTP API.
    public enum Kind: String, Sendable {
        case badData = "bad_data"
        case execution
        case canceled
        case timeout
        case `internal`
        case unavailable
        case notFound = "not_found"
        case notAcceptable = "not_acceptable"
    }

    public var kind: Kind
    public var message: String
    /// Offsets in bytes of the part of the query that is at fault, if one is.
    public var position: Range<Int>?

    public init(_ kind: Kind, _ message: String, at position: Range<Int>? = nil) {
        self.kind = kind
        self.message = message
        self.position = position
    }

    public var description: String { message }

    static func execution(_ message: String) -> QueryError { QueryError(.execution, message) }
}

/// A place in a query as people count: lines and columns from 1, columns in bytes.
public struct LineColumn: Hashable, Sendable, CustomStringConvertible {
    public var line: Int
    public var column: Int

    public init(offset: Int, in text: some Sequence<UInt8>) {
        line = 1
        column = 1
        for (position, byte) in text.enumerated() {
            guard position < offset else { break }
            if byte == 0x0A {
                line += 1
                column = 1
            } else {
                column += 1
            }
        }
    }

    public var description: String { "\(line):\(column)" }
}
