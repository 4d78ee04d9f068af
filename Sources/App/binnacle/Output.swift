import Glibc
import Terminal

/// The reader of our output has gone.
struct BrokenPipe: Error {}

/// Standard output and error. Data goes to output, everything said to a person to error.
enum Output {
    static func write(_ text: String) throws { try write(Array(text.utf8)) }

    static func write(_ bytes: [UInt8]) throws {
        var done = 0
        while done < bytes.count {
            let wrote = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(STDOUT_FILENO, $0.baseAddress! + done, $0.count - done) }
            if wrote < 0 {
                if errno == EINTR { continue }
                if errno == EPIPE { throw BrokenPipe() }
                throw CommandFailure(message: "cannot write the output: errno \(errno)")
            }
            done += wrote
        }
    }

    static func error(_ text: String) {
        let bytes = Array((text + "\n").utf8)
        _ = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    /// As it was at first: also while a pager stands between.
    static let isTerminal = isatty(STDOUT_FILENO) == 1

    static func environment(_ name: String) -> String? { unsafe getenv(name).map { unsafe String(cString: $0) } }

    /// Columns of the terminal; nil where output goes elsewhere.
    static var width: Int? {
        guard isTerminal else { return nil }
        if let columns = environment("COLUMNS").flatMap({ Int($0) }) { return columns }
        var size = winsize()
        guard unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }

    /// `auto` is colour on a terminal, unless NO_COLOR or TERM=dumb says otherwise.
    static func palette(_ choice: ColorChoice) -> Palette {
        switch choice {
        case .always: Palette(isOn: true)
        case .never: Palette(isOn: false)
        case .auto: Palette(isOn: isTerminal && (environment("NO_COLOR") ?? "").isEmpty && environment("TERM") != "dumb")
        }
    }

    /// Braille and box characters need a UTF-8 locale.
    static var isUTF8: Bool {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].compactMap { environment($0) }.first { !$0.isEmpty } ?? "C.UTF-8"
        return locale.uppercased().contains("UTF-8") || locale.uppercased().contains("UTF8")
    }
}
