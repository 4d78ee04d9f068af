import APIServer
import Alerting
import ContainerRuntime
import Controllers
import HTTP
import Ingest
import InternetAddresses
import JSON
import Kubelet
import LogStore
import LogTail
import Logging
import NodeEndpoint
import NodeStats
import ObjectStore
import Objects
import PromQL
import QueryAPI
import Runtime
import Scraping
import SeriesStore
import ServiceLifecycle
import ServiceProxy
import Serving
import Telemetry

/// Everything of `binnacle up` in one process: made in the order in which one part needs another, and
/// handed to a service group that stops it in the opposite order.
struct Server {
    let settings: Settings
    let directory: DataDirectory
    let registry: MetricRegistry
    let runtime: HostRuntime
    let client: LocalClient
    let kubelet: KubeletService
    let kubeconfigPath: String
    let podNetwork: String
    let parts: [any Service]
    let log: Logger

    static let gitVersion = "v1.33.0+binnacle"

    static func make(_ settings: Settings) async throws -> Server {
        let rules = try AlertService.read(settings.alertSources)
        let directory = try DataDirectory.open(settings.dataDir)
        let registry = MetricRegistry()
        let log = Logger(label: "binnacle")
        registry.gauge("binnacle_build_info", "What this is.", ["version": Binnacle.version]).value = 1
        registry.gauge("process_start_time_seconds", "When this process started, in Unix seconds.").value = SystemClock().now.seconds

        let logsConfiguration = try LogsFile.read(settings.logsConfig, standard: LogTailConfiguration(), directory: directory.path)
        let stores = try Stores.open(directory, settings, registry)
        let ranges = try NetworkRanges.choose(settings, directory)
        let runtime = try await openRuntime(directory, settings, ranges, registry)
        do {
            return try await make(settings, directory, registry, stores, runtime, ranges, rules, logsConfiguration, log)
        } catch {
            // A start that failed leaves nothing, but does not end pods of an earlier run that it has found.
            if await runtime.sandboxes().isEmpty { await runtime.teardown() }
            throw error
        }
    }

