import Glibc
import JSON
import Runtime
import TestKit
import Testing

/// Searches by the programs that people have: Elasticsearch's Python clients, what Grafana asks Loki for, and deletion.
@Suite(.serialized, .timeLimit(.minutes(5))) struct LogSearchClientsTests {
    private static let tools = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/") + "/.build-tools"
    private static var hasPython: Bool { HostFileSystem().exists("\(tools)/clients7/bin/python") }

    // MARK: Elasticsearch

    /// One script for both versions: 7 takes bodies, 9 their members.
    private static let elastic = """
        import datetime, sys
        from elasticsearch import Elasticsearch, helpers, NotFoundError
        url, name, token = sys.argv[1:4]
        old = name == "7"
        client = Elasticsearch(url, http_compress=True)
        index = "logs-" + name
        def ask(method, body=None, **more):
            return method(body=body, **more) if old else method(**(body or {}), **more)

        start = datetime.datetime.now(datetime.timezone.utc).replace(second=0, microsecond=0) - datetime.timedelta(minutes=30)
        # Ten documents share each moment.
        documents = [{"_op_type": "create", "_index": index, "_id": name + str(n), "@timestamp": (start + datetime.timedelta(seconds=n // 10)).isoformat(),
                      "message": "payment %d card %s" % (n, "declined" if n % 4 == 0 else "accepted"), "level": "error" if n % 5 == 0 else "info",
                      "took": n % 7, "kubernetes": {"pod_name": "pay-%d" % (n % 3), "namespace_name": "shop"}} for n in range(1000)]
        assert helpers.bulk(client, documents) == (1000, [])

        def total(query): return ask(client.search, {"query": query, "size": 0, "track_total_hits": True}, index=index)["hits"]["total"]["value"]
        assert total({"query_string": {"query": 'message:declined AND level:error'}}) == 50
        assert total({"query_string": {"query": '"card declined" -level:error'}}) == 200
        assert total({"match_phrase": {"message": "card accepted"}}) == 750
        assert total({"match": {"message": {"query": "DECLINED card", "operator": "and"}}}) == 250
        assert total({"range": {"took": {"gte": 5}}}) == 285, total({"range": {"took": {"gte": 5}}})
        assert total({"bool": {"must": [{"match": {"message": "card"}}], "filter": [{"term": {"kubernetes.pod_name": "pay-1"}}, {"range": {"@timestamp": {"lt": (start + datetime.timedelta(seconds=60)).isoformat()}}}],
                               "must_not": [{"term": {"level": "error"}}]}}) == sum(1 for n in range(600) if n % 3 == 1 and n % 5)
        assert ask(client.count, {"query": {"term": {"level": "error"}}}, index=index)["count"] == 200

        found = ask(client.search, {"size": 0, "aggs": {"time": {"date_histogram": {"field": "@timestamp", "fixed_interval": "1m"}, "aggs": {"levels": {"terms": {"field": "level"}}}},
                                                        "pods": {"terms": {"field": "kubernetes.pod_name"}}}}, index=index)["aggregations"]
        assert [b["doc_count"] for b in found["time"]["buckets"]] == [600, 400], found
        assert {b["key"]: b["doc_count"] for b in found["time"]["buckets"][0]["levels"]["buckets"]} == {"info": 480, "error": 120}, found
        assert {b["key"]: b["doc_count"] for b in found["pods"]["buckets"]} == {"pay-0": 334, "pay-1": 333, "pay-2": 333}, found

        def numbers(hits): return [int(hit["_source"]["message"].split()[1]) for hit in hits]
        # To the end, each once, equal stamps included.
        seen, after = [], None
        while True:
            body = {"size": 97, "sort": [{"@timestamp": "asc"}, {"_id": "asc"}]}
            if after: body["search_after"] = after
            hits = ask(client.search, body, index=index)["hits"]["hits"]
            if not hits: break
            seen += numbers(hits)
            after = hits[-1]["sort"]
        assert sorted(seen) == list(range(1000)) and [n // 10 for n in seen] == sorted(n // 10 for n in seen), (len(seen), seen[:20])

        # A point in time does not see what comes later.
        pit = client.open_point_in_time(index=index, keep_alive="1m")["id"]
        late = {"@timestamp": (start + datetime.timedelta(seconds=50)).isoformat(), "message": "payment 9999 late", "level": "info"}
        client.index(index=index, **({"body": late} if old else {"document": late}))
        seen, after = [], None
        while True:
            body = {"size": 300, "sort": [{"@timestamp": "desc"}], "pit": {"id": pit, "keep_alive": "1m"}}
            if after: body["search_after"] = after
            hits = ask(client.search, body)["hits"]["hits"]
            if not hits: break
            seen += numbers(hits)
            after = hits[-1]["sort"]
        # The late line has an early stamp: it is there, or it is not, but nothing is doubled or lost.
        assert sorted(n for n in seen if n != 9999) == list(range(1000)), len(seen)
        ask(client.close_point_in_time, {"id": pit})
        scanned = sorted(numbers(helpers.scan(client, index=index, query={"query": {"match": {"message": "card"}}}, size=300)))
        assert scanned == list(range(1000)), len(scanned)

        pairs = [{"index": index}, {"query": {"term": {"level": "error"}}, "size": 1}, {"index": "nothing"}, {"query": {"match_all": {}}}]
        several = client.msearch(**({"body": pairs} if old else {"searches": pairs}))["responses"]
        assert several[0]["hits"]["total"]["value"] == 200 and several[1]["status"] == 404, several
        rows = client.cat.indices(format="json")
        assert [row["docs.count"] for row in rows if row["index"] == index] == ["1001"], rows
        assert client.cat.count(format="json")[0]["count"] and client.cat.health(format="json")[0]["status"] == "green"
        assert index in client.indices.get_mapping(index=index) and "took" in client.field_caps(index=index, fields="*")["fields"]
        assert client.indices.exists(index=index) and not client.indices.exists(index="nothing")
        try: client.search(index="nothing"); assert False
        except NotFoundError as error: assert "index_not_found_exception" in str(error)

        # Deleting needs the token.
        by_time = {"query": {"range": {"@timestamp": {"lt": (start + datetime.timedelta(seconds=10)).isoformat()}}}}
        try: ask(client.delete_by_query, by_time, index=index); assert token == ""
        except Exception as error: assert "security_exception" in str(error), error
        if token:
            admin = Elasticsearch(url, headers={"Authorization": "Bearer " + token})
            assert ask(admin.delete_by_query, by_time, index=index)["deleted"] == 100
            assert ask(client.count, index=index)["count"] == 901
            assert admin.indices.delete(index=index)["acknowledged"]
            assert ask(client.count, index=index)["count"] == 0
        """

    private static func token(_ aggregate: Aggregate) throws -> String {
        try JSON.parse(try HostFileSystem().text(aggregate.directory.file("data/admin.json")))["token"].string ?? ""
    }

    @Test(.enabled(if: hasPython), arguments: [("clients7", "7"), ("clients", "9")])
    func `Python's elasticsearch writes, searches, pages and deletes at one address`(environment: String, name: String) async throws {
        let aggregate = try await Aggregate.start()
        let outcome = try await Program.run(
            ["\(Self.tools)/\(environment)/bin/python", "-", aggregate.ingest, name, try Self.token(aggregate)], input: Self.elastic, seconds: 90)
        #expect(outcome.status == 0, "\(outcome.description)")
        #expect(try await aggregate.stop() == 0)
    }

    // MARK: Loki

    private static func get(_ base: String, _ path: String, _ parameters: [String], _ more: [String] = []) async throws -> (status: String, body: String) {
        let fields = parameters.flatMap { ["--data-urlencode", $0] }
        let text = try await Program.run(["curl", "-sS", "-m", "20", "-w", "\n%{http_code}", "-G"] + fields + more + [base + path]).output
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        return (String(lines.last ?? ""), lines.dropLast().joined(separator: "\n"))
    }

    /// Twelve lines of two pods, a minute apart, the last just now.
    private static func push(_ aggregate: Aggregate) async throws -> Int64 {
        let now = SystemClock().nanoseconds
        let streams = (0..<2).map { pod in
            let values = (0..<6).map { number in
                let level = number == 0 ? "error" : "info"
                return
                    #"["\#(now - Int64(number * 2 + pod) * 60_000_000_000)","{\"level\":\"\#(level)\",\"msg\":\"request \#(number) done\",\"status\":\#(200 + number)}"]"#
            }
            return #"{"stream":{"namespace":"shop","pod":"web-\#(pod)"},"values":[\#(values.joined(separator: ","))]}"#
        }
        let body = "{\"streams\":[\(streams.joined(separator: ","))]}"
        let answer = try await aggregate.post("/loki/api/v1/push", body, ["Content-Type: application/json"])
        guard answer == "204" else { throw Program.Failure("push: \(answer)") }
        return now
    }

    @Test func `every call of Grafana's Loki data source is answered as it expects`() async throws {
        let aggregate = try await Aggregate.start()
        let now = try await Self.push(aggregate)
        let range = ["start=\(now - 3_600_000_000_000)", "end=\(now + 1_000_000_000)"]
        let selector = #"query={namespace="shop"}"#
        let volume = #"query=sum by (level, detected_level) (count_over_time({namespace="shop"} | drop __error__[60s]))"#
        // The path, its parameters, and what must hold of the document.
        let calls: [(path: String, parameters: [String], expects: @Sendable (JSON) -> Bool)] = [
            // Save & test.
            (
                "query", ["query=vector(1)+vector(1)", "time=4000000000", "direction=backward"],
                { $0["data"]["resultType"] == "vector" && $0["data"]["result"].elements.count == 1 && $0["data"]["result"][0]["value"][1] == "2" }
            ),
            // Explore: lines, sizes, volume, labels.
            (
                "query_range", range + [selector, "limit=1000", "direction=backward", "step=15000ms"],
                {
                    $0["data"]["resultType"] == "streams" && $0["data"]["result"].elements.reduce(0) { $0 + $1["values"].elements.count } == 12
                        && $0["data"]["result"][0]["values"][0][0].string?.count == 19
                }
            ),
            (
                "query_range", range + [volume, "step=60000ms"],
                {
                    $0["data"]["resultType"] == "matrix"
                        && Set($0["data"]["result"].elements.map { $0["metric"]["detected_level"].string }) == ["info", "error"]
                }
            ),
            ("labels", range, { Set($0["data"].elements.compactMap(\.string)).isSuperset(of: ["namespace", "pod"]) }),
            ("label/pod/values", range + [selector], { $0["data"] == ["web-0", "web-1"] }),
            ("series", range + [#"match[]={pod="web-1"}"#], { $0["data"].elements.count == 1 && $0["data"][0]["pod"] == "web-1" }),
            ("index/stats", range + [selector], { $0["streams"].int == 2 && $0["entries"].int == 12 && ($0["bytes"].int ?? 0) > 0 }),
            ("index/volume", range + [selector, "limit=10", "targetLabels=pod"], { $0["data"]["result"].elements.count == 2 }),
            ("index/volume_range", range + [selector, "step=60s"], { $0["data"]["resultType"] == "matrix" }),
            ("patterns", range + [selector, "step=60s"], { $0["data"].array != nil }),
            ("detected_labels", range, { $0["detectedLabels"].elements.contains { $0["label"] == "pod" } }),
            ("detected_fields", range + [selector], { Set($0["fields"].elements.compactMap { $0["label"].string }).isSuperset(of: ["msg", "status"]) }),
            ("detected_field/status/values", range + [selector], { $0["values"].elements.contains("200") }),
            ("format_query", [#"query={namespace="shop"}|="x""#], { $0["data"].string == #"{namespace="shop"} |= "x""# }),
            ("status/buildinfo", [], { $0["version"].string?.hasPrefix("3.") == true }),
        ]
        for base in [aggregate.queries, aggregate.ingest] {
            for call in calls {
                let answer = try await Self.get(base, "/loki/api/v1/\(call.path)", call.parameters, ["-H", "X-Query-Tags: Source=grafana"])
                #expect(answer.status == "200", "\(call.path): \(answer)")
                #expect(call.expects((try? JSON.parse(answer.body)) ?? .null), "\(call.path): \(answer.body)")
            }
            #expect(try await Self.get(base, "/ready", []).body == "ready\n")
            #expect(try await Self.get(base, "/loki/api/v1/rules", []).status == "200")
            #expect(try await Self.get(base, "/prometheus/api/v1/rules", []).status == "200")
            // Probed once; 400 would mean an older API.
            #expect(try await Self.get(base, "/loki/api/v2alpha/tail", ["query={a=\"b\"}"]).status == "404")
        }
        let categorized = try await Self.get(
            aggregate.queries, "/loki/api/v1/query_range", range + [selector + " | json", "limit=1"],
            ["-H", "X-Loki-Response-Encoding-Flags: categorize-labels"])
        let value = try JSON.parse(categorized.body)["data"]["result"][0]["values"][0]
        #expect(value[2]["parsed"]["msg"].string == "request 0 done", "\(categorized.body)")
        #expect(try JSON.parse(categorized.body)["data"]["truncated"] == true, "what was cut off says so")
        // Errors are text.
        let wrong = try await Self.get(aggregate.queries, "/loki/api/v1/query_range", ["query={pod="])
        #expect(wrong.status == "400" && wrong.body.hasPrefix("parse error at line 1, col"), "\(wrong)")
        // Live: a WebSocket, whose frames are text that any reader sees.
        let live = try await Program.run([
            "curl", "-sS", "-m", "3", "-N", "--http1.1", "-i", "-G", "--data-urlencode", selector, "-H", "Connection: Upgrade", "-H", "Upgrade: websocket",
            "-H",
            "Sec-WebSocket-Version: 13", "-H", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "-o", aggregate.directory.file("tail"),
            "\(aggregate.queries)/loki/api/v1/tail",
        ])
        let frames = String(decoding: try HostFileSystem().read(aggregate.directory.file("tail")), as: UTF8.self)
        #expect(
            frames.hasPrefix("HTTP/1.1 101") && frames.contains("\"streams\":[{\"stream\":{") && frames.contains("request 5 done"), "\(live.errors) \(frames)")
        #expect(try await aggregate.stop() == 0)
    }

    // MARK: Deletion

    @Test func `deleted lines are gone at once, listed, taken back, and gone for good once carried out`() async throws {
        let aggregate = try await Aggregate.start()
        let now = try await Self.push(aggregate)
        let token = try Self.token(aggregate)
        let path = "/loki/api/v1/delete"
        let window = ["start=\(now - 3_600_000_000_000)", "end=\(now + 1_000_000_000)"]
        let asked = [#"query={namespace="shop", pod="web-1"} |= "request""#] + window
        func count() async throws -> Int {
            let answer = try await Self.get(aggregate.queries, "/loki/api/v1/index/stats", [#"query={namespace="shop"}"#] + window)
            let lines = try await Self.get(aggregate.queries, "/loki/api/v1/query_range", [#"query={namespace="shop"}"#, "limit=100"] + window)
            let found = try JSON.parse(lines.body)["data"]["result"].elements.reduce(0) { $0 + $1["values"].elements.count }
            #expect(try JSON.parse(answer.body)["entries"].int == found, "counts and lines say the same: \(answer.body)")
            return found
        }
        // The query port only reads, the ingest port wants the token.
        #expect(try await Self.get(aggregate.queries, path, asked, ["-X", "POST"]).status == "403")
        #expect(try await Self.get(aggregate.ingest, path, asked, ["-X", "POST"]).status == "403")
        #expect(try await count() == 12)
        let bearer = ["-H", "Authorization: Bearer \(token)"]
        #expect(try await Self.get(aggregate.ingest, path, asked + ["dry_run=true"], ["-X", "POST"] + bearer).body == #"{"lines":6}"#)
        #expect(try await Self.get(aggregate.ingest, path, asked, ["-X", "POST"] + bearer).status == "204")
        #expect(try await count() == 6)
        let list = try JSON.parse(try await Self.get(aggregate.queries, path, []).body)
        #expect(list[0]["query"].string == #"{namespace="shop", pod="web-1"} |= "request""#, "\(list)")
        if list[0]["status"] == "received" {
            #expect(
                try await Self.get(aggregate.ingest, path, ["request_id=\(list[0]["request_id"].string ?? "")"], ["-X", "DELETE"] + bearer).status == "204")
            #expect(try await count() == 12)
            #expect(try await Self.get(aggregate.ingest, path, asked, ["-X", "POST"] + bearer).status == "204")
        }
        let isDone = try await eventually(within: 40) {
            let list = try JSON.parse(try await Self.get(aggregate.queries, path, []).body)
            return list.elements.last?["status"] == "processed" && list.elements.last?["deleted_lines"].int == 6
        }
        #expect(isDone)
        #expect(try await count() == 6)
        #expect(try await aggregate.stop() == 0)
        let open = try await Aggregate.start(["--enable-admin-api"], directory: aggregate.directory)
        #expect(try await Self.get(open.queries, path, [#"query={namespace="shop"}"#] + window, ["-X", "POST"]).status == "204")
        let left = try await Self.get(open.queries, "/loki/api/v1/query_range", [#"query={namespace="shop"}"#, "limit=100"] + window)
        #expect(try JSON.parse(left.body)["data"]["result"] == [], "\(left.body)")
        #expect(try await open.stop() == 0)
    }
}
