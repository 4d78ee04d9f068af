import HTTP
import JSON
import PromQL
import QueryAPI
import Runtime
import Telemetry
import TestKit
import Testing

/// Series in memory; optionally a source that is slow or fails.
struct FixedSource: SampleSource {
    struct Broken: Error {}
    var all: [SeriesSamples] = []
    var isBroken = false
    var isEndless = false

    private func chosen(_ matchers: [Matcher], _ from: Timestamp, _ through: Timestamp) -> [SeriesSamples] {
        all.filter { series in
            matchers.allSatisfy { $0.accepts(series.labels) } && series.timestamps.contains { $0 >= from.milliseconds && $0 <= through.milliseconds }
        }
    }
    func select(_ matchers: [Matcher], from: Timestamp, through: Timestamp) async throws -> [SeriesSamples] {
        if isBroken { throw Broken() }
        while isEndless {
            try Task.checkCancellation()
            await Task.yield()
        }
        return chosen(matchers, from, through)
    }
    func labelNames(matchers: [Matcher], from: Timestamp, through: Timestamp) async throws -> [String] {
        chosen(matchers, from, through).flatMap { $0.labels.list.map(\.name) }
    }
    func labelValues(_ name: String, matchers: [Matcher], from: Timestamp, through: Timestamp) async throws -> [String] {
        chosen(matchers, from, through).map { $0.labels[name] }.filter { !$0.isEmpty }
    }
    func series(matchers: [Matcher], from: Timestamp, through: Timestamp) async throws -> [Labels] { chosen(matchers, from, through).map(\.labels) }
}

@Suite struct PrometheusAPITests {
    static let source = FixedSource(all: [
        SeriesSamples(labels: ["__name__": "up", "job": "a\"b"], timestamps: [1_700_000_000_000, 1_700_000_015_250], values: [1, 0.5]),
        SeriesSamples(labels: ["__name__": "up", "job": "c", "l.x": "é"], timestamps: [1_700_000_000_000], values: [1e21]),
    ])

    private func router(_ source: FixedSource = source, options: PrometheusAPI.Options = .init()) -> HTTPRouter {
        var router = HTTPRouter()
        let metadata = [PrometheusAPI.MetricMetadata(name: "up", type: "gauge", help: "Whether."), .init(name: "zz", type: "counter", help: "")]
        PrometheusAPI(source: source, clock: ManualClock(startingAt: Timestamp(milliseconds: 1_700_000_020_000)), options: options) { metadata }
            .register(on: &router)
        return router
    }

    private func get(_ path: String, _ query: [(String, String)] = [], method: String = "GET", router: HTTPRouter? = nil) async -> (Int, String) {
        let request = HTTPRequest(method: method, path: path, query: query.map { (name: $0.0, value: $0.1) })
        let response = await (router ?? self.router()).respond(to: request)
        guard case .bytes(let bytes) = response.body else { return (response.status, "stream") }
        return (response.status, String(decoding: bytes, as: UTF8.self))
    }

