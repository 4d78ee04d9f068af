import Glibc
import JSON
import Runtime
import TestKit
import Testing

/// What other people's programs send, found again through `/api/logs`.
@Suite(.serialized, .timeLimit(.minutes(5))) struct LogClientsTests {
    private static let tools = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/") + "/.build-tools"
    private static var hasPython: Bool { HostFileSystem().exists("\(tools)/clients7/bin/python") }
    private static var hasRsyslog: Bool { HostFileSystem().exists("\(tools)/usr/sbin/rsyslogd") }

    /// The lines that contain a text, once there are `count` or ten seconds have gone.
    private func lines(_ aggregate: Aggregate, _ text: String, count: Int) async throws -> [String] {
        var found: [String] = []
        _ = try await eventually(within: 10) {
            let answer = try await Program.run(["curl", "-sS", "-G", "--data-urlencode", "q=\(text)", "\(aggregate.queries)/api/logs?limit=5000"]).output
            found = answer.split(separator: "\n").compactMap { try? JSON.parse(String($0))["line"].string }
            return found.count >= count
        }
        return found
    }

    private func python(_ environment: String, _ script: String, _ arguments: [String]) async throws {
        let outcome = try await Program.run(["\(Self.tools)/\(environment)/bin/python", "-"] + arguments, input: script, seconds: 60)
        guard outcome.status == 0 else { throw Program.Failure("the client failed: \(outcome.output) \(outcome.errors)") }
    }

    @Test func `logger sends over UDP, TCP and a socket`() async throws {
        let aggregate = try await Aggregate.start(["--syslog-socket", "/tmp/binnacle-test-\(getpid()).log"])
        let port = "\(5140 + aggregate.offset)"
        for (kind, flags) in [
            ("udp", ["-d"]), ("tcp", ["-T"]), ("counted", ["-T", "--octet-count"]), ("sd", ["-d", "--rfc5424", "--sd-id", "x@1", "--sd-param", #"a="b""#]),
            ("old", ["-d", "--rfc3164"]),
        ] {
            let outcome = try await Program.run(["logger", "-n", "127.0.0.1", "-P", port, "-p", "user.err", "-t", "probe"] + flags + ["needle-logger \(kind)"])
            #expect(outcome.status == 0, "\(outcome.errors)")
        }
        #expect(try await Program.run(["logger", "-u", "/tmp/binnacle-test-\(getpid()).log", "needle-logger socket"]).status == 0)
        let found = try await lines(aggregate, "needle-logger", count: 6)
        #expect(found.sorted() == ["counted", "old", "sd", "socket", "tcp", "udp"].map { "needle-logger \($0)" })
        #expect(try await aggregate.stop() == 0)
    }

    @Test(.enabled(if: hasRsyslog)) func `rsyslog forwards over TCP with counted octets`() async throws {
        let aggregate = try await Aggregate.start()
        let directory = aggregate.directory
        let modules = "\(Self.tools)/usr/lib/x86_64-linux-gnu/rsyslog"
        let configuration = """
            global(workDirectory="\(directory.path)")
            module(load="imuxsock" SysSock.Use="off")
            input(type="imuxsock" Socket="\(directory.file("in.sock"))" CreatePath="on")
            action(type="omfwd" target="127.0.0.1" port="\(5140 + aggregate.offset)" protocol="tcp" TCP_Framing="octet-counted" Template="RSYSLOG_SyslogProtocol23Format")

            """
        try HostFileSystem().write(directory.file("rsyslog.conf"), Array(configuration.utf8))
        let libraries = "\(Self.tools)/usr/lib/x86_64-linux-gnu:\(Self.tools)/lib/x86_64-linux-gnu"
        let rsyslog = try Program.spawn(
            [
                "env", "LD_LIBRARY_PATH=\(libraries)", "\(Self.tools)/usr/sbin/rsyslogd", "-n", "-M", modules, "-f", directory.file("rsyslog.conf"), "-i",
                directory.file("rsyslog.pid"),
            ], output: directory.file("rsyslog.out"), errors: directory.file("rsyslog.err"))
        defer { rsyslog.kill(SIGKILL) }
        #expect(try await eventually(within: 10) { HostFileSystem().exists(directory.file("in.sock")) })
        for number in 0..<20 { _ = try await Program.run(["logger", "-u", directory.file("in.sock"), "-t", "app", "needle-rsyslog \(number)"]) }
        // rsyslog hands on the space behind a tag as the text's first character.
        let found = try await lines(aggregate, "needle-rsyslog", count: 20).map { String($0.drop { $0 == " " }) }
        #expect(Set(found) == Set((0..<20).map { "needle-rsyslog \($0)" }), "\((try? HostFileSystem().text(directory.file("rsyslog.err"))) ?? "")")
        #expect(found.count == 20)
        // Told to stop it would wait for more.
        rsyslog.kill(SIGKILL)
        _ = rsyslog.wait()
        #expect(try await aggregate.stop() == 0)
    }

    @Test(.enabled(if: hasRsyslog)) func `systemd-journal-upload sends a journal, and again without doubling it`() async throws {
        let aggregate = try await Aggregate.start()
        let directory = aggregate.directory
        let export = (1...20).map { number in
            "__REALTIME_TIMESTAMP=\(SystemClock().nanoseconds / 1000 + Int64(number))\n__MONOTONIC_TIMESTAMP=\(number)\n_BOOT_ID=6c7c6013a8b44d2b8a2e5f4b3a9e1f00\n"
                + "_MACHINE_ID=6c7c6013a8b44d2b8a2e5f4b3a9e1f01\n_HOSTNAME=n1\nPRIORITY=3\nMESSAGE=needle-journal \(number)\n\n"
        }.joined()
        try HostFileSystem().write(directory.file("in.export"), Array(export.utf8))
        let run = ["env", "LD_LIBRARY_PATH=\(Self.tools)/usr/lib/x86_64-linux-gnu"]
        let made = try await Program.run(
            run + ["\(Self.tools)/lib/systemd/systemd-journal-remote", "-o", directory.file("x.journal"), directory.file("in.export")])
        #expect(made.status == 0, "\(made.errors)")
        for round in 1...2 {
            // It waits for more when it is done, and is ended then.
            let upload = try Program.spawn(
                run + [
                    "\(Self.tools)/lib/systemd/systemd-journal-upload", "-u", "\(aggregate.ingest)/insert/journald", "--file",
                    directory.file("x.journal"), "--save-state=\(directory.file("state\(round)"))",
                ], output: directory.file("upload.out"), errors: directory.file("upload.err"))
            #expect(try await eventually(within: 15) { HostFileSystem().exists(directory.file("state\(round)")) || upload.poll() != nil })
            upload.kill(SIGKILL)
            _ = upload.wait()
        }
        let found = try await lines(aggregate, "needle-journal", count: 20)
        #expect(Set(found) == Set((1...20).map { "needle-journal \($0)" }), "\((try? HostFileSystem().text(directory.file("upload.err"))) ?? "")")
        #expect(found.count == 20)
        #expect(try await aggregate.stop() == 0)
    }

    private static let elastic = """
        import datetime, sys
        from elasticsearch import Elasticsearch, helpers
        client = Elasticsearch(sys.argv[1])
        assert client.info()["tagline"] == "You Know, for Search"
        name = sys.argv[2]
        documents = [{"_op_type": "create", "_index": "logs-" + name, "_id": name + str(n),
                      "@timestamp": datetime.datetime.now(datetime.timezone.utc).isoformat(), "message": "needle-elastic %s %d" % (name, n), "kubernetes": {"pod_name": "p"}} for n in range(1000)]
        assert helpers.bulk(client, documents) == (1000, [])
        # The same again: every one is there already.
        done, errors = helpers.bulk(client, documents, raise_on_error=False)
        assert done == 0 and len(errors) == 1000 and errors[0]["create"]["status"] == 409, (done, errors[:1])
        assert client.index(index="logs-" + name, **({"document": {"message": "needle-elastic %s single" % name}} if name != "7" else {"body": {"message": "needle-elastic 7 single"}}))["result"] == "created"
        """

    @Test(.enabled(if: hasPython), arguments: [("clients7", "7"), ("clients", "9")])
    func `Python's elasticsearch indexes in bulk, and a retry doubles nothing`(environment: String, name: String) async throws {
        let aggregate = try await Aggregate.start()
        try await python(environment, Self.elastic, [aggregate.ingest, name])
        let found = try await lines(aggregate, "needle-elastic \(name)", count: 1001)
        #expect(found.count == 1001)
        #expect(Set(found).count == 1001)
        #expect(try await aggregate.stop() == 0)
    }

    @Test(.enabled(if: hasPython)) func `OpenTelemetry, fluent-logger and python-logging-loki are understood`() async throws {
        let aggregate = try await Aggregate.start()
        try await python(
            "clients",
            """
            import logging, sys
            ingest, port = sys.argv[1], int(sys.argv[2])
            from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
            from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
            provider = LoggerProvider(resource=Resource.create({"service.name": "shop"}))
            provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(endpoint=ingest + "/v1/logs")))
            log = logging.getLogger("otel")
            log.addHandler(LoggingHandler(logger_provider=provider))
            for n in range(50): log.error("needle-client otel %d", n)
            provider.shutdown()

            from fluent import sender
            fluent = sender.FluentSender("app", host="127.0.0.1", port=port, nanosecond_precision=True)
            for n in range(50): assert fluent.emit("web", {"message": "needle-client fluent %d" % n, "level": "warn"})
            fluent.close()

            import logging_loki
            handler = logging_loki.LokiHandler(url=ingest + "/loki/api/v1/push", tags={"app": "py"}, version="1")
            log = logging.getLogger("loki")
            log.addHandler(handler)
            for n in range(50): log.error("needle-client loki %d", n)
            """, [aggregate.ingest, "\(24_224 + aggregate.offset)"])
        let found = try await lines(aggregate, "needle-client", count: 150)
        #expect(Set(found) == Set(["otel", "fluent", "loki"].flatMap { kind in (0..<50).map { "needle-client \(kind) \($0)" } }))
        #expect(found.count == 150)
        #expect(try await aggregate.stop() == 0)
    }

    @Test func `what was acknowledged is there after the process was killed, and its retry is no second line`() async throws {
        let directory = TemporaryDirectory("killed-logs")
        let body = #"{"streams":[{"stream":{"app":"a"},"values":[["\#(SystemClock().nanoseconds)","needle-killed"]]}]}"#
        let first = try await Aggregate.start(directory: directory)
        #expect(try await first.post("/loki/api/v1/push", body, ["Content-Type: application/json"]) == "204")
        first.process.kill(SIGKILL)
        _ = first.process.wait()
        let second = try await Aggregate.start(directory: directory)
        #expect(try await second.post("/loki/api/v1/push", body, ["Content-Type: application/json"]) == "204")
        #expect(try await lines(second, "needle-killed", count: 1) == ["needle-killed"])
        #expect(try await second.stop() == 0)
    }
}
