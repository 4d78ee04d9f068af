import Glibc

/// Which file a long work is at, on a terminal's last line; nothing where nobody looks.
struct StepProgress {
    private let isShown = isatty(STDERR_FILENO) == 1
    private var count = 0

    mutating func step(_ name: String) {
        count += 1
        if isShown { write("\r\u{1B}[K\(count): \(name)") }
    }

    func end() { if isShown, count > 0 { write("\r\u{1B}[K") } }

    private func write(_ text: String) {
        let bytes = Array(text.utf8)
        _ = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}
