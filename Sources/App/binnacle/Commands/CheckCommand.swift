import Alerting
import ArgumentParser
import PromQL
import Runtime
import Scraping
import Terminal

/// Checks of what people write, without a server.
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Say whether a query, rules or a configuration is right, without asking a server.",
        subcommands: [Query.self, Rules.self, Config.self])

    struct Query: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say whether a PromQL query is right, what it yields, and print it in its usual form.")

        @Argument(help: "The query.") var query: String

        func run() throws {
            let expression: Expression
            do throws(QueryError) {
                expression = try Parser.parse(query)
            } catch {
                throw QueryFailure.explain(query: query, message: error.message)
            }
            try Output.write(expression.pretty + "\n")
            let phrase = expression.type.phrase
            Output.error("the query is right and yields \("aeiou".contains(phrase.first ?? "x") ? "an" : "a") \(phrase)")
        }
    }

    struct Rules: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say whether files of rules are right; every error is shown.",
            discussion: """
                EXAMPLES
                  binnacle check rules rules/*.yml
                  binnacle alerts --built-in | binnacle check rules -
                """)

        @Argument(help: ArgumentHelp("The files; - is standard input.", valueName: "file")) var files: [String]

        func run() throws {
            var errors: [String] = []
            for path in files.flatMap({ PathGlob.files($0, in: HostFileSystem()) }) {
                do {
                    let read = RuleFile.parse(try HostFileSystem().read(path == "-" ? "/dev/stdin" : path), path: path)
                    errors += read.errors.map(\.description)
                    let rules = read.file.groups.reduce(0) { $0 + $1.rules.count }
                    if read.errors.isEmpty { try Output.write("\(path): \(rules) rules in \(read.file.groups.count) groups are right\n") }
                } catch let error as FileError {
                    errors.append("\(error)")
                }
            }
            try CheckCommand.fail(errors)
        }
    }

    struct Config: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say whether scrape configurations and notification policies are right.",
            discussion: """
                Binnacle's own configuration file is checked by `binnacle config check`.

                EXAMPLES
                  binnacle check config prometheus.yml
                  binnacle check config --notify notify.yml
                """)

        @Argument(help: ArgumentHelp("Files in the form of Prometheus' own.", valueName: "file")) var files: [String] = []
        @Option(help: ArgumentHelp("A policy in the form of Alertmanager's own file.", valueName: "file")) var notify: [String] = []

        func validate() throws {
            if files.isEmpty, notify.isEmpty { throw ValidationError("name a file, or --notify FILE") }
        }

        func run() throws {
            var errors: [String] = []
            for path in files {
                do {
                    let file = try ScrapeFile(try HostFileSystem().read(path), file: path)
                    for section in file.ignored { Output.error("warning: \(path): \(section) is not read here") }
                    try Output.write("\(path): \(file.configurations.count) scrape configurations are right\n")
                } catch let error as BrokenPipe {
                    throw error
                } catch {
                    errors.append("\(error)")
                }
            }
            for path in notify {
                do {
                    let read = NotificationPolicy.parse(try HostFileSystem().read(path), path: path)
                    errors += read.errors.map(\.description)
                    if read.errors.isEmpty {
                        try Output.write("\(path): \(read.policy.receivers.count) receivers and \(read.policy.alertmanagers.count) Alertmanagers are right\n")
                    }
                } catch let error as FileError {
                    errors.append("\(error)")
                }
            }
            try CheckCommand.fail(errors)
        }
    }

    /// Ends with all errors at once.
    private static func fail(_ errors: [String]) throws {
        guard errors.isEmpty else { throw CommandFailure(message: errors.joined(separator: "\nerror: ")) }
    }
}
