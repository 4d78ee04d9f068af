import ArgumentParser
import JSON
import Telemetry
import Terminal

struct QueryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "query", abstract: "Ask in PromQL: a table now, or a graph over a time.",
        discussion: """
            EXAMPLES
              binnacle query 'sum by (pod) (rate(container_cpu_usage_seconds_total{namespace="shop"}[1m]))'
              binnacle query --range 15m 'node_load1'
              binnacle query --explain 'topk(5, rate(container_cpu_usage_seconds_total[5m]))'
              binnacle query -o csv 'container_memory_working_set_bytes{container!=""}' > memory.csv
              binnacle query -i     type queries; Tab completes, Control-R looks through what was asked before
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable { case table, graph, json, csv }

    @Argument(help: "The query.") var query: String?
    @Flag(name: .shortAndLong, help: "Ask query after query, with completion and history; from a pipe, those that it holds.") var interactive = false
    @Option(help: ArgumentHelp("Show the last DURATION as a graph, such as 15m or 2h.", valueName: "duration")) var range: String?
    @Option(help: ArgumentHelp("Time between two points of a range; by default the range in 240 steps.", valueName: "duration")) var step: String?
    @Option(help: ArgumentHelp("The moment (RFC 3339 or Unix seconds) instead of now; the end of a range.", valueName: "time")) var at: String?
    @Option(name: .shortAndLong, help: "How to print; by default a table, or a graph of a range.") var output: Format?
    @Flag(help: "Show how the query was answered instead of its result: what was read, and the time that each part took.") var explain = false
    @Option(help: "Colours.") var color: ColorChoice = .auto
    @Flag(help: "Draw with ASCII characters only.") var ascii = false
    @OptionGroup var client: ClientOptions

    func validate() throws {
        if query == nil, !interactive { throw ValidationError("there is no query; write one in quotes, or -i to type them") }
        if query != nil, interactive { throw ValidationError("-i reads the queries, so none can be given beside it") }
        if output == .graph, range == nil, !interactive { throw ValidationError("--output graph needs a --range to draw, such as --range 15m") }
    }

    func run() async throws {
        let asking = QueryAsking(
            client: client, range: try range.map { try TimeArgument.duration($0, flag: "--range") },
            step: try step.map { try TimeArgument.duration($0, flag: "--step") }, at: at, output: output, explain: explain, color: color, ascii: ascii)
        if let query { try await asking.ask(query) } else { try await QueryDialogue(asking: asking).run() }
    }
}
