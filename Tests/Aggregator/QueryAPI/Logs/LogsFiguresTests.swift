import HTTP
import JSON
import LogQL
import LogStore
import Synchronization
import Telemetry
import Testing

@testable import QueryAPI

@Suite struct LogsFiguresTests {
    @Test func `a page ends in the midst of equal stamps and the next goes on exactly there`() async throws {
        let fixture = try await LogsFixture(lines: 0)
        let time: Int64 = 1_772_323_200_000_000_000
        let records = (0..<2500).map { LogRecord(time: time + Int64($0 / 1000), body: Array("n \($0)".utf8)) }
        try await fixture.store.append([LogBatch(stream: ["pod": "p"], records: records, origin: nil)])
        for direction in ["oldest", "newest"] {
            var cursor: String?
            var seen: [String] = []
            repeat {
                let rows = try await fixture.objects(
                    "/api/logs", [("limit", "333"), ("direction", direction)] + (cursor.map { [("cursor", $0)] } ?? []))
                seen += rows.dropLast().compactMap { $0["line"].string }
                cursor = rows.last?["cursor"].string
            } while cursor != nil
            #expect(seen == (direction == "oldest" ? Array(0..<2500) : Array((0..<2500).reversed())).map { "n \($0)" })
        }
        try await fixture.store.close()
    }

    @Test func `LogQL is a language of the search, its pipeline shows in lines and fields`() async throws {
        let fixture = try await LogsFixture()
        let query = #"{pod="api-1"} |= "took" | pattern "request <n> took <ms>ms" | n > 15 | line_format "{{.n}}!""#
        let rows = try await fixture.objects("/api/logs", [("lang", "logql"), ("q", query), ("direction", "oldest")])
        #expect(rows.dropLast().map { $0["line"].string } == ["17!", "19!"])
        #expect(rows[0]["fields"]["ms"].string == "119")
        let counts = try JSON.parse(try await fixture.get("/api/logs/count", [("lang", "logql"), ("q", query), ("by", "n")]).text)
        #expect(counts["total"].int == 2 && counts["counts"][0]["n"].string == "17")
        let wrong = try await fixture.get("/api/logs", [("lang", "logql"), ("q", "{pod=")])
        #expect(wrong.status == 400 && wrong.text.contains("parse error at line 1, col"), "\(wrong.text)")
        let metric = try await fixture.get("/api/logs", [("lang", "logql"), ("q", "rate({pod=\"x\"}[1m])")])
        #expect(metric.status == 400 && metric.text.contains("asks for numbers"), "\(metric.text)")
        try await fixture.store.close()
    }

    @Test func `histograms have all their steps, tops their counts, explain its plan`() async throws {
        let fixture = try await LogsFixture()
        let window = [("from", "2026-03-01T00:00:00Z"), ("to", "2026-03-01T00:00:59.999999999Z")]
        let histogram = try JSON.parse(try await fixture.get("/api/logs/hist", window + [("step", "10s")]).text)
        #expect(histogram["buckets"].elements.count == 6 && histogram["total"].int == 20)
        #expect(histogram["buckets"][0]["counts"] == ["info": 8, "error": 2] && histogram["buckets"][5]["counts"].members.isEmpty)
        let minute = try JSON.parse(try await fixture.get("/api/logs/hist", window + [("step", "1m")]).text)
        #expect(minute["buckets"].elements.count == 1 && minute["total"].int == 20)
        let top = try JSON.parse(try await fixture.get("/api/logs/top", [("field", "pod")]).text)
        #expect(top["values"].elements.map { $0["count"].int } == [10, 10] && top["distinct"].int == 2)
        let plan = try JSON.parse(try await fixture.get("/api/logs/explain", [("q", "took"), ("namespace", "shop")]).text)
        #expect(plan["plan"]["matchers"][0].string == #"namespace="shop""# && plan["plan"]["filters"].int == 1 && plan["streams"].int == 2)
        let fields = try JSON.parse(try await fixture.get("/api/logs/fields").text)
        #expect(fields["fields"].elements.contains { $0["name"] == "pod" && $0["distinct"].int == 2 })
        try await fixture.store.close()
    }

    @Test func `patterns of two spans are compared, what is new comes first`() async throws {
        let fixture = try await LogsFixture(lines: 0)
        let day: Int64 = 86_400_000_000_000
        let start: Int64 = 1_772_236_800_000_000_000
        func lines(_ time: Int64, _ usual: Int, _ rare: Int, _ new: Int) -> [LogRecord] {
            var records = (0..<usual).map { LogRecord(time: time + Int64($0), severity: .info, body: Array("served in \($0) ms".utf8)) }
            records += (0..<rare).map { LogRecord(time: time + Int64($0), severity: .warning, body: Array("slow query \($0)".utf8)) }
            records += (0..<new).map { LogRecord(time: time + Int64($0), severity: .error, body: Array("disk \($0) is broken".utf8)) }
            return records
        }
        try await fixture.store.append([LogBatch(stream: ["pod": "p"], records: lines(start, 1000, 10, 0) + lines(start + day, 1000, 100, 1), origin: nil)])
        let answer = try JSON.parse(
            try await fixture.get(
                "/api/logs/patterns/diff",
                [("a_from", "2026-02-28T00:00:00Z"), ("a_to", "2026-02-28T23:00:00Z"), ("from", "2026-03-01T00:00:00Z")]
            ).text)
        #expect(answer["changes"].elements.map { $0["change"].string } == ["new", "less", "more"], "\(answer)")
        #expect(answer["changes"][0]["template"].string == "disk <n> is broken" && answer["changes"][2]["after"].int == 100)
        #expect(try await fixture.get("/api/logs/patterns/diff").status == 400)
        try await fixture.store.close()
    }

    @Test func `a tail gives events that it can be resumed by, late lines included, none twice`() async throws {
        let fixture = try await LogsFixture(lines: 3)
        let store = fixture.store
        let body = await fixture.router.respond(
            to: HTTPRequest(
                path: "/api/logs/tail", query: [(name: "from", value: "2026-03-01T00:00:00Z")], fields: ["Accept": "text/event-stream"]))
        guard case .stream(let produce) = body.body else {
            Issue.record("no stream")
            return
        }
        let collector = LogsFixture.Collector()
        let reading = Task { try await produce(collector) }
        while store.tailCount == 0 { await Task.yield() }
        let labels: Labels = ["namespace": "shop", "pod": "api-9", "container": "app"]
        func append(_ text: String, _ time: Int64) async throws {
            try await store.append([LogBatch(stream: labels, records: [LogRecord(time: time, body: Array(text.utf8))], origin: nil)])
        }
        try await append("live", store.now)
        func text() -> String { String(decoding: collector.bytes.withLock { $0 }, as: UTF8.self) }
        while !text().contains("live") { await Task.yield() }
        reading.cancel()
        let ids = text().split(separator: "\n").filter { $0.hasPrefix("id: ") }.map { String($0.dropFirst(4)) }
        #expect(ids.count == 4 && ids[3].hasSuffix("+") && !ids[2].hasSuffix("+"), "\(ids)")
        // While nobody reads: one more, and one that comes late with an older stamp.
        try await append("next", store.now + 1)
        try await append("late", store.now - 1_000_000_000)
        async let rest = fixture.objects("/api/logs/tail", [("after", ids[3])])
        while store.tailCount < 1 { await Task.yield() }
        try await store.close()
        #expect(try await rest.map { $0["line"].string } == ["late", "next"])
        #expect(try await fixture.get("/api/logs/tail", [("after", "x")]).status == 400)
    }
}
