import Glibc

/// Shows a person's output page by page: what goes to a terminal goes through `less`, or what BINNACLE_PAGER or PAGER name.
///
/// Width, colours and escapes are those of the terminal. Control-C is the pager's while it runs, and when it is left early so are we.
final class Pager {
    private let child: pid_t
    /// Our own output and errors, to be had back.
    private let kept: [(descriptor: Int32, copy: Int32)]
    private let watch: Task<Void, any Error>

    /// The command line of the pager; nil for none. An empty name and `cat` are none.
    static func command(_ environment: (String) -> String?) -> String? {
        let chosen = environment("BINNACLE_PAGER") ?? environment("PAGER") ?? "less"
        let words = chosen.split(separator: " ")
        guard let program = words.first, program != "cat" else { return nil }
        return chosen
    }

    private static func isThere(_ program: Substring) -> Bool {
        if program.contains("/") { return unsafe access(String(program), X_OK) == 0 }
        return (Output.environment("PATH") ?? "/usr/bin:/bin").split(separator: ":").contains { unsafe access("\($0)/\(program)", X_OK) == 0 }
    }

    /// Nil where output is no terminal, or there is no pager.
    static func start() -> Pager? {
        guard Output.isTerminal, Output.environment("TERM") != "dumb", let command = command(Output.environment),
            let program = command.split(separator: " ").first
        else { return nil }
        guard isThere(program) else {
            // Nobody chose `less`, so nobody need hear of it.
            if command != "less" { Output.error("note: the pager \(program) is not there; PAGER names it") }
            return nil
        }
        return Pager(command)
    }

    private init?(_ command: String) {
        let width = Output.width
        var ends: [Int32] = [0, 0]
        guard unsafe pipe(&ends) == 0 else { return nil }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO)
        // One screen needs no pager (F), colours pass (R), and what was read stays on the screen (X).
        let script = "LESS=\"${LESS-FRX}\"; export LESS; exec \(command)"
        let words = unsafe ["/bin/sh", "-c", script].map { (word: String) in unsafe strdup(word) }
        defer { for index in unsafe words.indices { unsafe free(words[index]) } }
        var pid: pid_t = 0
        let code = unsafe posix_spawn(&pid, "/bin/sh", &actions, nil, words + [nil], environ)
        close(ends[0])
        guard code == 0 else {
            close(ends[1])
            return nil
        }
        child = pid
        var kept: [(descriptor: Int32, copy: Int32)] = []
        // What is said beside the lines would be drawn over them, so it goes the same way, if to a terminal it went.
        for descriptor in [STDOUT_FILENO, STDERR_FILENO] where descriptor == STDOUT_FILENO || isatty(descriptor) == 1 {
            kept.append((descriptor, fcntl(descriptor, F_DUPFD_CLOEXEC, 3)))
            dup2(ends[1], descriptor)
        }
        self.kept = kept
        close(ends[1])
        if let width { unsafe setenv("COLUMNS", "\(width)", 1) }
        signal(SIGINT, SIG_IGN)
        watch = Task {
            while true {
                try await Task.sleep(for: .milliseconds(200))
                var status: Int32 = 0
                // Left by the person: a search that still finds nothing to print is of no use any more.
                if unsafe waitpid(pid, &status, WNOHANG) == pid { exitNow(0) }
            }
        }
    }

    /// Waits until the person has read to the end.
    func finish() async {
        watch.cancel()
        _ = await watch.result
        for (descriptor, copy) in kept {
            dup2(copy, descriptor)
            close(copy)
        }
        var status: Int32 = 0
        while unsafe waitpid(child, &status, 0) < 0, errno == EINTR {}
        signal(SIGINT, SIG_DFL)
    }
}
