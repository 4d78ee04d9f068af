import JSON
import LogQL
import QueryAPI
import Telemetry
import Terminal

/// A query for numbers in LogQL, printed as `binnacle query` prints PromQL's: a table of one moment, a graph over a time.
struct LogsNumbers {
    let transport: LogsTransport
    /// Half-open; a moment is its end.
    let range: Range<Int64>
    let now: Int64
    /// Whether the time was given as one with a beginning.
    let isOverTime: Bool
    /// Between two points, in nanoseconds; nil for 240 points.
    let step: Int64?
    /// As `-o` has it.
    let format: String
    let palette: Palette
    let isASCII: Bool

    static let formats = ["default", "table", "graph", "json", "csv"]

    /// Whether the text asks for numbers; what is wrong with it is the server's to say.
    static func isMetric(_ query: String) -> Bool {
        if case .metric? = try? LogExpression.parse(query) { true } else { false }
    }

    func ask(_ query: String) async throws -> LogsOutcome {
        guard Self.formats.contains(format) else {
            throw CommandFailure(
                message: "--output is \"\(format)\", and this query asks for numbers", hint: "use \(Self.formats.joined(separator: ", "))", exitCode: 2)
        }
        guard isOverTime || format == "graph" else {
            let time = range.upperBound == .max ? now : range.upperBound - 1
            let answer = try await transport.get("/loki/api/v1/query", [("query", query), ("time", "\(time)")])
            try show(answer["data"], QueryTable.vector(answer["data"], isWhole: format == "csv"))
            return outcome(answer)
        }
        let end = min(range.upperBound, now)
        let start = range.lowerBound == .min ? end - 3_600_000_000_000 : range.lowerBound
        guard start < end else { throw CommandFailure(message: "the time is empty", hint: "--since lies in the future", exitCode: 2) }
        let second: Int64 = 1_000_000_000
        let step = step ?? max(second, ((end - start) / 240 + second - 1) / second * second)
        // Ends on a multiple of the step, so that the same command moments later shows the same points.
        let last = end / step * step
        let first = last - (end - start) / step * step
        let answer = try await transport.get(
            "/loki/api/v1/query_range", [("query", query), ("start", "\(first)"), ("end", "\(last)"), ("step", "\(Double(step) / 1e9)")])
        if format == "graph" || format == "default" {
            try Output.write(
                QueryGraph.render(
                    answer["data"]["result"].elements, from: Timestamp(milliseconds: first / 1_000_000), through: Timestamp(milliseconds: last / 1_000_000),
                    step: .nanoseconds(step), width: Output.width ?? 100, ascii: isASCII, palette: palette))
        } else {
            try show(answer["data"], QueryTable.matrix(answer["data"]))
        }
        return outcome(answer)
    }

    private func show(_ data: JSON, _ table: QueryTable) throws {
        switch format {
        case "json": try Output.write(data.bytes(indented: true) + [0x0A])
        case "csv": try Output.write(table.csv)
        default: if !table.rows.isEmpty { try Output.write(table.text(width: Output.width)) }
        }
    }

    private func outcome(_ answer: JSON) -> LogsOutcome {
        var outcome = LogsOutcome(nothing: "no series match")
        outcome.take(answer)
        outcome.matched = answer["data"]["resultType"] == "scalar" ? 1 : answer["data"]["result"].elements.count
        let summary = answer["data"]["stats"]["summary"]
        if !summary.isNull {
            outcome.statistics = [
                "bytesSearched": summary["totalBytesProcessed"], "linesSearched": summary["totalLinesProcessed"], "seconds": summary["execTime"],
            ]
        }
        return outcome
    }
}
