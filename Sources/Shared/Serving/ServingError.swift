/// Why a server or client cannot do its work, as a person reads it.
public enum ServingError: Error, Sendable, Equatable, CustomStringConvertible {
    /// `holder` is `name (pid N)` where it can be told.
    case portTaken(name: String, host: String, port: Int, holder: String?)
    /// Nobody answers at the address.
    case unreachable(String)
    case timedOut(String)
    case failed(String)
    /// An answer beyond its bound.
    case tooLong(String)

    public var description: String {
        switch self {
        case .portTaken(let name, let host, let port, let holder):
            "port \(port) on \(host), which the \(name) wants, is taken" + (holder.map { " by \($0)" } ?? "")
                + "; stop that program, or move all of Binnacle's ports with --port-offset N"
        case .unreachable(let text), .timedOut(let text), .failed(let text), .tooLong(let text): text
        }
    }
}
