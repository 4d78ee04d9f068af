import HTTP
import JSON
import LogQL
import LogStore
import Synchronization
import Telemetry
import Testing

@testable import QueryAPI

@Suite struct LokiAPITests {
    private let window = [("start", "1772323200000000000"), ("end", "1772323220000000000")]

    private func json(_ fixture: LogsFixture, _ path: String, _ query: [(String, String)], fields: HTTPFields = [:]) async throws -> JSON {
        let answer = try await fixture.get("/loki/api/v1/" + path, query, fields: fields)
        #expect(answer.status == 200, "\(answer.text)")
        return try JSON.parse(answer.text)
    }

    @Test func `what Grafana asks to know whether we are healthy gives two`() async throws {
        let fixture = try await LogsFixture(lines: 0)
        let answer = try await json(fixture, "query", [("query", "vector(1)+vector(1)"), ("time", "4000000000"), ("direction", "backward")])
        #expect(answer["data"]["resultType"] == "vector")
        #expect(answer["data"]["result"] == [["metric": [:], "value": [4_000_000_000, "2"]]])
        #expect(try await fixture.get("/loki/api/v2alpha/tail").status == 404)
        #expect(try await json(fixture, "status/buildinfo", [])["version"].string?.hasPrefix("3.") == true)
        #expect(try await fixture.get("/ready").text == "ready\n")
        try await fixture.store.close()
    }

