import HTTP
import JSON
import LogStore
import Runtime
import Synchronization
import Telemetry
import TestKit
import Testing

@testable import QueryAPI

/// A store with some lines behind a router.
struct LogsFixture {
    let directory = TemporaryDirectory("logsapi")
    let store: LogArchive
    let router: HTTPRouter

    init(lines: Int = 20) async throws {
        var options = LogArchive.Options(directory: directory.file("logs"))
        options.clock = ManualClock(startingAt: Timestamp(milliseconds: 1_772_326_800_000))
        store = try LogArchive(options, metrics: MetricRegistry())
        for number in 0..<lines {
            let labels: Labels = [
                "namespace": "shop", "pod": "api-\(number % 2)", "container": "app", "stream": "stdout", "restart": "0",
                "pod_uid": "u\(number % 2)",
            ]
            let record = LogRecord(
                time: 1_772_323_200_000_000_000 + Int64(number) * 1_000_000_000, severity: number % 5 == 0 ? .error : .info,
                body: Array("request \(number) took \(number * 7)ms".utf8))
            try await store.append([LogBatch(stream: labels, records: [record], origin: nil)])
        }
        var router = HTTPRouter()
        LogsAPI(store: store).register(on: &router)
        let clock = options.clock
        LokiAPI(source: store, feed: store, clock: clock, metrics: MetricRegistry()).register(on: &router)
        ElasticAPI(source: store, clock: clock, metrics: MetricRegistry()).register(on: &router)
        self.router = router
    }

    final class Collector: HTTPBodyWriter {
        let bytes = Mutex<[UInt8]>([])
        func write(_ more: [UInt8]) async throws { bytes.withLock { $0 += more } }
    }

    func get(_ path: String, _ query: [(String, String)] = [], fields: HTTPFields = [:]) async throws -> (status: Int, text: String) {
        try await send(HTTPRequest(path: path, query: query.map { (name: $0.0, value: $0.1) }, fields: fields))
    }

    func send(_ request: HTTPRequest) async throws -> (status: Int, text: String) {
        let response = await router.respond(to: request)
        switch response.body {
        case .bytes(let bytes): return (response.status, String(decoding: bytes, as: UTF8.self))
        case .stream(let body):
            let collector = Collector()
            try await body(collector)
            return (response.status, String(decoding: collector.bytes.withLock { $0 }, as: UTF8.self))
        }
    }

    func objects(_ path: String, _ query: [(String, String)] = []) async throws -> [JSON] {
        try await get(path, query).text.split(separator: "\n").map { try JSON.parse(String($0)) }
    }
}

