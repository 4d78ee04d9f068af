import Alerting
import ArgumentParser
import Logging

struct AggregateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "aggregate", abstract: "Run the metric store alone: samples in on 10251, PromQL on 10255.",
        discussion: """
            Takes Prometheus remote write 1.0 and 2.0 (/api/v1/write), OTLP (/v1/metrics), InfluxDB's lines
            (/write, /api/v2/write), text, JSON lines and CSV (/api/v1/import...), and scrapes what
            --scrape-config names. What was answered with success is on the disk.

            EXAMPLES
              binnacle aggregate --data-dir /srv/metrics
              binnacle aggregate --data-dir /srv/old --retention unlimited --out-of-order-window unlimited
              binnacle aggregate --data-dir /srv/metrics --scrape-config prometheus.yml
              binnacle aggregate --data-dir /srv/metrics --rules 'rules/*.yml' --notify notify.yml
            """)

    @Option(help: ArgumentHelp("Where all state is kept.", valueName: "dir")) var dataDir: String?
    @Option(help: ArgumentHelp("Added to every port, for a second copy on one machine.", valueName: "n")) var portOffset = 0
    @Option(help: ArgumentHelp("The address that queries are answered on. What comes in comes in on the loopback address.", valueName: "ip"))
    var bindAddress = "127.0.0.1"
    @Option(help: ArgumentHelp("How long samples are kept: a duration, or unlimited.", valueName: "duration")) var retention = "15d"
    @Option(help: ArgumentHelp("How late a sample may come: a duration, or unlimited.", valueName: "duration")) var outOfOrderWindow = "24h"
    @Option(help: ArgumentHelp("What to scrape, in the form of Prometheus' own file.", valueName: "file")) var scrapeConfig: String?
    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp("Files of recording and alerting rules in Prometheus' form; * is a wildcard.", valueName: "file"))
    var rules: [String] = []
    @Option(help: ArgumentHelp("Whom to tell of alerts, in the form of Alertmanager's own file.", valueName: "file")) var notify: String?
    @Flag(help: "Leave out the built-in alerts (`binnacle alerts --built-in`).") var noDefaultAlerts = false
    @Option(help: ArgumentHelp("How the program's own log is written: text or json.", valueName: "format")) var logFormat = "text"
    @Option(help: ArgumentHelp("What the program's own log shows: debug, info, notice, warning, error.", valueName: "level")) var logLevel = "notice"

    func run() async throws {
        guard let format = Settings.LogFormat(rawValue: logFormat) else { throw wrong("log-format", logFormat, "text or json") }
        guard let level = Settings.LogLevel(rawValue: logLevel) else { throw wrong("log-level", logLevel, "debug, info, notice, warning or error") }
        guard (-5000...50_000).contains(portOffset) else { throw wrong("port-offset", "\(portOffset)", "a whole number from -5000 to 50000") }
        var settings = AggregateServer.Settings(
            dataDirectory: dataDir ?? Settings.defaultDataDirectory, retention: try duration("retention", retention),
            outOfOrderWindow: try duration("out-of-order-window", outOfOrderWindow))
        settings.portOffset = portOffset
        settings.bindAddress = bindAddress
        settings.scrapeFile = scrapeConfig
        settings.alerts = AlertSources(rules: rules, policy: notify, builtIn: noDefaultAlerts ? nil : PackageResources.default_rules_yaml)
        LoggingSystem.bootstrap { label in ProgramLog(format: format, label: label, logLevel: level.level) }
        let server = try await AggregateServer.make(settings)
        let text = """
            binnacle aggregate: PromQL on http://\(bindAddress):\(server.queryPort), samples in on http://127.0.0.1:\(server.ingestPort)
            data in \(server.directory.path); Ctrl-C stops

            """
        try await server.run { try Output.write(text) }
        Output.error("stopped")
    }

    private func duration(_ name: String, _ text: String) throws -> Duration {
        guard let value = text == "unlimited" ? SettingKey.unlimited : TimeArgument.parseDuration(text) else {
            throw wrong(name, text, "a duration such as 15d, or unlimited")
        }
        return value
    }

    private func wrong(_ name: String, _ text: String, _ expected: String) -> CommandFailure {
        CommandFailure(message: "--\(name) is \"\(text)\", expected \(expected)", exitCode: 2)
    }
}
