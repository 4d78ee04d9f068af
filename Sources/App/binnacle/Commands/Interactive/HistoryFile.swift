import Runtime
import Terminal

/// Where queries that were typed are kept: `$XDG_STATE_HOME/binnacle/query_history`, by default below `~/.local/state`. Readable by its
/// owner only, since queries name what people look for.
struct HistoryFile {
    private let directory: String?
    private let files = HostFileSystem()

    init() {
        // By the specification a relative path is to be ignored.
        let state = Output.environment("XDG_STATE_HOME").flatMap { $0.hasPrefix("/") ? $0 : nil }
        directory = (state ?? Output.environment("HOME").map { "\($0)/.local/state" }).map { "\($0)/binnacle" }
    }

    private var path: String? { directory.map { "\($0)/query_history" } }

    /// Empty if there is none: a history that cannot be read is no reason not to ask.
    func read() -> LineHistory { LineHistory(file: path.flatMap { try? files.text($0) } ?? "") }

    func write(_ history: LineHistory) {
        guard let directory, let path else { return }
        var parent = ""
        for part in directory.split(separator: "/") {
            parent += "/\(part)"
            if !files.exists(parent) { try? files.makeDirectory(parent, mode: 0o700) }
        }
        try? files.replace(path, Array(history.file.utf8), mode: 0o600)
    }
}
