import Gzip
import HTTP
import JSON
import LogQL
import LogStore
import Runtime
import Telemetry
import TestKit
import Testing

@testable import QueryAPI

@Suite struct ElasticAPITests {
    private func post(_ fixture: LogsFixture, _ path: String, _ body: JSON = [:], _ query: [(String, String)] = []) async throws -> JSON {
        let answer = try await fixture.send(
            HTTPRequest(method: "POST", path: path, query: query.map { (name: $0.0, value: $0.1) }, body: body.bytes()))
        return try JSON.parse(answer.text)
    }

    private func messages(_ answer: JSON) -> [String] { answer["hits"]["hits"].elements.compactMap { $0["_source"]["message"].string } }

    @Test func `a search answers the newest documents with their total`() async throws {
        let fixture = try await LogsFixture()
        let answer = try await post(fixture, "/_search", ["size": 2])
        #expect(answer["hits"]["total"] == ["value": 20, "relation": "eq"])
        #expect(messages(answer) == ["request 19 took 133ms", "request 18 took 126ms"])
        let hit = answer["hits"]["hits"][0]
        #expect(hit["_index"] == "logs-binnacle" && hit["_id"] == "1772323219000000000-20")
        #expect(hit["_source"]["@timestamp"] == "2026-03-01T00:00:19.000Z" && hit["_source"]["pod"] == "api-1" && hit["_source"]["level"] == "info")
        #expect(answer["_shards"]["failed"] == 0 && answer["timed_out"] == false)
        let capped = try await post(fixture, "/logs-*/_search", ["track_total_hits": 5])
        #expect(capped["hits"]["total"] == ["value": 5, "relation": "gte"])
        #expect(try await post(fixture, "/_search", ["track_total_hits": false])["hits"]["total"].isNull)
        try await fixture.store.close()
    }

