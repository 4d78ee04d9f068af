import HTTP
import JSON
import LogQL
import LogStore
import Pattern
import Runtime
import Telemetry
import TestKit
import Testing

@testable import QueryAPI

/// Deletion over HTTP: Loki's way and Elasticsearch's, for those who may.
@Suite struct LogDeletionTests {
    /// The fixture's store behind interfaces where the header `Authorization: Bearer t` may delete.
    private static func router(_ fixture: LogsFixture, isOpen: Bool = false) -> HTTPRouter {
        let access = LogDeletionAccess(StoredLogDeletion(fixture.store)) { request in
            isOpen || request.fields["Authorization"] == "Bearer t" ? nil : "the token is missing"
        }
        let clock = ManualClock(startingAt: Timestamp(milliseconds: fixture.store.now / 1_000_000))
        var router = HTTPRouter()
        LokiAPI(source: fixture.store, deletion: access, clock: clock, metrics: MetricRegistry()).register(on: &router)
        ElasticAPI(source: fixture.store, deletion: access, clock: clock, metrics: MetricRegistry()).register(on: &router)
        LogsAPI(store: fixture.store).register(on: &router)
        return router
    }

    private static func send(
        _ router: HTTPRouter, _ method: String, _ path: String, _ query: [(String, String)] = [], body: JSON = .null, token: String? = "t"
    ) async -> (status: Int, text: String) {
        let fields: HTTPFields = token.map { ["Authorization": "Bearer \($0)"] } ?? [:]
        let response = await router.respond(
            to: HTTPRequest(
                method: method, path: path, query: query.map { (name: $0.0, value: $0.1) }, fields: fields, body: body.isNull ? [] : body.bytes()))
        guard case .bytes(let bytes) = response.body else { return (response.status, "") }
        return (response.status, String(decoding: bytes, as: UTF8.self))
    }

    private static func count(_ fixture: LogsFixture) async throws -> Int {
        try JSON.parse(try await fixture.get("/api/logs/count").text)["total"].int ?? -1
    }

    private static let path = "/loki/api/v1/delete"
    private static let window = [("start", "1772323200"), ("end", "1772323300")]

