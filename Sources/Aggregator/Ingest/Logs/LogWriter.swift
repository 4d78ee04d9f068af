public import Telemetry

/// Where log records that came in go: the embedded store, or a test's.
public protocol LogWriter: Sendable {
    /// Stores all batches or none; returns when they are durable.
    func append(_ batches: [LogBatch]) async throws(LogWriteError)
}

/// Why a store took nothing, by what the sender should do about it.
public enum LogWriteError: Error, Hashable, Sendable, CustomStringConvertible {
    /// It has no room at the moment: send the same again a little later.
    case overloaded(String)
    /// It cannot write, as with a full disk: send the same again when somebody has mended that.
    case unavailable(String)
    /// The batch itself is wrong and will not be taken later either.
    case invalid(String)

    public var description: String {
        switch self {
        case .overloaded(let reason), .unavailable(let reason), .invalid(let reason): reason
        }
    }

    var refusal: IngestError {
        switch self {
        case .overloaded(let reason): IngestError(429, reason, retryAfter: 1)
        case .unavailable(let reason): IngestError(503, reason, retryAfter: 5)
        case .invalid(let reason): IngestError(400, reason)
        }
    }
}
