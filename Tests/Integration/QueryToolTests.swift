import Glibc
import Runtime
import TestKit
import Testing

/// Debian's `promtool query` put to us and to Debian's Prometheus with the same data, and `binnacle query -i` by a pipe and at a terminal.
@Suite(.serialized, .timeLimit(.minutes(5))) struct QueryToolTests {
    /// A quarter of an hour of two counters and a histogram, as OpenMetrics or in the plain text form.
    private func data(until end: Int64, openMetrics: Bool) -> String {
        var text = ""
        for (series, factor) in [("hits_total{job=\"a\",path=\"/x\"}", 3.5), ("hits_total{job=\"b\",path=\"/\"}", 0.25)] {
            for step in 0...60 { text += line(series, 100 + Double(step) * factor, end - Int64(60 - step) * 15, openMetrics) }
        }
        for (bound, factor) in [("0.1", 1.0), ("1.0", 3), ("+Inf", 4)] {
            for step in 0...60 { text += line("took_bucket{le=\"\(bound)\"}", Double(step) * factor, end - Int64(60 - step) * 15, openMetrics) }
        }
        return text + (openMetrics ? "# EOF\n" : "")
    }

    private func line(_ series: String, _ value: Double, _ time: Int64, _ openMetrics: Bool) -> String {
        "\(series) \(value) \(openMetrics ? time : time * 1000)\n"
    }

    private func prometheus(_ directory: TemporaryDirectory, _ port: Int, until end: Int64) async throws -> Program.Running {
        let files = HostFileSystem()
        try files.write(directory.file("data.om"), Array(data(until: end, openMetrics: true).utf8))
        try files.write(directory.file("prometheus.yml"), Array("global: {scrape_interval: 1m}\n".utf8))
        let built = try await Program.run(
            [PrometheusTools.promtool ?? "", "tsdb", "create-blocks-from", "openmetrics", directory.file("data.om"), directory.file("tsdb")])
        try #require(built.status == 0, "\(built.description)")
        let process = try Program.spawn(
            [
                PrometheusTools.prometheus ?? "", "--config.file=\(directory.file("prometheus.yml"))", "--storage.tsdb.path=\(directory.file("tsdb"))",
                "--web.listen-address=127.0.0.1:\(port)",
            ], output: directory.file("prom.out"), errors: directory.file("prom.err"))
        let isUp = try await eventually(within: 30) {
            try await Program.run(["curl", "-fsS", "http://127.0.0.1:\(port)/-/ready"]).status == 0
        }
        try #require(isUp, "\((try? files.text(directory.file("prom.err"))) ?? "")")
        return process
    }

    @Test(.enabled(if: PrometheusTools.areThere, "scripts/setup --with-test-tools fetches prometheus"))
    func `promtool query says the same of us and of Prometheus`() async throws {
        let directory = TemporaryDirectory("promtool")
        let end = SystemClock().nanoseconds / 15_000_000_000 * 15 - 600
        let port = 20_000 + FreePorts.offset(for: [20_000])
        let theirs = try await prometheus(directory, port, until: end)
        let aggregate = try await Aggregate.start(["--no-default-alerts"])
        #expect(try await aggregate.post("/api/v1/import/prometheus", data(until: end, openMetrics: false)) == "204")
        let promtool = PrometheusTools.promtool ?? ""
        // No sample lies on an edge of a window, which 2.42 would count and 3.x does not: moments are 7 s off.
        let moment = "\(end - 8)", span = ["--start=\(end - 308)", "--end=\(end - 8)", "--step=45s"]
        var commands: [(before: [String], after: [String])] = [
            (["query", "series", "--match=hits_total", "--match={le=\"1.0\"}", "--start=\(end - 900)", "--end=\(end)"], []),
            (["query", "labels"], ["path"]),
        ]
        for query in [
            "hits_total", "sum by (job) (rate(hits_total[2m]))", "histogram_quantile(0.9, rate(took_bucket[5m]))", "1 + 1", "hits_total > 1e9",
            "topk(1, hits_total)", "avg_over_time(hits_total{job=\"b\"}[3m])", "hits_total{path=\"/x\"} / ignoring (job, path) group_left () sum(hits_total)",
        ] {
            commands.append((["query", "instant", "--time=\(moment)"], [query]))
            commands.append((["query", "range"] + span, [query]))
        }
        for wrong in ["sum(", "nosuch(up)", "hits_total + on () hits_total"] {
            commands.append((["query", "instant", "--time=\(moment)"], [wrong]))
        }
        for (before, after) in commands {
            let ours = try await Program.run([promtool] + before + [aggregate.queries] + after)
            let other = try await Program.run([promtool] + before + ["http://127.0.0.1:\(port)"] + after)
            #expect(ours.status == other.status, "\(before) \(after): \(ours.description) but Prometheus: \(other.description)")
            func lines(_ text: String) -> [String] { text.split(separator: "\n").map(String.init).sorted() }
            #expect(lines(ours.output) == lines(other.output), "\(before) \(after)")
        }
        theirs.kill(SIGTERM)
        _ = theirs.wait()
        #expect(try await aggregate.stop() == 0)
    }

    @Test func `query -i answers what a pipe holds, and says at the end if something failed`() async throws {
        let aggregate = try await Aggregate.start(["--no-default-alerts"])
        #expect(try await aggregate.post("/api/v1/import/prometheus", "level{host=\"a\"} 5\nlevel{host=\"b\"} 7\n") == "204")
        let command = [Instance.binnacle, "query", "-i", "--server", aggregate.queries]
        let good = try await Program.run(command, input: "sum(\n  level\n)\n\n.output csv\nlevel{host=\"b\"} * 2\n.quit\nnot asked\n")
        #expect(good.status == 0, "\(good.description)")
        #expect(good.output.hasPrefix("value\n12\n") || good.output.contains("12"), "\(good.output)")
        #expect(good.output.contains("b,") && good.output.contains(",14\r\n") && !good.output.contains("promql>"), "\(good.output)")
        let bad = try await Program.run(command, input: "sum(level\n\n1 + 1\n.nosuch\n")
        #expect(bad.status == 1 && bad.output.contains("2"), "\(bad.description)")
        #expect(
            bad.errors.contains("parse error") && bad.errors.contains("there is no .nosuch") && bad.errors.contains("2 of the queries failed"), "\(bad.errors)")
        let none = try await Program.run([Instance.binnacle, "query"])
        #expect(none.status != 0 && none.errors.contains("there is no query"), "\(none.description)")
        #expect(try await aggregate.stop() == 0)
    }

    /// Plays keys at a terminal of its own and prints what was shown: each argument before the command is sent when the text before its
    /// `=>` has appeared, or the file that it names by `@`.
    private static let terminal = """
        import os, pty, select, sys, time
        split = sys.argv.index("--")
        pid, fd = pty.fork()
        if pid == 0:
            os.execvp(sys.argv[split + 1], sys.argv[split + 1:])
        seen, mark = b"", 0
        def wait(text):
            global seen, mark
            end = time.time() + 20
            isFile = text.startswith(b"@")
            while not os.path.exists(text[1:]) if isFile else text not in seen[mark:]:
                if time.time() > end:
                    sys.stdout.write("TIMEOUT waiting for %r in %r" % (text, seen[mark:])); sys.exit(9)
                if select.select([fd], [], [], 0.2)[0]:
                    try: seen += os.read(fd, 65536)
                    except OSError: break
            if not isFile: mark = seen.index(text, mark) + len(text) if text in seen[mark:] else len(seen)
        for step in sys.argv[1:split]:
            before, keys = step.split("=>", 1)
            wait(before.encode())
            os.write(fd, keys.encode().decode("unicode_escape").encode("latin-1"))
        while True:
            try: data = os.read(fd, 65536)
            except OSError: break
            if not data: break
            seen += data
        sys.stdout.buffer.write(seen)
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        """

    @Test func `at a terminal Tab completes, Control-R finds, and the history stays`() async throws {
        let aggregate = try await Aggregate.start(["--no-default-alerts"])
        let lines = "level_of_water{host=\"alpha\",tank=\"1\"} 5\nlevel_of_water{host=\"beta\",tank=\"2\"} 7\n"
        #expect(try await aggregate.post("/api/v1/import/prometheus", lines) == "204")
        let directory = TemporaryDirectory("history")
        let environment = ["XDG_STATE_HOME": directory.path, "TERM": "xterm", "COLUMNS": "100"]
        func play(_ steps: [String]) async throws -> Program.Outcome {
            try await Program.run(
                ["python3", "-c", Self.terminal] + steps + ["--", Instance.binnacle, "query", "-i", "--server", aggregate.queries], environment: environment,
                seconds: 60)
        }
        // A metric, a label's name and its value are completed; what is ambiguous is listed.
        let first = try await play([
            "promql> =>level_o\\t", "level_of_water=>{ta\\t", "{tank=>=\"2\"}\\r", "7=>level_of_water{host=\"\\t", "beta=>al\\t", "alpha=>\"} * 3\\r",
            "15=>\\x04",
        ])
        #expect(first.status == 0 && first.output.contains("alpha") && first.output.contains("15"), "\(first.description)")
        let history = try HostFileSystem().text("\(directory.path)/binnacle/query_history")
        #expect(history == "level_of_water{tank=\"2\"}\nlevel_of_water{host=\"alpha\"} * 3\n")
        // Two lines of one query; then one of before, found by a piece of it; Control-C gives a line up.
        let second = try await play([
            "promql> =>sum(\\r", ".......=>level_of_water)\\r", "12=>garbage\\x03", "promql> =>\\x12tank", "tank=>\\r", "7=>\\x04",
        ])
        #expect(second.status == 0 && second.output.contains("12"), "\(second.description)")
        #expect(try HostFileSystem().text("\(directory.path)/binnacle/query_history").contains("sum(\\nlevel_of_water)\n"))
        #expect(try await aggregate.stop() == 0)
    }

    /// Accepts connections and says nothing; makes a file as soon as a request has come, another when its client has gone.
    private static let silentServer = """
        import socket, sys
        server = socket.socket(); server.bind(("127.0.0.1", 0)); server.listen()
        open(sys.argv[1] + "/port", "w").write(str(server.getsockname()[1]))
        client, _ = server.accept()
        client.recv(65536)
        open(sys.argv[1] + "/asked", "w").close()
        while client.recv(65536): pass
        open(sys.argv[1] + "/gone", "w").close()
        """

    @Test func `at a terminal Control-C gives up the line or the query that runs, and only Control-D ends`() async throws {
        let directory = TemporaryDirectory("interrupt")
        let files = HostFileSystem()
        let server = try Program.spawn(
            ["python3", "-c", Self.silentServer, directory.path], output: directory.file("server.out"), errors: directory.file("server.err"))
        defer {
            server.kill(SIGKILL)
            _ = server.wait()
        }
        try #require(try await eventually(within: 20) { (try? files.text(directory.file("port")))?.isEmpty == false })
        let played = try await Program.run(
            [
                "python3", "-c", Self.terminal, "promql> =>half a line\\x03", "promql> =>up\\r", "@\(directory.file("asked"))=>\\x03",
                "the query was given up=>", "promql> =>\\x03", "promql> =>.explain\\r", "promql> =>\\x04", "--", Instance.binnacle, "query", "-i", "--server",
                "http://127.0.0.1:\(try files.text(directory.file("port")))",
            ], environment: ["XDG_STATE_HOME": directory.path, "TERM": "xterm", "COLUMNS": "100"], seconds: 60)
        #expect(played.status == 0, "\(played.description)")
        // It hung up, by which a server knows that nobody waits.
        #expect(try await eventually(within: 10) { files.exists(directory.file("gone")) })
        // What was given up is no part of the history.
        #expect(try files.text("\(directory.path)/binnacle/query_history") == "up\n.explain\n")
    }
}
