import Alerting
import ArgumentParser
import Runtime

/// Unit tests of what people write, without a server.
struct TestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test", abstract: "Run unit tests of rules, without asking a server.", subcommands: [Rules.self])

    struct Rules: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Run unit tests in the form of promtool's.",
            discussion: """
                A test gives series and says which alerts fire and what expressions yield at which moments.
                docs/how-to/alerts.md has an example.

                EXAMPLES
                  binnacle test rules tests/*.yml
                """)

        @Argument(help: ArgumentHelp("The files of tests.", valueName: "file")) var files: [String]

        func run() async throws {
            var failures = 0
            for path in files.flatMap({ PathGlob.files($0, in: HostFileSystem()) }) {
                let found = try await self.failures(path)
                try Output.write(found.isEmpty ? "\(path): passed\n" : "\(path): FAILED\n" + found.map { "  \($0)\n" }.joined())
                failures += found.count
            }
            if failures > 0 { throw CommandFailure(message: "\(failures) checks failed") }
        }

        private func failures(_ path: String) async throws -> [String] {
            let bytes: [UInt8]
            do { bytes = try HostFileSystem().read(path) } catch { return ["\(error)"] }
            let read = RuleTestFile.parse(bytes, path: path)
            guard read.errors.isEmpty else { return read.errors.map(\.description) }
            // Rules lie relative to the tests that name them.
            let directory = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
            let names = read.file.ruleFiles.map { $0.hasPrefix("/") ? $0 : directory + $0 }
            let loaded = AlertSources(rules: names).load(from: HostFileSystem())
            guard loaded.errors.isEmpty else { return loaded.errors.map(\.description) }
            return await RuleTestRunner(file: read.file, rules: loaded.rules).failures()
        }
    }
}
