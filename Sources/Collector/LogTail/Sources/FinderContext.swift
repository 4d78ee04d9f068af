import LogParsing
import Runtime
import Telemetry

/// What finders look with.
struct FinderContext {
    let fileSystem: any FileSystem
    let now: Int64
    let hint: DirectoryHint
    let failures: Counter
    /// The options of a source, by its labels and annotations.
    let resolve: (Labels, [String: String]) -> StreamOptions
    let metadata: (any LogMetadataSource)?
    /// Whether something changed in a watched directory since the last look.
    var isHinted = false

    /// Whether a directory must be listed: it changed, or so recently that a change in the same tick of the
    /// file system's clock could hide.
    func mustList(_ status: FileStatus, _ seen: Int64?) -> Bool { status.modified != seen || now - status.modified < 2_000_000_000 }

    /// The entries of a directory if it changed; nil if not, or if it cannot be read now. A directory that is not there is empty.
    func changedEntries(_ path: String, _ seen: inout Int64?, force: Bool = false) -> [String]? {
        do {
            let status = try fileSystem.status(path)
            guard force || mustList(status, seen) else { return nil }
            let names = try fileSystem.list(path)
            seen = status.modified
            return names
        } catch {
            if error.isNotFound {
                seen = nil
                return []
            }
            failures.increment()
            return nil
        }
    }
}