    /// Path, parameters, the whole answer, byte for byte.
    @Test(arguments: [
        ("query", ["query": "1+1", "time": "4"], #"{"status":"success","data":{"resultType":"scalar","result":[4,"2"]}}"#),
        ("query", ["query": "\"x\"", "time": "1970-01-01T00:00:01.5Z"], #"{"status":"success","data":{"resultType":"string","result":[1.5,"x"]}}"#),
        (
            "query", ["query": "up"],
            #"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"up","job":"a\"b"},"value":[1700000020,"0.5"]},{"metric":{"__name__":"up","job":"c","l.x":"é"},"value":[1700000020,"1e+21"]}]}}"#
        ),
        ("query", ["query": "nope"], #"{"status":"success","data":{"resultType":"vector","result":[]}}"#),
        (
            "query", ["query": "up{job=~\"a.*\"}[1m]", "time": "1700000016"],
            #"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"up","job":"a\"b"},"values":[[1700000000,"1"],[1700000015.25,"0.5"]]}]}}"#
        ),
        (
            "query_range", ["query": "up{job!=\"c\"}", "start": "1700000000.5", "end": "1700000020.5", "step": "10s"],
            #"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"up","job":"a\"b"},"values":[[1700000000.5,"1"],[1700000010.5,"1"],[1700000020.5,"0.5"]]}]}}"#
        ),
        (
            "query", ["query": "up", "limit": "1"],
            #"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"up","job":"a\"b"},"value":[1700000020,"0.5"]}]},"warnings":["results truncated due to limit"]}"#
        ),
        ("labels", [:], #"{"status":"success","data":["__name__","job","l.x"]}"#),
        ("labels", ["match[]": "up{job!=\"c\"}"], #"{"status":"success","data":["__name__","job"]}"#),
        ("labels", ["limit": "1"], #"{"status":"success","data":["__name__"],"warnings":["results truncated due to limit"]}"#),
        ("label/job/values", [:], #"{"status":"success","data":["a\"b","c"]}"#), ("label/U__l_2e_x/values", [:], #"{"status":"success","data":["é"]}"#),
        ("label/job/values", ["start": "1700000001"], #"{"status":"success","data":["a\"b"]}"#),
        ("series", ["match[]": "{job=\"c\"}"], #"{"status":"success","data":[{"__name__":"up","job":"c","l.x":"é"}]}"#),
        ("metadata", ["metric": "up"], #"{"status":"success","data":{"up":[{"type":"gauge","help":"Whether.","unit":""}]}}"#),
        ("query_exemplars", ["query": "up"], #"{"status":"success","data":[]}"#), ("rules", [:], #"{"status":"success","data":{"groups":[]}}"#),
        ("format_query", ["query": "sum(up)by(job)"], #"{"status":"success","data":"sum by (job) (up)"}"#),
        (
            "parse_query", ["query": "-up"],
            #"{"status":"success","data":{"type":"unaryExpr","op":"-","expr":{"type":"vectorSelector","name":"up","matchers":[{"name":"__name__","value":"up","type":"="}],"offset":0,"timestamp":null,"startOrEnd":null}}}"#
        ),
    ])
    func `answers byte for byte`(path: String, query: [String: String], expected: String) async {
        let (status, text) = await get("/api/v1/\(path)", query.map { ($0.key, $0.value) })
        #expect(status == 200)
        #expect(text == expected)
    }

    @Test(arguments: [
        ("query", [:], 400, "bad_data", "invalid parameter \\\"query\\\": it is missing"),
        ("query", ["query": "up{"], 400, "bad_data", "invalid parameter \\\"query\\\": 1:4: parse error: unexpected end of query"),
        ("query", ["query": "up", "time": "x"], 400, "bad_data", "invalid parameter \\\"time\\\": cannot parse \\\"x\\\""),
        ("query", ["query": "up", "time": "1e300"], 400, "bad_data", "out of range"),
        ("query", ["query": "up", "limit": "-1"], 400, "bad_data", "limit must be"),
        ("query", ["query": "up + on () up"], 422, "execution", "found duplicate series for the match group {}"),
        ("query_range", ["query": "up", "start": "2", "end": "1", "step": "1"], 400, "bad_data", "end timestamp must not be before start time"),
        ("query_range", ["query": "up", "start": "1", "end": "2", "step": "0"], 400, "bad_data", "zero or negative query resolution"),
        (
            "query_range", ["query": "up", "start": "0", "end": "20000", "step": "1"], 400, "bad_data",
            "exceeded maximum resolution of 11,000 points per timeseries"
        ),
        ("query_range", ["query": "up[1m]", "start": "0", "end": "2", "step": "1"], 400, "bad_data", "not a range vector"),
        ("series", [:], 400, "bad_data", "no match[] parameter provided"), ("series", ["match[]": "up["], 400, "bad_data", "invalid parameter \\\"match[]\\\""),
    ])
    func `refuses with code and type`(path: String, query: [String: String], status: Int, type: String, message: String) async {
        let (got, text) = await get("/api/v1/\(path)", query.map { ($0.key, $0.value) }, method: "POST")
        #expect(got == status)
        #expect(text.hasPrefix(#"{"status":"error","errorType":"\#(type)","error":""#), "\(text)")
        #expect(text.contains(message), "\(text)")
    }

    @Test func `shows statistics when asked`() async throws {
        let (_, text) = await get("/api/v1/query", [("query", "up"), ("stats", "all")])
        let document = try JSON.parse(text)
        #expect(document["data"]["stats"]["samples"]["samplesRead"] == 3)
        #expect(document["data"]["stats"]["timings"]["execTotalTime"].double != nil)
        let (_, plain) = await get("/api/v1/query", [("query", "up"), ("stats", "1")])
        #expect(try JSON.parse(plain)["data"]["stats"]["samples"]["totalQueryableSamplesPerStep"].isNull)
    }

    /// A window's samples at each step; of an instant selector the newest of each series.
    @Test(arguments: [
        ("count_over_time(up[15s])", [2, 2, 1], 5), ("up", [2, 2, 2], 6), ("up + up", [4, 4, 4], 12), ("sum(up @ 1700000000)", [2, 2, 2], 6),
        ("max_over_time(up[20s:10s])", [4, 4, 4], 12), ("1", [0, 0, 0], 0),
    ])
    func `counts samples a step when asked for all statistics`(query: String, steps: [Int], total: Int) async throws {
        let (_, text) = await get(
            "/api/v1/query_range", [("query", query), ("start", "1700000000"), ("end", "1700000020"), ("step", "10"), ("stats", "all")])
        let samples = try JSON.parse(text)["data"]["stats"]["samples"]
        #expect(samples["totalQueryableSamplesPerStep"].elements.map { $0[1].int } == steps, "\(text)")
        #expect(samples["totalQueryableSamplesPerStep"].elements.map { $0[0].double } == [1_700_000_000, 1_700_000_010, 1_700_000_020])
        #expect(samples["totalQueryableSamples"].int == total)
    }

    @Test(.timeLimit(.minutes(1))) func `a query whose client has gone ends, and its place is free`() async {
        var options = PrometheusAPI.Options()
        options.concurrency = 1
        options.queueLength = 0
        let router = router(FixedSource(isEndless: true), options: options)
        let client = Task { await get("/api/v1/query", [("query", "up")], router: router) }
        // As the server does when a connection closes; whether the query had begun by then is left to chance.
        client.cancel()
        let (status, text) = await client.value
        #expect(status == 499)
        #expect(text.contains(#""errorType":"canceled""#), "\(text)")
        #expect(await get("/api/v1/query", [("query", "1")], router: router).0 == 200)
    }

    /// Beyond some points two tasks write an answer; it has to be the same as when one does.
    @Test func `a wide answer is its parts in order`() async throws {
        let times = (0..<150).map { 1_700_000_000_000 + Int64($0) * 1000 }
        for count in [1, 300, 301] {
            let wide = FixedSource(
                all: (0..<count).map { number in
                    SeriesSamples(
                        labels: Labels(name: "m", ["i": "\(1000 + number)"]), timestamps: times, values: times.map { Double($0 % 977 * Int64(number)) / 8 })
                })
            let range = [("start", "1700000000"), ("end", "1700000149"), ("step", "1")]
            let (status, text) = await get("/api/v1/query_range", [("query", "m")] + range, router: router(wide))
            #expect(status == 200)
            let result = try JSON.parse(text)["data"]["result"].elements
            #expect(result.compactMap { $0["metric"]["i"].string } == (0..<count).map { "\(1000 + $0)" })
            for number in [0, count / 2, count - 1] {
                let (_, alone) = await get("/api/v1/query_range", [("query", "m{i=\"\(1000 + number)\"}")] + range, router: router(wide))
                #expect(try JSON.parse(alone)["data"]["result"][0] == result[number])
            }
        }
    }

    @Test func `passes remarks through`() async throws {
        let (_, text) = await get("/api/v1/query", [("query", "quantile(2, up)"), ("time", "1700000000")])
        #expect(try JSON.parse(text)["warnings"] == ["PromQL warning: quantile value should be between 0 and 1, got 2 (1:10)"])
        let (_, other) = await get("/api/v1/query", [("query", "rate(up[1m])"), ("time", "1700000020")])
        #expect(other.contains(#""infos":["PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: \"up\" (1:6)"]"#))
    }

    @Test func `a broken store is an internal error`() async {
        let (status, text) = await get("/api/v1/query", [("query", "up")], router: router(FixedSource(isBroken: true)))
        #expect(status == 500)
        #expect(text.contains(#""errorType":"internal""#))
    }

    @Test func `a query that runs too long is stopped`() async {
        let (status, text) = await get("/api/v1/query", [("query", "up"), ("timeout", "0.02")], router: router(FixedSource(isEndless: true)))
        #expect(status == 503)
        #expect(text == #"{"status":"error","errorType":"timeout","error":"query timed out in expression evaluation"}"#)
    }

    @Test func `past the queue a query is refused`() async {
        var options = PrometheusAPI.Options()
        options.concurrency = 1
        options.queueLength = 0
        let router = router(FixedSource(isEndless: true), options: options)
        let answers = await withTaskGroup(of: (Int, String).self) { group in
            for _ in 0..<8 { group.addTask { await get("/api/v1/query", [("query", "up"), ("timeout", "0.5")], router: router) } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(answers.allSatisfy { $0.0 == 503 })
        #expect(answers.contains { $0.1.contains(#""errorType":"unavailable""#) })
        #expect(answers.contains { $0.1.contains(#""errorType":"timeout""#) })
        // The place is free again.
        #expect(await get("/api/v1/query", [("query", "1")], router: router).0 == 200)
    }

    @Test(arguments: [
        "status/buildinfo", "status/flags", "status/runtimeinfo", "status/config", "status/tsdb", "status/walreplay", "status/tsdb/blocks", "scrape_pools",
        "rules", "targets/metadata", "targets", "alerts", "alertmanagers", "notifications",
    ])
    func `status pages are JSON`(path: String) async throws {
        let (status, text) = await get("/api/v1/\(path)")
        #expect(status == 200)
        #expect(try JSON.parse(text)["status"] == "success")
        #expect(!text.contains("features"))
    }

    @Test func `counts series by name`() async throws {
        let (_, text) = await get("/api/v1/status/tsdb")
        let data = try JSON.parse(text)["data"]
        #expect(data["headStats"]["numSeries"] == 2)
        #expect(data["seriesCountByMetricName"] == [["name": "up", "value": 2]])
    }

    @Test func `is healthy, and silent about origins unless told`() async {
        #expect(await get("/-/healthy") == (200, "Binnacle is healthy.\n"))
        let plain = await router().respond(to: HTTPRequest(path: "/api/v1/labels"))
        #expect(plain.fields["Access-Control-Allow-Origin"] == nil)
        var options = PrometheusAPI.Options()
        options.allowedOrigin = "*"
        let open = await router(options: options).respond(to: HTTPRequest(method: "OPTIONS", path: "/api/v1/labels"))
        #expect(open.status == 204)
        #expect(open.fields["access-control-allow-origin"] == "*")
    }

    @Test func `explains a query when asked`() async throws {
        let (_, text) = await get("/api/v1/query", [("query", "sum(up)"), ("explain", "1")])
        let explain = try JSON.parse(text)["data"]["explain"]
        #expect(explain["seriesRead"] == 2)
        #expect(explain["nodes"].elements.compactMap { $0["expression"].string } == ["read {__name__=\"up\"}", "sum(up)"])
    }

    @Test func `splits long queries over lines`() async throws {
        let long = "sum by (job) (rate(a_metric_with_a_rather_long_name_total{job=\"x\"}[5m])) / on (job) group_left () count by (job) (up{job=\"x\"})"
        let (_, text) = await get("/api/v1/format_query", [("query", long)])
        let pretty = try JSON.parse(text)["data"].string ?? ""
        #expect(
            pretty == """
                  sum by (job) (rate(a_metric_with_a_rather_long_name_total{job="x"}[5m]))
                / on (job) group_left ()
                  count by (job) (up{job="x"})
                """)
        #expect(try Parser.parse(pretty) == Parser.parse(long))
    }
}
