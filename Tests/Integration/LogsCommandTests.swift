import JSON
import Runtime
import TestKit
import Testing

/// `binnacle logs` over files and standard input, which needs no server and is the same search.
@Suite(.timeLimit(.minutes(2))) struct LogsCommandTests {
    private static let lines = """
        2026-11-24T08:00:00Z INFO request 1 served
        2026-11-24T08:00:01Z INFO request 2 served
        2026-11-24T08:00:02Z ERROR disk \u{1B}[31m7\u{1B}[0m is broken
          at frame 1
        2026-11-24T08:01:00Z WARN slow query "x, y"
        2026-11-24T08:02:00Z INFO request 3 served

        """

    private func logs(_ arguments: [String], input: String? = nil, environment: [String: String] = [:]) async throws -> Program.Outcome {
        let directory = TemporaryDirectory("logs")
        try HostFileSystem().write(directory.file("app.log"), Array(Self.lines.utf8))
        let given = arguments.map { $0 == "FILE" ? directory.file("app.log") : $0 }
        return try await Program.run([Instance.binnacle, "logs"] + given, input: input, environment: environment)
    }

    @Test(arguments: [
        (["FILE", "-o", "raw", "request"], ["request 1 served", "request 2 served", "request 3 served"]),
        (["FILE", "-o", "raw", "-e", "disk", "-e", "slow"], ["is broken", "slow query"]), (["FILE", "-o", "raw", "-F", "QUERY", "-i"], ["slow query"]),
        (["FILE", "-o", "raw", "-v", "-e", "request|frame"], ["is broken", "slow query"]), (["FILE", "-o", "raw", "-w", "-F", "serv"], []),
        (["FILE", "-o", "raw", "--level", "warn+"], ["is broken", "slow query"]), (["FILE", "-o", "raw", "disk", "-A", "1"], ["is broken", "at frame 1"]),
        (["FILE", "-o", "raw", "--since", "2026-11-24T08:01:00Z"], ["slow query", "request 3"]), (["FILE", "-o", "raw", "--limit", "1"], ["request 3"]),
        (["FILE", "-o", "raw", "--limit", "0", "request"], ["request 1", "request 2", "request 3"]),
        (["FILE", "-o", "raw", "--forward", "--limit", "1"], ["request 1"]),
        (["FILE", "-o", "raw", "--reverse", "request"], ["request 3", "request 2", "request 1"]),
        (["FILE", "-o", "raw", "-q", #"{} |= "request" != "request 2" | line_format "{{ .file }}""#], ["app.log", "app.log"]),
    ]) func `chooses lines`(arguments: [String], expected: [String]) async throws {
        let outcome = try await logs(arguments)
        let lines = outcome.output.split(separator: "\n")
        #expect(lines.count == expected.count, "\(outcome.description)")
        for (line, part) in zip(lines, expected) { #expect(line.contains(part), "\(outcome.description)") }
        #expect(outcome.status == (expected.isEmpty ? 1 : 0), "\(outcome.description)")
    }

    @Test func `bytes are as they were for programs, and standard input is a file`() async throws {
        let outcome = try await logs(["-", "-o", "raw", "--limit", "0"], input: Self.lines)
        #expect(outcome.output == Self.lines, "\(outcome.description)")
        let csv = try await logs(["FILE", "slow", "-o", "csv", "--fields", "severity,line"])
        #expect(csv.output == "severity,line\r\nwarning,\"2026-11-24T08:01:00Z WARN slow query \"\"x, y\"\"\"\r\n", "\(csv.description)")
        let json = try JSON.parse(try await logs(["FILE", "request", "-o", "json"]).output)
        #expect(json.elements.count == 3 && json[0]["time"] == "2026-11-24T08:00:00.000000000Z")
        let own = try await logs(["FILE", "disk", "-o", "template={{.severity}}|{{.line}}"])
        #expect(own.output.hasPrefix("error|2026-11-24T08:00:02Z"), "\(own.description)")
    }

    @Test func `figures instead of lines`() async throws {
        let patterns = try await logs(["FILE", "--patterns", "request"])
        #expect(patterns.output.contains("request <n> served"), "\(patterns.description)")
        let histogram = try await logs(["FILE", "--hist", "--every", "1m", "--since", "2026-11-24T08:00:00Z", "--until", "2026-11-24T08:03:00Z"])
        #expect(histogram.output.hasSuffix("6 lines\n"), "\(histogram.description)")
        let count = try await logs(["FILE", "--count", "--by", "severity"])
        #expect(count.output.contains("error") && count.output.hasSuffix("6 lines\n"), "\(count.description)")
        let difference = try await logs(["FILE", "--since", "2026-11-24T08:00:02Z", "--diff", "2026-11-24T08:00:00Z..2026-11-24T08:00:02Z"])
        #expect(difference.output.contains("new") && difference.output.contains("is broken"), "\(difference.description)")
        let top = try await logs(["FILE", "--top", "level"])
        #expect(top.output.contains("info"), "\(top.description)")
    }

    @Test(arguments: [
        (["/nothing/here/app.log"], 2, "there is no file"), (["FILE", "-e", "a("], 2, "-e \"a(\" is no regular expression"),
        (["FILE", "--since", "soon"], 2, "is no time"),
        (["FILE", "-o", "yaml"], 2, "is no format"), (["FILE", "-q", "{pod="], 2, "parse error at line 1, col"),
        (["FILE", "no such words"], 1, "no line matches"), (["FILE", "--level", "loud"], 2, "--level: \"loud\" is no severity"),
        (["FILE", "-f"], 2, "-f follows a server"),
        (["FILE", "deploy/x"], 2, "cannot be searched in one run"), (["x", "--server", "http://127.0.0.1:1"], 5, "nobody answers"),
        (["x", "--data-dir", "/proc"], 2, "holds no log store"),
    ]) func `what goes wrong is said, with a code of its own`(arguments: [String], status: Int32, words: String) async throws {
        let outcome = try await logs(arguments)
        #expect(outcome.status == status && outcome.errors.contains(words), "\(outcome.description)")
        #expect(outcome.output.isEmpty, "\(outcome.description)")
    }
}
