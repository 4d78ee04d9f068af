import SQLite

/// Why the store refused. Nothing that was acknowledged is lost by any of these.
public enum SeriesStoreError: Error, Sendable, CustomStringConvertible {
    /// A file was written by a newer Binnacle.
    case newerFormat(path: String, version: Int64, supported: Int64)
    /// A file was written by an older Binnacle whose format this one does not read.
    case olderFormat(path: String, version: Int64, supported: Int64)
    /// The directory or a file in it cannot be made or written.
    case notWritable(path: String, reason: String)
    /// Another process has the directory open.
    case inUse(path: String)
    /// A file that the store cannot do without is damaged.
    case corrupt(path: String, reason: String)
    case diskFull(path: String)
    /// New series are refused; those that exist go on.
    case seriesLimit(limit: Int)
    /// More samples wait to be written than may.
    case overloaded(waiting: Int, limit: Int)
    /// The head cannot be written to its day file and is full.
    case headFull(bytes: Int, limit: Int)
    /// A query would return more than it may.
    case tooManySamples(limit: Int)
    case closed
    case failed(String)

    public var description: String {
        switch self {
        case .newerFormat(let path, let version, let supported):
            "\(path) has format version \(version), but this program knows up to \(supported): start the newer Binnacle, or use another --data-dir"
        case .olderFormat(let path, let version, let supported):
            "\(path) has format version \(version), and this program reads only version \(supported): start the Binnacle that wrote it, or use another --data-dir"
        case .notWritable(let path, let reason): "cannot write \(path): \(reason): give this user the directory, or choose another with --data-dir"
        case .inUse(let path): "\(path) is held by another process: stop the other Binnacle, or choose another directory with --data-dir"
        case .corrupt(let path, let reason): "\(path) is damaged (\(reason)): restore it from a backup, or move it away to start anew"
        case .diskFull(let path): "no space is left for \(path): free some, or keep less (--retention, --retention-size)"
        case .seriesLimit(let limit):
            "the store holds \(limit) series, its limit, and takes no new ones: drop a label that has many values, or raise the limit (--max-series)"
        case .overloaded(let waiting, let limit): "\(waiting) samples wait to be written, the limit is \(limit): send less or retry later"
        case .headFull(let bytes, let limit):
            "\(bytes) bytes of recent samples wait for their day file, the limit is \(limit): see why it cannot be written, then retry"
        case .tooManySamples(let limit):
            "the query selects more than \(limit) samples: narrow its matchers or its time, or raise the limit (--query-max-samples)"
        case .closed: "the metric store is closed"
        case .failed(let reason): reason
        }
    }

    init(_ error: SQLiteError) {
        if error.isFull {
            self = .diskFull(path: error.path)
        } else if error.isCorrupt {
            self = .corrupt(path: error.path, reason: error.message)
        } else {
            self = .failed(error.description)
        }
    }

    /// The error as one of ours, whatever was thrown inside.
    init(any error: any Error) {
        switch error {
        case let error as SeriesStoreError: self = error
        case let error as SQLiteError: self.init(error)
        default: self = .failed("\(error)")
        }
    }
}
