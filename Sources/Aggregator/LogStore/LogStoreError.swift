/// Why the log store refused: what happened, where, and how to mend it.
public enum LogStoreError: Error, Sendable, CustomStringConvertible {
    /// The directory or one of its files cannot be opened.
    case cannotOpen(path: String, reason: String)
    /// Another process has the directory.
    case inUse(path: String)
    /// The file was written by a newer version.
    case newerFormat(path: String, format: Int, known: Int)
    /// The file was written by an earlier version, whose format is no longer read.
    case olderFormat(path: String, format: Int, known: Int)
    /// The store's memory is full of records that cannot be written yet. Nothing of the request was kept; send it again later.
    case overloaded(reason: String)
    /// A file's stored ranges have too many gaps. Send again from `resumeAt`, in order.
    case outOfOrder(file: String, resumeAt: Int64)
    /// A batch contradicts itself.
    case invalidBatch(reason: String)
    /// The disk or SQLite failed. Nothing of the request was kept.
    case storage(reason: String)
    case closed

    public var description: String {
        switch self {
        case .cannotOpen(let path, let reason):
            "cannot open the log store at \(path): \(reason); check that the directory exists on a local disk and that this user may write it"
        case .inUse(let path):
            "the log store at \(path) is in use by another process; stop that process, or give this one a data directory of its own"
        case .newerFormat(let path, let format, let known):
            "\(path) has format \(format), and this version reads up to \(known); use the newer binnacle that wrote it, or move the file away"
        case .olderFormat(let path, let format, let known):
            "\(path) has format \(format) of an earlier version, and this version reads format \(known); read it with the version that wrote it, or move the directory away"
        case .overloaded(let reason): "the log store is overloaded: \(reason); send the batch again in a few seconds"
        case .outOfOrder(let file, let resumeAt):
            "batches of \(file) leave more than 64 gaps; send them in order, again from offset \(resumeAt)"
        case .invalidBatch(let reason): "the log batch is invalid: \(reason)"
        case .storage(let reason): "the log store cannot write: \(reason); free space or repair the disk, then send the batch again"
        case .closed: "the log store is closed"
        }
    }

    /// Whether the same batch may succeed later.
    public var isTransient: Bool {
        switch self {
        case .overloaded, .storage: true
        default: false
        }
    }
}
