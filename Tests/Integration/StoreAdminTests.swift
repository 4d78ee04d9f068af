import Glibc
import JSON
import Runtime
import TestKit
import Testing

/// What looks after the metric store, as a person uses it: from outside, on a running store and on a directory.
@Suite(.serialized, .timeLimit(.minutes(5))) struct StoreAdminTests {
    private static func binnacle(_ arguments: String...) async throws -> Program.Outcome {
        try await Program.run([Instance.binnacle] + arguments, seconds: 60)
    }

    /// Three metrics of forty series and a thousand moments, in the hour before now.
    private static func fill(_ aggregate: Aggregate) async throws {
        let now = SystemClock().nanoseconds / 1_000_000
        for metric in ["one", "two", "three"] {
            var page = ""
            for series in 0..<40 {
                let times = (0..<250).map { now - 3_000_000 + Int64($0) * 10_000 }
                let values = times.map { "\(Double($0 % 7_919) * 0.37 + Double(series))" }
                page += #"{"metric":{"__name__":"\#(metric)","m":"\#(metric)","n":"\#(series)"},"values":[\#(values.joined(separator: ","))],"#
                page += #""timestamps":[\#(times.map { "\($0)" }.joined(separator: ","))]}"# + "\n"
            }
            #expect(try await aggregate.post("/api/v1/import", page) == "204")
        }
    }

    /// The samples of one metric in what `store stats` printed. The totals beside it count the program's own metrics too,
    /// which come in when they are due.
    private static func samples(_ table: String, of metric: String) -> Int? {
        let row = table.split(separator: "\n").map { $0.split(separator: " ", omittingEmptySubsequences: true) }.first { $0.first == metric[...] }
        return row.flatMap { $0.count > 2 ? Int($0[2]) : nil }
    }

    private static let questions = ["sum by (m) (sum_over_time({n=~\".+\"}[1h] @ MOMENT))", "count(count_over_time({n=~\".+\"}[1h] @ MOMENT))"]

    private static func answers(_ aggregate: Aggregate, at moment: Int64) async throws -> [String] {
        var answers: [String] = []
        for question in questions {
            let result = try await aggregate.query(question.replacing("MOMENT", with: "\(moment)"))
            answers.append(result.elements.map { "\($0["metric"]) \($0["value"][1])" }.sorted().joined(separator: ", "))
        }
        return answers
    }

    @Test func `a backup of a running store answers like it, and a flipped byte is found`() async throws {
        let aggregate = try await Aggregate.start()
        try await Self.fill(aggregate)
        let data = aggregate.directory.file("data")
        let compacted = try await Self.binnacle("store", "compact", data)
        #expect(compacted.status == 0, "\(compacted.description)")
        // What is in the log alone belongs to the backup too.
        #expect(try await aggregate.post("/api/v1/import/prometheus", "late{m=\"late\",n=\"x\"} 1\n") == "204")
        let moment = SystemClock().nanoseconds / 1_000_000_000 + 1
        let before = try await Self.answers(aggregate, at: moment)
        #expect(before[0].contains("three") && before[1].contains("121"), "\(before)")

        let backup = aggregate.directory.file("backup")
        let made = try await Self.binnacle("backup", backup, "--data-dir", data)
        #expect(made.status == 0, "\(made.description)")
        #expect(try await Self.binnacle("store", "check", backup).status == 0)
        let again = try await Self.binnacle("backup", backup, "--data-dir", data)
        #expect(again.status == 1 && again.errors.contains("is no empty directory"), "\(again.description)")
        let busy = try await Self.binnacle("restore", backup, "--data-dir", data)
        #expect(busy.status == 1 && busy.errors.contains("is in use by another binnacle"), "\(busy.description)")
        let checked = try await Self.binnacle("store", "check", data)
        #expect(checked.status == 0, "\(checked.description)")
        let stats = try await Self.binnacle("store", "stats", data)
        #expect(stats.status == 0 && Self.samples(stats.output, of: "three") == 10_000, "\(stats.description)")
        #expect(try await aggregate.stop() == 0)

        let other = TemporaryDirectory("restored")
        let restored = try await Self.binnacle("restore", backup, "--data-dir", other.file("data"))
        #expect(restored.status == 0, "\(restored.description)")
        let second = try await Aggregate.start(directory: other)
        #expect(try await Self.answers(second, at: moment) == before)
        #expect(try await second.stop() == 0)
        let full = try await Self.binnacle("restore", backup, "--data-dir", other.file("data"))
        #expect(full.status == 1 && full.errors.contains("holds metrics already"), "\(full.description)")

        try await Self.flipped(backup, into: other.file("third"))
    }

    /// Flips one bit in a part of the backup: `check` says where, and `restore` refuses it and leaves nothing.
    private static func flipped(_ backup: String, into target: String) async throws {
        let files = HostFileSystem()
        // In the midst of the largest part's body: elsewhere a byte may be one that SQLite does not use.
        let finder = """
            import sqlite3, sys
            body = sqlite3.connect(f"file:{sys.argv[1]}?immutable=1", uri=True).execute("SELECT body FROM part ORDER BY length(body) DESC").fetchone()[0]
            file = open(sys.argv[1], "rb").read()
            pieces = (body[k:k + 24] for k in range(len(body) // 2, len(body) - 24))
            print(next(file.index(piece) for piece in pieces if file.count(piece) == 1))
            """
        var found: (name: String, position: Int)?
        for name in try files.list("\(backup)/series").sorted() where name.hasPrefix("series-") && found == nil {
            let outcome = try await Program.run(["python3", "-c", finder, "\(backup)/series/\(name)"])
            if let position = Int(outcome.output.filter(\.isNumber)) { found = (name, position) }
        }
        let (name, position) = try #require(found, "the backup has no part")
        let path = "\(backup)/series/\(name)"
        var bytes = try files.read(path)
        bytes[position] ^= 0x10
        try files.write(path, bytes)
        let checked = try await binnacle("store", "check", backup)
        #expect(checked.status == 1 && checked.errors.contains(name), "\(checked.description)")
        let refused = try await binnacle("restore", backup, "--data-dir", target)
        #expect(refused.status == 1 && refused.errors.contains("is damaged"), "\(refused.description)")
        #expect(!files.exists("\(target)/series") && !files.exists("\(target)/series.partial"))
    }

    @Test func `compacting and a backup work on a directory that nobody has open`() async throws {
        let aggregate = try await Aggregate.start()
        try await Self.fill(aggregate)
        aggregate.process.kill(SIGKILL)
        _ = aggregate.process.wait()
        let data = aggregate.directory.file("data")
        let compacted = try await Self.binnacle("store", "compact", "--data-dir", data)
        #expect(compacted.status == 0 && compacted.output.contains("now"), "\(compacted.description)")
        let backup = aggregate.directory.file("backup")
        #expect(try await Self.binnacle("backup", backup, "--data-dir", data).status == 0)
        let checked = try await Self.binnacle("store", "check", backup)
        #expect(checked.status == 0, "\(checked.description)")
        let stats = try await Self.binnacle("store", "stats", backup)
        for metric in ["one", "two", "three"] {
            #expect(Self.samples(stats.output, of: metric) == 10_000, "\(stats.description)")
        }
        let missing = try await Self.binnacle("store", "check", aggregate.directory.file("nothing"))
        #expect(missing.status == 2 && missing.errors.contains("there is no"), "\(missing.description)")
    }

    @Test func `the query port writes nothing unless it was told so, and the ingest port asks for the token`() async throws {
        let deleting = ["-X", "POST", "-w", "%{http_code}", "-g"]
        func call(_ url: String) async throws -> String { try await Program.run(["curl", "-sS", "-m", "20"] + deleting + [url]).output }
        let path = "/api/v1/admin/tsdb/delete_series?match[]=one"
        let closed = try await Aggregate.start()
        try await Self.fill(closed)
        #expect(try await call(closed.queries + path).hasSuffix("503"))
        #expect(try await call(closed.ingest + "/api/v1/admin/store/compact").hasSuffix("403"))
        #expect(try await call(closed.ingest + "/api/v1/admin/store/backup?to=/tmp/nowhere").hasSuffix("403"))
        #expect(try await closed.query("count(last_over_time(one[1h]))")[0]["value"][1] == "40")
        #expect(try await closed.stop() == 0)

        let open = try await Aggregate.start(["--enable-admin-api"], directory: closed.directory)
        #expect(try await call(open.queries + path).hasSuffix("204"))
        #expect(try await open.query("count(last_over_time(one[1h]))").elements.isEmpty)
        let name = try JSON.parse(try await call(open.queries + "/api/v1/admin/tsdb/snapshot").dropLast(3).description)["data"]["name"].string ?? "?"
        #expect(try await Self.binnacle("store", "check", "\(open.directory.file("data"))/snapshots/\(name)").status == 0)
        let flags = try await Program.run(["curl", "-sS", "\(open.queries)/api/v1/status/flags"]).output
        #expect(try JSON.parse(flags)["data"]["enable-admin-api"] == "true")
        #expect(try await open.stop() == 0)
    }

    @Test(arguments: [
        (["--retention", "fortnight"], "--retention is \"fortnight\", expected a duration such as 15d, or unlimited"),
        (["--retention-size", "10 apples"], "--retention-size is \"10 apples\", expected a size such as 50GB, or unlimited"),
        (["--retention-rule", "{a=}=7d"], "--retention-rule is \"{a=}=7d\", expected a selector"),
        (["--max-series", "0"], "--max-series is \"0\", expected a whole number above 0"),
        (["--query-timeout", "never"], "--query-timeout is \"never\", expected a duration such as 2m"),
    ])
    func `a flag that is wrong is named, with what is expected`(_ flags: [String], _ message: String) async throws {
        let outcome = try await Program.run([Instance.binnacle, "aggregate", "--data-dir", TemporaryDirectory("flags").file("data")] + flags)
        #expect(outcome.status == 2 && outcome.errors.contains(message), "\(outcome.description)")
    }

    /// Advice that names a flag must name one that there is.
    @Test func `the errors of the Aggregator name flags that exist`() async throws {
        let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/") + "/Sources/Aggregator"
        var help = ""
        for command in ["aggregate", "up", "query"] { help += try await Self.binnacle(command, "--help").output }
        var named = Set<Substring>()
        for target in ["SeriesStore", "PromQL", "QueryAPI", "Ingest"] {
            for text in try Self.sources("\(root)/\(target)") {
                for line in text.split(separator: "\n") where !line.contains("///") {
                    for word in line.split(whereSeparator: { !($0.isLetter || $0.isNumber || $0 == "-") }) where word.hasPrefix("--") && word.count > 4 {
                        named.insert(word)
                    }
                }
            }
        }
        #expect(named.contains("--query-max-memory"))
        for flag in named { #expect(help.contains(flag), "\(flag) is no flag of aggregate, up or query") }
    }

    static func sources(_ directory: String) throws -> [String] {
        let files = HostFileSystem()
        return try files.list(directory).flatMap { name -> [String] in
            let path = "\(directory)/\(name)"
            if try files.status(path).isDirectory { return try sources(path) }
            return name.hasSuffix(".swift") ? [try files.text(path)] : []
        }
    }
}
