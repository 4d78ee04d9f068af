import Glibc
import Runtime
import SeriesStore

/// A backup of the metrics: a directory that holds `series/`, as a data directory does, so that it can be looked at and
/// even served like one.
enum Backup {
    /// Makes a backup at `target`, an empty or missing directory, by `copy`, which fills the directory that it is given.
    /// Under its own name the backup is always whole: until then it is `TARGET.partial`.
    static func make(at target: String, _ copy: (String) async throws -> Int) async throws -> Int {
        try checkEmpty(target)
        let files = HostFileSystem()
        let partial = "\(target).partial"
        try files.removeTree(partial)
        try files.makeDirectory(partial, mode: 0o700)
        do {
            let bytes = try await copy("\(partial)/series")
            try files.rename(partial, to: target)
            return bytes
        } catch {
            try? files.removeTree(partial)
            throw error
        }
    }

    /// Puts the store that is in `source` into the data directory `target`, which may hold other things but no metrics.
    static func restore(_ source: StoreDirectory, to target: DataDirectory, _ progress: (String) -> Void) throws {
        let files = HostFileSystem()
        guard ((try? files.list(target.series)) ?? []).isEmpty else {
            throw CommandFailure(
                message: "\(target.series) holds metrics already", hint: "name another directory with --data-dir, or move that one away; nothing was changed")
        }
        let partial = "\(target.series).partial"
        try files.removeTree(partial)
        do {
            try SeriesStore.restore(source.series, to: partial, progress: progress)
            // Of an empty directory rename(2) takes the place.
            try files.rename(partial, to: target.series)
        } catch {
            try? files.removeTree(partial)
            throw error
        }
    }

    static func checkEmpty(_ target: String) throws {
        let files = HostFileSystem()
        guard let status = try? files.status(target) else { return }
        guard status.isDirectory, (try? files.list(target))?.isEmpty == true else {
            throw CommandFailure(message: "\(target) is there and is no empty directory", hint: "name a directory that is new; nothing was changed")
        }
    }
}
