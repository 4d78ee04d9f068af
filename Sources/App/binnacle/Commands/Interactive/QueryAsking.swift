import JSON
import Telemetry
import Terminal

/// Asks a query and prints its answer: what `binnacle query` does once and `binnacle query -i` again and again.
struct QueryAsking {
    var client: ClientOptions
    /// Length of a range; nil asks for one moment.
    var range: Duration?
    var step: Duration?
    /// The moment or the range's end, as typed; nil is now.
    var at: String?
    var output: QueryCommand.Format?
    var explain: Bool
    var color: ColorChoice
    var ascii: Bool

    private var format: QueryCommand.Format { output == .graph && range == nil ? .table : output ?? (range == nil ? .table : .graph) }

    func ask(_ query: String) async throws {
        let moment = try at.map { try TimeArgument.moment($0, flag: "--at") } ?? TimeArgument.now
        if let range {
            try await askRange(query, range, until: moment)
        } else {
            let answer = try await post("/api/v1/query", query, [("time", "\(moment.seconds)")])
            try show(answer, QueryTable.vector(answer["data"], isWhole: format == .csv))
        }
    }

    private func askRange(_ query: String, _ length: Duration, until end: Timestamp) async throws {
        let step = step ?? max(.seconds(1), .seconds((length.inSeconds / 240).rounded(.up)))
        // Ends on a multiple of the step, so that the same command moments later shows the same points.
        let stepMilliseconds = max(1, step.wholeMilliseconds)
        let last = Timestamp(milliseconds: end.milliseconds / stepMilliseconds * stepMilliseconds)
        let answer = try await post(
            "/api/v1/query_range", query, [("start", "\((last - length).seconds)"), ("end", "\(last.seconds)"), ("step", "\(step.inSeconds)")])
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

    private func post(_ path: String, _ query: String, _ form: [(String, String)]) async throws -> JSON {
        let answer = try await client.post(path, [("query", query)] + form + (explain ? [("explain", "1")] : []))
        guard answer["status"] == "success" else {
            throw QueryFailure.explain(query: query, message: answer["error"].string ?? "the query failed")
        }
        for warning in answer["warnings"].elements + answer["infos"].elements { if let text = warning.string { Output.error("note: \(text)") } }
        return answer
    }
}