    @Test func `a deletion is tried, asked for, listed and taken back`() async throws {
        let fixture = try await LogsFixture()
        let router = Self.router(fixture)
        let query = [("query", #"{pod="api-1"} |= "request 1" != "took 7ms""#)] + Self.window
        let trial = await Self.send(router, "POST", Self.path, query + [("dry_run", "true")])
        #expect(trial.status == 200 && trial.text == #"{"lines":5}"#, "\(trial)")
        #expect(try await Self.count(fixture) == 20)
        #expect(await Self.send(router, "POST", Self.path, query).status == 204)
        #expect(try await Self.count(fixture) == 15)
        let list = try JSON.parse(await Self.send(router, "GET", Self.path, token: nil).text)
        #expect(list.elements.count == 1 && list[0]["status"] == "received" && list[0]["query"].string == query[0].1, "\(list)")
        #expect(list[0]["start_time"].double == 1_772_323_200 && list[0]["end_time"].double == 1_772_323_300)
        let id = try #require(list[0]["request_id"].string)
        #expect(await Self.send(router, "DELETE", Self.path, [("request_id", id)]).status == 204)
        #expect(try await Self.count(fixture) == 20)
        #expect(await Self.send(router, "DELETE", Self.path, [("request_id", id)]).status == 404)
        // Carried out it is processed, and stays so.
        #expect(await Self.send(router, "PUT", Self.path, query).status == 204)
        try await fixture.store.maintain()
        let done = try JSON.parse(await Self.send(router, "GET", Self.path).text)
        #expect(done[0]["status"] == "processed" && done[0]["deleted_lines"].int == 5, "\(done)")
        #expect(await Self.send(router, "DELETE", Self.path, [("request_id", done[0]["request_id"].string ?? "")]).status == 404)
        #expect(try await Self.count(fixture) == 15)
        try await fixture.store.close()
    }

    @Test(arguments: [
        (#"{pod="x"} | json"#, "only line filters may follow"), (#"{}"#, "names its streams"), (#"rate({pod="x"}[1m])"#, "a metric query chooses no lines"),
        (#"{pod="x"} |> "a <_>""#, "line filters |=, !=, |~ and !~ only"), (#"{pod="#, "parse error at line 1"),
    ])
    func `what cannot be told from stored lines is refused`(query: String, words: String) async throws {
        let fixture = try await LogsFixture(lines: 0)
        let answer = await Self.send(Self.router(fixture), "POST", Self.path, [("query", query)] + Self.window)
        #expect(answer.status == 400 && answer.text.contains(words), "\(answer)")
        try await fixture.store.close()
    }

    @Test func `only who may deletes, everybody reads the list`() async throws {
        let fixture = try await LogsFixture()
        let router = Self.router(fixture)
        for (method, path, query) in [
            ("POST", Self.path, [("query", #"{pod="api-1"}"#)] + Self.window), ("DELETE", Self.path, [("request_id", "1")]),
            ("POST", "/logs-binnacle/_delete_by_query", []), ("DELETE", "/logs-binnacle", []),
        ] {
            for token in [nil, "u"] {
                let answer = await Self.send(router, method, path, query, body: path == Self.path ? .null : ["query": ["match_all": [:]]], token: token)
                #expect(answer.status == 403 && answer.text.contains("the token is missing"), "\(method) \(path): \(answer)")
            }
        }
        #expect(await Self.send(router, "GET", Self.path, token: nil).text == "[]")
        #expect(try await Self.count(fixture) == 20)
        #expect(await Self.send(Self.router(fixture, isOpen: true), "DELETE", "/logs-binnacle", token: nil).status == 200)
        #expect(try await Self.count(fixture) == 0)
        try await fixture.store.close()
    }

    @Test func `Elasticsearch's clients delete a range, and an index`() async throws {
        let fixture = try await LogsFixture()
        try await fixture.store.append([
            LogBatch(stream: ["_index": "shop", "app": "a"], records: [LogRecord(time: 1_772_323_201_000_000_000, body: Array("x".utf8))], origin: nil)
        ])
        let router = Self.router(fixture)
        let range: JSON = ["query": ["range": ["@timestamp": ["gte": "2026-03-01T00:00:15Z"]]]]
        let answer = try JSON.parse(await Self.send(router, "POST", "/logs-binnacle/_delete_by_query", body: range).text)
        #expect(answer["deleted"].int == 5 && answer["failures"] == [], "\(answer)")
        #expect(await Self.send(router, "POST", "/logs-binnacle/_delete_by_query", body: ["query": ["match": ["message": "took"]]]).status == 400)
        #expect(await Self.send(router, "DELETE", "/shop*").status == 400)
        #expect(await Self.send(router, "DELETE", "/nothing").status == 404)
        #expect(await Self.send(router, "DELETE", "/shop").text == #"{"acknowledged":true}"#)
        #expect(try await Self.count(fixture) == 15)
        try await fixture.store.close()
    }

    @Test func `filters are written down as they were meant`() throws {
        let filters = [
            LineFilter([.contains(Array("A".utf8), ignoringCase: true)]),
            LineFilter([.contains(Array("a.b".utf8), ignoringCase: false), .matches(try Pattern("c+", ignoringCase: true))]),
            LineFilter([.contains(Array("d".utf8), ignoringCase: false), .matches(try Pattern("e"))], isNegated: true),
        ]
        let deletion = try StoredLogDeletion.deletion(LogSelection([Matcher("pod", equals: "p\"")], in: 0..<9, filters: filters))
        #expect(
            StoredLogDeletion.text(deletion) == #"{pod="p\""} |=i "A" |~ "(?:a\\.b)|(?i:c+)" != "d" !~ "(?:e)""#, "\(StoredLogDeletion.text(deletion))")
        // What is listed is a query again.
        #expect(throws: Never.self) { try LogExpression.parse(StoredLogDeletion.text(deletion)) }
        #expect(throws: LogDeletionError.self) { try StoredLogDeletion.deletion(LogSelection([], in: 5..<5)) }
    }
}
