import Alerting
import Glibc
import JSON
import Telemetry

/// Everything that `binnacle up` can be told, with its defaults. A key of the file is the flag's name.
struct Settings: Sendable {
    enum LogFormat: String, Sendable, CaseIterable { case text, json }
    enum LogLevel: String, Sendable, CaseIterable { case trace, debug, info, notice, warning, error }

    var dataDir = Settings.defaultDataDirectory
    var portOffset = 0
    var bindAddress = "127.0.0.1"
    var nodeName = Settings.hostName
    var logFormat = LogFormat.text
    var logLevel = LogLevel.notice
    /// `auto` takes the first that no other copy on this machine has.
    var podCIDR = "auto"
    var serviceCIDR = "auto"
    var clusterDomain = "cluster.local"
    var store = StoreSettings()
    var logsRetention = Duration.seconds(15 * 86_400)
    var logListen = LogListenSettings()
    /// What is collected beside our own pods' lines, and what is done with all of them.
    var logsConfig: String?
    var isolation = Isolation.auto
    var scrapeConfig: String?
    /// Files of rules, which may have wildcards.
    var rules: [String] = []
    var notify: String?
    var defaultAlerts = true
    var kubeconfig: String?

    /// `auto` tries each right; `none` runs pods as plain process groups on the host's network.
    enum Isolation: String, Sendable, CaseIterable { case auto, none }

    /// A second copy on one machine has a bridge of its own. At most 15 characters.
    var bridge: String { portOffset == 0 ? "binnacle0" : "binnacle\(portOffset)" }
    var readOnlyPort: Int { Ports.readOnly + portOffset }
    var ingestPort: Int { Ports.ingest + portOffset }
    var apiPort: Int { Ports.api + portOffset }

    var alertSources: AlertSources { AlertSources(rules: rules, policy: notify, builtIn: defaultAlerts ? PackageResources.default_rules_yaml : nil) }

    /// `/var/lib/binnacle` where it can be written, else `$XDG_DATA_HOME/binnacle`.
    static var defaultDataDirectory: String {
        if geteuid() == 0 { return "/var/lib/binnacle" }
        let home = Output.environment("HOME") ?? "/tmp"
        return (Output.environment("XDG_DATA_HOME") ?? "\(home)/.local/share") + "/binnacle"
    }

    static var hostName: String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard unsafe gethostname(&buffer, 255) == 0 else { return "localhost" }
        let name = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self).lowercased()
        // A node's name is a DNS subdomain.
        let allowed = name.map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "." || $0 == "-") ? $0 : "-" }
        let trimmed = String(allowed).split(separator: "-").joined(separator: "-")
        return trimmed.isEmpty ? "localhost" : trimmed
    }
}

/// One key of the configuration: its name, what it means, and how its text becomes a value.
struct SettingKey: Sendable {
    var name: String
    var help: String
    /// What is expected, in the words of an error message.
    var expected: String
    var read: @Sendable (Settings) -> String
    /// False if the text is not what is expected.
    var write: @Sendable (inout Settings, String) -> Bool
    /// Whether there may be several, a line of the text each: a list in the file, a repeated flag.
    var isList = false

    static let all: [SettingKey] = general + store + logs

