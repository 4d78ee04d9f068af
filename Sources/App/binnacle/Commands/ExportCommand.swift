import ArgumentParser
import HTTP
import Ingest
import Runtime
import Serving
import Telemetry

extension ExportForm: ExpressibleByArgument {}

struct ExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write samples down: JSON lines, Prometheus' text, OpenMetrics or CSV.",
        discussion: """
            JSON lines and CSV keep every bit, and `binnacle import` reads them back. Works in bounded memory, a day after the
            other; if it is broken off it says from where to go on. OpenMetrics goes metric by metric, and is taken whole.

            EXAMPLES
              binnacle export '{namespace="shop"}' --since 1d > shop.jsonl
              binnacle export up --format csv
            """)

    @Argument(help: "Which series, as PromQL selects them.") var selectors: [String]
    @Option(help: ArgumentHelp("From so long ago until now.", valueName: "duration")) var since: String?
    @Option(help: ArgumentHelp("From when.", valueName: "time")) var from: String?
    @Option(help: ArgumentHelp("Until when.", valueName: "time")) var to: String?
    @Option(help: "The form.") var format = ExportForm.jsonl
    @Flag(help: "Leave out the table's head: the output goes on with an earlier one.") var noHead = false
    @OptionGroup var client: ClientOptions

    private static let piece: Int64 = 86_400_000
    /// Of days without samples, in days.
    private static let longestStride: Int64 = 256

    func run() async throws {
        let now = SystemClock().now
        var start = try since.map { now - (try TimeArgument.duration($0, flag: "since")) }
        if let from { start = try TimeArgument.moment(from, flag: "from") }
        let end = try to.map { try TimeArgument.moment($0, flag: "to").milliseconds } ?? now.milliseconds + 3_600_000
        let oldest = try await client.reaching { try await HTTPClient().send("GET", try client.address("/api/v1/export/start")) }
        // A server that does not know the question is asked for all at once.
        var from = start?.milliseconds ?? 0
        if oldest.status == 200, let first = Int64(String(decoding: oldest.body, as: UTF8.self).filter { $0.isNumber || $0 == "-" }) { from = max(from, first) }
        var progress = TransferProgress(what: "exported")
        var isFirst = true
        // Days without samples are passed over in longer and longer strides: decades of them are a handful of requests.
        var days: Int64 = 1
        repeat {
            let through = format == .openmetrics ? end : min(end, (from.floorDivided(by: Self.piece) + days) * Self.piece - 1)
            do {
                let bytes = try await export(from, through, hasHead: isFirst && !noHead, &progress)
                days = bytes == 0 ? min(days * 2, Self.longestStride) : 1
            } catch {
                progress.end()
                guard format != .openmetrics, !isFirst else { throw error }
                let place = CivilTime(Timestamp(milliseconds: from)).rfc3339(fractionDigits: 3)
                throw CommandFailure(
                    message: "\(error)", hint: "all is written up to \(place): go on with --from \(place)\(format == .csv ? " --no-head" : "")", exitCode: 5)
            }
            isFirst = false
            from = through + 1
        } while from <= end
        progress.end()
    }

    /// One request. Broken off, its output is there in part: sent again to an import, it changes nothing.
    /// - Returns: how many bytes it had.
    private func export(_ from: Int64, _ through: Int64, hasHead: Bool, _ progress: inout TransferProgress) async throws -> Int {
        let query = selectors.map { ("match[]", $0) } + [("format", format.rawValue), ("start", Self.seconds(from)), ("end", Self.seconds(through))]
        let target =
            "/api/v1/export?" + (query + (hasHead ? [] : [("head", "0")])).map { "\($0.0.percentEncoded)=\($0.1.percentEncoded)" }.joined(separator: "&")
        var status = 0
        var problem: [UInt8] = []
        var count = 0
        try await client.reaching {
            try await HTTPClient().stream("GET", try client.address(target)) { answer in
                status = answer.status
            } onBody: { bytes in
                if status != 200 {
                    problem += bytes.prefix(2000)
                } else {
                    try Output.write(bytes)
                    progress.add(bytes.count)
                    count += bytes.count
                }
            }
        }
        guard status == 200 else {
            throw CommandFailure(message: "the server answered \(status): \(String(decoding: problem, as: UTF8.self).split(separator: "\n").first ?? "")")
        }
        return count
    }

    /// To the millisecond: a double's last digits would be others.
    private static func seconds(_ milliseconds: Int64) -> String { CivilTime(Timestamp(milliseconds: milliseconds)).rfc3339(fractionDigits: 3) }
}
