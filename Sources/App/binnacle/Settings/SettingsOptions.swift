import ArgumentParser

/// The flags of `up`: one for each `SettingKey`, which `SettingsOptionsTests` holds.
struct SettingsOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The configuration file.", valueName: "file")) var config: String?
    @Option(help: ArgumentHelp("Where all state is kept.", valueName: "dir")) var dataDir: String?
    @Option(help: ArgumentHelp("Added to every port, for a second copy on one machine.", valueName: "n")) var portOffset: String?
    @Option(help: ArgumentHelp("The address that the read-only endpoint listens on.", valueName: "ip")) var bindAddress: String?
    @Option(help: ArgumentHelp("This node's name.", valueName: "name")) var nodeName: String?
    @Option(help: ArgumentHelp("How the program's own log is written: text or json.", valueName: "format")) var logFormat: String?
    @Option(help: ArgumentHelp("What the program's own log shows: debug, info, notice, warning, error.", valueName: "level")) var logLevel: String?
    @Option(name: .customLong("pod-cidr"), help: ArgumentHelp("The pods' addresses.", valueName: "cidr")) var podCIDR: String?
    @Option(name: .customLong("service-cidr"), help: ArgumentHelp("The services' virtual addresses.", valueName: "cidr")) var serviceCIDR: String?
    @Option(help: ArgumentHelp("The domain of the cluster's names.", valueName: "domain")) var clusterDomain: String?
    @Option(help: ArgumentHelp("How long log lines are kept.", valueName: "duration")) var logsRetention: String?
    @Option(help: ArgumentHelp("Which logs are collected beside our pods', and what is done with lines.", valueName: "file")) var logsConfig: String?
    @Option(help: ArgumentHelp("Whether pods get namespaces of their own: auto or none.", valueName: "choice")) var isolation: String?
    @Option(help: ArgumentHelp("What to scrape besides annotated pods, in the form of Prometheus' own file.", valueName: "file")) var scrapeConfig: String?
    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp("Files of recording and alerting rules in Prometheus' form; * is a wildcard.", valueName: "file"))
    var rules: [String] = []
    @Option(help: ArgumentHelp("Whom to tell of alerts, in the form of Alertmanager's own file.", valueName: "file")) var notify: String?
    @Flag(help: "Leave out the built-in alerts (`binnacle alerts --built-in`).") var noDefaultAlerts = false
    @Option(help: ArgumentHelp("Where the kubeconfig is written.", valueName: "file")) var kubeconfig: String?

    @OptionGroup(title: "Metric store and queries") var store: StoreOptions
    @OptionGroup(title: "Log lines of other programs") var logs: LogListenOptions

    /// The flags that were given, by key.
    private var given: [(name: String, value: String)] {
        let all: [(String, String?)] = [
            ("data-dir", dataDir), ("port-offset", portOffset), ("bind-address", bindAddress), ("node-name", nodeName),
            ("log-format", logFormat), ("log-level", logLevel), ("pod-cidr", podCIDR), ("service-cidr", serviceCIDR),
            ("cluster-domain", clusterDomain), ("logs-retention", logsRetention), ("logs-config", logsConfig), ("isolation", isolation),
            ("scrape-config", scrapeConfig),
            ("rules", rules.isEmpty ? nil : rules.joined(separator: "\n")), ("notify", notify),
            ("default-alerts", noDefaultAlerts ? "false" : nil), ("kubeconfig", kubeconfig),
        ]
        return all.compactMap { name, value in value.map { (name, $0) } } + store.given + logs.given
    }

    /// Defaults, then the file, then the flags.
    func settings() throws -> Settings {
        var settings = Settings()
        if let path = SettingsFile.path(named: config) { try SettingsFile.apply(path, to: &settings) }
        try SettingKey.apply(given, to: &settings)
        return settings
    }
}