@Suite struct LogsAPITests {
    @Test func `streams lines as JSON objects and ends with figures and a cursor`() async throws {
        let fixture = try await LogsFixture()
        let rows = try await fixture.objects("/api/logs", [("q", "request 1"), ("limit", "3"), ("pod", "api-1")])
        #expect(rows.count == 4)
        #expect(
            rows[0].bytes()
                == Array(
                    #"{"time":"2026-03-01T00:00:19.000000000Z","namespace":"shop","pod":"api-1","container":"app","stream":"stdout","restart":"0","severity":"info","line":"request 19 took 133ms","match":true,"id":"1772323219000000000-20"}"#
                        .utf8))
        let cursor = try #require(rows[3]["cursor"].string)
        let rest = try await fixture.objects("/api/logs", [("q", "request 1"), ("limit", "9"), ("pod", "api-1"), ("cursor", cursor)])
        #expect(rest.dropLast().map { $0["line"].string } == ["request 13 took 91ms", "request 11 took 77ms", "request 1 took 7ms"])
        #expect(rest.last?["cursor"].isNull == true && rest.last?["stats"]["linesMatched"].int == 3)
        try await fixture.store.close()
    }

    @Test func `shows context from the same container and marks the matches`() async throws {
        let fixture = try await LogsFixture()
        let rows = try await fixture.objects("/api/logs", [("q", "request 10 "), ("q", "took"), ("before", "1"), ("after", "1")])
        #expect(rows.dropLast().map { $0["line"].string } == ["request 8 took 56ms", "request 10 took 70ms", "request 12 took 84ms"])
        #expect(rows.dropLast().map { $0["match"].bool } == [false, true, false])
        let raw = try await fixture.get(
            "/api/logs", [("regex", "^request (4|16) "), ("before", "1"), ("format", "raw"), ("direction", "oldest")])
        #expect(raw.text == "request 2 took 14ms\nrequest 4 took 28ms\n--\nrequest 14 took 98ms\nrequest 16 took 112ms\n")
        let id = try #require(rows[1]["id"].string)
        let around = try await fixture.objects("/api/logs/context", [("id", id), ("before", "0"), ("after", "1")])
        #expect(around.map { $0["match"].bool } == [true, false])
        #expect(try await fixture.get("/api/logs/context", [("id", "1-999")]).status == 404)
        try await fixture.store.close()
    }

    @Test func `answers with one document, counts and patterns`() async throws {
        let fixture = try await LogsFixture()
        let document = try JSON.parse(try await fixture.get("/api/logs", [("format", "json"), ("level", "error")]).text)
        #expect(document["lines"].elements.count == 4 && document["cursor"].isNull)
        let empty = try JSON.parse(try await fixture.get("/api/logs", [("format", "json"), ("q", "no such text")]).text)
        #expect(empty["lines"].array?.isEmpty == true)
        let counts = try JSON.parse(try await fixture.get("/api/logs/count", [("by", "minute,severity"), ("by", "pod")]).text)
        #expect(counts["total"].int == 20 && counts["counts"].elements.count == 4)
        #expect(counts["counts"][0]["time"].string == "2026-03-01T00:00:00.000000000Z")
        let patterns = try JSON.parse(try await fixture.get("/api/logs/patterns").text)
        #expect(patterns["patterns"].elements.map { $0["template"].string } == ["request <n> took <duration>"])
        #expect(patterns["patterns"][0]["count"].int == 20 && patterns["patterns"][0]["pods"].elements.count == 2)
        try await fixture.store.close()
    }

    @Test func `stages that look at the whole answer sort it, take of equal lines one, and say what is cut off`() async throws {
        let fixture = try await LogsFixture()
        func ask(_ query: String, _ more: [(String, String)] = []) async throws -> [JSON] {
            try await fixture.objects("/api/logs", [("lang", "logql"), ("q", query)] + more)
        }
        let sorted = try await ask(#"{namespace="shop"} | regexp "took (?P<took>\\d+)ms" | sort by (took desc) | limit 3"#)
        #expect(sorted.dropLast().map { $0["line"].string } == ["request 19 took 133ms", "request 18 took 126ms", "request 17 took 119ms"], "\(sorted)")
        #expect(sorted[0]["fields"]["took"] == "133" && sorted[0]["pod"] == "api-1" && sorted[0]["severity"] == "info")
        #expect(sorted.last?["isSorted"] == true && sorted.last?["cursor"].isNull == true)
        let distinct = try await ask(#"{namespace="shop"} | line_format "{{.pod}}" | dedup"#)
        #expect(distinct.dropLast().map { $0["line"].string } == ["api-1", "api-0"])
        let context = try await ask(#"{namespace="shop"} |= "request 10 " | context 1, 1"#, [("direction", "oldest")])
        #expect(context.dropLast().map { $0["match"].bool } == [false, true, false])
        #expect(try await ask(#"{namespace="shop"} | dedup by (line)"#, [("limit", "1")]).last?["truncated"] == true)
        // Elsewhere, and with conditions beside them, they are refused.
        for path in ["/api/logs/count", "/api/logs/tail"] {
            #expect(try await fixture.get(path, [("lang", "logql"), ("q", "{} | dedup")]).status == 400)
        }
        #expect(try await fixture.get("/api/logs", [("lang", "logql"), ("q", "{} | dedup"), ("pod", "x")]).status == 400)
        try await fixture.store.close()
    }

    @Test func `follows until the store closes`() async throws {
        let fixture = try await LogsFixture(lines: 4)
        async let rows = fixture.objects("/api/logs/tail", [("from", "2026-03-01T00:00:00Z"), ("pod", "api-0")])
        // The tail subscribes when it is first read; until then the line is in its backlog, so both orders give the same.
        let labels: Labels = ["namespace": "shop", "pod": "api-0", "container": "app"]
        try await fixture.store.append([
            LogBatch(stream: labels, records: [LogRecord(time: fixture.store.now, body: Array("new".utf8))], origin: nil)
        ])
        while fixture.store.tailCount == 0 { await Task.yield() }
        try await fixture.store.close()
        #expect(try await rows.map { $0["line"].string } == ["request 0 took 0ms", "request 2 took 14ms", "new"])
    }

    @Test(arguments: [
        ("/api/logs", "limit", "0", "parameter limit: \"0\" is not a whole number from 1 to 100000", "leave it out to get 1000"),
        ("/api/logs", "from", "yesterday", "parameter from: \"yesterday\" is no time", "use RFC 3339"),
        ("/api/logs", "regex", "a(b", "parameter regex: \"a(b\" is no regular expression, at byte", "use RE2 syntax"),
        ("/api/logs", "pod", "[", "parameter pod: \"[\" is no regular expression", "give a pod's whole name"),
        ("/api/logs", "level", "loud", "parameter level: \"loud\" is no severity", "use trace, debug"),
        ("/api/logs", "cursor", "x", "parameter cursor: \"x\" was not given out by this server", "take it unchanged"),
        ("/api/logs", "querry", "x", "parameter querry: is not known here", "use one of after, before"),
        ("/api/logs", "ignore_case", "maybe", "parameter ignore_case: \"maybe\" is neither true nor false", "use true or false"),
        ("/api/logs/count", "by", "colour", "parameter by: \"colour\" is not known", "use minute, hour"),
        ("/api/logs/count", "step", "5 parsecs", "parameter step: \"5 parsecs\" is no duration", "such as 5m"),
        ("/api/logs/context", "before", "1", "parameter id: is missing", "give the id of a line"),
    ])
    func `says what is wrong with a parameter and how to mend it`(path: String, name: String, value: String, error: String, hint: String) async throws {
        let fixture = try await LogsFixture(lines: 0)
        let answer = try await fixture.get(path, [(name, value)])
        let document = try JSON.parse(answer.text)
        #expect(answer.status == 400)
        #expect(document["error"].string?.hasPrefix(error) == true, "\(answer.text)")
        #expect(document["hint"].string?.contains(hint) == true, "\(answer.text)")
        try await fixture.store.close()
    }

    @Test func `reads times as RFC 3339 and as seconds`() async throws {
        let fixture = try await LogsFixture()
        for (from, to) in [("2026-03-01T00:00:05Z", "2026-03-01T01:00:07+01:00"), ("1772323205", "1772323207.0"), ("1772323204.5", "1772323207.999")] {
            let rows = try await fixture.objects("/api/logs", [("from", from), ("to", to), ("direction", "oldest")])
            #expect(rows.dropLast().map { $0["line"].string?.prefix(9) } == ["request 5", "request 6", "request 7"])
        }
        #expect(try await fixture.get("/api/logs", [("from", "5"), ("to", "4")]).status == 400)
        try await fixture.store.close()
    }
}
