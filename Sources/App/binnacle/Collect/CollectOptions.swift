import ArgumentParser
import JSON
import QuerySyntax
import Runtime
import Terminal

/// The flags of `collect`: one for each `CollectKey`.
struct CollectOptions: ParsableArguments {
    static let systemPath = "/etc/binnacle/collect.yaml"

    @Option(help: ArgumentHelp("The configuration file; \(systemPath) by default, if it exists.", valueName: "file")) var config: String?
    @Option(help: ArgumentHelp("The address to listen on.", valueName: "ip")) var bindAddress: String?
    @Option(help: ArgumentHelp("The port to listen on, before --port-offset.", valueName: "n")) var port: String?
    @Option(help: ArgumentHelp("Added to the port, for a second copy on one machine.", valueName: "n")) var portOffset: String?
    @Option(help: ArgumentHelp("This node's name.", valueName: "name")) var nodeName: String?
    @Option(help: ArgumentHelp("How often everything is read.", valueName: "duration")) var interval: String?
    @Option(help: ArgumentHelp("Sets of metrics to read besides those that are on.", valueName: "sets")) var enableMetrics: String?
    @Option(help: ArgumentHelp("Sets of metrics that are not read.", valueName: "sets")) var disableMetrics: String?
    @Option(help: ArgumentHelp("The most CPU to use, in percent of one core.", valueName: "percent")) var cpuBudget: String?
    @Option(help: ArgumentHelp("Labels of containers to show; no other is kept.", valueName: "names")) var containerLabels: String?
    @Option(help: ArgumentHelp("Environment variables of containers to show.", valueName: "names")) var containerEnv: String?
    @Option(help: ArgumentHelp("Where Docker answers: auto, none, or paths of sockets.", valueName: "paths")) var dockerSocket: String?
    @Option(help: ArgumentHelp("Where Podman answers: auto, none, or paths of sockets.", valueName: "paths")) var podmanSocket: String?
    @Option(help: ArgumentHelp("Where containerd answers: auto, none, or paths of sockets.", valueName: "paths")) var containerdSocket: String?
    @Option(help: ArgumentHelp("Where CRI-O answers: auto, none, or paths of sockets.", valueName: "paths")) var crioSocket: String?
    @Option(help: ArgumentHelp("Only cgroups below these paths, and those that somebody owns.", valueName: "paths")) var rawCgroupPrefix: String?
    @Option(help: ArgumentHelp("Only cgroups that a runtime or systemd owns.", valueName: "bool")) var ownedOnly: String?
    @Option(help: ArgumentHelp("Put before /proc, /sys and /etc.", valueName: "dir")) var root: String?
    @Option(help: ArgumentHelp("A file with the bearer token that clients must send.", valueName: "file")) var tokenFile: String?
    @Option(help: ArgumentHelp("Whether pages are packed: auto (for other machines only), always or never.", valueName: "when")) var compression: String?
    @OptionGroup(title: "Log lines") var logs: LogShippingOptions
    @OptionGroup var node: NodeFlags
    @Option(help: ArgumentHelp("How the program's own log is written: text or json.", valueName: "format")) var logFormat: String?
    @Option(help: ArgumentHelp("What the program's own log shows.", valueName: "level")) var logLevel: String?

    /// The flags that were given, by key.
    private var given: [(String, String)] {
        let all: [(String, String?)] = [
            ("bind-address", bindAddress), ("port", port), ("port-offset", portOffset), ("node-name", nodeName), ("interval", interval),
            ("enable-metrics", enableMetrics), ("disable-metrics", disableMetrics), ("cpu-budget", cpuBudget), ("container-labels", containerLabels),
            ("container-env", containerEnv), ("docker-socket", dockerSocket), ("podman-socket", podmanSocket), ("containerd-socket", containerdSocket),
            ("crio-socket", crioSocket), ("raw-cgroup-prefix", rawCgroupPrefix), ("owned-only", ownedOnly), ("root", root), ("token-file", tokenFile),
            ("compression", compression), ("log-format", logFormat), ("log-level", logLevel),
        ]
        return (all + logs.given + node.given).compactMap { name, value in value.map { (name, $0) } }
    }

    /// Defaults, then the file, then the flags.
    func settings() throws -> CollectSettings {
        var settings = CollectSettings()
        if let path = config ?? (HostFileSystem().exists(Self.systemPath) ? Self.systemPath : nil) { try Self.apply(path, to: &settings) }
        for (name, value) in given {
            guard let key = CollectKey.all.first(where: { $0.name == name }), key.write(&settings, value) else {
                let expected = CollectKey.all.first { $0.name == name }?.expected ?? ""
                throw CommandFailure(message: "--\(name) is \"\(value)\", expected \(expected)", exitCode: 2)
            }
        }
        guard (1...65_535).contains(settings.listenPort) else {
            throw CommandFailure(
                message: "port \(settings.port) moved by \(settings.portOffset) is \(settings.listenPort), which is no port", hint: "use another --port-offset",
                exitCode: 2)
        }
        return settings
    }

    /// Puts the file's values over `settings`. Throws one failure that lists every problem.
    static func apply(_ path: String, to settings: inout CollectSettings) throws {
        var problems: [String] = []
        for (name, value) in try SettingsFile.members(of: path) {
            guard let key = CollectKey.all.first(where: { $0.name == name }) else {
                let guess = NearestName.match(name, among: CollectKey.all.map(\.name)).map { "; did you mean \"\($0)\"?" } ?? ""
                problems.append("\(path): \"\(name)\" is no key of `binnacle collect`\(guess)")
                continue
            }
            let text = value.array.map { list in list.compactMap { SettingsFile.scalar($0) }.joined(separator: ",") } ?? SettingsFile.scalar(value)
            guard let text, key.write(&settings, text) else {
                problems.append("\(path): \(name) is \(value), expected \(key.expected)")
                continue
            }
        }
        guard problems.isEmpty else {
            throw CommandFailure(message: problems.joined(separator: "\nerror: "), hint: "`binnacle collect --help` lists the keys: each flag is one")
        }
    }
}
