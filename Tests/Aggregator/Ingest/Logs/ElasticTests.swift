import HTTP
import JSON
import Runtime
import Telemetry
import TestKit
import Testing

@testable import Ingest

@Suite struct ElasticTests {
    private func parsed(_ response: HTTPResponse) throws -> JSON { try JSON.parse(response.bytes) }

    @Test func `a bulk request becomes records, and its answer has the members in the order that clients look for`() async throws {
        let fixture = LogFixture()
        let response = await fixture.post(
            "/_bulk",
            """
            {"create":{"_index":"logstash-2023.11.14"}}
            {"@timestamp":"2023-11-14T22:13:19Z","message":"hello","kubernetes":{"namespace_name":"shop","pod_name":"web-1","labels":{"a/b":"c"}},"log":{"level":"error"}}
            {"index":{"_index":"other"}}
            {"a":1}
            {"delete":{"_index":"other","_id":"x"}}

            """, type: "application/x-ndjson")
        #expect(response.status == 200)
        #expect(response.fields["X-Elastic-Product"] == "Elasticsearch")
        #expect(response.text.hasPrefix(#"{"took":0,"errors":false,"items":[{"create":{"_index":"logstash-2023.11.14","_id":""#), "\(response.text)")
        let items = try parsed(response)["items"]
        #expect(items[0]["create"]["status"] == 201)
        #expect(items[1]["index"]["result"] == "created")
        #expect(items[2]["delete"]["status"] == 404)
        #expect(
            fixture.recorder.lines == [
                #"{_index="logstash-2023.11.14", namespace="shop", pod="web-1"} 1699999999000000000 error hello {kubernetes.labels.a/b="c", log.level="error"}"#,
                #"{_index="other"} \#(LogFixture.now) unknown {"a":1} {}"#,
            ])
    }

    @Test func `an index in the path is the default, and filter_path leaves what is asked for`() async throws {
        let fixture = LogFixture()
        let body = "{\"create\":{}}\n{\"message\":\"a\"}\n{\"index\":{\"_index\":\"b\"}}\n{broken\n"
        let response = await fixture.post("/a/_bulk", body, query: [("filter_path", "errors,items.*.error.type")])
        #expect(response.text == #"{"errors":true,"items":[{"index":{"error":{"type":"mapper_parsing_exception"}}}]}"#)
        #expect(fixture.recorder.batches.map(\.stream) == [["_index": "a"]])
    }

    @Test func `an _id is created once, and a retry of the same document is not stored again`() async throws {
        let fixture = LogFixture()
        let create = "{\"create\":{\"_index\":\"i\",\"_id\":\"1\"}}\n{\"message\":\"a\"}\n"
        #expect(try parsed(await fixture.post("/_bulk", create))["items"][0]["create"]["status"] == 201)
        let second = try parsed(await fixture.post("/_bulk", create))
        #expect(second["errors"] == true)
        #expect(second["items"][0]["create"]["status"] == 409)
        #expect(second["items"][0]["create"]["error"]["type"] == "version_conflict_engine_exception")
        let same = "{\"index\":{\"_index\":\"i\",\"_id\":\"1\"}}\n{\"message\":\"a\"}\n"
        #expect(try parsed(await fixture.post("/_bulk", same))["items"][0]["index"]["result"] == "updated")
        #expect(fixture.recorder.records.count == 1)
        let other = "{\"index\":{\"_index\":\"i\",\"_id\":\"1\"}}\n{\"message\":\"b\"}\n"
        #expect(try parsed(await fixture.post("/_bulk", other))["items"][0]["index"]["_version"] == 2)
        #expect(try parsed(await fixture.post("/_bulk", other))["items"][0]["index"]["result"] == "updated")
        #expect(fixture.recorder.records.map(\.fields) == [["_id": "1"], ["_id": "1"]])
        #expect(fixture.recorder.records.map { String(decoding: $0.body, as: UTF8.self) } == ["a", "b"])
    }

    @Test func `what the store refused is created when it comes again`() async throws {
        var limits = LogIngestLimits()
        limits.patience = .zero
        let fixture = LogFixture(limits: limits)
        fixture.recorder.refuse(.overloaded("full"))
        let create = "{\"create\":{\"_index\":\"i\",\"_id\":\"1\"}}\n{\"message\":\"a\"}\n"
        let refused = await fixture.post("/_bulk", create)
        #expect(refused.status == 429)
        #expect(refused.fields["Retry-After"] == "1")
        #expect(try parsed(refused)["error"]["type"] == "es_rejected_execution_exception")
        #expect(try parsed(await fixture.post("/_bulk", create))["items"][0]["create"]["status"] == 201)
    }

    @Test(arguments: [
        ("", "request body is required"), ("{}\n{}\n", "Malformed action/metadata line"), ("{\"create\":{}}\n{}\n", "names no index"),
        ("{\"create\":{\"_index\":\"a\"}}", "no document behind it"), ("x\ny\n", "Malformed"),
    ])
    func `a request that is wrong as a whole is refused in Elasticsearch's words`(body: String, reason: String) async throws {
        let fixture = LogFixture()
        let response = await fixture.post("/_bulk", body)
        #expect(response.status == 400)
        #expect(try parsed(response)["error"]["reason"].string?.contains(reason) == true, "\(response.text)")
        #expect(try parsed(response)["status"] == 400)
        #expect(fixture.recorder.batches.isEmpty)
    }

    @Test func `a document among many that nests too deeply is that item's error`() async throws {
        let fixture = LogFixture()
        let deep = #"{"message":"x","a":"# + String(repeating: "[", count: 5000) + String(repeating: "]", count: 5000) + "}"
        let body =
            "{\"create\":{\"_index\":\"i\"}}\n\(deep)\n{\"create\":{\"_index\":\"i\"}}\n{\"message\":\"ok\"} x\n{\"create\":{\"_index\":\"i\"}}\n{\"message\":\"ok\"}\n"
        let items = try parsed(await fixture.post("/_bulk", body))["items"].elements.map { $0["create"]["status"].int }
        #expect(items == [400, 400, 201])
        #expect(fixture.recorder.records.count == 1)
    }

    @Test(arguments: ["", "/insert/elasticsearch", "/elastic"])
    func `clients find what they ask first`(prefix: String) async throws {
        let fixture = LogFixture()
        let version = (7, "7.17.24")
        let vendor = "application/vnd.elasticsearch+json; compatible-with=\(version.0)"
        let greeting = await fixture.post(prefix + "/", [], fields: [("Accept", vendor)], method: "GET")
        #expect(try parsed(greeting)["version"]["number"] == .string(version.1))
        #expect(try parsed(greeting)["tagline"] == "You Know, for Search")
        #expect(greeting.fields["Content-Type"] == "application/vnd.elasticsearch+json;compatible-with=7")
        for path in ["/_license", "/_xpack", "/_nodes", "/_nodes/http", "/_cluster/health"] {
            let response = await fixture.post(prefix + path, [], method: "GET")
            #expect(response.status == 200)
            #expect(response.fields["X-Elastic-Product"] == "Elasticsearch")
        }
        #expect(await fixture.post(prefix + "/", [], method: "HEAD").status == 200)
        #expect(await fixture.post(prefix + "/nothing", [], method: "HEAD").status == 404)
        #expect(await fixture.post(prefix + "/made", [], method: "PUT").status == 200)
        #expect(await fixture.post(prefix + "/made", [], method: "HEAD").status == 200)
    }

    @Test func `templates, policies and pipelines are kept as they came, up to a bound`() async throws {
        var limits = LogIngestLimits()
        limits.keptSettings = 3
        let fixture = LogFixture(limits: limits)
        let body = Array(#"{"index_patterns":["a-*"],"priority":1}"#.utf8)
        #expect(await fixture.post("/_index_template/a", [], method: "GET").status == 404)
        #expect(try parsed(await fixture.post("/_index_template/a", body, method: "PUT")) == ["acknowledged": true])
        #expect(
            try parsed(await fixture.post("/_index_template/a", [], method: "GET"))
                == ["index_templates": [["name": "a", "index_template": ["index_patterns": ["a-*"], "priority": 1]]]])
        #expect(await fixture.post("/_ilm/policy/p", Array(#"{"policy":{"phases":{}}}"#.utf8), method: "PUT").status == 200)
        #expect(try parsed(await fixture.post("/_ilm/policy/p", [], method: "GET"))["p"]["policy"] == ["phases": [:]])
        #expect(await fixture.post("/_ingest/pipeline/q", body, method: "PUT").status == 200)
        #expect(await fixture.post("/_template/t", body, method: "PUT").status == 400)
        #expect(await fixture.post("/_ingest/pipeline/q", Array("no".utf8), method: "PUT").status == 400)
        #expect(await fixture.post("/_ingest/pipeline/q", [], method: "DELETE").status == 200)
        #expect(await fixture.post("/_template/t", body, method: "PUT").status == 200)
    }

    @Test func `single documents come in by _doc and _create`() async throws {
        let fixture = LogFixture()
        let first = await fixture.post("/i/_create/1", Array("{\"message\":\n\"a\"}".utf8), method: "PUT")
        #expect(first.status == 201)
        #expect(try parsed(first)["_id"] == "1")
        #expect(await fixture.post("/i/_create/1", Array("{\"message\":\"a\"}".utf8), method: "PUT").status == 409)
        #expect(await fixture.post("/i/_doc", "{\"message\":\"b\"}").status == 201)
        #expect(await fixture.post("/i/_doc", "nonsense").status == 400)
        #expect(fixture.recorder.records.count == 2)
    }

    @Test func `a million keys stay within their bound`() {
        let registry = MetricRegistry()
        let keys = RecentKeys(capacity: 1000, window: .seconds(10), what: "test", metrics: registry)
        for number in 0..<5000 {
            #expect(keys.begin(BodyHash("\(number)"), now: 0) == .new)
            keys.finish(BodyHash("\(number)"), isStored: true)
        }
        #expect(keys.count == 1000)
        #expect(keys.begin(BodyHash("4999"), now: 10_000_000_000) == .stored(check: 0))
        #expect(keys.begin(BodyHash("1"), now: 0) == .new)
        // After the window nothing is known.
        #expect(keys.begin(BodyHash("4999"), now: 10_000_000_001) == .new)
        #expect(keys.count == 1)
    }
}
