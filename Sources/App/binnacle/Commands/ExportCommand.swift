import ArgumentParser
import HTTP
import Ingest
import Runtime
import Serving
import Telemetry

extension ExportForm: ExpressibleByArgument {}

struct ExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write samples down: JSON lines, Prometheus' text or CSV.",
        discussion: """
            JSON lines keep every bit, and `binnacle import` reads them back. Both work in bounded memory.

            EXAMPLES
              binnacle export '{namespace="shop"}' --since 1d > shop.jsonl
              binnacle export up --format csv
            """)

    @Argument(help: "Which series, as PromQL selects them.") var selectors: [String]
    @Option(help: ArgumentHelp("From so long ago until now.", valueName: "duration")) var since: String?
    @Option(help: ArgumentHelp("From when.", valueName: "time")) var from: String?
    @Option(help: ArgumentHelp("Until when.", valueName: "time")) var to: String?
    @Option(help: "The form.") var format = ExportForm.jsonl
    @OptionGroup var client: ClientOptions

    func run() async throws {
        var query = selectors.map { ("match[]", $0) } + [("format", format.rawValue)]
        if let since {
            let start = SystemClock().now - (try TimeArgument.duration(since, flag: "since"))
            query.append(("start", "\(start.seconds)"))
        }
        if let from { query.append(("start", "\(try TimeArgument.moment(from, flag: "from").seconds)")) }
        if let to { query.append(("end", "\(try TimeArgument.moment(to, flag: "to").seconds)")) }
        let target = "/api/v1/export?" + query.map { "\($0.0.percentEncoded)=\($0.1.percentEncoded)" }.joined(separator: "&")
        var status = 0
        var problem: [UInt8] = []
        var progress = TransferProgress(what: "exported")
        try await client.reaching {
            try await HTTPClient().stream("GET", try client.address(target)) { answer in
                status = answer.status
            } onBody: { bytes in
                if status != 200 {
                    problem += bytes.prefix(2000)
                } else {
                    try Output.write(bytes)
                    progress.add(bytes.count)
                }
            }
        }
        progress.end()
        guard status == 200 else {
            throw CommandFailure(message: "the server answered \(status): \(String(decoding: problem, as: UTF8.self).split(separator: "\n").first ?? "")")
        }
    }
}
