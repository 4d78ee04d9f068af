import Discovery
import HTTP
import Logging
import NodeEndpoint
import NodeStats
import Runtime
import ServiceLifecycle
import Serving
import Telemetry

/// Everything of `binnacle collect` in one process: the Collector, whoever knows owners, and the endpoint. No store is
/// opened, and nothing is written to disk but log lines that wait for an aggregator, if it collects any.
struct CollectServer {
    let settings: CollectSettings
    let nodeName: String
    /// What log lines are collected from.
    let logSources: [String]
    let parts: [any Service]
    let log: Logger

    static func make(_ settings: CollectSettings) async throws -> CollectServer {
        ServingThreads.limit(to: 1)
        let files = HostFileSystem()
        let log = Logger(label: "binnacle")
        let registry = MetricRegistry()
        registry.gauge("binnacle_build_info", "What this is.", ["version": Binnacle.version]).value = 1
        let token = try self.token(settings.tokenFile, files)
        guard settings.root.isEmpty || files.exists(settings.root + "/proc/stat") else {
            throw CommandFailure(
                message: "there is no \(settings.root)/proc/stat", hint: "--root names the directory that holds the host's /proc, /sys and /etc")
        }
        let nodeName = settings.nodeName.isEmpty ? hostName(settings.root, files) : settings.nodeName

        var configuration = NodeCollector.Configuration(nodeName: nodeName, dataDirectory: settings.root.isEmpty ? "/" : settings.root)
        configuration.interval = settings.interval
        // No store is here: whoever wants samples asks for them.
        configuration.delivers = false
        configuration.root = settings.root
        configuration.sets = settings.metricSets
        configuration.node = settings.node.options
        configuration.cpuBudget = settings.cpuBudget / 100
        configuration.filter.onlyOwned = settings.ownedOnly
        configuration.filter.rawPrefixes = settings.rawCgroupPrefix
        let shipping = try LogShipping.make(settings.logs, node: nodeName, root: settings.root, registry: registry)
        let owners = Owners.standard(ownersConfiguration(settings), fileSystem: files, metrics: registry, logger: log)
        let collector = NodeCollector(
            configuration: configuration, source: owners, fileSystem: files, clock: SystemClock(), metrics: registry, logger: log)

        var options = NodeEndpoint.Options()
        options.version = Binnacle.version
        options.root = settings.root
        options.mounts = collector.mounts
        options.hasStatusPage = true
        options.owners = { owners.statuses.filter { $0.state != .absent }.map { endpointStatus($0) } + (shipping.map { [$0.status] } ?? []) }
        var checks = [HealthCheck("ping") { nil }, HealthCheck("log") { nil }, HealthCheck("syncloop") { await lateness(collector) }]
        if let shipping { checks.append(shipping.health) }
        var router = HTTPRouter()
        NodeEndpoint(readings: collector, events: collector.events, registry: registry, pods: nil, checks: checks, options: options).register(on: &router)
        let handler: any HTTPHandler = token.map { BearerGate(token: $0, router) } ?? router

        let server: HTTPServer
        do {
            var listener = HTTPServer.Configuration(name: "collect endpoint", host: settings.bindAddress, port: settings.listenPort)
            if !settings.isPacked { listener.compressionLevel = 0 }
            server = try await HTTPServer.bind(listener, handler: handler, metrics: registry, logger: log)
        } catch let error as ServingError {
            throw CommandFailure(message: "\(error)")
        }
        let rounds = Part(name: "collector", body: { try await collector.run(sink: NoSink()) })
        let discovery = Part(name: "owners", body: { await owners.run() })
        let parts = (shipping?.parts ?? []) + [discovery, rounds, server]
        return CollectServer(settings: settings, nodeName: nodeName, logSources: shipping?.sources ?? [], parts: parts, log: log)
    }

