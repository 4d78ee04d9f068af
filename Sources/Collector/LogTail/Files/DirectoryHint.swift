import Glibc

/// Tells that something changed in watched directories, so that the tailer polls sooner than it would.
///
/// A hint only: polling alone is complete. So nothing here fails; where inotify is not to be had, or its limit of
/// watches is reached, or the file system does not report changes, the next poll comes by the clock.
final class DirectoryHint: Sendable {
    private let descriptor: Int32

    init(isUsed: Bool = true) { descriptor = isUsed ? inotify_init1(Int32(IN_NONBLOCK | IN_CLOEXEC)) : -1 }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Watches a directory: names in it that come, go or change, and files in it that are written. The watch goes with the directory.
    func watch(_ path: String) {
        guard descriptor >= 0 else { return }
        _ = unsafe inotify_add_watch(descriptor, path, UInt32(IN_CREATE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_MODIFY | IN_ONLYDIR))
    }

    /// Whether something changed since the last call.
    func takeEvents() -> Bool {
        guard descriptor >= 0 else { return false }
        var hasEvents = false
        // What the events say does not matter: the poll looks for itself.
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while unsafe buffer.withUnsafeMutableBytes({ unsafe read(descriptor, $0.baseAddress, $0.count) }) > 0 { hasEvents = true }
        return hasEvents
    }
}