    private static let general: [SettingKey] = [
        text("data-dir", "Where all state is kept.", \.dataDir),
        SettingKey(
            name: "port-offset", help: "Added to every port, for a second copy on one machine.", expected: "a whole number from -5000 to 50000",
            read: { "\($0.portOffset)" },
            write: { settings, text in
                guard let value = Int(text), (-5000...50_000).contains(value) else { return false }
                settings.portOffset = value
                return true
            }),
        text("bind-address", "The address that the read-only endpoint listens on.", \.bindAddress),
        text("node-name", "This node's name.", \.nodeName),
        choice("log-format", "How the program's own log is written.", \.logFormat),
        choice("log-level", "What the program's own log leaves out.", \.logLevel),
        text("pod-cidr", "The pods' addresses.", \.podCIDR),
        text("service-cidr", "The services' virtual addresses.", \.serviceCIDR),
        text("cluster-domain", "The domain of the cluster's names.", \.clusterDomain),
        duration("logs-retention", "How long log lines are kept.", \.logsRetention),
        choice("isolation", "Whether pods get namespaces of their own.", \.isolation),
        SettingKey(
            name: "scrape-config", help: "What to scrape besides annotated pods, in the form of Prometheus' own file.", expected: "a path",
            read: { $0.scrapeConfig ?? "" },
            write: { settings, text in
                settings.scrapeConfig = text.isEmpty ? nil : text
                return true
            }),
        SettingKey(
            name: "rules", help: "Files of recording and alerting rules in Prometheus' form; * is a wildcard.", expected: "paths, a line or a comma between",
            read: { $0.rules.joined(separator: "\n") },
            write: { settings, text in
                settings.rules = text.split { $0 == "," || $0 == "\n" }.map { String($0.drop { $0 == " " }) }
                return true
            }, isList: true),
        SettingKey(
            name: "notify", help: "Whom to tell of alerts, in the form of Alertmanager's own file.", expected: "a path",
            read: { $0.notify ?? "" },
            write: { settings, text in
                settings.notify = text.isEmpty ? nil : text
                return true
            }),
        SettingKey(
            name: "default-alerts", help: "Whether the built-in alerts are evaluated.", expected: "true or false", read: { "\($0.defaultAlerts)" },
            write: { settings, text in
                guard let value = Bool(text) else { return false }
                settings.defaultAlerts = value
                return true
            }),
        SettingKey(
            name: "kubeconfig", help: "Where the kubeconfig is written; in the data directory by default.", expected: "a path",
            read: { $0.kubeconfig ?? "" },
            write: { settings, text in
                settings.kubeconfig = text.isEmpty ? nil : text
                return true
            }),
    ]

    private static func text(_ name: String, _ help: String, _ path: any WritableKeyPath<Settings, String> & Sendable) -> SettingKey {
        SettingKey(
            name: name, help: help, expected: "a text", read: { $0[keyPath: path] },
            write: { settings, text in
                guard !text.isEmpty else { return false }
                settings[keyPath: path] = text
                return true
            })
    }

    private static func choice<Value: RawRepresentable<String> & CaseIterable & Sendable>(
        _ name: String, _ help: String, _ path: any WritableKeyPath<Settings, Value> & Sendable
    ) -> SettingKey {
        SettingKey(
            name: name, help: help, expected: "one of " + Value.allCases.map(\.rawValue).joined(separator: ", "),
            read: { $0[keyPath: path].rawValue },
            write: { settings, text in
                guard let value = Value(rawValue: text) else { return false }
                settings[keyPath: path] = value
                return true
            })
    }

    static func duration(_ name: String, _ help: String, _ path: any WritableKeyPath<Settings, Duration> & Sendable) -> SettingKey {
        SettingKey(
            name: name, help: help, expected: "a duration such as 15d, or unlimited", read: { durationText($0[keyPath: path]) },
            write: { settings, text in
                guard let value = text == "unlimited" ? unlimited : TimeArgument.parseDuration(text) else { return false }
                settings[keyPath: path] = value
                return true
            })
    }

    /// Puts what flags say over `settings`.
    static func apply(_ given: [(name: String, value: String)], to settings: inout Settings) throws {
        for (name, value) in given {
            guard let key = all.first(where: { $0.name == name }), key.write(&settings, value) else {
                let expected = all.first { $0.name == name }?.expected ?? ""
                throw CommandFailure(message: "--\(name) is \"\(value)\", expected \(expected)", exitCode: 2)
            }
        }
    }

    /// All settings as a configuration file.
    static func yaml(_ settings: Settings) -> String {
        all.map { key in
            let text = key.read(settings)
            // JSON's texts are YAML's.
            guard key.isList else { return "\(key.name): \(text)\n" }
            return "\(key.name): \(JSON.array(text.split(separator: "\n").map { .string(String($0)) }))\n"
        }.joined()
    }

    /// Three hundred years: longer than nanoseconds of 64 bits reach.
    static let unlimited = Duration.seconds(Int64(290) * 365 * 86_400)

    static func durationText(_ duration: Duration) -> String {
        if duration >= unlimited { return "unlimited" }
        let seconds = duration.wholeMilliseconds / 1000
        return seconds % 86_400 == 0 ? "\(seconds / 86_400)d" : "\(seconds)s"
    }
}
