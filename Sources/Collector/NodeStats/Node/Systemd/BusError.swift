import Glibc

/// Why a D-Bus service did not answer as it should.
enum BusError: Error, Hashable {
    /// Nobody listens there.
    case absent
    /// We may not ask: by the socket's permissions, or since the service did not accept who we are.
    case denied
    /// No answer within the time that was given.
    case timeout
    /// The connection ended in the middle of an answer.
    case closed
    /// What came is no D-Bus, or longer than the bounds.
    case malformed
    /// The service refused the call, by the name of its error.
    case refused(String)
    /// Any other errno.
    case failed(Int32)

    init(code: Int32) {
        switch code {
        case ENOENT, ECONNREFUSED, ENOTDIR: self = .absent
        case EACCES, EPERM: self = .denied
        case EAGAIN, EINPROGRESS, ETIMEDOUT: self = .timeout
        case ECONNRESET, EPIPE: self = .closed
        default: self = .failed(code)
        }
    }

    var readError: NodeReadError {
        switch self {
        case .absent: .absent
        case .denied: .denied
        case .timeout: .failed(ETIMEDOUT)
        case .closed: .failed(ECONNRESET)
        case .malformed, .refused: .malformed
        case .failed(let code): .failed(code)
        }
    }
}
