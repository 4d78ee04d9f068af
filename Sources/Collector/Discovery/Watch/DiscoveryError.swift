import JSON
import Serving

/// Why a runtime could not be asked, or its answer not be used.
struct DiscoveryError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The `reason` label of `binnacle_discovery_errors_total`.
    enum Reason: String, Sendable, CaseIterable {
        case unreachable
        /// The socket is there and we may not open it.
        case denied
        case timeout
        /// The answer is longer than its bound.
        case tooLarge = "too_large"
        /// Not HTTP, not HTTP/2, or cut off.
        case broken
        /// A status that is no success.
        case refused
        /// The method or path is not there.
        case unsupported
        /// Not JSON, not protobuf, or not of the shape it should have.
        case malformed
    }

    var reason: Reason
    var text: String

    init(_ reason: Reason, _ text: String) {
        self.reason = reason
        self.text = text
    }

    var description: String { text }

    /// Sorts what the clients throw.
    init(_ error: any Error, endpoint: String) {
        switch error {
        case let error as DiscoveryError: self = error
        case let error as GRPCStatus:
            let reason: Reason =
                switch error.code {
                case .unimplemented: .unsupported
                case .deadlineExceeded: .timeout
                case .resourceExhausted: .tooLarge
                case .unavailable, .internalError: .broken
                case .permissionDenied, .unauthenticated: .denied
                default: .refused
                }
            self.init(reason, "\(endpoint): \(error)")
        case ServingError.timedOut(let text): self.init(.timeout, text)
        case ServingError.unreachable(let text):
            if text.contains("Permission denied") || text.contains("permission denied") {
                self.init(.denied, "\(text); run as root, or add this user to the group that owns the socket")
            } else {
                self.init(.unreachable, text)
            }
        case ServingError.failed(let text): self.init(.broken, text)
        case let error as JSONError: self.init(.malformed, "\(endpoint): the answer is no JSON: \(error)")
        default: self.init(.broken, "\(endpoint): \(error)")
        }
    }

    /// The runtime lives and answers; only this one request failed.
    var concernsOneRequest: Bool { reason == .refused || reason == .malformed || reason == .tooLarge }
}
