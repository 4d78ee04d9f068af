import Glibc
import JSON
import Runtime
import Telemetry
import TestKit
import Testing

/// One running `binnacle aggregate`.
final class Aggregate: Sendable {
    let directory: TemporaryDirectory
    let offset: Int
    let process: Program.Running

    var queries: String { "http://127.0.0.1:\(10_255 + offset)" }
    var ingest: String { "http://127.0.0.1:\(10_251 + offset)" }

    static func start(_ arguments: [String] = [], directory: TemporaryDirectory? = nil, offset: Int? = nil) async throws -> Aggregate {
        let directory = directory ?? TemporaryDirectory("aggregate")
        let offset = offset ?? FreePorts.offset(for: [10_255, 10_251, 5140, 24_224])
        let command = [Instance.binnacle, "aggregate", "--data-dir", directory.file("data"), "--port-offset", "\(offset)"] + arguments
        let process = try Program.spawn(command, output: directory.file("out"), errors: directory.file("err"))
        let aggregate = Aggregate(directory: directory, offset: offset, process: process)
        let isUp = try await eventually(within: 30) {
            if process.poll() != nil { throw Program.Failure("binnacle ended: \(aggregate.said)") }
            return (try? HostFileSystem().text(directory.file("out")).contains("Ctrl-C stops")) ?? false
        }
        guard isUp else { throw Program.Failure("not up: \(aggregate.said)") }
        return aggregate
    }

    private init(directory: TemporaryDirectory, offset: Int, process: Program.Running) {
        self.directory = directory
        self.offset = offset
        self.process = process
    }

    deinit { process.kill(SIGKILL) }

    var said: String { ["out", "err"].map { (try? HostFileSystem().text(directory.file($0))) ?? "" }.joined(separator: "\n") }

    func stop() async throws -> Int32 {
        process.kill(SIGTERM)
        guard try await eventually(within: 30, { process.poll() != nil }) else { throw Program.Failure("did not stop: \(said)") }
        return process.wait()
    }

    /// The status, with the body behind it.
    func post(_ path: String, _ body: String, _ headers: [String] = []) async throws -> String {
        let fields = headers.flatMap { ["-H", $0] }
        return try await Program.run(["curl", "-sS", "-m", "10", "-w", "%{http_code}", "--data-binary", "@-"] + fields + [ingest + path], input: body).output
    }

    func query(_ expression: String) async throws -> JSON {
        let text = try await Program.run(["curl", "-sS", "-m", "20", "-G", "--data-urlencode", "query=\(expression)", "\(queries)/api/v1/query"]).output
        return try JSON.parse(text)["data"]["result"]
    }
}