    private static func make(
        _ settings: Settings, _ directory: DataDirectory, _ registry: MetricRegistry, _ stores: Stores, _ runtime: HostRuntime,
        _ ranges: NetworkRanges, _ rules: AlertSources.Loaded, _ logsConfiguration: LogTailConfiguration, _ log: Logger
    ) async throws -> Server {
        let clock = SystemClock()
        let network = try serviceNetwork(ranges, runtime)

        let kubeletReference = LockedValue<KubeletService?>(nil)
        let health = Health(stores: stores)
        var configuration = APIServer.Configuration()
        configuration.serviceNetwork = network
        configuration.securePort = settings.apiPort
        configuration.gitVersion = gitVersion
        let api = APIServer(
            store: stores.objects, configuration: configuration, logs: KubeletLogs(kubelet: kubeletReference), health: health, metrics: registry,
            metricsText: { [registry] in ExpositionText.print(registry) })
        try await api.bootstrap()
        let client = api.localClient

        let certificates = try Certificates.open(directory, settings, serviceAddress: "\(network.base + 1)", now: clock.now)
        var apiEndpoint = HTTPServer.Configuration(
            name: "Kubernetes API", host: "127.0.0.1", port: settings.apiPort, tls: certificates.serverIdentity)
        // As in kube-apiserver: only large answers are packed, and a watch, which may be one of hundreds, never.
        apiEndpoint.compressionThreshold = 128 << 10
        apiEndpoint.compressesStreams = false
        let apiServer = try await HTTPServer.bind(apiEndpoint, handler: api, metrics: registry, logger: log)

        let kubelet = makeKubelet(directory, settings, ranges, runtime, client, registry)
        kubeletReference.set(kubelet)
        let controllerEvents = EventRecorder(client: client, component: "binnacle-controllers", metrics: registry)
        let controlPlane = ControlPlane(
            client: client, finalizer: client, events: RecorderEvents(recorder: controllerEvents), metrics: registry,
            rootCertificate: certificates.authority)
        health.controlPlane.set(controlPlane)

        var collectorConfiguration = NodeCollector.Configuration(nodeName: settings.nodeName, dataDirectory: directory.path)
        collectorConfiguration.pendingLimit = 60
        // Every second of a pod's life is stored, and only of what somebody owns: `sum` over a node must not count a pod
        // again with its slice.
        collectorConfiguration.deliveryInterval = .seconds(1)
        collectorConfiguration.cpuBudget = 0.05
        collectorConfiguration.filter.onlyOwned = true
        collectorConfiguration.filter.always = ["/", "/kubepods", "/kubepods/burstable", "/kubepods/besteffort"]
        // One series of CPU time a container; what hardly anybody asks of each second is left to `binnacle collect`.
        collectorConfiguration.sets = MetricSet.standard.subtracting([.percpu, .numa, .hugetlb, .cpuset])
        let collector = NodeCollector(
            configuration: collectorConfiguration, source: KubeletContainers(kubelet: kubelet, layerDirectory: nil), fileSystem: HostFileSystem(),
            clock: clock, metrics: registry, logger: log)
        let logs = try UpLogs(
            settings, logsConfiguration, directory, kubelet: kubelet, sink: StoredLines(archive: stores.logs, health: health), registry: registry)
        health.collecting.set(logs.logs.trouble)

        let scrapes = try Scrapes(
            file: settings.scrapeConfig, cluster: ClusterTargets(client: client), store: stores.series, clock: clock, registry: registry, log: log)
        let alerts = await AlertService(
            settings.alertSources, rules, store: stores.series, address: "http://\(settings.nodeName):\(settings.readOnlyPort)", clock: clock,
            registry: registry, log: log)
        let ownMetrics = OwnMetrics(
            registry: registry, instance: settings.nodeName, store: stores.series,
            more: { kubelet.probeMetrics.collect() })
        registry.gauge("binnacle_certificate_expiry_timestamp_seconds", "When certificates expire, in Unix seconds.", ["name": "apiserver"]).value =
            certificates.serverExpiry.seconds
        let searches = LogSearches(stores.logs, settings, clock: clock, registry: registry)
        let router = readOnlyRouter(settings, directory, registry, collector, kubelet, stores, client, health, scrapes.scraper, alerts, searches)
        let intake = LogIntake(writer: ArchivedLogs(archive: stores.logs), clock: clock, metrics: registry)
        let listeners = try await LogListeners.bind(settings, intake: intake, registry: registry, log: log)
        let ingestServer = try await IngestEndpoint.bind(
            stores.series, logs: intake, searches: searches, directory, alerts: alerts, scrapes: scrapes, port: settings.ingestPort, clock: clock,
            registry: registry, log: log)
        let readOnlyServer = try await HTTPServer.bind(
            .init(name: "read-only endpoint", host: settings.bindAddress, port: settings.readOnlyPort), handler: router, metrics: registry, logger: log)
        let kubeconfigPath = settings.kubeconfig ?? "\(directory.path)/kubeconfig"
        try HostFileSystem().replace(kubeconfigPath, Array(certificates.kubeconfig.utf8), mode: 0o600)

        let proxy = try makeProxy(network, client, controllerEvents, registry)
        // Storage first, so that it stops last; the kubelet near the end, so that pods stop while everything else still runs.
        var parts: [any Service] = stores.parts + alerts.parts + scrapes.parts + listeners
        parts += [
            Part(name: "own metrics", body: { try await ownMetrics.run() }),
            apiServer, readOnlyServer, ingestServer,
            Part(name: "controllers", body: { await controlPlane.run() }),
            Part(name: "controller events", body: { await controllerEvents.run() }),
        ]
        parts += logs.parts
        parts += [
            Part(name: "collector", body: { try await collector.run(sink: StoredSamples(store: stores.series, health: health)) }),
            Part(
                name: "state metrics",
                body: { try await StateSampler(client: client, kubelet: kubelet, nodeName: settings.nodeName, store: stores.series).run() }),
            Part(name: "service proxy", body: { await proxy.run() }),
            Part(
                name: "kubelet", body: { try await kubelet.run() }, onStop: { await runtime.teardown() },
                beforeStop: { await kubelet.stopAllPods(within: .seconds(15)) }),
        ]
        return Server(
            settings: settings, directory: directory, registry: registry, runtime: runtime, client: client, kubelet: kubelet,
            kubeconfigPath: kubeconfigPath, podNetwork: "\(ranges.pods)", parts: parts, log: log)
    }

