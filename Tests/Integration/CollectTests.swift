import Glibc
import JSON
import Runtime
import TestKit
import Testing

/// `binnacle collect` as a user runs it, and as Debian's Prometheus sees it.
@Suite(.serialized, .timeLimit(.minutes(5))) struct CollectTests {
    @Test func `every path answers with its code`() async throws {
        let collecting = try await Collecting.start()
        let expected: [(path: String, status: Int, type: String)] = [
            ("/", 200, "text/html"), ("/status.json?points=10", 200, "application/json"), ("/healthz", 200, "text/plain"),
            ("/healthz/syncloop", 200, "text/plain"),
            ("/healthz/none", 404, "text/plain"), ("/metrics", 200, "text/plain"), ("/metrics/cadvisor", 200, "text/plain"),
            ("/metrics/node", 200, "text/plain"),
            ("/metrics/resource", 200, "text/plain"), ("/metrics/probes", 200, "text/plain"), ("/metrics/slis", 200, "text/plain"),
            ("/stats/summary", 200, "application/json"), ("/stats", 200, "application/json"), ("/stats/container", 200, "application/json"),
            ("/spec/", 200, "application/json"), ("/pods", 200, "application/json"), ("/api/", 400, "text/plain"),
            ("/api/v1.3/machine", 200, "application/json"),
            ("/api/v1.3/containers/", 200, "application/json"), ("/api/v1.3/subcontainers/", 200, "application/json"),
            ("/api/v2.1/stats?recursive=true&count=2", 200, "application/json"), ("/api/v2.0/ps/", 200, "application/json"),
            ("/api/v2.1/machinestats?count=1&max_age=0s", 200, "application/json"), ("/api/v2.0/summary", 200, "application/json"),
            ("/containers/", 200, "text/html"), ("/docker/", 200, "text/html"), ("/validate/", 200, "text/html"), ("/exec/a/b/c", 405, "text/plain"),
            ("/configz", 405, "text/plain"), ("/nothing", 404, "text/plain"), ("/api/v1.3/containers/%2e%2e/%22%0a", 500, "text/plain"),
        ]
        for (path, status, type) in expected {
            let answer = try await collecting.get(path)
            #expect(answer.status == status && answer.type.hasPrefix(type), "\(path): \(answer.status) \(answer.type) \(answer.text.prefix(300))")
        }
        #expect(try await collecting.get("/metrics", ["-X", "DELETE"]).status == 405)
        #expect(try await collecting.get("/api/v1.3/containers/", ["-d", "{\"num_stats\":1}"]).status == 200)
        let processes = try JSON.parse(try await collecting.get("/api/v2.0/ps/").text).elements
        #expect(processes.contains { $0["pid"].int == Int(collecting.process.pid) && $0["cmd"] == "binnacle" })
        #expect(try await collecting.stop() == 0)
    }

    /// What stays on the machine is not packed, unless that is asked for.
    @Test(arguments: [([], false), (["--compression", "always"], true)] as [([String], Bool)])
    func `pages are packed for others`(arguments: [String], isPacked: Bool) async throws {
        let collecting = try await Collecting.start(arguments)
        let answer = try await collecting.get("/metrics/cadvisor", ["--compressed", "-D", collecting.directory.file("head")])
        #expect(answer.text.contains("container_cpu_usage_seconds_total{"))
        #expect(try HostFileSystem().text(collecting.directory.file("head")).lowercased().contains("content-encoding: gzip") == isPacked)
        #expect(try await collecting.stop() == 0)
    }

    @Test func `node_exporter's flags are understood`() async throws {
        let collecting = try await Collecting.start([
            "--no-collector.loadavg", "--collector.interrupts", "--collector.filesystem.mount-points-exclude", ".", "--collector.netdev.device-include=^lo$",
        ])
        let page = try await collecting.get("/metrics/node").text
        #expect(!page.contains("node_load1") && page.contains("node_interrupts_total{") && !page.contains("node_filesystem_size_bytes"))
        #expect(!page.contains("node_network_receive_bytes_total"), "lo is never shown")
        #expect(try await collecting.stop() == 0)
        let outcome = try await Program.run([Instance.binnacle, "collect", "--no-collector.nothing"], seconds: 20)
        #expect(outcome.status != 0 && outcome.errors.contains("no-collector.nothing"), "\(outcome.description)")
        let bad = try await Program.run([Instance.binnacle, "collect", "--collector.diskstats.device-exclude", "("], seconds: 20)
        #expect(bad.status == 2 && bad.errors.contains("regular expression"), "\(bad.description)")
    }

    /// Names that others have given, which promtool would have chosen otherwise.
    private static let imposed = [
        "'snake_case' not 'camelCase'", "container_memory_failcnt counter metrics should",
        "node_entropy_available_bits use base unit", "node_entropy_pool_size_bits use base unit",
        "abbreviated", "non-counter metrics should not",
        "machine_node_hugepages_count non-histogram", "machine_thread_siblings_count non-histogram",
    ]

    @Test(.enabled(if: PrometheusTools.areThere)) func `promtool finds nothing wrong on any page but names that others gave`() async throws {
        let collecting = try await Collecting.start()
        for page in ["", "/cadvisor", "/node", "/resource", "/probes", "/slis"] {
            let text = try await collecting.get("/metrics" + page).text
            let outcome = try await Program.run([PrometheusTools.promtool ?? "", "check", "metrics"], input: text)
            let complaints = (outcome.output + outcome.errors).split(separator: "\n").filter { line in !Self.imposed.contains { line.contains($0) } }
            // 3 is what promtool says of names; 1 would be a page that cannot be read.
            #expect((outcome.status == 0 || outcome.status == 3) && complaints.isEmpty, "\(page): \(outcome.status) \(complaints)")
        }
        #expect(try await collecting.stop() == 0)
    }

    @Test(.enabled(if: PrometheusTools.areThere)) func `Debian's Prometheus scrapes each page each second without an error`() async throws {
        let collecting = try await Collecting.start()
        let files = HostFileSystem()
        let directory = TemporaryDirectory("prometheus")
        let jobs = ["", "/cadvisor", "/node", "/resource", "/probes", "/slis"].map { page in
            """
              - job_name: "m\(page.replacing("/", with: "-"))"
                metrics_path: /metrics\(page)
                static_configs: [{targets: ["127.0.0.1:\(10_255 + collecting.offset)"]}]
            """
        }
        let config = "global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n" + jobs.joined(separator: "\n") + "\n"
        try files.write(directory.file("prometheus.yml"), Array(config.utf8))
        let port = 9090 + FreePorts.offset(for: [9090])
        let prometheus = try Program.spawn(
            [
                PrometheusTools.prometheus ?? "", "--config.file=\(directory.file("prometheus.yml"))", "--storage.tsdb.path=\(directory.file("data"))",
                "--web.listen-address=127.0.0.1:\(port)", "--log.level=warn",
            ], output: directory.file("out"), errors: directory.file("err"))
        func ask(_ query: String) async throws -> [JSON] {
            let outcome = try await Program.run(["curl", "-sS", "-G", "http://127.0.0.1:\(port)/api/v1/query", "--data-urlencode", "query=\(query)"])
            return (try? JSON.parse(outcome.output))?["data"]["result"].elements ?? []
        }
        // Each page scraped at least eight times, or the minute is over.
        let isScraped = try await eventually(within: 60) {
            let counts = try await ask("count_over_time(up[5m])")
            return counts.count == jobs.count && counts.allSatisfy { (Int($0["value"][1].string ?? "") ?? 0) >= 8 }
        }
        let said = try files.text(directory.file("err"))
        #expect(isScraped, "\(said)")
        // The first scrape may come before the first round is over on a busy machine; after it none may fail.
        let failed = try await ask("count_over_time(up[5m]) - sum_over_time(up[5m]) > 1")
        #expect(failed.isEmpty, "\(failed)")
        for job in ["m-cadvisor", "m-node", "m"] {
            let samples = try await ask("scrape_samples_scraped{job=\"\(job)\"}").first?["value"][1].string ?? "0"
            #expect((Int(samples) ?? 0) > 30, "\(job): \(samples)")
        }
        #expect(try await ask("rate(container_cpu_usage_seconds_total{id=\"/\"}[10s])").isEmpty == false)
        let complaints = try files.text(directory.file("err"))
        #expect(!complaints.contains("level=error") && !complaints.contains("Error on ingesting"), "\(complaints)")
        prometheus.kill(SIGTERM)
        _ = try await eventually(within: 20) { prometheus.poll() != nil }
        #expect(try await collecting.stop() == 0)
    }

    @Test func `a token is asked for, and the page's note says who can read`() async throws {
        let directory = TemporaryDirectory("token")
        try HostFileSystem().write(directory.file("token"), Array("s3cret\n".utf8))
        let collecting = try await Collecting.start(["--token-file", directory.file("token")])
        #expect(try await collecting.get("/metrics").status == 401)
        #expect(try await collecting.get("/healthz").status == 200)
        #expect(try await collecting.get("/metrics", ["-H", "Authorization: Bearer s3cret"]).status == 200)
        #expect(try await collecting.stop() == 0)
    }

    @Test func `what it cannot do it says`() async throws {
        let directory = TemporaryDirectory("collect")
        let files = HostFileSystem()
        try files.write(directory.file("empty"), [])
        try files.write(directory.file("bad.yaml"), Array("intervall: 1s\nenable-metrics: [tcp, foo]\ncpu-budget: much\n".utf8))
        try files.write(directory.file("good.yaml"), Array("interval: 500ms\nenable-metrics: [tcp, udp]\ncpu-budget: 2\ndocker-socket: none\n".utf8))
        let holder = try await Collecting.start()
        for (arguments, status, words) in [
            (["--port-offset", "\(holder.offset)"], 1, ["\(10_255 + holder.offset)", "binnacle (pid \(holder.process.pid))", "--port-offset"]),
            (["--interval", "soon"], 2, ["--interval is \"soon\"", "100ms"]), (["--enable-metrics", "cpu,nope"], 2, ["hugetlb"]),
            (["--root", directory.path], 1, ["\(directory.path)/proc/stat", "--root"]),
            (["--token-file", directory.file("empty")], 1, ["0 words", "one token"]),
            (["--token-file", directory.file("none")], 1, ["none"]), (["--port", "65000", "--port-offset", "1000"], 2, ["66000"]),
            (["--docker-socket", "relative"], 2, ["auto, none, or paths"]),
            (["--config", directory.file("bad.yaml")], 1, ["did you mean \"interval\"?", "expected some of cpu", "cpu-budget is \"much\""]),
        ] as [([String], Int32, [String])] {
            let outcome = try await Program.run([Instance.binnacle, "collect"] + arguments, seconds: 20)
            #expect(outcome.status == status, "\(arguments): \(outcome.description)")
            for word in words { #expect(outcome.errors.contains(word), "\(arguments): \(word) in \(outcome.errors)") }
        }
        let good = try await Program.run([Instance.binnacle, "collect", "--check", "--config", directory.file("good.yaml"), "--cpu-budget", "3%"])
        #expect(good.status == 0, "\(good.description)")
        for line in ["interval: 500ms", "enable-metrics: tcp,udp", "cpu-budget: 3.0", "docker-socket: none", "podman-socket: auto"] {
            #expect(good.output.contains(line + "\n"), "\(line)")
        }
        #expect(try await holder.stop() == 0)
    }
}
