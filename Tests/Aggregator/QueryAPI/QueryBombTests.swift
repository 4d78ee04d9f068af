import HTTP
import PromQL
import QueryAPI
import Runtime
import Telemetry
import TestKit
import Testing

/// A query that asks for too much fails by itself, with the figure, while all others are answered.
@Suite struct QueryBombTests {
    /// A hundred series of two hours, each second.
    private static let source: FixedSource = {
        let times = (0..<7200).map { Int64($0) * 1000 }
        return FixedSource(
            all: (0..<100).map { number in
                SeriesSamples(labels: ["__name__": "m", "i": "\(number)"], timestamps: times, values: times.map { Double($0 / 1000 % Int64(number + 7)) })
            })
    }()

    private func ask(_ router: HTTPRouter, _ path: String, _ query: [(String, String)]) async -> (status: Int, text: String) {
        let response = await router.respond(to: HTTPRequest(path: "/api/v1/\(path)", query: query.map { (name: $0.0, value: $0.1) }))
        guard case .bytes(let bytes) = response.body else { return (response.status, "stream") }
        return (response.status, String(decoding: bytes.prefix(2000), as: UTF8.self))
    }

    @Test(.timeLimit(.minutes(2))) func `bombs of every kind fail alone`() async {
        var options = PrometheusAPI.Options()
        options.timeout = .seconds(60)
        options.concurrency = 20
        options.engine.maximumSamples = 3_000_000
        options.engine.maximumMemoryBytes = 16 << 20
        var router = HTTPRouter()
        PrometheusAPI(source: Self.source, clock: ManualClock(startingAt: Timestamp(milliseconds: 7_200_000)), options: options).register(on: &router)
        let range = [("start", "0"), ("end", "7200"), ("step", "1")]
        // Each with the status and the words that its author gets.
        let bombs: [(query: String, status: Int, words: String)] = [
            ("max_over_time(m[2h:1s] offset 1s) + max_over_time(m[2h:1s])", 422, "more than 16777216 bytes of memory"),
            ("quantile_over_time(0.5, m[2h:100ms])", 422, "too many samples into memory in query execution (more than 3000000)"),
            ("m or on (i) (m + 1) or on (x) (m + 2)", 422, "bytes of memory"),
            ("sum(mad_over_time(m{i=~\"1.?\"}[1h]))", 503, "query timed out"),
        ]
        let asked = router
        await withTaskGroup(of: Void.self) { group in
            for bomb in bombs + bombs {
                group.addTask {
                    let (status, text) = await ask(asked, "query_range", [("query", bomb.query), ("timeout", bomb.status == 503 ? "0.5" : "60")] + range)
                    #expect(status == bomb.status && text.contains(bomb.words), "\(bomb.query): \(status) \(text)")
                }
            }
            for worker in 0..<4 {
                group.addTask {
                    for number in 0..<25 {
                        let (status, text) = await ask(asked, "query", [("query", "sum(m{i=\"\(worker * 25 + number)\"} >= bool 0)"), ("time", "7000")])
                        #expect(status == 200 && text.contains("[7000,\"1\"]"), "\(status) \(text)")
                    }
                }
            }
        }
        // All places are free again.
        #expect(await ask(router, "query", [("query", "count(m)"), ("time", "7000")]).status == 200)
    }
}
