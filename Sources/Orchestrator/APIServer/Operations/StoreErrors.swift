import JSON
import ObjectStore
import Objects

extension StatusError {
    /// What the API says for a failure of the store that is not about the object at hand.
    init(_ error: StoreError) {
        switch error {
        case .compacted(let oldest): self = .tooOld("too old resource version; the oldest one kept is \(oldest)")
        case .future(let current): self = .futureVersion(nil, current: current)
        case .slowWatcher: self = .tooOld("the watch was ended: \(error)")
        case .overloaded: self = StatusError(.tooManyRequests, "\(error)", details: ["retryAfterSeconds": 1])
        case .tooLarge: self = StatusError(.requestEntityTooLarge, "\(error)")
        case .closed: self = StatusError(.serviceUnavailable, "the server is shutting down", details: ["retryAfterSeconds": 1])
        case .conflict: self = StatusError(.conflict, "\(error)")
        case .full, .failed: self = StatusError(.internalError, "Internal error occurred: \(error)")
        }
    }

    static func tooOld(_ message: String) -> StatusError { StatusError(.expired, message) }

    static func futureVersion(_ asked: Int64?, current: Int64) -> StatusError {
        StatusError(
            .timeout, "Too large resource version" + (asked.map { ": \($0), current: \(current)" } ?? ", current: \(current)"),
            details: ["causes": [["reason": "ResourceVersionTooLarge", "message": "Too large resource version"]], "retryAfterSeconds": 1])
    }
}

/// Runs a store operation whose own conflicts cannot happen, with the API's errors.
func translating<Value>(_ body: () async throws(StoreError) -> Value) async throws(StatusError) -> Value {
    do { return try await body() } catch { throw StatusError(error) }
}
