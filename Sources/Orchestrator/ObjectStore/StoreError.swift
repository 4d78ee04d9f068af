/// Why the store refused.
public enum StoreError: Error, Sendable, CustomStringConvertible {
    /// The key's state is not the expected one; `current` is what is there, nil if nothing.
    case conflict(current: StoredObject?)
    /// States before `oldest` are no longer kept.
    case compacted(oldest: Int64)
    /// No write has had that revision yet.
    case future(current: Int64)
    /// The watcher did not keep up with the changes and was ended at its bound; list again.
    case slowWatcher(limit: Int)
    /// Too many writes wait for the disk; try again.
    case overloaded(waiting: Int)
    /// The value is larger than the store takes.
    case tooLarge(bytes: Int, limit: Int)
    /// The disk or the store's quota is full. Nothing was written.
    case full(String)
    /// The file cannot be used: what, where, how to mend.
    case failed(String)
    case closed

    public var description: String {
        switch self {
        case .conflict(let current):
            current.map { "\($0.key) has revision \($0.modRevision), which is not the expected one" } ?? "the object is not there"
        case .compacted(let oldest): "the requested revision is no longer kept; the oldest one is \(oldest)"
        case .future(let current): "the requested revision is not reached yet; the newest one is \(current)"
        case .slowWatcher(let limit): "the watcher fell more than \(limit) changes behind and was ended"
        case .overloaded(let waiting): "\(waiting) writes already wait for the disk; try again"
        case .tooLarge(let bytes, let limit): "the object has \(bytes) bytes, more than the limit of \(limit)"
        case .full(let problem), .failed(let problem): problem
        case .closed: "the object store is closed"
        }
    }
}
