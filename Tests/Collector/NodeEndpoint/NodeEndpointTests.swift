import Exposition
import HTTP
import JSON
import Logging
import NodeEndpoint
import NodeStats
import Runtime
import Telemetry
import TestKit
import Testing

/// The endpoint over the machine that runs the test: its own cgroups and /proc.
@Suite struct NodeEndpointTests {
    private struct OwnProcess: ContainerSource {
        func containers() async -> [ContainerReference] { [] }
    }
    private struct Pods: PodSource {
        func podList() async -> JSON { ["kind": "PodList", "apiVersion": "v1", "metadata": [:], "items": [["metadata": ["name": "a"]]]] }
        func probeMetrics() async -> [MetricFamily] {
            [MetricFamily(name: "prober_probe_total", help: "Probes.", kind: .counter, samples: [.init(labels: [("result", "failed")], value: 2)])]
        }
    }

    private func router(checks: [HealthCheck] = [HealthCheck("ping") { nil }]) -> HTTPRouter {
        let registry = MetricRegistry()
        registry.counter("binnacle_test_total", "Test.").increment()
        let collector = NodeCollector(
            configuration: .init(nodeName: "n1", dataDirectory: "/tmp"), source: OwnProcess(), fileSystem: HostFileSystem(), clock: SystemClock(),
            metrics: registry, logger: Logger(label: "test"))
        var router = HTTPRouter()
        NodeEndpoint(readings: collector, registry: registry, pods: Pods(), checks: checks).register(on: &router)
        return router
    }

    private func get(_ path: String, query: [(name: String, value: String)] = [], on router: HTTPRouter? = nil) async -> (Int, String) {
        let response = await (router ?? self.router()).respond(to: HTTPRequest(path: path, query: query))
        return (response.status, String(decoding: (try? await response.wholeBody()) ?? [], as: UTF8.self))
    }

    @Test func `healthz is ok, and lists what failed`() async {
        #expect(await get("/healthz") == (200, "ok"))
        let bad = router(checks: [HealthCheck("ping") { nil }, HealthCheck("log") { "disk full" }])
        #expect(await get("/healthz", on: bad) == (500, "[+]ping ok\n[-]log failed: disk full\nhealthz check failed\n"))
        #expect(await get("/healthz/ping", on: bad) == (200, "ok"))
        #expect(await get("/healthz", query: [("exclude", "log"), ("verbose", "")], on: bad) == (200, "[+]ping ok\nhealthz check passed\n"))
        #expect(await get("/healthz/none", on: bad).0 == 404)
    }

    @Test func `serves the node in kubelet's shapes`() async throws {
        let cadvisor = await get("/metrics/cadvisor").1
        #expect(cadvisor.contains("# TYPE container_cpu_usage_seconds_total counter\n"))
        #expect(cadvisor.contains("id=\"/\""))
        #expect(cadvisor.contains("\nmachine_cpu_cores{"))
        let summary = try JSON.parse(await get("/stats/summary").1)
        #expect(summary["node"]["nodeName"] == "n1")
        #expect((summary["node"]["memory"]["workingSetBytes"].int ?? 0) > 1_000_000)
        #expect(summary["node"]["fs"]["capacityBytes"].int != nil)
        #expect(summary["pods"] == [])
        let reduced = try JSON.parse(await get("/stats/summary", query: [("only_cpu_and_memory", "true")]).1)
        #expect(reduced["node"]["fs"].isNull && !reduced["node"]["cpu"].isNull)
        #expect(await get("/metrics/resource").1.contains("\nnode_memory_working_set_bytes "))
        #expect(await get("/metrics").1.contains("binnacle_test_total 1\n"))
        #expect(await get("/metrics/probes").1.contains("prober_probe_total{result=\"failed\"} 2\n"))
        #expect(try JSON.parse(await get("/pods").1)["items"][0]["metadata"]["name"] == "a")
        #expect(try JSON.parse(await get("/spec/").1)["num_cores"].int ?? 0 > 0)
    }

    @Test(arguments: ["/exec/ns/p/c", "/run/a", "/containerLogs/ns/p/c", "/debug/pprof/heap", "/configz"])
    func `writes and secrets are refused on the read-only port`(path: String) async {
        #expect(await get(path) == (405, "Debug endpoints are disabled.\n"))
    }
}
