import ArgumentParser
import Glibc
import QuerySyntax
import Terminal

@main
struct Binnacle: AsyncParsableCommand {
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "binnacle",
        abstract: "Runs pods as Kubernetes does, measures each second, keeps metrics and logs, and answers for them.",
        discussion: """
            One program, no set-up:
              binnacle up --demo          a node, an API server, metrics, logs and a demo shop to look at
              binnacle collect            only measure this machine's containers, beside Docker or whatever runs them
              binnacle query 'up'         ask in PromQL
              binnacle logs -n shop       search the logs, also of pods that are gone
              binnacle alerts             what is firing
              binnacle report --since 1h  write down what happened

            The read-only endpoint is on port 10255 (kubelet's paths, Prometheus' and the log API), the
            Kubernetes API on 6443; --port-offset N moves all ports. Every key of the configuration file is
            also a flag of `up`; `binnacle config keys` lists them.

            FILES
              /etc/binnacle/config.yaml   read if it exists; --config names another
              /var/lib/binnacle           all state (--data-dir); without root $XDG_DATA_HOME/binnacle

            ENVIRONMENT
              BINNACLE_CONFIG             the configuration file
              BINNACLE_SERVER             where the client commands ask (--server)
              BINNACLE_PAGER, PAGER       what shows logs on a terminal page by page; less without them
              NO_COLOR                    no colours in the output

            EXIT CODES
              0 done   1 failed, damage found (store check), or nothing found (logs)   2 wrong use   5 server unreachable   130 interrupted
            """,
        version: version,
        subcommands: [
            UpCommand.self, CollectCommand.self, AggregateCommand.self, QueryCommand.self, CheckCommand.self, TestCommand.self, AlertsCommand.self,
            LogsCommand.self, ReportCommand.self, ExportCommand.self, ImportCommand.self, StoreCommand.self, BackupCommand.self, RestoreCommand.self,
            ConfigCommand.self, CompletionCommand.self,
            WorkloadCommand.self,
        ]
    )

    static func main() async {
        // A reader that went away (`| head`) ends us quietly: EPIPE instead of a signal, handled where we write.
        signal(SIGPIPE, SIG_IGN)
        let arguments = NodeFlags.translated(Array(CommandLine.arguments.dropFirst()))
        if let problem = unknownSubcommand(arguments) {
            Output.error(problem)
            Glibc.exit(2)
        }
        do {
            var command = try parseAsRoot(arguments)
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch let error as CommandFailure {
            Output.error(error.description)
            Glibc.exit(error.exitCode)
        } catch is BrokenPipe {
            Glibc.exit(0)
        } catch {
            // ArgumentParser's own: help, version, usage errors.
            let code = exitCode(for: error)
            let message = fullMessage(for: error)
            if code == .success {
                try? Output.write(message + (message.isEmpty ? "" : "\n"))
                Glibc.exit(0)
            }
            Output.error(message.hasPrefix("Error: ") ? "error: " + message.dropFirst(7) : message)
            Glibc.exit(code == .validationFailure ? 2 : code.rawValue)
        }
    }

    /// A first word that is no subcommand, with the nearest one.
    private static func unknownSubcommand(_ arguments: [String]) -> String? {
        guard let word = arguments.first, !word.hasPrefix("-") else { return nil }
        let names = configuration.subcommands.map { $0.configuration.commandName ?? "" } + ["help"]
        guard !names.contains(word) else { return nil }
        let visible = names.filter { $0 != "workload" }
        let guess = NearestName.match(word, among: visible).map { "did you mean `binnacle \($0)`?" } ?? "`binnacle --help` lists them all"
        return "error: \"\(word)\" is no subcommand of binnacle\nhint: \(guess)"
    }
}

/// A command that could not do its work: what, and how to go on.
struct CommandFailure: Error, CustomStringConvertible {
    var message: String
    var hint: String?
    var exitCode: Int32 = 1

    var description: String { "error: \(message)" + (hint.map { "\nhint: \($0)" } ?? "") }
}
