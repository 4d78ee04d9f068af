import QuerySyntax

/// Why a query was refused or failed.
public struct LogQLError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Kind: Sendable, Hashable {
        /// The text is no query.
        case syntax
        /// The query cannot be answered as it is: a line with `__error__` in a metric query, vectors that do not match.
        case pipeline
        /// More series, lines or bytes than the caller allows.
        case limit
        case timeout
        case cancelled
        case unavailable

        /// The status of an HTTP answer.
        public var status: Int {
            switch self {
            case .syntax, .pipeline: 400
            case .limit: 422
            case .timeout: 504
            case .cancelled: 499
            case .unavailable: 500
            }
        }
    }

    public var kind: Kind
    /// For a fault of syntax with line and column: `parse error at line 1, col 5: …`.
    public var message: String
    /// Offsets in bytes of the part of the query that is at fault, if one is.
    public var position: Range<Int>?

    public init(_ kind: Kind, _ message: String, at position: Range<Int>? = nil) {
        self.kind = kind
        self.message = message
        self.position = position
    }

    public var description: String { message }

    /// A fault in a text, shown by line and column from 1; columns count bytes.
    static func syntax(_ fault: SyntaxFault, in text: [UInt8]) -> LogQLError {
        let before = text[..<min(fault.position.lowerBound, text.count)]
        let line = before.count { $0 == 0x0A } + 1
        let column = before.count - (before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0) + 1
        return LogQLError(.syntax, "parse error at line \(line), col \(column): \(fault.message)", at: fault.position)
    }
}
