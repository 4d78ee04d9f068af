import Glibc
import Terminal

/// Reads lines from a person at the terminal, key by key.
struct TerminalInput {
    private var editor: LineEditor
    private var view = EditorView()
    private var reader = KeyReader()
    private var completions: QueryCompletions
    /// Keys that were typed ahead.
    private var waiting: [Key] = []

    init(history: LineHistory, completions: QueryCompletions) {
        editor = LineEditor(history: history) { QueryText.isOpen($0) }
        self.completions = completions
    }

    var history: LineHistory { editor.history }

    /// Under `RawMode`. Nil at the end of input.
    mutating func line(prompt: String) async throws -> String? {
        view.forget()
        while true {
            let width = Output.width ?? 80
            try Output.write(view.draw(editor, prompt: prompt, width: width))
            guard let key = nextKey() else {
                try Output.write("\r\n")
                return nil
            }
            let shown = editor
            switch editor.press(key) {
            case .editing: break
            case .entered(let text):
                try Output.write(view.leave(shown, prompt: prompt, width: width))
                return text
            case .givenUp: try Output.write(view.leave(shown, prompt: prompt, width: width))
            case .ended:
                try Output.write("\r\n")
                return nil
            case .wantsClearScreen:
                try Output.write("\u{1B}[H\u{1B}[2J")
                view.forget()
            case .wantsCompletion: try await complete(prompt, width)
            }
        }
    }

    private mutating func complete(_ prompt: String, _ width: Int) async throws {
        let place = QueryText.place(editor.characters, cursor: editor.cursor)
        let completion = await completions.at(place)
        if completion.common.count > place.prefix.count {
            editor.replace(from: place.start, with: completion.common)
        } else if completion.candidates.count > 1 {
            try Output.write(view.leave(editor, prompt: prompt, width: width) + completion.list(width: width).replacing("\n", with: "\r\n"))
        }
    }

    /// Nil at the end of input.
    private mutating func nextKey() -> Key? {
        while waiting.isEmpty {
            // What follows an escape key's byte comes with it; alone it is the key.
            var poller = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
            if reader.isWaiting, unsafe poll(&poller, 1, 50) == 0 {
                waiting = reader.timeout()
                if waiting.isEmpty { reader = KeyReader() }
                continue
            }
            var bytes = [UInt8](repeating: 0, count: 4096)
            let count = unsafe read(STDIN_FILENO, &bytes, bytes.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return nil }
            waiting = reader.keys(bytes[..<count])
        }
        return waiting.removeFirst()
    }
}

/// The terminal hands over each key as it is pressed, until this is restored: between two lines too, for keys that are typed
/// ahead while the terminal waits for whole lines reach the next one changed, a Control-D as nothing.
struct RawMode {
    private var before = termios()
    private var raw = termios()

    init() {
        unsafe tcgetattr(STDIN_FILENO, &before)
        raw = before
        raw.c_iflag &= ~tcflag_t(ICRNL | INLCR | IXON)
        raw.c_lflag &= ~tcflag_t(ICANON | ECHO | ISIG | IEXTEN)
        takeInterrupts(false)
    }

    /// Whether Control-C is a signal, or a key as all others.
    func takeInterrupts(_ isSignal: Bool) {
        var mode = raw
        if isSignal { mode.c_lflag |= tcflag_t(ISIG) }
        unsafe tcsetattr(STDIN_FILENO, TCSANOW, &mode)
    }

    func restore() {
        var before = before
        unsafe tcsetattr(STDIN_FILENO, TCSADRAIN, &before)
    }
}
