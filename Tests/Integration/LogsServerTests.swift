import Glibc
import JSON
import Runtime
import TestKit
import Testing

/// `binnacle logs` with a running server, beside one on its data directory, and on a terminal.
@Suite(.serialized, .timeLimit(.minutes(5))) struct LogsServerTests {
    private static func fill(_ aggregate: Aggregate, _ count: Int = 60) async throws {
        let now = SystemClock().nanoseconds
        let values = (0..<count).map { number in
            #"["\#(now - Int64(count - number) * 1_000_000_000)","\#(number % 10 == 0 ? "ERROR" : "INFO") request \#(number) took \#(number)ms"]"#
        }
        let body = #"{"streams":[{"stream":{"namespace":"shop","pod":"web-1","container":"app"},"values":[\#(values.joined(separator: ","))]}]}"#
        let answer = try await aggregate.post("/loki/api/v1/push", body, ["Content-Type: application/json"])
        guard answer == "204" else { throw Program.Failure("push: \(answer)") }
    }

    private static func logs(_ aggregate: Aggregate, _ arguments: [String]) async throws -> Program.Outcome {
        try await Program.run([Instance.binnacle, "logs", "--port-offset", "\(aggregate.offset)"] + arguments, seconds: 30)
    }

    @Test func `asks a server for lines and for numbers`() async throws {
        let aggregate = try await Aggregate.start()
        try await Self.fill(aggregate)
        let lines = try await Self.logs(aggregate, ["-n", "shop", "--level", "error", "-o", "raw", "--stats"])
        #expect(lines.status == 0 && lines.output.split(separator: "\n").count == 6 && lines.errors.contains("searched"), "\(lines.description)")
        #expect(try await Self.logs(aggregate, ["shop/web-1/app", "nothing of the kind"]).status == 1)
        let body = #"{"streams":[{"stream":{"namespace":"shop","pod":"json"},"values":[["\#(SystemClock().nanoseconds)","{\"status\":503}"]]}]}"#
        #expect(try await aggregate.post("/loki/api/v1/push", body, ["Content-Type: application/json"]) == "204")
        for word in ["status>=500", "status:>500"] {
            #expect(try await Self.logs(aggregate, ["pod/json", word, "-o", "raw"]).output == "{\"status\":503}\n", "\(word)")
        }

        let query = #"sum by (pod) (count_over_time({namespace="shop"} |= "ERROR" [5m]))"#
        let table = try await Self.logs(aggregate, ["-q", query])
        #expect(table.status == 0 && table.output.split(separator: "\n").last?.split(separator: " ").last == "6", "\(table.description)")
        let csv = try await Self.logs(aggregate, ["-q", query, "-o", "csv"])
        #expect(csv.output.hasPrefix("pod,time,value\r\nweb-1,") && csv.output.hasSuffix(",6\r\n"), "\(csv.description)")
        let graph = try await Self.logs(aggregate, ["-q", query, "--since", "10m"])
        #expect(graph.status == 0 && graph.output.contains("a point each") && graph.output.contains("web-1"), "\(graph.description)")
        let matrix = try JSON.parse(try await Self.logs(aggregate, ["-q", query, "--since", "10m", "--every", "1m", "-o", "json"]).output)
        #expect(matrix["resultType"] == "matrix" && matrix["result"][0]["metric"]["pod"] == "web-1", "\(matrix)")
        #expect(try await Self.logs(aggregate, ["-q", #"rate({pod="none"}[1m])"#]).status == 1)
        let beside = try await Self.logs(aggregate, ["-q", query, "-n", "shop"])
        #expect(beside.status == 2 && beside.errors.contains("goes with no conditions"), "\(beside.description)")
        let wrong = try await Self.logs(aggregate, ["-q", #"{namespace="shop"} | jsn"#])
        #expect(
            wrong.status == 2 && wrong.errors.contains("did you mean \"json\"") && wrong.errors.contains("\n                       ^"), "\(wrong.description)")
        let sorted = try await Self.logs(aggregate, ["-q", #"{pod="web-1"} | regexp "took (?P<took>\\d+)" | sort by (took desc) | limit 2"#, "-o", "raw"])
        #expect(sorted.output == "INFO request 59 took 59ms\nINFO request 58 took 58ms\n", "\(sorted.description)")
        #expect(try await aggregate.stop() == 0)
    }

    @Test func `shows the run of a container before its present one`() async throws {
        let aggregate = try await Aggregate.start()
        let now = SystemClock().nanoseconds
        // Pod a is in its third run, whose lines are new; its second ended two days ago. Pod b is in its first.
        let streams = [("a", 0, 3), ("a", 1, 2), ("a", 2, 0), ("b", 0, 0)].map { pod, run, days in
            let time = now - Int64(days) * 86_400_000_000_000 - 1_000_000_000
            return #"{"stream":{"namespace":"shop","pod":"\#(pod)","container":"app","restart":"\#(run)"},"values":[["\#(time)","\#(pod) run \#(run)"]]}"#
        }
        let body = #"{"streams":[\#(streams.joined(separator: ","))]}"#
        #expect(try await aggregate.post("/loki/api/v1/push", body, ["Content-Type: application/json"]) == "204")
        #expect(try await Self.logs(aggregate, ["shop/a/app", "-p", "-o", "raw"]).output == "a run 1\n")
        #expect(try await Self.logs(aggregate, ["shop/a/app", "-p", "no such words", "-o", "raw"]).status == 1)
        let first = try await Self.logs(aggregate, ["pod/b", "--previous"])
        #expect(first.status == 1 && first.errors.contains("no container has lines of an earlier run"), "\(first.description)")
        #expect(try await aggregate.stop() == 0)
    }

    @Test func `reads the data directory while a server has it, and says which part it could not read`() async throws {
        let aggregate = try await Aggregate.start()
        try await Self.fill(aggregate)
        let data = aggregate.directory.file("data")
        let beside = try await Program.run([Instance.binnacle, "logs", "--data-dir", data, "-n", "shop", "-o", "raw", "--limit", "0"])
        #expect(beside.status == 0 && beside.output.split(separator: "\n").count == 60, "\(beside.description)")
        let number = try await Program.run([Instance.binnacle, "logs", "--data-dir", data, "-q", #"sum(count_over_time({namespace="shop"}[5m]))"#])
        #expect(number.status == 0 && number.output.contains("60"), "\(number.description)")
        // The server goes on.
        try await Self.fill(aggregate, 1)
        #expect(try await Self.logs(aggregate, ["-n", "shop", "-o", "raw", "--limit", "0"]).output.split(separator: "\n").count == 61)
        let following = try await Program.run([Instance.binnacle, "logs", "--data-dir", data, "-f"])
        #expect(following.status == 2 && following.errors.contains("-f follows a server"), "\(following.description)")
        #expect(try await aggregate.stop() == 0)

        let day = try #require(try HostFileSystem().list("\(data)/logs").first { $0.hasSuffix(".db") && $0 != "wal.db" })
        let flip = "UPDATE columns SET body=substr(body,1,12)||CASE substr(body,13,1) WHEN x'00' THEN x'01' ELSE x'00' END||substr(body,14)"
        #expect(try await Program.run(["sqlite3", "\(data)/logs/\(day)", flip]).status == 0)
        let damaged = try await Program.run([Instance.binnacle, "logs", "--data-dir", data, "-n", "shop", "-o", "raw"])
        #expect(damaged.status == 4 && damaged.errors.contains("warning: lines are missing: "), "\(damaged.description)")
        let again = try await Aggregate.start(directory: aggregate.directory)
        try await Self.fill(again, 3)
        let asked = try await Self.logs(again, ["-n", "shop", "-o", "raw"])
        #expect(
            asked.status == 4 && asked.output.split(separator: "\n").count == 3 && asked.errors.contains("warning: lines are missing: "), "\(asked.description)"
        )
        let counted = try await Self.logs(again, ["-n", "shop", "--count", "request"])
        #expect(counted.status == 4, "\(counted.description)")
        // Counts by minute are a part of their own, and whole.
        #expect(try await Self.logs(again, ["-n", "shop", "--count"]).output.contains("64"))
        let elastic = try await Program.run(["curl", "-sS", "\(again.queries)/elastic/_search?q=request"]).output
        #expect(try JSON.parse(elastic)["_shards"]["failed"].int ?? 0 > 0, "\(elastic)")
        #expect(try await again.stop() == 0)
    }

    /// What a person sees: `script` gives the command a terminal.
    private func terminal(_ arguments: String, _ environment: [String: String]) async throws -> String {
        let directory = TemporaryDirectory("terminal")
        try HostFileSystem().write(directory.file("app.log"), Array("2026-11-24T08:00:00Z ERROR a \u{1B}]0;title\u{07} b\n".utf8))
        let command = "\(Instance.binnacle) logs \(directory.file("app.log")) \(arguments)"
        let base = ["TERM": "xterm", "LESS": "FRX", "NO_COLOR": ""]
        return try await Program.run(
            ["script", "-qec", command, "/dev/null"], environment: base.merging(environment) { $1 }
        ).output
    }

    @Test func `on a terminal a pager shows the lines, with control characters made visible`() async throws {
        let paged = try await terminal("", ["PAGER": "sed s/^/paged:/"])
        #expect(paged.contains("paged:") && paged.contains(#"\u{1B}]0;title\u{07}"#) && !paged.contains("\u{1B}]0"), "\(paged)")
        #expect(paged.contains("\u{1B}[31m"), "colour goes through: \(paged)")
        let own = try await terminal("-o csv", ["PAGER": "sed s/^/wrong:/", "BINNACLE_PAGER": "sed s/^/own:/", "NO_COLOR": "1"])
        #expect(own.contains("own:time,namespace") && !own.contains("\u{1B}"), "\(own)")
        for (arguments, environment) in [("--no-pager", ["PAGER": "sed s/^/paged:/"]), ("", ["PAGER": ""]), ("", ["PAGER": "cat"])] {
            let plain = try await terminal(arguments, environment)
            #expect(!plain.contains("paged:") && plain.contains("title"), "\(plain)")
        }
        let gone = try await terminal("", ["PAGER": "/nothing/here"])
        #expect(gone.contains("the pager /nothing/here is not there") && gone.contains("title"), "\(gone)")
        // A pager that is left early ends the command.
        #expect(try await terminal("--limit 0", ["PAGER": "true"]).isEmpty)
    }
}
