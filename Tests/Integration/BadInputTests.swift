import Glibc
import Runtime
import TestKit
import Testing

/// What the program says when it cannot do what it was asked.
@Suite(.serialized, .timeLimit(.minutes(5))) struct BadInputTests {
    private func up(_ arguments: [String]) async throws -> Program.Outcome {
        try await Program.run([Instance.binnacle, "up"] + arguments, seconds: 20)
    }

    @Test(arguments: [
        (["qurey", "up"], "did you mean `binnacle query`?"), (["frobnicate"], "`binnacle --help` lists them all"),
        (["logs", "--nmaespace", "x"], "--namespace"), (["up", "--port-offset", "many"], "--port-offset is \"many\""),
        (["query", "--range", "soon", "up"], "--range is \"soon\", which is not a duration"),
        (["report", "-o", "report.docx"], "end it in .html, .md, .csv or .json"),
    ])
    func `a wrong word gets the nearest right one`(arguments: [String], message: String) async throws {
        let outcome = try await Program.run([Instance.binnacle] + arguments)
        #expect(outcome.status == 2, "\(outcome.description)")
        #expect(outcome.errors.contains(message), "\(outcome.description)")
        #expect(outcome.output.isEmpty)
    }

    @Test func `a server that is not there is said, with exit code 5`() async throws {
        let outcome = try await Program.run([Instance.binnacle, "query", "up", "--server", "http://127.0.0.1:1"])
        #expect(outcome.status == 5 && outcome.errors.contains("is `binnacle up` running?"), "\(outcome.description)")
    }

    @Test func `a closed pipe ends the program quietly`() async throws {
        let outcome = try await Program.run(["bash", "-c", "\(Instance.binnacle) config keys | head -1; echo ${PIPESTATUS[0]}"])
        #expect(outcome.output.hasSuffix("\n0\n") && outcome.errors.isEmpty, "\(outcome.description)")
    }

    @Test func `a taken port names itself, its holder and the flag`() async throws {
        let directory = TemporaryDirectory("port")
        let offset = FreePorts.offset(for: [10_255, 10_251, 6443, 5140, 24_224])
        let holder = try Program.spawn(
            ["python3", "-m", "http.server", "\(10_255 + offset)", "--bind", "127.0.0.1"], output: directory.file("o"), errors: directory.file("e"),
            directory: directory.path)
        #expect(try await eventually(within: 10) { !FreePorts.isFree(10_255 + offset) })
        let outcome = try await up(["--data-dir", directory.file("data"), "--port-offset", "\(offset)"])
        #expect(outcome.status == 1, "\(outcome.description)")
        for word in ["\(10_255 + offset)", "python3", "(pid \(holder.pid))", "--port-offset"] {
            #expect(outcome.errors.contains(word), "\(word): \(outcome.errors)")
        }
    }

    @Test func `a data directory of a newer version, unwritable or broken is refused and not changed`() async throws {
        let files = HostFileSystem()
        let directory = TemporaryDirectory("data")
        try files.replace(directory.file("version.json"), Array(#"{"format":99,"binnacle":"9.0"}"#.utf8), mode: 0o600)
        let newer = try await up(["--data-dir", directory.path])
        #expect(newer.status == 1 && newer.errors.contains("was written by a newer binnacle (9.0, format 99"), "\(newer.description)")
        #expect(try files.list(directory.path) == ["version.json"])

        let unwritable = try await up(["--data-dir", "/proc/binnacle"])
        #expect(unwritable.status == 1 && unwritable.errors.contains("--data-dir"), "\(unwritable.description)")

        let config = directory.file("bad.yaml")
        try files.replace(config, Array("port-offset: 1\n  data-dir: [\n".utf8), mode: 0o600)
        let broken = try await Program.run([Instance.binnacle, "config", "check", config])
        #expect(broken.status == 1 && broken.errors.contains("bad.yaml:2"), "\(broken.description)")
        try files.replace(config, Array("data-dri: /x\nlog-format: xml\n".utf8), mode: 0o600)
        let wrong = try await Program.run([Instance.binnacle, "config", "check", config])
        #expect(wrong.errors.contains("did you mean \"data-dir\"?") && wrong.errors.contains("expected one of text, json"), "\(wrong.description)")
    }

    @Test func `a directory in use by another copy is refused`() async throws {
        let instance = try await Instance.start()
        let outcome = try await up(["--data-dir", instance.dataDirectory, "--port-offset", "\(instance.offset + 1)"])
        #expect(outcome.status == 1 && outcome.errors.contains("in use by another binnacle (pid \(instance.process.pid))"), "\(outcome.description)")
        #expect(try await instance.stop() == 0)
    }
}