    static let queries: [(String, [Int])] = [
        (#"{"match":{"message":"request 7"}}"#, Array(0..<20)),
        (#"{"match":{"message":{"query":"REQUEST 7","operator":"and"}}}"#, [7]),
        (#"{"match_phrase":{"message":"request 1"}}"#, [1]),
        (#"{"match_phrase_prefix":{"message":"request 1"}}"#, [1] + Array(10..<20)),
        (#"{"term":{"pod":"api-1"}}"#, Array(stride(from: 1, to: 20, by: 2))),
        (#"{"terms":{"kubernetes.pod.name.keyword":["api-1","x"]}}"#, Array(stride(from: 1, to: 20, by: 2))),
        (#"{"bool":{"must":[{"term":{"level":"error"}}],"must_not":[{"prefix":{"pod":"api-1"}}]}}"#, [0, 10]),
        (#"{"bool":{"should":[{"term":{"message":"3"}},{"term":{"message":"4"}}]}}"#, [3, 4]),
        (#"{"range":{"@timestamp":{"gte":"2026-03-01T00:00:03Z","lt":1772323206000}}}"#, [3, 4, 5]),
        (#"{"range":{"@timestamp":{"gt":"2026-03-01T00:00:17Z||/s","lte":"now"}}}"#, [18, 19]),
        (#"{"wildcard":{"message":"13?ms"}}"#, [19]),
        (#"{"regexp":{"message":"(6|7)"}}"#, [6, 7]),
        (#"{"exists":{"field":"nothing"}}"#, []),
        (#"{"ids":{"values":["1772323203000000000-4"]}}"#, [3]),
        (#"{"query_string":{"query":"request AND (3 OR 4) -pod:api-0"}}"#, [3]),
        (#"{"query_string":{"query":"level:error AND NOT pod:api-0"}}"#, [5, 15]),
        (#"{"query_string":{"query":"\"request 5\" OR \"request 6\""}}"#, [5, 6]),
        (#"{"query_string":{"query":"@timestamp:[2026-03-01T00:00:01Z TO 2026-03-01T00:00:02Z] AND pod:api*"}}"#, [1, 2]),
        (#"{"query_string":{"query":"pod:api-1 level:error","default_operator":"AND"}}"#, [5, 15]),
        (#"{"simple_query_string":{"query":"+took +8","fields":["message"]}}"#, [8]),
        (#"{"match_none":{}}"#, []),
        (#"{"constant_score":{"filter":{"term":{"message":"9"}}}}"#, [9]),
    ]

    @Test(arguments: queries) func `queries choose the documents that they say`(query: String, expected: [Int]) async throws {
        let fixture = try await LogsFixture()
        let body: JSON = ["query": try JSON.parse(query), "size": 100, "sort": [["@timestamp": "asc"]]]
        let answer = try await post(fixture, "/_search", body)
        #expect(messages(answer) == expected.map { "request \($0) took \($0 * 7)ms" }, "\(answer)")
        #expect(answer["hits"]["total"]["value"].int == expected.count)
        #expect(try await post(fixture, "/_count", ["query": try JSON.parse(query)])["count"].int == expected.count)
        try await fixture.store.close()
    }

    @Test func `aggregations count, nest and fill their gaps`() async throws {
        let fixture = try await LogsFixture()
        for second in [1, 2, 3] {
            let line = #"{"status":\#(second * 100),"path":"/a","took":\#(second)}"#
            try await fixture.store.append([
                LogBatch(stream: ["pod": "json"], records: [LogRecord(time: 1_772_323_260_000_000_000 + Int64(second), body: Array(line.utf8))], origin: nil)
            ])
        }
        let body = try JSON.parse(
            #"""
            {"size":0,"aggs":{
              "time":{"date_histogram":{"field":"@timestamp","fixed_interval":"10s"},"aggs":{"levels":{"terms":{"field":"level"}}}},
              "pods":{"terms":{"field":"pod.keyword","size":2,"order":{"_key":"asc"}}},
              "took":{"stats":{"field":"took"}},
              "paths":{"cardinality":{"field":"path"}},
              "split":{"filters":{"filters":{"errors":{"term":{"level":"error"}},"slow":{"range":{"took":{"gte":2}}}}}},
              "spans":{"range":{"field":"status","ranges":[{"to":200},{"from":200,"key":"ok"}]}},
              "none":{"missing":{"field":"level"}},
              "p":{"percentiles":{"field":"took","percents":[50]}}}}
            """#)
        let aggregations = try await post(fixture, "/_search", body)["aggregations"]
        let times = aggregations["time"]["buckets"].elements
        #expect(times.map { $0["doc_count"].int } == [10, 10, 0, 0, 0, 0, 3], "\(times)")
        #expect(times[0]["key"].int == 1_772_323_200_000 && times[0]["key_as_string"] == "2026-03-01T00:00:00.000Z")
        #expect(times[0]["levels"]["buckets"].elements.map { $0["key"].string } == ["info", "error"])
        #expect(
            aggregations["pods"] == [
                "doc_count_error_upper_bound": 0, "sum_other_doc_count": 3,
                "buckets": [["key": "api-0", "doc_count": 10], ["key": "api-1", "doc_count": 10]],
            ])
        #expect(aggregations["took"] == ["count": 3, "min": 1.0, "max": 3.0, "avg": 2.0, "sum": 6.0])
        #expect(aggregations["paths"]["value"].int == 1 && aggregations["none"]["doc_count"].int == 3)
        #expect(aggregations["split"]["buckets"]["errors"]["doc_count"].int == 4 && aggregations["split"]["buckets"]["slow"]["doc_count"].int == 2)
        #expect(aggregations["spans"]["buckets"].elements.map { $0["doc_count"].int } == [1, 2])
        #expect(aggregations["p"]["values"]["50.0"].double == 2)
        // Whole minutes come from counts; the same numbers.
        let minutes = try await post(fixture, "/_search", ["size": 0, "aggs": ["m": ["date_histogram": ["field": "@timestamp", "fixed_interval": "1m"]]]])
        #expect(minutes["aggregations"]["m"]["buckets"].elements.map { $0["doc_count"].int } == [20, 3] && minutes["hits"]["total"]["value"].int == 23)
        try await fixture.store.close()
    }

    @Test func `pages go on exactly, by search_after, by a point in time and by scroll`() async throws {
        let fixture = try await LogsFixture(lines: 0)
        let time: Int64 = 1_772_323_200_000_000_000
        let records = (0..<250).map { LogRecord(time: time + Int64($0 / 100), body: Array("n \($0)".utf8)) }
        try await fixture.store.append([LogBatch(stream: ["pod": "p"], records: records, origin: nil)])
        let expected = (0..<250).map { "n \($0)" }

        let pit = try await post(fixture, "/*/_pit", [:], [("keep_alive", "1m")])["id"]
        var seen: [String] = []
        var after: JSON = .null
        repeat {
            var body = JSONObject([("size", 33), ("sort", [["@timestamp": "asc"]]), ("pit", ["id": pit])])
            if !after.isNull { body["search_after"] = after }
            let answer = try await post(fixture, "/_search", .object(body))
            seen += messages(answer)
            after = answer["hits"]["hits"].elements.last?["sort"] ?? .null
        } while !after.isNull
        #expect(seen == expected)

        seen = []
        var answer = try await post(fixture, "/_search", ["size": 100, "sort": ["_doc"]], [("scroll", "1m")])
        while !messages(answer).isEmpty {
            seen += messages(answer)
            answer = try await post(fixture, "/_search/scroll", ["scroll_id": answer["_scroll_id"], "scroll": "1m"])
        }
        #expect(seen == expected)
        try await fixture.store.close()
    }

    @Test func `indices are labels, catalogues list them, a missing one is an error`() async throws {
        let fixture = try await LogsFixture(lines: 2)
        try await fixture.store.append([
            LogBatch(
                stream: ["_index": "web-1"], records: [LogRecord(time: 1_772_323_200_000_000_000, body: Array(#"{"message":"hello","user":{"id":7}}"#.utf8))],
                origin: nil)
        ])
        #expect(try await post(fixture, "/web-*/_count")["count"].int == 1)
        #expect(try await post(fixture, "/*,-web-1/_count")["count"].int == 2)
        #expect(try await post(fixture, "/logs-binnacle/_count")["count"].int == 2)
        #expect(try await post(fixture, "/web-2/_count")["error"]["type"] == "index_not_found_exception")
        #expect(try await post(fixture, "/_search", ["query": ["term": ["user.id": "7"]]])["hits"]["hits"][0]["_index"] == "web-1")
        let table = try await fixture.get("/_cat/indices", [("format", "json"), ("h", "index,docs.count")])
        #expect(try JSON.parse(table.text) == [["index": "logs-binnacle", "docs.count": "2"], ["index": "web-1", "docs.count": "1"]])
        #expect(
            try await fixture.get("/_cat/indices", [("v", ""), ("h", "index,docs.count")]).text
                == "index         docs.count\nlogs-binnacle 2\nweb-1         1\n")
        let capabilities = try JSON.parse(try await fixture.get("/web-1/_field_caps", [("fields", "user*")]).text)
        #expect(capabilities["fields"].members.keys == ["user.id"] && capabilities["fields"]["user.id"]["long"]["aggregatable"] == true)
        let mapping = try JSON.parse(try await fixture.get("/web-1/_mapping").text)
        #expect(mapping["web-1"]["mappings"]["properties"]["user"]["properties"]["id"]["type"] == "long")
        let document = try JSON.parse(try await fixture.get("/web-1/_doc/1772323200000000000-3").text)
        #expect(document["found"] == true && document["_source"]["user"]["id"] == 7)
        #expect(try await fixture.get("/web-1/_doc/5-5").status == 404)
        // Whether an index exists, as a HEAD asks too; one that was only made is empty.
        let index = try JSON.parse(try await fixture.get("/web-1").text)
        #expect(index["web-1"]["mappings"]["properties"]["user"]["properties"]["id"]["type"] == "long" && index["web-1"]["aliases"] == [:])
        #expect(try await fixture.get("/web-2").status == 404)
        var router = HTTPRouter()
        ElasticAPI(source: fixture.store, clock: ManualClock(), metrics: MetricRegistry())
            .besideIngest(deleting: LogDeletionAccess(StoredLogDeletion(fixture.store)), made: { ["web-2"] }).register(on: &router)
        #expect(await router.respond(to: HTTPRequest(path: "/web-2")).status == 200)
        #expect(await router.respond(to: HTTPRequest(path: "/web-2/_count")).status == 200)
        #expect(await router.respond(to: HTTPRequest(path: "/")).status == 404, "the ingest API greets")
        #expect(try await fixture.get("/_cat/health", [("h", "status")]).text == "green\n")
        try await fixture.store.close()
    }

    @Test(arguments: [
        (#"{"query":{"frobnicate":{}}}"#, "parsing_exception", "unknown query [frobnicate]"),
        (#"{"query":{"match_all":{},"x":{}}}"#, "parsing_exception", "expected [END_OBJECT]"),
        (#"{"size":20000}"#, "illegal_argument_exception", "Result window is too large"),
        (#"{"aggs":{"a":{"frob":{"field":"x"}}}}"#, "parsing_exception", "Unknown aggregation type [frob]"),
        (#"{"aggs":{"a":{"terms":{}}}}"#, "illegal_argument_exception", "Required one of fields"),
        (#"{"query":{"query_string":{"query":"(a"}}}"#, "query_shard_exception", "a \")\" is missing"),
        (#"{"query":{"range":{"@timestamp":{"gte":"soon"}}}}"#, "parsing_exception", "failed to parse date field [soon]"),
        (#"{"frob":1}"#, "parsing_exception", "unknown key [frob]"),
        ("[", "parsing_exception", "the body is no JSON"),
    ])
    func `refusals have Elasticsearch's form`(body: String, type: String, words: String) async throws {
        let fixture = try await LogsFixture(lines: 0)
        let answer = try await fixture.send(HTTPRequest(method: "POST", path: "/_search", body: Array(body.utf8)))
        let document = try JSON.parse(answer.text)
        #expect(answer.status == 400 && document["status"].int == 400)
        #expect(document["error"]["type"].string == type && document["error"]["reason"].string?.contains(words) == true, "\(answer.text)")
        try await fixture.store.close()
    }

    @Test func `several searches in one request, each answered for itself, in the media type asked for`() async throws {
        let fixture = try await LogsFixture()
        let body = "{\"index\":\"logs-*\"}\n{\"size\":1}\n{}\n{\"query\":{\"nope\":{}}}\n{}\n{\"query\":{\"term\":{\"level\":\"error\"}},\"size\":0}\n"
        let response = await fixture.router.respond(
            to: HTTPRequest(
                method: "POST", path: "/_msearch", fields: ["Accept": "application/vnd.elasticsearch+json; compatible-with=9"], body: Array(body.utf8)))
        #expect(response.fields["X-Elastic-Product"] == "Elasticsearch")
        #expect(response.fields["Content-Type"] == "application/vnd.elasticsearch+json;compatible-with=9")
        guard case .bytes(let bytes) = response.body else { return }
        let responses = try JSON.parse(bytes)["responses"].elements
        #expect(responses.map { $0["status"].int } == [200, 400, 200])
        #expect(responses[2]["hits"]["total"]["value"].int == 4)
        try await fixture.store.close()
    }

    @Test func `a word is found in a line as among its words`() {
        var generator = SystemRandomNumberGenerator()
        let letters = Array("abAB _-é1".utf8)
        for _ in 0..<2000 {
            let text = (0..<Int.random(in: 0...24, using: &generator)).map { _ in letters.randomElement(using: &generator) ?? 0 }
            let word = (0..<Int.random(in: 1...3, using: &generator)).map { _ in Array("ab_1".utf8).randomElement(using: &generator) ?? 0 }
            #expect(ElasticWords.stands(word, in: text[...]) == ElasticWords.split(text).contains(word), "\(word) in \(text)")
        }
    }

    @Test func `requests may be packed by gzip, within a bound`() async throws {
        let fixture = try await LogsFixture()
        func search(_ body: [UInt8], _ coding: String = "gzip") async throws -> (status: Int, text: String) {
            try await fixture.send(HTTPRequest(method: "POST", path: "/_search", fields: ["Content-Encoding": coding], body: body))
        }
        let packed = GzipCompressor().compress(Array(#"{"query":{"term":{"level":"error"}}}"#.utf8))
        #expect(try JSON.parse(try await search(packed).text)["hits"]["total"]["value"].int == 4)
        #expect(try await search(GzipCompressor().compress([UInt8](repeating: 0x20, count: 32 << 20))).status == 400)
        #expect(try await search(Array("no gzip".utf8)).status == 400)
        #expect(try await search(packed, "br").status == 415)
        try await fixture.store.close()
    }

    @Test func `random texts are queries or errors, never a crash`() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededGenerator(seed: seed)
        let pieces = [
            "a", "AND", "OR", "NOT", "(", ")", "\"", ":", "[", "TO", "]", "{", "}", "*", "?", "/", "\\", "-", "+", ">", "=", " ", "now", "@timestamp", "^2",
            "~",
        ]
        for _ in 0..<20_000 {
            let text = (0..<random.below(12)).map { _ in pieces[random.below(pieces.count)] }.joined(separator: random.below(2) == 0 ? "" : " ")
            for isSimple in [false, true] {
                var parser = QueryStringParser(text, field: "message", isAnd: random.below(2) == 0, time: ElasticTime(now: 0), isSimple: isSimple)
                do { _ = try parser.parse() } catch { #expect(!isSimple || error.status == 400, "seed \(seed): \(text)") }
            }
        }
    }
}
