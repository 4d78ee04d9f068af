import Glibc
import Runtime

/// Runs programs for integration tests: to their end, or in the background until told to stop.
public enum Program {
    public struct Outcome: Sendable {
        public var status: Int32
        public var output: String
        public var errors: String
        /// Both, for a message.
        public var description: String { "status \(status)\n\(output)\n\(errors)" }
    }

    public struct Failure: Error, CustomStringConvertible {
        public var description: String
        public init(_ description: String) { self.description = description }
    }

    /// Runs a command to its end; after `seconds` it is killed and the status is 124.
    @discardableResult
    public static func run(
        _ command: [String], input: String? = nil, environment: [String: String] = [:], directory: String? = nil, seconds: Double = 30
    ) async throws -> Outcome {
        let place = TemporaryDirectory("run")
        let files = HostFileSystem()
        if let input { try files.write(place.file("in"), Array(input.utf8)) }
        let process = try spawn(
            command, input: input == nil ? "/dev/null" : place.file("in"), output: place.file("out"), errors: place.file("err"), environment: environment,
            directory: directory)
        var status: Int32 = 124
        let end = ContinuousClock.now + .seconds(seconds)
        while true {
            if let ended = process.poll() {
                status = ended
                break
            }
            if ContinuousClock.now > end {
                process.kill(SIGKILL)
                _ = process.wait()
                break
            }
            try? await Task.sleep(for: .milliseconds(5))
        }
        return Outcome(status: status, output: (try? files.text(place.file("out"))) ?? "", errors: (try? files.text(place.file("err"))) ?? "")
    }

    /// A running program. Killed with the object.
    public final class Running: Sendable {
        public let pid: pid_t
        private let ended = OnceStatus()

        init(pid: pid_t) { self.pid = pid }

        deinit {
            if poll() == nil {
                kill(SIGKILL)
                _ = wait()
            }
        }

        public func kill(_ signal: Int32) { if ended.value == nil { Glibc.kill(pid, signal) } }

        /// The exit status (128 + signal if killed) once it has ended.
        public func poll() -> Int32? { ended.set { collect(WNOHANG) } }
        public func wait() -> Int32 { ended.set { collect(0) } ?? -1 }

        private func collect(_ flags: Int32) -> Int32? {
            var status: Int32 = 0
            guard unsafe waitpid(pid, &status, flags) == pid else { return nil }
            return status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
        }
    }

    public static func spawn(
        _ command: [String], input: String = "/dev/null", output: String, errors: String, environment: [String: String] = [:], directory: String? = nil
    ) throws -> Running {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0)
        unsafe posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        unsafe posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        // A fresh process group: signals of a test's terminal do not reach it.
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        var variables = inherited
        for (name, value) in environment { variables[name] = value }
        // `env -C` changes the directory: the C call for it is not in every header.
        let command = directory.map { ["env", "-C", $0] + command } ?? command
        var arguments = unsafe command.map { unsafe strdup($0) } + [nil]
        var pairs = unsafe variables.map { unsafe strdup("\($0)=\($1)") } + [nil]
        defer {
            for index in unsafe arguments.indices { unsafe free(arguments[index]) }
            for index in unsafe pairs.indices { unsafe free(pairs[index]) }
        }
        var pid: pid_t = 0
        let code = unsafe posix_spawnp(&pid, command[0], &actions, &attributes, &arguments, &pairs)
        guard code == 0 else { throw Failure("cannot start \(command[0]): \(errnoText(code))") }
        return Running(pid: pid)
    }

    private static var inherited: [String: String] {
        var variables: [String: String] = [:]
        var next = unsafe environ
        while let pair = unsafe next.pointee {
            let text = unsafe String(cString: pair)
            if let mark = text.firstIndex(of: "=") { variables[String(text[..<mark])] = String(text[text.index(after: mark)...]) }
            unsafe next = unsafe next.advanced(by: 1)
        }
        return variables
    }
}

/// Asks `condition` until it holds, at most for `seconds`; false if it never did.
public func eventually(within seconds: Double, _ condition: () async throws -> Bool) async throws -> Bool {
    let end = ContinuousClock.now + .seconds(seconds)
    while ContinuousClock.now < end {
        if try await condition() { return true }
        try await Task.sleep(for: .milliseconds(20))
    }
    return false
}
