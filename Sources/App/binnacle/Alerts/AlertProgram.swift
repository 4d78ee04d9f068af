import CShims
import Glibc
import Runtime

/// Runs a person's program that tells of alerts.
enum AlertProgram {
    static let timeout = Duration.seconds(30)
    /// Bytes of what it writes to its standard error that are kept for the log.
    static let maximumErrors = 2000

    struct Failure: Error, CustomStringConvertible { var description: String }

    /// Runs `command` with `input` on its standard input, and throws unless it ends with status 0 within the time. One that
    /// does not is killed with all that it started.
    static func run(_ command: [String], input: [UInt8], timeout: Duration = timeout) async throws {
        var child = try start(command, input)
        defer { child.close() }
        let end = ContinuousClock.now + timeout
        var pause = Duration.milliseconds(2)
        while true {
            child.exchange()
            if let status = child.poll() {
                child.exchange()
                guard status == 0 else { throw Failure(description: "\(command[0]) ended with \(describe(status))\(child.said)") }
                return
            }
            guard ContinuousClock.now < end, !Task.isCancelled else {
                kill(-child.process, SIGKILL)
                child.wait()
                throw Failure(description: "\(command[0]) was ended: it ran longer than \(timeout.components.seconds) s\(child.said)")
            }
            // A cancelled sleep returns at once; the next turn ends the program.
            try? await Task.sleep(for: pause)
            pause = min(pause * 2, .milliseconds(50))
        }
    }

    private static func describe(_ status: Int32) -> String { status > 128 ? "signal \(status - 128)" : "status \(status)" }

    /// The two ends of a pipe that no other child inherits.
    private static func pipe() throws -> (read: Int32, write: Int32) {
        var ends: [Int32] = [-1, -1]
        let code = unsafe binnacle_pipe(&ends)
        guard code == 0 else { throw Failure(description: "no pipe: \(errnoText(-code))") }
        return (ends[0], ends[1])
    }

    private static func start(_ command: [String], _ input: [UInt8]) throws -> Child {
        let inputs = try pipe()
        let errors: (read: Int32, write: Int32)
        do { errors = try pipe() } catch {
            close(inputs.read)
            close(inputs.write)
            throw error
        }
        for descriptor in [inputs.write, errors.read] { _ = fcntl(descriptor, F_SETFL, O_NONBLOCK) }
        defer {
            close(inputs.read)
            close(errors.write)
        }
        var child = Child(process: 0, input: input[...], inputDescriptor: inputs.write, errorDescriptor: errors.read)
        do {
            child.process = try spawn(command, input: inputs.read, errors: errors.write)
        } catch {
            child.close()
            throw error
        }
        return child
    }

    /// In a session of its own, so that what it starts ends with it, with nothing of ours open.
    private static func spawn(_ command: [String], input: Int32, errors: Int32) throws -> pid_t {
        var arguments = unsafe command.map { unsafe strdup($0) } + [nil]
        defer { for index in unsafe arguments.indices { unsafe free(arguments[index]) } }
        let process = unsafe binnacle_spawn(&arguments, input, -1, errors)
        guard process > 0 else { throw Failure(description: "cannot start \(command[0]): \(errnoText(-process))") }
        return process
    }

    /// The running program and what is exchanged with it, without ever waiting for it.
    private struct Child {
        var process: pid_t
        var input: ArraySlice<UInt8>
        var inputDescriptor: Int32
        let errorDescriptor: Int32
        var errors: [UInt8] = []

        /// What it wrote to its standard error, for a message.
        var said: String {
            let text = String(decoding: errors, as: UTF8.self).split(whereSeparator: \.isNewline).joined(separator: "; ")
            return text.isEmpty ? "" : ": \(text)"
        }

        mutating func exchange() {
            while !input.isEmpty, inputDescriptor >= 0 {
                let wrote = unsafe input.withUnsafeBytes { unsafe write(inputDescriptor, $0.baseAddress, $0.count) }
                if wrote > 0 {
                    input = input.dropFirst(wrote)
                } else if errno == EAGAIN {
                    break
                } else if errno != EINTR {
                    // It does not read its input; that is its own affair.
                    input = []
                }
            }
            if input.isEmpty { closeInput() }
            var chunk = [UInt8](repeating: 0, count: 4096)
            while true {
                let got = unsafe read(errorDescriptor, &chunk, chunk.count)
                guard got > 0 else { return }
                errors += chunk.prefix(min(got, max(0, maximumErrors - errors.count)))
            }
        }

        /// The end of its input.
        private mutating func closeInput() {
            if inputDescriptor >= 0 { _ = Glibc.close(inputDescriptor) }
            inputDescriptor = -1
        }

        mutating func close() {
            closeInput()
            _ = Glibc.close(errorDescriptor)
        }

        /// The status once it has ended, 128 + signal if it was killed.
        func poll() -> Int32? { collect(WNOHANG) }
        func wait() { _ = collect(0) }

        private func collect(_ flags: Int32) -> Int32? {
            var state: Int32 = 0
            guard unsafe waitpid(process, &state, flags) == process else { return nil }
            return state & 0x7F == 0 ? state >> 8 & 0xFF : 128 + state & 0x7F
        }
    }
}
