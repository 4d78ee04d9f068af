import Exposition
import HTTP
import JSON
import NodeStats
import Runtime
import Telemetry

/// What the endpoint asks of whoever runs pods on this node; App plugs the kubelet in.
public protocol PodSource: Sendable {
    /// A `v1.PodList` of all pods that the kubelet knows, with status.
    func podList() async -> JSON
    /// `prober_*` metrics.
    func probeMetrics() async -> [MetricFamily]
}

/// A part of the program that can say whether it is well.
public struct HealthCheck: Sendable {
    public var name: String
    /// Nil if well, else what is wrong.
    public var problem: @Sendable () async -> String?
    public init(_ name: String, _ problem: @escaping @Sendable () async -> String?) {
        self.name = name
        self.problem = problem
    }
}

/// The kubelet's read-only surface of one node (contracts/metrics.md section 1): nothing is written here.
public struct NodeEndpoint: Sendable {
    private let collector: NodeCollector
    private let registry: MetricRegistry
    private let pods: (any PodSource)?
    private let checks: [HealthCheck]

    public init(collector: NodeCollector, registry: MetricRegistry, pods: (any PodSource)?, checks: [HealthCheck]) {
        self.collector = collector
        self.registry = registry
        self.pods = pods
        self.checks = checks
    }

    public func register(on router: inout HTTPRouter) {
        router.on("GET", "/healthz") { request, _ in await health(checks, request) }
        router.on("GET", "/healthz/{name}") { request, parameters in
            let named = checks.filter { $0.name == parameters["name"] }
            return named.isEmpty ? .text("404 page not found\n", status: 404) : await health(named, request)
        }
        router.on("GET", "/metrics") { request, _ in exposition(registry.collect(), request) }
        router.on("GET", "/metrics/cadvisor") { request, _ in
            let format = TextFormat.negotiated(accept: request.fields["Accept"])
            return HTTPResponse(
                fields: ["Content-Type": format.contentType],
                body: .bytes(CadvisorMetrics.print(await collector.snapshot(), format: format, sets: collector.sets)))
        }
        router.on("GET", "/metrics/resource") { request, _ in
            exposition(ResourceMetrics.families(of: await collector.snapshot()), request)
        }
        router.on("GET", "/metrics/node") { request, _ in
            let format = TextFormat.negotiated(accept: request.fields["Accept"])
            return HTTPResponse(
                fields: ["Content-Type": format.contentType],
                body: .bytes(NodePage.print(await collector.snapshot().node.metrics, format: format)))
        }
        router.on("GET", "/metrics/probes") { request, _ in exposition(await pods?.probeMetrics() ?? [], request) }
        router.on("GET POST", "/stats/summary") { request, _ in
            let reduced = request.parameter("only_cpu_and_memory") == "true"
            return .json(Summary.document(of: await collector.snapshot(), onlyCPUAndMemory: reduced))
        }
        router.on("GET", "/spec/") { _, _ in .json(MachineDocument.document(of: await collector.snapshot())) }
        router.on("GET", "/pods") { _, _ in
            .json(await pods?.podList() ?? ["kind": "PodList", "apiVersion": "v1", "metadata": [:], "items": []])
        }
        for path in ["run", "exec", "attach", "portForward", "containerLogs", "runningpods", "debug", "configz", "checkpoint", "logs"] {
            // What may change or reveal something is never on this port (contracts/metrics.md 1.1).
            let refuse: HTTPRouter.Action = { _, _ in .text("Debug endpoints are disabled.\n", status: 405) }
            router.on("GET POST PUT DELETE", "/\(path)", refuse)
            router.on("GET POST PUT DELETE", "/\(path)/{rest...}", refuse)
        }
    }

    private func exposition(_ families: [MetricFamily], _ request: HTTPRequest) -> HTTPResponse {
        let format = TextFormat.negotiated(accept: request.fields["Accept"])
        return HTTPResponse(fields: ["Content-Type": format.contentType], body: .bytes(format.print(families)))
    }

    /// `ok`, or 500 with a line a check; `?verbose` always has the lines, `?exclude=` leaves checks out.
    private func health(_ checks: [HealthCheck], _ request: HTTPRequest) async -> HTTPResponse {
        let excluded = Set(request.parameters("exclude"))
        var lines = ""
        var isWell = true
        for check in checks where !excluded.contains(check.name) {
            if let problem = await check.problem() {
                isWell = false
                lines += "[-]\(check.name) failed: \(problem)\n"
            } else {
                lines += "[+]\(check.name) ok\n"
            }
        }
        if isWell, request.parameter("verbose") == nil { return .text("ok") }
        return .text(lines + (isWell ? "healthz check passed\n" : "healthz check failed\n"), status: isWell ? 200 : 500)
    }
}
