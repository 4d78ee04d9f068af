import NodeStats
import Telemetry

/// Everything that `binnacle collect` can be told, with its defaults. A key of the file is the flag's name.
struct CollectSettings: Sendable, Equatable {
    var bindAddress = "127.0.0.1"
    var port = Ports.readOnly
    var portOffset = 0
    /// Empty is the machine's own name.
    var nodeName = ""
    var interval = Duration.seconds(1)
    var enableMetrics: [MetricSet] = []
    var disableMetrics: [MetricSet] = []
    /// Percent of one core; 0 is no limit.
    var cpuBudget = 1.0
    var containerLabels: [String] = []
    var containerEnv: [String] = []
    /// Paths of sockets; nil is the usual places, none is not asked.
    var dockerSockets: [String]?
    var podmanSockets: [String]?
    var containerdSockets: [String]?
    var crioSockets: [String]?
    var rawCgroupPrefix: [String] = []
    var ownedOnly = false
    var root = ""
    var node = NodeSettings()
    var logs = LogShippingSettings()
    var tokenFile = ""
    var compression = Compression.auto
    var logFormat = Settings.LogFormat.text
    var logLevel = Settings.LogLevel.notice

    /// Whether answers are packed for clients that take gzip. `auto` does so where another machine can ask: to pack a page
    /// costs three times what it costs to make it, and what stays on the machine is not sent anywhere.
    enum Compression: String, CaseIterable, Sendable { case auto, always, never }
    var isPacked: Bool { compression == .always || (compression == .auto && !isLocal) }

    var listenPort: Int { port + portOffset }
    /// Only this machine can ask.
    var isLocal: Bool { bindAddress.hasPrefix("127.") || bindAddress == "::1" || bindAddress == "localhost" }

    /// `--disable-metrics` takes from what is on by itself, `--enable-metrics` adds to what is left: it wins, as in cAdvisor.
    var metricSets: Set<MetricSet> { MetricSet.standard.subtracting(disableMetrics).union(enableMetrics) }
}

/// One key of `binnacle collect`: its name, what it means, and how its text becomes a value.
struct CollectKey: Sendable {
    var name: String
    var help: String
    /// What is expected, in the words of an error message.
    var expected: String
    var read: @Sendable (CollectSettings) -> String
    /// False if the text is not what is expected.
    var write: @Sendable (inout CollectSettings, String) -> Bool

    static let all: [CollectKey] =
        [
            text("bind-address", "The address to listen on.", \.bindAddress),
            number("port", "The port to listen on, before --port-offset.", "a port from 1 to 65535", \.port, 1...65_535),
            number("port-offset", "Added to the port, for a second copy on one machine.", "a whole number from -5000 to 50000", \.portOffset, -5000...50_000),
            text("node-name", "This node's name; the machine's own by default.", \.nodeName, mayBeEmpty: true),
            CollectKey(
                name: "interval", help: "How often everything is read.", expected: "a duration from 100ms to 60s, such as 1s",
                read: { "\($0.interval.wholeMilliseconds)ms" },
                write: { settings, text in
                    guard let value = TimeArgument.parseDuration(text), (100...60_000).contains(value.wholeMilliseconds) else { return false }
                    settings.interval = value
                    return true
                }),
            sets("enable-metrics", "Sets of metrics to read besides those that are on; wins over --disable-metrics.", \.enableMetrics),
            sets("disable-metrics", "Sets of metrics that are not read.", \.disableMetrics),
            CollectKey(
                name: "cpu-budget", help: "The most CPU to use, in percent of one core; beyond it everything is read less often. 0 is no limit.",
                expected: "a number from 0 to 100, such as 1", read: { "\($0.cpuBudget)" },
                write: { settings, text in
                    guard let value = Double(text.hasSuffix("%") ? String(text.dropLast()) : text), (0...100).contains(value) else { return false }
                    settings.cpuBudget = value
                    return true
                }),
            list("container-labels", "Labels of containers to show, by name or with * at the end; no other is kept.", \.containerLabels),
            list("container-env", "Environment variables of containers to show, likewise.", \.containerEnv),
            sockets("docker-socket", "Docker", \.dockerSockets), sockets("podman-socket", "Podman", \.podmanSockets),
            sockets("containerd-socket", "containerd", \.containerdSockets), sockets("crio-socket", "CRI-O", \.crioSockets),
            list("raw-cgroup-prefix", "Only cgroups below these paths, and those that somebody owns; all by default.", \.rawCgroupPrefix),
            CollectKey(
                name: "owned-only", help: "Only cgroups that a runtime or systemd owns.", expected: "true or false", read: { "\($0.ownedOnly)" },
                write: { settings, text in
                    guard let value = Bool(text) else { return false }
                    settings.ownedOnly = value
                    return true
                }),
            text("root", "Put before /proc, /sys and /etc: where the host's are mounted in a container, or a recorded tree.", \.root, mayBeEmpty: true),
            text("token-file", "A file whose content a client must send as bearer token; /healthz needs none.", \.tokenFile, mayBeEmpty: true),
            choice("compression", "Whether pages are packed for who takes gzip: auto does so where other machines can ask.", \.compression),
            choice("log-format", "How the program's own log is written.", \.logFormat),
            choice("log-level", "What the program's own log shows.", \.logLevel),
        ] + LogShippingSettings.keys + NodeSettings.keys

