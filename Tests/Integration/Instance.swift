import Glibc
import JSON
import Runtime
import TestKit

/// One running `binnacle up` with its own data directory and ports.
final class Instance: Sendable {
    let directory: TemporaryDirectory
    let offset: Int
    let process: Program.Running
    let arguments: [String]

    var dataDirectory: String { directory.file("data") }
    var kubeconfig: String { "\(dataDirectory)/kubeconfig" }
    var readOnly: String { "http://127.0.0.1:\(10_255 + offset)" }

    /// The binaries beside the test bundle.
    static let binaries: String = {
        let path = linkTarget("/proc/self/exe") ?? ""
        return String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)])
    }()
    static var binnacle: String { "\(binaries)/binnacle" }

    /// Starts and waits until it says that it is up.
    ///
    /// - Parameter wrapper: what runs it, such as `setpriv`.
    static func start(
        _ arguments: [String] = [], wrapper: [String] = [], directory: TemporaryDirectory? = nil, offset: Int? = nil, seconds: Double = 60
    ) async throws -> Instance {
        let directory = directory ?? TemporaryDirectory("up")
        let offset = offset ?? FreePorts.offset(for: [10_255, 10_251, 6443, 5140, 24_224])
        let command = wrapper + [binnacle, "up", "--data-dir", directory.file("data"), "--port-offset", "\(offset)"] + arguments
        let process = try Program.spawn(command, output: directory.file("out"), errors: directory.file("err"))
        let instance = Instance(directory: directory, offset: offset, process: process, arguments: arguments)
        let isUp = try await eventually(within: seconds) {
            if process.poll() != nil { throw Program.Failure("binnacle ended: \(instance.said)") }
            return (try? HostFileSystem().text(directory.file("out")).contains("Ctrl-C stops everything")) ?? false
        }
        guard isUp else { throw Program.Failure("binnacle was not up within \(seconds) s: \(instance.said)") }
        return instance
    }

    private init(directory: TemporaryDirectory, offset: Int, process: Program.Running, arguments: [String]) {
        self.directory = directory
        self.offset = offset
        self.process = process
        self.arguments = arguments
    }

    /// What it has printed.
    var said: String {
        ["out", "err"].map { (try? HostFileSystem().text(directory.file($0))) ?? "" }.joined(separator: "\n")
    }

    /// SIGTERM, and its exit status.
    func stop(seconds: Double = 60) async throws -> Int32 {
        process.kill(SIGTERM)
        guard try await eventually(within: seconds, { process.poll() != nil }) else { throw Program.Failure("did not stop: \(said)") }
        return process.wait()
    }

    func kubectl(_ arguments: [String], version: String = Kubectl.oldest, input: String? = nil, seconds: Double = 30) async throws -> Program.Outcome {
        try await Program.run(
            [version, "--kubeconfig", kubeconfig] + arguments, input: input, environment: ["HOME": directory.path, "KUBECACHEDIR": directory.file("cache")],
            seconds: seconds)
    }

    /// A client subcommand of the binary itself.
    func client(_ arguments: [String], seconds: Double = 30) async throws -> Program.Outcome {
        try await Program.run([Self.binnacle] + arguments + ["--port-offset", "\(offset)"], seconds: seconds)
    }

    func curl(_ path: String, _ more: [String] = []) async throws -> String {
        let outcome = try await Program.run(["curl", "-sS", "--max-time", "20"] + more + [readOnly + path])
        guard outcome.status == 0 else { throw Program.Failure("curl \(path): \(outcome.errors)") }
        return outcome.output
    }

    func json(_ path: String, _ more: [String] = []) async throws -> JSON { try JSON.parse(try await curl(path, more)) }

    /// Objects as kubectl prints them with `-o json`.
    func get(_ arguments: [String]) async throws -> JSON {
        let outcome = try await kubectl(["get"] + arguments + ["-o", "json"])
        guard outcome.status == 0 else { throw Program.Failure("get \(arguments): \(outcome.errors)") }
        return try JSON.parse(outcome.output)
    }
}

/// The real kubectls of this machine.
enum Kubectl {
    /// Debian's 1.20, which scripts/setup unpacks.
    static let oldest: String = {
        let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
        let unpacked = "\(root)/.build-tools/usr/bin/kubectl"
        return HostFileSystem().exists(unpacked) ? unpacked : "kubectl"
    }()

    /// `kubectl.1.NN` beside the PATH's kubectl: newer ones, where this machine has them.
    static let newer: [String] = {
        let files = HostFileSystem()
        for directory in (unsafe getenv("PATH").map { unsafe String(cString: $0) } ?? "").split(separator: ":").map(String.init) {
            guard files.exists("\(directory)/kubectl") else { continue }
            let real = linkTarget("\(directory)/kubectl").map { $0.hasPrefix("/") ? $0 : "\(directory)/\($0)" } ?? "\(directory)/kubectl"
            let place = String(real[..<(real.lastIndex(of: "/") ?? real.endIndex)])
            return ((try? files.list(place)) ?? []).filter { $0.hasPrefix("kubectl.1.") }.map { "\(place)/\($0)" }
        }
        return []
    }()

    static var all: [String] { [oldest] + newer }
}