    /// Sockets that were named are taken as they are, the usual ones are looked for where the host's files are.
    private static func ownersConfiguration(_ settings: CollectSettings) -> Owners.Configuration {
        var configuration = Owners.Configuration()
        func usual(_ paths: [String]) -> [String] { paths.map { settings.root + $0 } }
        configuration.docker = settings.dockerSockets ?? usual(configuration.docker)
        configuration.podman = settings.podmanSockets ?? usual(configuration.podman)
        configuration.containerd = settings.containerdSockets ?? usual(configuration.containerd)
        configuration.crio = settings.crioSockets ?? usual(configuration.crio)
        configuration.userDirectories = settings.podmanSockets == nil ? usual(configuration.userDirectories) : []
        configuration.labels = AllowList(settings.containerLabels)
        configuration.environment = AllowList(settings.containerEnv)
        configuration.procDirectory = settings.root + "/proc"
        return configuration
    }

    private static func endpointStatus(_ status: OwnerStatus) -> NodeEndpoint.OwnerStatus {
        let count = "\(status.containers) \(status.containers == 1 ? "container" : "containers")"
        let isWell = status.state == .connected
        return .init(
            name: status.owner, isWell: isWell, message: isWell ? [status.version, count].filter { !$0.isEmpty }.joined(separator: ", ") : status.problem)
    }

    /// What a person reads who has started it.
    var greeting: String {
        let host = settings.bindAddress.contains(":") ? "[\(settings.bindAddress)]" : settings.bindAddress
        let base = "http://\(host == "0.0.0.0" || host == "[::]" ? "127.0.0.1" : host):\(settings.listenPort)"
        let warning =
            !settings.isLocal && settings.tokenFile.isEmpty
            ? "  note        whoever reaches \(settings.bindAddress):\(settings.listenPort) can read all of this; --token-file asks for a token\n" : ""
        let logs = settings.logs.isOn ? "  logs        \(logSources.joined(separator: ", ")) to \(settings.logs.to)\n" : ""
        return """
            binnacle collect measures \(nodeName) each \(settings.interval == .seconds(1) ? "second" : "\(settings.interval)")
              page        \(base)/
              containers  \(base)/metrics/cadvisor
              node        \(base)/metrics/node
              summary     \(base)/stats/summary
            \(logs)\(warning)  Ctrl-C stops it

            """
    }

    func run() async throws {
        let group = ServiceGroup(configuration: .init(services: parts.map { .init(service: $0) }, logger: log))
        let signals = Task {
            var isFirst = true
            for await _ in TerminationSignal.stream() {
                if isFirst { await group.triggerGracefulShutdown() } else { exitNow(130) }
                isFirst = false
            }
        }
        defer { signals.cancel() }
        try await group.run()
    }

    /// Why the newest round is too old, or nil. Three intervals are given, as long as the CPU budget has made them by now, and
    /// ten seconds to a machine that is busy.
    private static func lateness(_ collector: NodeCollector) async -> String? {
        let age = SystemClock().now - (await collector.snapshot(maximumAge: nil)).timestamp
        let limit = max(.seconds(10), await collector.interval * 3)
        return age > limit ? "the newest round is \(age.wholeMilliseconds / 1000) s old" : nil
    }

    static func token(_ path: String, _ files: HostFileSystem, flag: String = "--token-file") throws -> String? {
        guard !path.isEmpty else { return nil }
        let text: String
        do { text = try files.text(path) } catch {
            throw CommandFailure(message: "\(error)", hint: "\(flag) names a file that holds the token")
        }
        let words = text.split { $0 == " " || $0.isNewline || $0 == "\t" }
        guard words.count == 1 else {
            throw CommandFailure(
                message: "\(path) holds \(words.count) words, expected one token", hint: "make one: head -c 24 /dev/urandom | base64 > \(path)")
        }
        return String(words[0])
    }

    /// Of the host, which in a container is not the one that the kernel tells.
    private static func hostName(_ root: String, _ files: HostFileSystem) -> String {
        guard !root.isEmpty, let text = try? files.text(root + "/etc/hostname"), let name = text.split(separator: "\n").first, !name.isEmpty else {
            return Settings.hostName
        }
        return String(name)
    }
}

/// Keeps nothing: whoever wants samples asks for them.
private struct NoSink: SampleSink {
    func append(_ frames: [SampleFrame]) async throws {}
}