    private typealias Path<Value> = WritableKeyPath<CollectSettings, Value> & Sendable

    private static func text(_ name: String, _ help: String, _ path: any Path<String>, mayBeEmpty: Bool = false) -> CollectKey {
        CollectKey(
            name: name, help: help, expected: "a text", read: { $0[keyPath: path] },
            write: { settings, text in
                guard mayBeEmpty || !text.isEmpty else { return false }
                settings[keyPath: path] = text
                return true
            })
    }

    private static func number(
        _ name: String, _ help: String, _ expected: String, _ path: any Path<Int>, _ range: ClosedRange<Int>
    ) -> CollectKey {
        CollectKey(
            name: name, help: help, expected: expected, read: { "\($0[keyPath: path])" },
            write: { settings, text in
                guard let value = Int(text), range.contains(value) else { return false }
                settings[keyPath: path] = value
                return true
            })
    }

    private static func list(_ name: String, _ help: String, _ path: any Path<[String]>) -> CollectKey {
        CollectKey(
            name: name, help: help, expected: "names separated by commas", read: { $0[keyPath: path].joined(separator: ",") },
            write: { settings, text in
                settings[keyPath: path] = words(text)
                return true
            })
    }

    private static func sockets(_ name: String, _ runtime: String, _ path: any Path<[String]?>) -> CollectKey {
        CollectKey(
            name: name, help: "Where \(runtime) answers: paths of sockets, or auto for the usual ones, or none to ask no \(runtime).",
            expected: "auto, none, or paths separated by commas",
            read: { $0[keyPath: path].map { $0.isEmpty ? "none" : $0.joined(separator: ",") } ?? "auto" },
            write: { settings, text in
                let paths = words(text)
                guard text == "auto" || text == "none" || (!paths.isEmpty && paths.allSatisfy { $0.hasPrefix("/") }) else { return false }
                settings[keyPath: path] = text == "auto" ? nil : text == "none" ? [] : paths
                return true
            })
    }

    private static func sets(_ name: String, _ help: String, _ path: any Path<[MetricSet]>) -> CollectKey {
        let known = MetricSet.allCases.map(\.rawValue).joined(separator: ", ")
        return CollectKey(
            name: name, help: help, expected: "some of \(known)", read: { $0[keyPath: path].map(\.rawValue).joined(separator: ",") },
            write: { settings, text in
                let sets = words(text).map { MetricSet(rawValue: $0) }
                guard !sets.contains(nil) else { return false }
                settings[keyPath: path] = sets.compactMap { $0 }
                return true
            })
    }

    private static func choice<Value: RawRepresentable<String> & CaseIterable & Sendable>(
        _ name: String, _ help: String, _ path: any Path<Value>
    ) -> CollectKey {
        CollectKey(
            name: name, help: help, expected: "one of " + Value.allCases.map(\.rawValue).joined(separator: ", "), read: { $0[keyPath: path].rawValue },
            write: { settings, text in
                guard let value = Value(rawValue: text) else { return false }
                settings[keyPath: path] = value
                return true
            })
    }

    static func words(_ text: String) -> [String] { text.split { $0 == "," || $0 == " " }.map(String.init) }
}
