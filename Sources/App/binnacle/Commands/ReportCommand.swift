import ArgumentParser
import HTTP
import JSON
import Runtime
import Serving
import Telemetry

struct ReportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report", abstract: "Write down what ran, how available it was, what restarted and why, and what it cost.",
        discussion: """
            The form follows the file's name: .html (one file, nothing loaded from elsewhere), .md, .csv or .json.

            EXAMPLES
              binnacle report --since 1h -o report.html
              binnacle report --since 1d -n shop -o - --format md
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable { case html, md, csv, json }

    @Option(name: [.short, .long], help: ArgumentHelp("The period: 1h, 7d, or from a time on.", valueName: "time")) var since: String = "1h"
    @Option(name: [.short, .long], help: ArgumentHelp("Until when; now by default.", valueName: "time")) var until: String?
    @Option(name: [.short, .long], help: "Only this namespace.") var namespace: String?
    @Option(name: .shortAndLong, help: ArgumentHelp("The file to write, or - for standard output.", valueName: "file")) var output: String = "report.html"
    @Option(help: "The form, where the file's name does not tell.") var format: Format?
    @OptionGroup var client: ClientOptions

    func run() async throws {
        let ending = output.split(separator: ".").last.map(String.init) ?? ""
        guard let form = format ?? Format(rawValue: ending) ?? (output == "-" ? .md : nil) else {
            throw CommandFailure(message: "the name \"\(output)\" tells no form", hint: "end it in .html, .md, .csv or .json, or give --format", exitCode: 2)
        }
        let end = try until.map { try TimeArgument.moment($0, flag: "--until") } ?? TimeArgument.now
        let start = try TimeArgument.moment(since, flag: "--since")
        guard start < end else { throw CommandFailure(message: "the period ends before it starts", exitCode: 2) }
        var target = "/api/report?format=\(form.rawValue)&start=\(start.seconds)&end=\(end.seconds)"
        if let namespace { target += "&namespace=\(namespace.percentEncoded)" }
        let answer = try await client.reaching { try await HTTPClient().send("GET", try client.address(target)) }
        guard answer.status == 200 else {
            let document = (try? JSON.parse(answer.body)) ?? .null
            throw CommandFailure(message: document["error"].string ?? "the server answered \(answer.status)", hint: document["hint"].string)
        }
        if output == "-" { return try Output.write(answer.body) }
        do {
            try HostFileSystem().replace(output, answer.body, mode: 0o644)
        } catch {
            throw CommandFailure(message: "\(error)", hint: "name another file with -o")
        }
        Output.error("wrote \(output) (\(answer.body.count) bytes)")
    }
}