    @Test func `lines come by stream, newest first, as strings of nanoseconds`() async throws {
        let fixture = try await LogsFixture()
        let answer = try await json(fixture, "query_range", window + [("query", #"{namespace="shop"} |= "request 1""#), ("limit", "3")])
        #expect(answer["data"]["resultType"] == "streams")
        let streams = answer["data"]["result"].elements
        #expect(streams.count == 2, "the level is a label of the result: \(streams)")
        #expect(streams[0]["values"][0] == ["1772323219000000000", "request 19 took 133ms"])
        #expect(streams[0]["stream"]["pod"] == "api-1" && streams[0]["stream"]["detected_level"] == "info")
        #expect(answer["data"]["stats"]["summary"]["totalEntriesReturned"].int == 3)
        let forward = try await json(
            fixture, "query_range", window + [("query", #"{pod="api-0"}"#), ("direction", "forward"), ("limit", "2")],
            fields: ["X-Loki-Response-Encoding-Flags": "categorize-labels"])
        #expect(forward["data"]["encodingFlags"] == ["categorize-labels"])
        #expect(forward["data"]["result"].elements.count == 1)
        #expect(forward["data"]["result"][0]["stream"]["detected_level"].isNull)
        #expect(forward["data"]["result"][0]["values"][1][1] == "request 2 took 14ms")
        #expect(forward["data"]["result"][0]["values"][1][2]["structuredMetadata"]["detected_level"] == "info")
        try await fixture.store.close()
    }

    @Test func `numbers over time come as a matrix, Explore's volume by level among them`() async throws {
        let fixture = try await LogsFixture()
        let query = "sum by (level, detected_level) (count_over_time({namespace=\"shop\"} | drop __error__[10s]))"
        let answer = try await json(fixture, "query_range", window + [("query", query), ("step", "10000ms")])
        #expect(answer["data"]["resultType"] == "matrix")
        let series = answer["data"]["result"].elements
        #expect(series.map { $0["metric"]["detected_level"].string } == ["error", "info"], "\(series)")
        #expect(series[1]["values"] == [[1_772_323_210, "8"], [1_772_323_220, "8"]], "\(series)")
        try await fixture.store.close()
    }

    @Test func `labels, values, series, sizes and volumes`() async throws {
        let fixture = try await LogsFixture()
        let range = [("start", "1772323200"), ("end", "1772323260")]
        #expect(try await json(fixture, "labels", range)["data"] == ["container", "namespace", "pod", "pod_uid", "restart", "stream"])
        #expect(try await json(fixture, "label/pod/values", range)["data"] == ["api-0", "api-1"])
        #expect(try await json(fixture, "label/pod/values", range + [("query", #"{pod!="api-0"}"#)])["data"] == ["api-1"])
        #expect(try await json(fixture, "series", range + [("match[]", #"{pod="api-1"}"#)])["data"].elements.count == 1)
        let size = try await json(fixture, "index/stats", range + [("query", #"{namespace="shop"}"#)])
        #expect(size["streams"].int == 2 && size["entries"].int == 20 && size["bytes"].int == 393, "\(size)")
        let volume = try await json(fixture, "index/volume", range + [("query", #"{namespace="shop"}"#), ("targetLabels", "pod")])
        #expect(volume["data"]["result"].elements.map { $0["metric"]["pod"].string } == ["api-1", "api-0"])
        #expect(volume["data"]["result"][0]["value"][1].string == "197")
        let labels = try await json(fixture, "index/volume", range + [("query", #"{namespace="shop"}"#), ("aggregateBy", "labels")])
        #expect(labels["data"]["result"].elements.contains { $0["metric"] == ["pod": ""] })
        let steps = try await json(fixture, "index/volume_range", range + [("query", #"{namespace="shop"}"#), ("step", "60")])
        #expect(steps["data"]["result"][0]["values"] == [[1_772_323_200, "393"]])
        #expect(try await json(fixture, "detected_labels", range)["detectedLabels"].elements.contains(["label": "pod", "cardinality": 2]))
        try await fixture.store.close()
    }

    @Test func `fields and patterns are detected`() async throws {
        let fixture = try await LogsFixture()
        let line = #"{"status":200,"took":"15ms","user":{"id":"u1"},"ok":true}"#
        try await fixture.store.append([
            LogBatch(stream: ["pod": "json"], records: [LogRecord(time: 1_772_323_205_000_000_000, body: Array(line.utf8))], origin: nil)
        ])
        let fields = try await json(fixture, "detected_fields", window + [("query", #"{pod="json"}"#)])["fields"].elements
        #expect(fields.map { $0["label"].string } == ["ok", "status", "took", "user_id"])
        #expect(fields.map { $0["type"].string } == ["boolean", "int", "duration", "string"])
        #expect(fields[3]["parsers"] == ["json"])
        #expect(try await json(fixture, "detected_field/user_id/values", window + [("query", #"{pod="json"}"#)])["values"] == ["u1"])
        let patterns = try await json(fixture, "patterns", window + [("query", #"{namespace="shop"}"#), ("step", "10s")])["data"].elements
        #expect(patterns.map { $0["pattern"].string } == ["request <_> took <_>"])
        #expect(patterns[0]["samples"] == [[1_772_323_200, 10], [1_772_323_210, 10]])
        try await fixture.store.close()
    }

    @Test(arguments: [
        ("query_range", "query", "{pod=", 400, "parse error at line 1, col"),
        ("query", "query", "{pod=\"x\"}", 400, "log queries are not supported as an instant query type"),
        ("query_range", "limit", "6000", 400, "max entries limit per query exceeded"),
        ("query_range", "direction", "up", 400, "neither forward nor backward"),
        ("query_range", "start", "soon", 400, "is no time"),
        ("query_range", "step", "0.000001", 400, "11,000 points"),
        ("delete", "query", "{pod=\"x\"}", 501, "cannot delete"),
        ("tail", "query", "rate({pod=\"x\"}[1m])", 400, "only log queries can be followed"),
    ])
    func `errors are a status and a line of text`(path: String, name: String, value: String, status: Int, words: String) async throws {
        let fixture = try await LogsFixture(lines: 0)
        var query = [(name, value)]
        if name != "query" { query.append(("query", name == "step" ? "rate({pod=\"x\"}[1m])" : "{pod=\"x\"}")) }
        let answer = try await fixture.get("/loki/api/v1/" + path, query)
        #expect(answer.status == status && answer.text.contains(words), "\(answer)")
        try await fixture.store.close()
    }

    @Test func `a tail begins with what is stored and goes on with what comes`() async throws {
        let fixture = try await LogsFixture()
        let response = await fixture.router.respond(
            to: HTTPRequest(
                path: "/loki/api/v1/tail",
                query: [(name: "query", value: #"{pod="api-0"} |= "took" != "nothing""#), (name: "limit", value: "2"), (name: "start", value: "1772323200")]))
        #expect(response.status == 426)
        let body = try #require(response.webSocket)
        let socket = RecordingSocket()
        let tail = Task { try await body(socket) }
        while fixture.store.tailCount == 0 { await Task.yield() }
        let labels: Labels = ["pod": "api-0"]
        for text in ["took 1", "took nothing", "took 2"] {
            try await fixture.store.append([LogBatch(stream: labels, records: [LogRecord(time: fixture.store.now, body: Array(text.utf8))], origin: nil)])
        }
        try await fixture.store.close()
        try await tail.value
        let frames = try socket.texts.withLock { try $0.map { try JSON.parse($0) } }
        let lines = frames.flatMap { $0["streams"].elements.flatMap { $0["values"].elements.compactMap { $0[1].string } } }
        #expect(Set(lines) == ["request 16 took 112ms", "request 18 took 126ms", "took 1", "took 2"], "\(lines)")
        #expect(lines.count == 4)
    }
}

/// A WebSocket that only listens.
final class RecordingSocket: WebSocket {
    let texts = Mutex<[[UInt8]]>([])
    func send(_ text: [UInt8]) async throws { texts.withLock { $0.append(text) } }
    func receive() async throws -> WebSocketMessage? { nil }
}
