import Glibc
import JSON
import Runtime
import TestKit
import Testing

/// `collect --logs-to` into `aggregate`, and `up --logs-config`, as a user runs them.
@Suite(.serialized, .timeLimit(.minutes(10))) struct LogShippingTests {
    static let quiet = [
        "--interval", "60s", "--docker-socket", "none", "--podman-socket", "none", "--containerd-socket", "none", "--crio-socket", "none",
    ]

    private func write(_ text: String, to path: String) throws {
        let file = try HostFile(path, flags: O_WRONLY | O_CREAT | O_APPEND, mode: 0o644)
        try file.write(Array(text.utf8))
    }

    private func metric(_ name: String, _ page: String) -> Double {
        page.split(separator: "\n").filter { $0.hasPrefix(name) && !$0.hasPrefix("#") }.compactMap { $0.split(separator: " ").last.flatMap { Double($0) } }
            .reduce(0, +)
    }

    @Test func `files, pods and Docker's logs reach the aggregator, redacted, through a spool while it is away`() async throws {
        let place = TemporaryDirectory("ship")
        let files = HostFileSystem()
        let id = String(repeating: "ab", count: 32)
        for path in ["pods/shop_web-1_u-1/app", "docker/\(id)", "logs"] { try files.makeDirectory(place.file(path), mode: 0o755) }
        try write("2026-11-24T08:00:00Z stdout F from a pod\n", to: place.file("pods/shop_web-1_u-1/app/0.log"))
        try write(
            #"{"Name":"/cache","Config":{"Image":"redis:7","Labels":{"logs.binnacle.dev/exclude":"^noise"}}}"#, to: place.file("docker/\(id)/config.v2.json"))
        try write(
            #"{"log":"noise\n","stream":"stdout","time":"2026-11-24T08:00:00Z"}"# + "\n"
                + #"{"log":"from docker\n","stream":"stderr","time":"2026-11-24T08:00:00Z"}"# + "\n", to: place.file("docker/\(id)/\(id)-json.log"))
        try write("first\nAuthorization: Bearer abcdefghijklmnopqrstuvwxyz\n", to: place.file("logs/app.log"))
        try files.write(
            place.file("logs.yaml"),
            Array(
                """
                defaults: {redact: all}
                sources:
                  - {files: "\(place.file("logs"))/*.log", labels: {job: app}}
                  - pods: \(place.file("pods"))
                  - docker: \(place.file("docker"))
                """.utf8))
        let offset = FreePorts.offset(for: [10_255, 10_251, 5140, 24_224])
        // Nobody is there yet.
        let collect = try await Collecting.start(
            Self.quiet + ["--logs-to", "http://127.0.0.1:\(10_251 + offset)", "--logs-config", place.file("logs.yaml"), "--logs-spool", place.file("spool")])
        #expect(collect.said.contains("logs        "))
        #expect(try await eventually(within: 20) { metric("binnacle_log_spool_deliveries", try await collect.get("/metrics").text) > 0 })
        #expect(try await collect.get("/healthz").status == 200, "an aggregator that is away is no failure")
        #expect(try await collect.get("/status.json").text.contains("waiting: "))
        let second = try await Program.run(
            [
                Instance.binnacle, "collect", "--port-offset", "\(FreePorts.offset(for: [10_255]))", "--logs-to", "http://127.0.0.1:1", "--logs-spool",
                place.file("spool"),
            ])
        #expect(second.status == 1 && second.errors.contains("in use by another binnacle collect"), "\(second.description)")
        let aggregate = try await Aggregate.start(directory: place, offset: offset)
        let expected: [(selector: String, lines: [String])] = [
            (#"{pod="web-1", namespace="shop", stream="stdout"}"#, ["from a pod"]),
            (#"{container="cache", image="redis:7", stream="stderr"}"#, ["from docker"]),
            (#"{job="app"}"#, ["first", "Authorization: Bearer [REDACTED:bearer:"]),
        ]
        for (selector, lines) in expected {
            var stored: [String] = []
            _ = try await eventually(within: 60) {
                stored = try await aggregate.lines(selector)
                return stored.count >= lines.count
            }
            #expect(stored.count == lines.count && zip(stored, lines).allSatisfy { $0.hasPrefix($1) }, "\(selector): \(stored)")
        }
        #expect(try await eventually(within: 20) { metric("binnacle_log_spool_deliveries", try await collect.get("/metrics").text) == 0 })
        let page = try await collect.get("/metrics").text
        #expect(metric("binnacle_log_ship_records_total", page) >= 4 && metric("binnacle_log_tail_records_total", page) >= 4)
        #expect(try files.status(place.file("spool/redaction.key")).mode & 0o777 == 0o600)
        #expect(try await collect.stop() == 0)
        #expect(try await aggregate.stop() == 0)
    }

    @Test func `what is wrong in the file or the flags is refused with its place before anything starts`() async throws {
        let place = TemporaryDirectory("ship")
        try HostFileSystem().write(place.file("bad.yaml"), Array("sources:\n  - docker: /a\n    exclude: x\nrules:\n  - rate: fast\n".utf8))
        try HostFileSystem().write(place.file("tab.yaml"), Array("sources:\n\t- docker: /a\n".utf8))
        let to = ["--logs-to", "http://127.0.0.1:9", "--logs-spool", place.file("spool")]
        for (arguments, status, words) in [
            (to + ["--logs-config", place.file("bad.yaml")], 2, ["bad.yaml:3: sources[0].exclude", "bad.yaml:5: rules[0].rate", "docs/logs-collect.md"]),
            (to + ["--logs-config", place.file("tab.yaml")], 2, ["tab.yaml:2", "indent with spaces"]),
            (to + ["--logs-config", place.file("none.yaml")], 1, ["none.yaml", "--logs-config"]), (["--logs-to", "10.0.0.5"], 2, ["an address such as"]),
            (["--logs-config", place.file("bad.yaml")], 2, ["--logs-to"]), (to + ["--logs-spool-size", "5"], 2, ["at least 1MB"]),
            (to + ["--logs-token-file", place.file("none")], 1, ["--logs-token-file"]),
        ] as [([String], Int32, [String])] {
            let outcome = try await Program.run([Instance.binnacle, "collect", "--port-offset", "\(FreePorts.offset(for: [10_255]))"] + arguments, seconds: 20)
            #expect(outcome.status == status, "\(arguments): \(outcome.description)")
            for word in words { #expect(outcome.errors.contains(word), "\(word) in \(outcome.errors)") }
        }
        let up = try await Program.run(
            [
                Instance.binnacle, "up", "--data-dir", place.file("data"), "--port-offset", "\(FreePorts.offset(for: [10_255, 10_251, 6443, 5140, 24_224]))",
                "--logs-config", place.file("bad.yaml"),
            ], seconds: 30)
        #expect(up.status == 2 && up.errors.contains("bad.yaml:3: sources[0].exclude"), "\(up.description)")
        #expect(!HostFileSystem().exists(place.file("data/logs")), "a wrong file starts nothing")
    }

    @Test func `up follows what its file names, and obeys a pod's annotations`() async throws {
        let place = TemporaryDirectory("up-logs")
        try HostFileSystem().makeDirectory(place.file("logs"), mode: 0o755)
        try write("a file's line\n", to: place.file("logs/app.log"))
        try HostFileSystem().write(
            place.file("logs.yaml"), Array("sources:\n  - {files: \"\(place.file("logs"))/*.log\", labels: {job: app}}\n  - kernel: true\n".utf8))
        let instance = try await Instance.start(["--logs-config", place.file("logs.yaml")])
        let pod = """
            apiVersion: v1
            kind: Pod
            metadata:
              name: talker
              labels: {app: talk}
              annotations: {logs.binnacle.dev/redact: email, logs.binnacle.dev/exclude: "^DEBUG"}
            spec:
              containers:
                - name: main
                  image: host
                  command: [sh, -c, "echo mail a@example.org; echo DEBUG no; echo done; sleep 1000"]
            """
        let applied = try await instance.kubectl(["apply", "-f", "-"], input: pod)
        #expect(applied.status == 0, "\(applied.description)")
        var found: [String] = []
        _ = try await eventually(within: 60) {
            found = try await instance.json("/api/logs?format=json&pod=talker")["lines"].elements.compactMap { $0["line"].string }
            return found.contains("done")
        }
        #expect(
            found.contains { $0.hasPrefix("mail [REDACTED:email:") } && !found.contains { $0.contains("example.org") || $0.hasPrefix("DEBUG no") }, "\(found)")
        let labelled = try await instance.json("/api/logs?format=json&selector=" + "%7Bapp%3D%22talk%22%7D")
        #expect(labelled["lines"].elements.contains { $0["line"] == "done" }, "\(labelled)")
        let ours = try await instance.json("/api/logs?format=json&selector=" + "%7Bjob%3D%22app%22%7D")
        #expect(ours["lines"].elements.map { $0["line"] } == ["a file's line"], "\(ours)")
        let page = try await instance.curl("/metrics")
        #expect(metric("binnacle_log_tail_redacted_secrets_total", page) == 1 && metric("binnacle_log_tail_dropped_lines_total", page) == 1)
        #expect(try await instance.curl("/healthz").contains("ok"))
        #expect(try HostFileSystem().status("\(instance.dataDirectory)/redaction.key").mode & 0o777 == 0o600)
        #expect(try await instance.stop() == 0)
    }
}
