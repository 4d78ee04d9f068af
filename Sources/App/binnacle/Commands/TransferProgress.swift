import Glibc

/// How far a long work is, on a terminal's last line; nothing where nobody looks.
struct TransferProgress {
    let what: String
    private var bytes = 0
    private var shown = ContinuousClock.now
    private let isShown = isatty(STDERR_FILENO) == 1

    init(what: String) { self.what = what }

    mutating func add(_ count: Int) {
        bytes += count
        guard isShown, ContinuousClock.now - shown > .milliseconds(200) else { return }
        shown = .now
        show("")
    }

    func end() { if isShown, bytes > 0 { show("\n") } }

    private func show(_ end: String) {
        let text = Array("\r\(what) \(bytes / 1_000_000).\(bytes / 100_000 % 10) MB\(end)".utf8)
        _ = unsafe text.withUnsafeBytes { unsafe Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}
