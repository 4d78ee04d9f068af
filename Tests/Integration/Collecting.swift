import Glibc
import JSON
import Runtime
import TestKit

/// One running `binnacle collect` on ports of its own.
final class Collecting: Sendable {
    let directory: TemporaryDirectory
    let offset: Int
    let process: Program.Running

    var address: String { "http://127.0.0.1:\(10_255 + offset)" }

    /// Starts and waits until it says that it listens.
    static func start(_ arguments: [String] = [], seconds: Double = 30) async throws -> Collecting {
        let directory = TemporaryDirectory("collect")
        let offset = FreePorts.offset(for: [10_255])
        let command = [Instance.binnacle, "collect", "--port-offset", "\(offset)"] + arguments
        let process = try Program.spawn(command, output: directory.file("out"), errors: directory.file("err"))
        let collecting = Collecting(directory: directory, offset: offset, process: process)
        let isUp = try await eventually(within: seconds) {
            if process.poll() != nil { throw Program.Failure("binnacle collect ended: \(collecting.said)") }
            return (try? HostFileSystem().text(directory.file("out")).contains("Ctrl-C stops it")) ?? false
        }
        guard isUp else { throw Program.Failure("binnacle collect did not listen within \(seconds) s: \(collecting.said)") }
        return collecting
    }

    private init(directory: TemporaryDirectory, offset: Int, process: Program.Running) {
        self.directory = directory
        self.offset = offset
        self.process = process
    }

    var said: String { ["out", "err"].map { (try? HostFileSystem().text(directory.file($0))) ?? "" }.joined(separator: "\n") }

    func stop() async throws -> Int32 {
        process.kill(SIGTERM)
        guard try await eventually(within: 20, { process.poll() != nil }) else { throw Program.Failure("did not stop: \(said)") }
        return process.wait()
    }

    /// Status, type and content of what a path answers.
    func get(_ path: String, _ more: [String] = []) async throws -> (status: Int, type: String, text: String) {
        let body = directory.file("body")
        let outcome = try await Program.run(
            ["curl", "-sS", "-g", "--max-time", "20", "-o", body, "-w", "%{http_code} %{content_type}"] + more + [address + path])
        guard outcome.status == 0 else { throw Program.Failure("curl \(path): \(outcome.errors)") }
        let words = outcome.output.split(separator: " ", maxSplits: 1).map(String.init)
        return (Int(words.first ?? "") ?? 0, words.count > 1 ? words[1] : "", (try? HostFileSystem().text(body)) ?? "")
    }
}

/// Debian's prometheus and promtool, which `scripts/setup --with-test-tools` unpacks.
enum PrometheusTools {
    private static func tool(_ name: String) -> String? {
        let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
        return ["\(root)/.build-tools/usr/bin/\(name)", "/usr/bin/\(name)"].first { HostFileSystem().exists($0) }
    }
    static let prometheus = tool("prometheus")
    static let promtool = tool("promtool")
    static var areThere: Bool { prometheus != nil && promtool != nil }
}
