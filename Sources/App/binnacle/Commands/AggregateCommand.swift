import Alerting
import ArgumentParser
import Logging

struct AggregateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "aggregate", abstract: "Run the stores of metrics and logs alone: samples and lines in on 10251, queries on 10255.",
        discussion: """
            Takes Prometheus remote write 1.0 and 2.0 (/api/v1/write), OTLP (/v1/metrics), InfluxDB's lines
            (/write, /api/v2/write), text, JSON lines and CSV (/api/v1/import...), and scrapes what
            --scrape-config names. Log lines come in by Loki's push (/loki/api/v1/push), Elasticsearch's
            _bulk, JSON lines (/insert/jsonline), OTLP (/v1/logs) and the journal's upload on the same port,
            syslog on 5140 and Fluentd's forward protocol on 24224. What was answered with success is on the disk.

            EXAMPLES
              binnacle aggregate --data-dir /srv/metrics
              binnacle aggregate --data-dir /srv/old --retention unlimited --out-of-order-window unlimited
              binnacle aggregate --data-dir /srv/metrics --scrape-config prometheus.yml
              binnacle aggregate --data-dir /srv/all --syslog-listen 0.0.0.0:5140 --logs-retention 30d
              binnacle aggregate --data-dir /srv/metrics --rules 'rules/*.yml' --notify notify.yml
            """)

    @Option(help: ArgumentHelp("Where all state is kept.", valueName: "dir")) var dataDir: String?
    @Option(help: ArgumentHelp("Added to every port, for a second copy on one machine.", valueName: "n")) var portOffset: String?
    @Option(help: ArgumentHelp("The address that queries are answered on. What comes in comes in on the loopback address.", valueName: "ip"))
    var bindAddress: String?
    @Option(help: ArgumentHelp("What to scrape, in the form of Prometheus' own file.", valueName: "file")) var scrapeConfig: String?
    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp("Files of recording and alerting rules in Prometheus' form; * is a wildcard.", valueName: "file"))
    var rules: [String] = []
    @Option(help: ArgumentHelp("Whom to tell of alerts, in the form of Alertmanager's own file.", valueName: "file")) var notify: String?
    @Flag(help: "Leave out the built-in alerts (`binnacle alerts --built-in`).") var noDefaultAlerts = false
    @Option(help: ArgumentHelp("How the program's own log is written: text or json.", valueName: "format")) var logFormat: String?
    @Option(help: ArgumentHelp("What the program's own log shows: debug, info, notice, warning, error.", valueName: "level")) var logLevel: String?
    @Option(help: ArgumentHelp("How long log lines are kept.", valueName: "duration")) var logsRetention: String?
    @OptionGroup(title: "Store and queries") var store: StoreOptions
    @OptionGroup(title: "Log lines of other programs") var logs: LogListenOptions

    func run() async throws {
        let own = [
            ("data-dir", dataDir), ("port-offset", portOffset), ("bind-address", bindAddress), ("scrape-config", scrapeConfig),
            ("rules", rules.isEmpty ? nil : rules.joined(separator: "\n")), ("notify", notify), ("default-alerts", noDefaultAlerts ? "false" : nil),
            ("log-format", logFormat), ("log-level", logLevel), ("logs-retention", logsRetention),
        ]
        var settings = Settings()
        try SettingKey.apply(own.compactMap { name, value in value.map { (name, $0) } } + store.given + logs.given, to: &settings)
        let (format, level) = (settings.logFormat, settings.logLevel.level)
        LoggingSystem.bootstrap { label in ProgramLog(format: format, label: label, logLevel: level) }
        let server = try await AggregateServer.make(settings)
        let text = """
            binnacle aggregate: queries on http://\(settings.bindAddress):\(server.queryPort), samples and log lines in on http://127.0.0.1:\(server.ingestPort)
            data in \(server.directory.path); Ctrl-C stops

            """
        try await server.run { try Output.write(text) }
        Output.error("stopped")
    }
}
