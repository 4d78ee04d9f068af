import Exposition
import HTTP
import JSON
import NodeEndpoint
import NodeStats
import Testing

/// The kubelet's old paths, its health and its resource metrics.
@Suite struct KubeletTests {
    private let fixture = Fixture()

    @Test(arguments: [
        ("/stats", "", "/"), ("/stats/web/nginx", "", ""), ("/stats/shop/web/uid-1/nginx", "", "/kubepods/pod1/c1"), ("/stats/shop/web/uid-2/nginx", "", ""),
        ("/stats/shop/web/uid-1/none", "", ""),
    ])
    func `legacy stats name one container`(path: String, body: String, expected: String) async {
        for method in ["GET", "POST"] {
            let answer = await fixture.get(path, method: method, body: body)
            // Without a namespace it is `default`, which has no such pod.
            #expect(answer.status == (expected.isEmpty ? 404 : 200), "\(path)")
            if !expected.isEmpty { #expect(answer.json["name"].string == expected && answer.json["stats"].elements.count == 60) }
        }
    }

    @Test func `stats of containers come as a map, with those below if asked`() async {
        let body = #"{"containerName":"/kubepods","num_stats":2,"subcontainers":true}"#
        let answer = await fixture.get("/stats/container/", method: "POST", body: body).json
        #expect(answer.members.keys == ["/kubepods", "/kubepods/pod1", "/kubepods/pod1/c1"])
        #expect(answer["/kubepods"]["stats"].elements.count == 2)
        #expect(await fixture.get("/stats/container", method: "POST").json.members.keys == ["/"])
        #expect(await fixture.get("/stats/container", method: "POST", body: #"{"containerName":"/x"}"#).status == 404)
        let bad = await fixture.get("/stats/container", method: "POST", body: #"{"num_stats":true}"#)
        #expect(bad.status == 500 && bad.text.hasPrefix("Internal Error: "))
    }

    @Test func `resource metrics have what metrics-server reads and a time`() async {
        let page = await fixture.get("/metrics/resource").text
        for line in [
            #"container_cpu_usage_seconds_total{container="nginx",namespace="shop",pod="web"} 1.001e-06 1700000000000"#,
            #"container_memory_working_set_bytes{container="nginx",namespace="shop",pod="web"} 3984 1700000000000"#,
            #"container_start_time_seconds{container="nginx",namespace="shop",pod="web"} 1699999001"#,
            #"pod_swap_usage_bytes{namespace="shop",pod="web"} 1014 1700000000000"#,
            #"container_swap_limit_bytes{container="nginx",namespace="shop",pod="web"} 1049590 1700000000000"#, "node_swap_usage_bytes 1048576 1700000000000",
            "resource_scrape_error 0", "scrape_error 0",
        ] { #expect(page.contains("\n" + line + "\n"), "\(line) in \(page)") }
    }

    @Test func `service levels count each check`() async {
        let router = fixture.router(checks: [HealthCheck("ping") { nil }, HealthCheck("log") { "disk full" }])
        _ = await fixture.get("/healthz", on: router)
        let page = await fixture.get("/metrics/slis", on: router).text
        for line in [
            #"kubernetes_healthcheck{name="log",type="healthz"} 0"#, #"kubernetes_healthcheck{name="ping",type="healthz"} 1"#,
            #"kubernetes_healthchecks_total{name="log",status="error",type="healthz"} 2"#,
            #"kubernetes_healthchecks_total{name="ping",status="success",type="healthz"} 2"#,
        ] { #expect(page.contains(line + "\n"), "\(line) in \(page)") }
    }

    @Test func `own metrics tell of this process`() async {
        let page = await fixture.get("/metrics").text
        for name in ["process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds", "process_max_fds", "process_start_time_seconds"] {
            #expect(page.contains("\n# TYPE \(name) ") || page.hasPrefix("# TYPE \(name) "), "\(name)")
        }
    }

    @Test(arguments: ["", "/cadvisor", "/resource", "/probes", "/slis", "/node"])
    func `each page comes in both text forms`(page: String) async throws {
        let router = fixture.router()
        let plain = await router.respond(to: HTTPRequest(path: "/metrics" + page))
        #expect(plain.status == 200 && plain.fields["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8")
        let open = await router.respond(to: HTTPRequest(path: "/metrics" + page, fields: ["Accept": "application/openmetrics-text;version=1.0.0,*/*;q=0.1"]))
        let bytes = try await open.wholeBody()
        #expect(open.fields["Content-Type"]?.hasPrefix("application/openmetrics-text") == true && bytes.suffix(6).elementsEqual("# EOF\n".utf8))
    }

    @Test func `the page of two thousand cgroups is sent in small pieces, and is the same`() async throws {
        var large = fixture
        let row = fixture.snapshot.rows.first { $0.reference.cgroupPath == "/kubepods/pod1/c1" }!
        large.snapshot.rows = (0..<2000).map { number in
            var row = row
            row.reference.cgroupPath = "/kubepods/c\(number)"
            return row
        }
        actor Pieces: HTTPBodyWriter {
            var all: [[UInt8]] = []
            func write(_ bytes: [UInt8]) { all.append(bytes) }
        }
        let pieces = Pieces()
        try await CadvisorMetrics.write(large.snapshot, format: .openMetrics, sets: Set(MetricSet.allCases), to: pieces)
        let whole = CadvisorMetrics.print(large.snapshot, format: .openMetrics, sets: Set(MetricSet.allCases))
        let sizes = await pieces.all.map(\.count)
        // At most a family beyond the piece that it was begun in.
        #expect(await pieces.all.flatMap { $0 } == whole && sizes.count > 20 && sizes.max()! < whole.count / 8, "\(sizes)")
    }

    @Test func `a thousand pods cost no million comparisons`() async {
        var large = fixture
        large.snapshot.rows = (0..<2000).flatMap { number -> [NodeSnapshot.Row] in
            var pod = fixture.snapshot.rows.first { $0.reference.cgroupPath == "/kubepods/pod1" }!
            pod.reference.cgroupPath = "/kubepods/pod\(number)"
            pod.reference.podUID = "uid-\(number)"
            var container = fixture.snapshot.rows.first { $0.reference.cgroupPath == "/kubepods/pod1/c1" }!
            container.reference.cgroupPath = "/kubepods/pod\(number)/c1"
            container.reference.podUID = "uid-\(number)"
            return [pod, container]
        }
        let start = ContinuousClock.now
        let pods = await large.get("/stats/summary?only_cpu_and_memory=true").json["pods"].elements
        #expect(pods.count == 2000 && pods.allSatisfy { $0["containers"].elements.count == 1 })
        // Seconds even in a debug build on a busy machine; the square would be minutes.
        #expect(ContinuousClock.now - start < .seconds(20))
    }
}
