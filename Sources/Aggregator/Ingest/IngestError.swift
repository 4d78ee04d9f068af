/// Why a whole request is refused: the status of HTTP, and a sentence for whoever reads the sender's log.
struct IngestError: Error, Hashable, Sendable, CustomStringConvertible {
    var status: Int
    var reason: String
    /// Seconds after which trying again makes sense.
    var retryAfter: Int?

    init(_ status: Int, _ reason: String, retryAfter: Int? = nil) {
        self.status = status
        self.reason = reason
        self.retryAfter = retryAfter
    }

    var description: String { reason }

    static func malformed(_ error: any Error) -> IngestError { error as? IngestError ?? IngestError(400, "\(error)") }
}
