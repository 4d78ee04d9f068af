import HTTP
import JSON
import LogQL
import LogStore
import Telemetry

/// Queries whose last stages look at the answer as a whole (`sort`, `dedup`, `limit`, `context`): found whole, then given out.
/// There is no cursor behind them; what was cut off is said.
extension LogsAPI {
    /// The most lines of such an answer.
    static let maximumWholeLines = 10_000
    private static let wholeTimeout: Duration = .seconds(60)

    func whole(_ pipeline: LogPipeline, _ range: Range<Int64>, direction: LogDirection, limit: Int) async throws -> HTTPResponse {
        let start = ContinuousClock.now
        var options = LogEngine.Options()
        options.now = now()
        options.isExpired = { ContinuousClock.now - start > Self.wholeTimeout }
        let result: LogLinesResult
        do throws(LogQLError) {
            result = try await LogEngine(source, options: options).lines(
                pipeline, LogLinesRequest(range, direction: direction, limit: min(limit, Self.maximumWholeLines)))
        } catch {
            throw LogsRequestError(parameter: "q", problem: error.message, hint: "narrow the query or its time", status: error.kind.status)
        }
        let isSorted = pipeline.stages.contains { if case .sort = $0 { true } else { false } }
        return Self.stream("application/x-ndjson") { writer in
            var bytes: [UInt8] = []
            for entry in result.entries {
                bytes += Self.encode(Self.line(entry), isMatch: !entry.isContext)
                guard bytes.count > 1 << 20 else { continue }
                try await writer.write(bytes)
                bytes = []
            }
            let matched = result.entries.count { !$0.isContext }
            var trailer = JSONObject([
                ("stats", LogsEncoding.statistics(result.statistics, matched: matched, seconds: (ContinuousClock.now - start).inSeconds)), ("cursor", nil),
            ])
            if result.next != nil { trailer["truncated"] = true }
            if isSorted { trailer["isSorted"] = true }
            let warnings = LogsEncoding.warnings(result.statistics)
            if !warnings.isEmpty { trailer["warnings"] = .array(warnings) }
            try await writer.write(bytes + JSON.object(trailer).bytes() + [0x0A])
        }
    }

    private static let severities: [String: LogRecord.Severity] = [
        "trace": .trace, "debug": .debug, "info": .info, "warn": .warning, "error": .error, "fatal": .fatal,
    ]

    private static func line(_ entry: LogEntry) -> LogLine {
        let stream = entry.categories.stream
        return LogLine(
            position: entry.cursor, stream: stream, severity: severities[entry.labels["detected_level"]] ?? .unknown, body: entry.line,
            fields: entry.labels.filter { $0.name != "detected_level" && stream[$0.name] != $0.value })
    }
}