    private static func openRuntime(
        _ directory: DataDirectory, _ settings: Settings, _ ranges: NetworkRanges, _ registry: MetricRegistry
    ) async throws -> HostRuntime {
        var configuration = HostRuntimeConfiguration(stateDirectory: directory.runtime, metrics: registry)
        configuration.podRange = ranges.pods
        configuration.serviceRange = ranges.services
        configuration.hiddenPaths = [directory.path]
        configuration.version = Binnacle.version
        configuration.bridge = settings.bridge
        if settings.isolation == .none { configuration.disabling = Set(Ability.allCases) }
        do {
            return try await HostRuntime.open(configuration)
        } catch {
            throw CommandFailure(message: "the container runtime cannot start: \(error)")
        }
    }

    /// Without a network of their own pods reach services by loopback addresses, which need no rights.
    private static func serviceNetwork(_ ranges: NetworkRanges, _ runtime: HostRuntime) throws -> IPv4Network {
        let text = runtime.abilities.hasPodNetwork ? "\(ranges.services)" : "127.96.0.0/16"
        guard let network = IPv4Network(text), (12...30).contains(network.prefixLength) else {
            throw CommandFailure(message: "service-cidr is \"\(text)\", expected an IPv4 network of 12 to 30 bits", exitCode: 2)
        }
        return network
    }

    private static func makeKubelet(
        _ directory: DataDirectory, _ settings: Settings, _ ranges: NetworkRanges, _ runtime: HostRuntime, _ client: LocalClient,
        _ registry: MetricRegistry
    ) -> KubeletService {
        var configuration = KubeletConfiguration(
            nodeName: settings.nodeName, nodeAddress: HostAddress.primary, version: gitVersion, rootDirectory: directory.pods,
            logDirectory: directory.podLogs)
        configuration.podCIDR = runtime.abilities.hasPodNetwork ? "\(ranges.pods)" : nil
        // The image `host` finds this program by its name, which is what the demo runs.
        if let program = linkTarget("/proc/self/exe"), let slash = program.lastIndex(of: "/") {
            configuration.defaultPath = program[..<slash] + ":" + configuration.defaultPath
        }
        return KubeletService(configuration: configuration, client: client, runtime: runtime, transport: NetworkProbes(), metrics: registry)
    }

    private static func makeProxy(
        _ network: IPv4Network, _ client: LocalClient, _ recorder: EventRecorder, _ registry: MetricRegistry
    ) throws -> ServiceProxy {
        ServiceProxy(client: client, serviceCIDR: network, events: RecorderEvents(recorder: recorder), metrics: registry)
    }

    private static func readOnlyRouter(
        _ settings: Settings, _ directory: DataDirectory, _ registry: MetricRegistry, _ collector: NodeCollector, _ kubelet: KubeletService,
        _ stores: Stores, _ client: LocalClient, _ health: Health, _ scraper: Scraper, _ alerts: AlertService, _ searches: LogSearches
    ) -> HTTPRouter {
        let clock = SystemClock()
        var router = HTTPRouter()
        let checks = [
            HealthCheck("ping") { nil },
            HealthCheck("log") { health.problems.get().logs },
            HealthCheck("collecting") { health.collecting.get()?.text },
            HealthCheck("samples") { health.problems.get().samples },
            HealthCheck("syncloop") { await health.kubeletProblem(kubelet) },
        ]
        NodeEndpoint(readings: collector, events: collector.events, registry: registry, pods: KubeletPods(kubelet: kubelet), checks: checks).register(
            on: &router)
        StoreQueries.api(stores.series, scraper, alerts, settings, directory, registry).register(on: &router)
        ExportAPI(store: stores.series, clock: clock, selector: { try Parser.parseSelector($0) }).register(on: &router)
        searches.register(on: &router)
        let data = StoredReportData(engine: Engine(source: stores.series), archive: stores.logs, client: client)
        ReportAPI(data: data, nodeName: settings.nodeName, clock: clock).register(on: &router)
        return router
    }

    /// Runs all parts until the program is told to stop.
    func run(also extra: [any Service] = []) async throws {
        let group = ServiceGroup(configuration: .init(services: parts.map { .init(service: $0) } + extra.map { .init(service: $0) }, logger: log))
        let signals = Task {
            var isFirst = true
            for await name in TerminationSignal.stream() {
                if isFirst {
                    isFirst = false
                    Output.error("\(name): stopping all that was started; once more to stop at once")
                    await group.triggerGracefulShutdown()
                } else {
                    Output.error("stopping at once")
                    await runtime.shutdown(removingSandboxes: true)
                    await runtime.teardown()
                    exitNow(130)
                }
            }
        }
        defer { signals.cancel() }
        try await group.run()
    }
}