/// The store alone, with what people and other programs send to it.
@Suite(.serialized, .timeLimit(.minutes(5))) struct AggregateTests {
    @Test func `curl writes in each form, and PromQL sees it, also after kill -9`() async throws {
        let aggregate = try await Aggregate.start(["--retention", "unlimited", "--out-of-order-window", "unlimited"])
        #expect(try await aggregate.post("/write?db=d&precision=s", "cpu,host=a idle=5") == "204")
        #expect(try await aggregate.post("/api/v1/import/prometheus", "# TYPE text counter\ntext{x=\"1\"} 7\n") == "204")
        #expect(try await aggregate.post("/api/v1/import", #"{"metric":{"__name__":"old"},"values":[1],"timestamps":[86400000]}"#) == "204")
        #expect(try await aggregate.post("/api/v1/import/csv?format=1:label:host,2:metric:csv", "b,9") == "204")
        let otlp =
            #"{"resourceMetrics":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"s"}}]},"scopeMetrics":[{"metrics":[{"name":"g","gauge":{"dataPoints":[{"asDouble":3,"timeUnixNano":"NOW"}]}}]}]}]}"#
        let now = "\(SystemClock().nanoseconds)"
        #expect(try await aggregate.post("/v1/metrics", otlp.replacing("NOW", with: now), ["Content-Type: application/json"]) == "{}200")
        #expect(try await aggregate.post("/api/v1/import/prometheus", "bad").hasSuffix("400"))
        // Acknowledged is durable: nothing may be missing after this.
        aggregate.process.kill(SIGKILL)
        _ = aggregate.process.wait()
        let again = try await Aggregate.start(["--retention", "unlimited", "--out-of-order-window", "unlimited"], directory: aggregate.directory)
        for (expression, value) in [
            ("cpu_idle{host=\"a\",db=\"d\"}", "5"), ("text{x=\"1\"}", "7"), ("csv{host=\"b\"}", "9"), ("g{job=\"s\"}", "3"), ("old @ 86400", "1"),
        ] {
            #expect(try await again.query(expression)[0]["value"][1] == .string(value), "\(expression)")
        }
        #expect(try await again.stop() == 0)
    }

    @Test func `a scrape file is followed, and a mistake in it is said`() async throws {
        let directory = TemporaryDirectory("aggregate")
        let target = try await Aggregate.start()
        let file = directory.file("scrape.yml")
        let address = target.queries.replacing("http://", with: "")
        try HostFileSystem().write(
            file, Array("scrape_configs: [{job_name: self, scrape_interval: 1s, static_configs: [{targets: ['\(address)']}]}]\n".utf8))
        let aggregate = try await Aggregate.start(["--scrape-config", file], directory: directory)
        #expect(try await eventually(within: 20) { try await aggregate.query("up{job=\"self\"}")[0]["value"][1] == "1" })
        #expect(try await aggregate.query("binnacle_build_info{instance=\"\(address)\"}").elements.count == 1)
        let targets = try await Program.run(["curl", "-sS", "\(aggregate.queries)/api/v1/targets"]).output
        #expect(try JSON.parse(targets)["data"]["activeTargets"][0]["health"] == "up")
        _ = try await target.stop()
        #expect(try await eventually(within: 20) { try await aggregate.query("up{job=\"self\"}")[0]["value"][1] == "0" })
        #expect(try await aggregate.query("binnacle_build_info{job=\"self\"}").elements.isEmpty)
        #expect(try await aggregate.stop() == 0)
        try HostFileSystem().write(file, Array("scrape_configs: [{}]\n".utf8))
        let wrong = try await Program.run([
            Instance.binnacle, "aggregate", "--data-dir", directory.file("data"), "--port-offset", "\(aggregate.offset)", "--scrape-config", file,
        ])
        #expect(wrong.status == 2)
        #expect(wrong.description.contains("scrape_configs[0].job_name: is missing, expected a name"))
    }

    @Test func `a changed scrape file is taken up by a reload, and a wrong one is not`() async throws {
        let directory = TemporaryDirectory("aggregate")
        let target = try await Aggregate.start()
        let address = target.queries.replacing("http://", with: "")
        let file = directory.file("scrape.yml")
        func write(_ job: String) throws {
            let text = "scrape_configs: [{job_name: \(job), scrape_interval: 1s, static_configs: [{targets: ['\(address)']}]}]\n"
            try HostFileSystem().write(file, Array(text.utf8))
        }
        try write("first")
        let aggregate = try await Aggregate.start(["--scrape-config", file], directory: directory)
        func isUp(_ job: String) async throws -> Bool { try await aggregate.query("up{job=\"\(job)\"}")[0]["value"][1] == "1" }
        func hasReplaced(_ old: String, _ new: String) async throws -> Bool {
            guard try await isUp(new) else { return false }
            return try await aggregate.query("up{job=\"\(old)\"}").elements.isEmpty
        }
        func succeeded() async throws -> Bool {
            try await Program.run(["curl", "-sS", "\(aggregate.queries)/metrics"]).output.contains("\nbinnacle_scrape_config_last_reload_successful 1\n")
        }
        #expect(try await eventually(within: 20) { try await isUp("first") })
        try HostFileSystem().write(file, Array("scrape_configs: [{job_name: x, scrape_interval: soon}]\n".utf8))
        let refusal = try await aggregate.post("/-/reload", "")
        #expect(refusal.contains("scrape_configs[0].scrape_interval") && refusal.hasSuffix("500"), "\(refusal)")
        #expect(try await !succeeded())
        #expect(try await isUp("first"))
        try write("second")
        #expect(try await aggregate.post("/-/reload", "").hasSuffix("200"))
        #expect(try await succeeded())
        #expect(try await eventually(within: 30) { try await hasReplaced("first", "second") })
        try write("third")
        aggregate.process.kill(SIGHUP)
        #expect(try await eventually(within: 30) { try await hasReplaced("second", "third") })
        #expect(try await aggregate.stop() == 0)
        _ = try await target.stop()
    }

    @Test func `a target behind TLS is scraped if the certificates are right`() async throws {
        let directory = TemporaryDirectory("tls")
        for name in ["server", "client", "stranger"] {
            let made = try await Program.run([
                "env", "OPENSSL_CONF=/dev/null", "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                "-subj", "/CN=\(name)",
                "-addext",
                "subjectAltName=IP:127.0.0.1", "-keyout", directory.file("\(name).key"), "-out", directory.file("\(name).pem"),
            ])
            try #require(made.status == 0, "\(made)")
        }
        let page = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: 9\r\nConnection: close\r\n\r\nsecret 7\n"
        try HostFileSystem().write(directory.file("metrics"), Array(page.utf8))
        let port = 20_000 + FreePorts.offset(for: [20_000])
        let server = try Program.spawn(
            [
                "sh", "-c",
                "cd \(directory.path) && OPENSSL_CONF=/dev/null exec openssl s_server -accept 127.0.0.1:\(port) -cert server.pem -key server.key -HTTP -Verify 1 -CAfile client.pem -verify_return_error",
            ], output: directory.file("server.out"), errors: directory.file("server.err"))
        defer { server.kill(SIGKILL) }
        let identity = "cert_file: client.pem, key_file: client.key"
        let jobs = [
            ("right", "ca_file: server.pem, \(identity)"), ("unchecked", "insecure_skip_verify: true, \(identity)"),
            ("stranger", "ca_file: stranger.pem, \(identity)"), ("nameless", "ca_file: server.pem"),
        ]
        let entries = jobs.map { job, tls in
            "{job_name: \(job), scheme: https, scrape_interval: 1s, tls_config: {\(tls)}, static_configs: [{targets: ['127.0.0.1:\(port)']}]}"
        }
        try HostFileSystem().write(directory.file("scrape.yml"), Array("scrape_configs: [\(entries.joined(separator: ", "))]\n".utf8))
        let aggregate = try await Aggregate.start(["--scrape-config", directory.file("scrape.yml")])
        for (job, wanted) in [("right", "1"), ("unchecked", "1"), ("stranger", "0"), ("nameless", "0")] {
            #expect(
                try await eventually(within: 30) {
                    try await aggregate.query("last_over_time(up{job=\"\(job)\"}[5s])")[0]["value"][1] == .string(wanted)
                }, "\(job)")
        }
        #expect(try await aggregate.query("secret{job=\"right\"}")[0]["value"][1] == "7")
        #expect(try await aggregate.query("secret{job=~\"stranger|nameless\"}").elements.isEmpty)
        let targets = try JSON.parse(try await Program.run(["curl", "-sS", "\(aggregate.queries)/api/v1/targets"]).output)["data"]["activeTargets"].elements
        for target in targets where ["stranger", "nameless"].contains(target["labels"]["job"].string) {
            #expect(target["lastError"].string?.contains("127.0.0.1:\(port)") == true, "\(target["lastError"])")
        }
        #expect(try await aggregate.stop() == 0)
    }

    @Test(arguments: ["jsonl", "csv", "prometheus", "openmetrics"]) func `what is exported comes back by an import`(form: String) async throws {
        let aggregate = try await Aggregate.start(["--retention", "unlimited", "--out-of-order-window", "unlimited"])
        let lines = (0..<40).map { number in
            #"{"metric":{"__name__":"m\#(number % 3)_total","n":"\#(number)","x":"a,\"b\\n"},"values":[1.5,\#(number).25,0.1],"timestamps":[1000,86400000,\#(1_700_000_000_123 + number)]}"#
        }
        #expect(try await aggregate.post("/api/v1/import", lines.joined(separator: "\n")) == "204")
        func run(_ arguments: [String], _ other: Aggregate, input: String? = nil) async throws -> Program.Outcome {
            try await Program.run([Instance.binnacle] + arguments + ["--port-offset", "\(other.offset)"], input: input, seconds: 60)
        }
        let exported = try await run(["export", "{n!=\"\"}", "--format", form], aggregate)
        try #require(exported.status == 0, "\(exported)")
        let second = try await Aggregate.start(["--retention", "unlimited", "--out-of-order-window", "unlimited"])
        let imported = try await run(["import", "-", "--format", form], second, input: exported.output)
        #expect(imported.status == 0, "\(imported)")
        let all = ["export", "{n!=\"\"}", "--format", "csv"]
        let first = try await run(all, aggregate).output.split(separator: "\r\n").sorted()
        #expect(try await run(all, second).output.split(separator: "\r\n").sorted() == first)
        #expect(first.count == 1 + 120)
        #expect(try await second.stop() == 0)
        #expect(try await aggregate.stop() == 0)
    }

    /// Debian's Prometheus, which scripts/setup --with-test-tools unpacks.
    static let prometheus =
        #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/") + "/.build-tools/usr/bin/prometheus"

    @Test(.enabled(if: HostFileSystem().exists(AggregateTests.prometheus), "scripts/setup --with-test-tools fetches prometheus"))
    func `Debian's Prometheus writes into it with nothing lost`() async throws {
        let aggregate = try await Aggregate.start()
        let directory = TemporaryDirectory("prometheus")
        let port = 20_000 + FreePorts.offset(for: [20_000])
        let file = directory.file("prometheus.yml")
        try HostFileSystem().write(
            file,
            Array(
                """
                global: {scrape_interval: 1s}
                scrape_configs: [{job_name: prometheus, static_configs: [{targets: ['127.0.0.1:\(port)']}]}]
                remote_write: [{url: '\(aggregate.ingest)/api/v1/write', queue_config: {batch_send_deadline: 500ms, retry_on_http_429: true}}]

                """.utf8))
        let sender = try Program.spawn(
            [
                Self.prometheus, "--config.file", file, "--storage.tsdb.path", directory.file("data"), "--web.listen-address", "127.0.0.1:\(port)",
                "--enable-feature", "exemplar-storage",
            ], output: directory.file("out"), errors: directory.file("err"))
        defer { sender.kill(SIGKILL) }
        #expect(
            try await eventually(within: 40) {
                try await aggregate.query("count_over_time(up{job=\"prometheus\"}[1m])")[0]["value"][1].string.flatMap { Int($0) } ?? 0 >= 12
            })
        // What was scraped by a moment ago is asked of both, once the sender says that it has sent it.
        let moment = SystemClock().nanoseconds / 1_000_000 / 1000 - 1
        let counts = "sort(count by (__name__) ({job=\"prometheus\"} @ \(moment)))"
        let expressions =
            ["prometheus_http_requests_total", "go_goroutines", "prometheus_tsdb_head_chunks", "process_cpu_seconds_total"].flatMap {
                ["sum(count_over_time(\($0)[10s] @ \(moment)))", "sum(sum_over_time(\($0)[10s] @ \(moment)))"]
            } + [counts, counts.replacing("\(moment)", with: "\(moment - 4)")]
        for expression in expressions {
            var (theirs, ours) = ("", "")
            let isSame = try await eventually(within: 20) {
                let text = try await Program.run(["curl", "-sS", "-G", "--data-urlencode", "query=\(expression)", "http://127.0.0.1:\(port)/api/v1/query"])
                    .output
                theirs = Self.values(try JSON.parse(text)["data"]["result"])
                ours = Self.values(try await aggregate.query(expression))
                return theirs == ours && !ours.isEmpty
            }
            #expect(isSame, "\(expression): prometheus has \(theirs.prefix(300)), binnacle \(ours.prefix(300))")
        }
        #expect(try await aggregate.stop() == 0)
    }

    private static func values(_ result: JSON) -> String {
        result.elements.map { "\($0["metric"]["__name__"].string ?? "")=\($0["value"][1].string ?? "")" }.sorted().joined(separator: " ")
    }
}
