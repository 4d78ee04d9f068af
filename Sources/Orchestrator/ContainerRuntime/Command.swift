import CShims
import Glibc
import Runtime

/// Programs of the machine that the runtime calls, and the start of supervisors.
enum Command {
    /// Runs `words` (the first a full path) to its end. Output is what it wrote to stdout, and to stderr if `errors`.
    /// Status is 128 + signal if one killed it; a program that cannot be started gives 127 and the reason as output.
    static func run(_ words: [String], errors: Bool = true) -> (status: Int, output: [UInt8]) {
        var ends: [Int32] = [-1, -1]
        let made = unsafe binnacle_pipe(&ends)
        guard made == 0 else { return (127, Array("no pipe: \(errnoText(-made))".utf8)) }
        // The strings live until spawn has returned, which is after the program's exec.
        var arguments: [UnsafeMutablePointer<CChar>?] = unsafe words.map { unsafe strdup($0) } + [nil]
        let process = unsafe binnacle_spawn(&arguments, -1, ends[1], errors ? ends[1] : -1)
        unsafe arguments.forEach { unsafe free($0) }
        close(ends[1])
        defer { close(ends[0]) }
        guard process > 0 else { return (127, Array("cannot start \(words.first ?? ""): \(errnoText(-process))".utf8)) }
        var output: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let got = unsafe read(ends[0], &chunk, chunk.count)
            if got > 0 {
                output += chunk[..<got]
            } else if got == 0 || errno != EINTR {
                break
            }
        }
        var state: Int32 = 0
        while unsafe waitpid(process, &state, 0) < 0, errno == EINTR {}
        let signal = state & 0x7f
        return (signal == 0 ? Int(state >> 8 & 0xff) : 128 + Int(signal), output)
    }

    /// The full path of a program in the directories where administrators' programs lie.
    static func find(_ name: String) -> String? {
        ["/usr/sbin", "/sbin", "/usr/bin", "/bin", "/usr/local/sbin"].map { "\($0)/\(name)" }.first { unsafe access($0, X_OK) == 0 }
    }
}
