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
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable { case table, graph, json, csv }

    @Argument(help: "The query.") var query: String
    @Option(help: ArgumentHelp("Show the last DURATION as a graph, such as 15m or 2h.", valueName: "duration")) var range: String?
    @Option(help: ArgumentHelp("Time between two points of a range; by default the range in 240 steps.", valueName: "duration")) var step: String?
    @Option(help: ArgumentHelp("The moment (RFC 3339 or Unix seconds) instead of now; the end of a range.", valueName: "time")) var at: String?
    @Option(name: .shortAndLong, help: "How to print; by default a table, or a graph of a range.") var output: Format?
    @Flag(help: "Show how the query was answered instead of its result: what was read, and the time that each part took.") var explain = false
    @Option(help: "Colours.") var color: ColorChoice = .auto
    @Flag(help: "Draw with ASCII characters only.") var ascii = false
    @OptionGroup var client: ClientOptions

    private var format: Format { output ?? (range == nil ? .table : .graph) }

    func validate() throws {
        if output == .graph, range == nil { throw ValidationError("--output graph needs a --range to draw, such as --range 15m") }
    }

    func run() async throws {
        let moment = try at.map { try TimeArgument.moment($0, flag: "--at") } ?? TimeArgument.now
        if let range {
            try await runRange(try TimeArgument.duration(range, flag: "--range"), until: moment)
        } else {
            let answer = try await ask("/api/v1/query", [("query", query), ("time", "\(moment.seconds)")])
            try show(answer, QueryTable.vector(answer["data"], isWhole: format == .csv))
        }
    }

    private func runRange(_ length: Duration, until end: Timestamp) async throws {
        let step = try step.map { try TimeArgument.duration($0, flag: "--step") } ?? max(.seconds(1), .seconds((length.inSeconds / 240).rounded(.up)))
        // Ends on a multiple of the step, so that the same command moments later shows the same points.
        let stepMilliseconds = max(1, step.wholeMilliseconds)
        let last = Timestamp(milliseconds: end.milliseconds / stepMilliseconds * stepMilliseconds)
        let answer = try await ask(
            "/api/v1/query_range",
            [("query", query), ("start", "\((last - length).seconds)"), ("end", "\(last.seconds)"), ("step", "\(step.inSeconds)")])
        guard format == .graph, !explain else { return try show(answer, QueryTable.matrix(answer["data"])) }
        try Output.write(
            QueryGraph.render(
                answer["data"]["result"].elements, from: last - length, through: last, step: step, width: Output.width ?? 100,
                ascii: ascii || !Output.isUTF8, palette: Output.palette(color)))
    }

    private func show(_ answer: JSON, _ table: QueryTable) throws {
        if explain {
            return try Output.write(
                format == .json
                    ? answer["data"]["explain"].bytes(indented: true) + [0x0A] : Array(QueryPlan.text(answer["data"]["explain"], width: Output.width).utf8))
        }
        switch format {
        case .json: try Output.write(answer["data"].bytes(indented: true) + [0x0A])
        case .csv: try Output.write(table.csv)
        case .table, .graph:
            if table.rows.isEmpty {
                Output.error("no series match; `binnacle query 'count({__name__=~\".+\"})'` tells how many there are")
            } else {
                try Output.write(table.text(width: Output.width))
            }
        }
    }

    private func ask(_ path: String, _ form: [(String, String)]) async throws -> JSON {
        let answer = try await client.post(path, form + (explain ? [("explain", "1")] : []))
        guard answer["status"] == "success" else {
            throw QueryFailure.explain(query: query, message: answer["error"].string ?? "the query failed")
        }
        for warning in answer["warnings"].elements + answer["infos"].elements { if let text = warning.string { Output.error("note: \(text)") } }
        return answer
    }
}
