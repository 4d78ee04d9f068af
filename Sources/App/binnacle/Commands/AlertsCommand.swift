import ArgumentParser
import HTTP
import JSON
import Runtime
import Serving
import Telemetry
import Terminal

struct AlertsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "alerts", abstract: "Show the alerts that are firing or about to.",
        discussion: """
            Firing ones first. An alert is pending while its condition holds for less than its `for`.

            EXAMPLES
              binnacle alerts
              binnacle alerts -o json | jq '.[].labels'
              binnacle alerts --built-in > alerts.yaml
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable { case table, json }

    @Option(name: .shortAndLong, help: "table or json.") var output = Format.table
    @Flag(help: "Print the built-in rules as YAML instead, asking no server.") var builtIn = false
    @OptionGroup var client: ClientOptions

    func run() async throws {
        if builtIn { return try Output.write(PackageResources.default_rules_yaml) }
        let answer = try await client.reaching { try await HTTPClient().send("GET", try client.address("/api/v1/alerts")) }
        guard answer.status == 200, let document = try? JSON.parse(answer.body), document["status"] == "success" else {
            throw CommandFailure(message: "the server answered \(answer.status) to /api/v1/alerts")
        }
        let alerts = document["data"]["alerts"].elements
        if output == .json { return try Output.write(JSON.array(alerts).bytes() + [0x0A]) }
        guard !alerts.isEmpty else { return Output.error("no alert is firing or pending") }
        try Output.write(Self.table(alerts, now: TimeArgument.now).render(width: Output.width))
    }

    private static func table(_ alerts: [JSON], now: Timestamp) -> TextTable {
        var table = TextTable([
            .init("state"), .init("alert"), .init("severity"), .init("for", .right), .init("summary", mayShrink: true), .init("labels", mayShrink: true),
        ])
        let sorted = alerts.enumerated().sorted { left, right in
            (left.element["state"] == "firing" ? 0 : 1, left.offset) < (right.element["state"] == "firing" ? 0 : 1, right.offset)
        }
        for (_, alert) in sorted {
            let labels = alert["labels"].stringMap
            let rest = labels.filter { !["alertname", "severity"].contains($0.key) }.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            let since = CivilTime.parse(alert["activeAt"].string ?? "")?.timestamp
            table.rows.append([
                alert["state"].string ?? "", labels["alertname"] ?? "", labels["severity"] ?? "", since.map { age(now - $0) } ?? "",
                alert["annotations"]["summary"].string ?? "", rest.joined(separator: " "),
            ])
        }
        return table
    }

    /// `45s`, `12m`, `3h5m`, `2d4h`.
    private static func age(_ duration: Duration) -> String {
        let seconds = max(0, duration.components.seconds)
        if seconds < 60 { return "\(seconds)s" }
        if seconds < 3600 { return "\(seconds / 60)m" }
        if seconds < 86_400 { return "\(seconds / 3600)h\(seconds / 60 % 60)m" }
        return "\(seconds / 86_400)d\(seconds / 3600 % 24)h"
    }
}
