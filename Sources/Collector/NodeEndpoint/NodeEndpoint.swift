import Exposition
import HTTP
import JSON
import NodeStats
import Runtime

/// What the endpoint asks of whoever runs pods on this node; App plugs the kubelet in.
public protocol PodSource: Sendable {
    /// A `v1.PodList` of all pods that the kubelet knows, with status.
    func podList() async -> JSON
    /// `prober_*` metrics.
    func probeMetrics() async -> [MetricFamily]
}

/// The read-only surface of one node: the kubelet's paths, cAdvisor's API, the node's metrics, and a page to look at
/// (contracts/metrics.md sections 1 and 2). Nothing is changed here.
public struct NodeEndpoint: Sendable {
    public struct Options: Sendable {
        /// What `version` and `cadvisor_version` say.
        public var version = ""
        /// Put before /proc and /etc for what is read on request, as the Collector's own prefix.
        public var root = ""
        /// Where cgroups are, for the list of a container's processes; nil has no such list.
        public var mounts: CgroupMounts?
        /// Whether `/` shows the built-in page.
        public var hasStatusPage = false
        /// Who says whose a cgroup is, for the page: a name and a word on how it is.
        public var owners: @Sendable () async -> [OwnerStatus] = { [] }
        public init() {}
    }

    /// One source of owners, as the page shows it.
    public struct OwnerStatus: Sendable {
        public var name: String
        public var isWell: Bool
        public var message: String
        public init(name: String, isWell: Bool, message: String) {
            self.name = name
            self.isWell = isWell
            self.message = message
        }
    }

    let readings: any NodeReadings
    let events: any EventSource
    let registry: MetricRegistry
    let pods: (any PodSource)?
    let health: Health
    let options: Options
    let files: any FileSystem

    public init(
        readings: any NodeReadings, events: any EventSource = NoEvents(), registry: MetricRegistry, pods: (any PodSource)?, checks: [HealthCheck],
        options: Options = Options(), files: any FileSystem = HostFileSystem()
    ) {
        self.readings = readings
        self.events = events
        self.registry = registry
        self.pods = pods
        health = Health(checks: checks)
        self.options = options
        self.files = files
    }

    public func register(on router: inout HTTPRouter) {
        registerHealthAndMetrics(on: &router)
        registerKubelet(on: &router)
        CadvisorAPI(readings: readings, events: events, options: options, files: files).register(on: &router)
        CadvisorPages(readings: readings, files: files, options: options).register(on: &router)
        if options.hasStatusPage { StatusPage(readings: readings, options: options).register(on: &router) }
    }

    private func registerHealthAndMetrics(on router: inout HTTPRouter) {
        router.on("GET", "/healthz") { request, _ in await health.answer(request) }
        router.on("GET", "/healthz/{name}") { request, parameters in await health.answer(request, only: parameters["name"]) }
        router.on("GET", "/metrics") { request, _ in exposition(await ownMetrics(), request) }
        router.on("GET", "/metrics/cadvisor") { request, _ in
            let format = TextFormat.negotiated(accept: request.fields["Accept"])
            let (snapshot, sets) = (await readings.snapshot(maximumAge: nil), readings.sets)
            return HTTPResponse(
                fields: ["Content-Type": format.contentType],
                body: .stream { try await CadvisorMetrics.write(snapshot, format: format, sets: sets, to: $0) })
        }
        router.on("GET", "/metrics/resource") { request, _ in
            exposition(ResourceMetrics.families(of: await readings.snapshot(maximumAge: nil)), request)
        }
        router.on("GET", "/metrics/node") { request, _ in
            let format = TextFormat.negotiated(accept: request.fields["Accept"])
            return HTTPResponse(
                fields: ["Content-Type": format.contentType],
                body: .bytes(NodePage.print(await readings.snapshot(maximumAge: nil).node.metrics, format: format)))
        }
        router.on("GET", "/metrics/probes") { request, _ in
            let start = ProcessMetrics.families(files, bootTime: await readings.snapshot(maximumAge: nil).machine.bootTime)
                .filter { $0.name == "process_start_time_seconds" }
            return exposition((await pods?.probeMetrics() ?? []) + start, request)
        }
        router.on("GET", "/metrics/slis") { request, _ in exposition(await health.serviceLevels(), request) }
    }

    private func registerKubelet(on router: inout HTTPRouter) {
        router.on("GET POST", "/stats/summary") { request, _ in
            let reduced = request.parameter("only_cpu_and_memory") == "true"
            return .json(Summary.document(of: await readings.snapshot(maximumAge: nil), onlyCPUAndMemory: reduced))
        }
        LegacyStats(readings: readings).register(on: &router)
        router.on("GET", "/spec/") { _, _ in .json(MachineDocument.document(of: await readings.snapshot(maximumAge: nil))) }
        router.on("GET", "/pods") { _, _ in
            .json(await pods?.podList() ?? ["kind": "PodList", "apiVersion": "v1", "metadata": [:], "items": []])
        }
        for path in Self.refused {
            // What may change or reveal something is never on this port (contracts/metrics.md 1.1).
            let refuse: HTTPRouter.Action = { _, _ in .text("Debug endpoints are disabled.\n", status: 405) }
            router.on("GET POST PUT DELETE", "/\(path)", refuse)
            router.on("GET POST PUT DELETE", "/\(path)/{rest...}", refuse)
        }
    }

    /// The first segments of the kubelet's debug paths.
    static let refused = [
        "run", "exec", "attach", "portForward", "containerLogs", "runningpods", "debug", "configz", "checkpoint", "logs", "cri", "flagz", "statusz",
    ]

    /// Our own metrics and those of the process; the registry's wins where both have one.
    private func ownMetrics() async -> [MetricFamily] {
        let own = registry.collect()
        let known = Set(own.map(\.name))
        let process = ProcessMetrics.families(files, bootTime: await readings.snapshot(maximumAge: nil).machine.bootTime)
        return (own + process.filter { !known.contains($0.name) }).sorted { $0.name < $1.name }
    }

    private func exposition(_ families: [MetricFamily], _ request: HTTPRequest) -> HTTPResponse {
        let format = TextFormat.negotiated(accept: request.fields["Accept"])
        return HTTPResponse(fields: ["Content-Type": format.contentType], body: .bytes(format.print(families)))
    }
}
