import HTTP
import JSON
import QueryAPI
import Runtime
import SeriesStore
import Telemetry
import TestKit
import Testing

/// Native histograms are kept, not queried; whoever asks for one is told so, whichever way.
@Suite struct NativeHistogramTests {
    private static let now = Timestamp(milliseconds: 1_795_521_600_000)

    /// `mixed` has a plain series and one of native histograms, `native` histograms only.
    private func router(_ directory: TemporaryDirectory) async throws -> HTTPRouter {
        let clock = ManualClock(startingAt: Self.now)
        let store = try SeriesStore.open(directory: directory.path, metrics: MetricRegistry(), clock: clock)
        let time = Self.now.milliseconds - 10_000
        let histogram = SeriesBatch.Histogram(timestamp: time, encoded: [1, 2, 3])
        try await store.write([
            SeriesBatch(labels: ["__name__": "mixed", "job": "a"], samples: [.init(time, 7)]),
            SeriesBatch(labels: ["__name__": "mixed", "job": "b"], samples: [], histograms: [histogram]),
            SeriesBatch(labels: ["__name__": "native"], samples: [], histograms: [histogram]),
            SeriesBatch(labels: ["__name__": "plain"], samples: [.init(time, 1)]),
        ])
        var router = HTTPRouter()
        PrometheusAPI(source: store, clock: clock).register(on: &router)
        return router
    }

    private func ask(_ router: HTTPRouter, _ path: String, _ query: [(String, String)], body: [UInt8] = []) async -> (response: HTTPResponse, text: String) {
        let request = HTTPRequest(method: body.isEmpty ? "GET" : "POST", path: path, query: query.map { (name: $0.0, value: $0.1) }, body: body)
        let response = await router.respond(to: request)
        guard case .bytes(let bytes) = response.body else { return (response, "stream") }
        return (response, String(decoding: bytes, as: UTF8.self))
    }

    private static let mixed = "mixed{job=\"b\"} has native histograms, which are kept but cannot be queried; have its classic buckets sent too"
    private static let native = "native has native histograms, which are kept but cannot be queried; have its classic buckets sent too"

    @Test func `instant and range queries name the series: a warning beside an answer, else an error`() async throws {
        let directory = TemporaryDirectory("native")
        let router = try await router(directory)
        let end = "\(Self.now.milliseconds / 1000)"
        let range = [("start", "\(Self.now.milliseconds / 1000 - 60)"), ("end", end), ("step", "15")]
        for (path, more) in [("/api/v1/query", [("time", end)]), ("/api/v1/query_range", range)] {
            let (beside, text) = await ask(router, path, [("query", "mixed")] + more)
            let document = try JSON.parse(text)
            #expect(beside.status == 200 && document["data"]["result"].elements.count == 1)
            #expect(document["warnings"].elements.contains { $0.string?.hasPrefix(Self.mixed) ?? false }, "\(text)")
            for query in ["native", "histogram_quantile(0.9, rate(native[1m]))", "histogram_count(native)"] {
                let (alone, text) = await ask(router, path, [("query", query)] + more)
                #expect(alone.status == 422, "\(text)")
                #expect(try JSON.parse(text)["error"].string?.hasPrefix(Self.native) ?? false, "\(text)")
            }
            let (plain, quiet) = await ask(router, path, [("query", "plain")] + more)
            #expect(plain.status == 200 && !quiet.contains("native"))
        }
    }

    @Test func `federation and remote read tell of them too`() async throws {
        let directory = TemporaryDirectory("native")
        let router = try await router(directory)
        let (beside, text) = await ask(router, "/federate", [("match[]", "mixed")])
        #expect(beside.status == 200 && text.hasPrefix("# WARNING: \(Self.mixed)"), "\(text)")
        let (alone, said) = await ask(router, "/federate", [("match[]", "native")])
        #expect(alone.status == 422 && said.hasPrefix(Self.native), "\(said)")
        func read(_ name: String, _ forms: [UInt64] = []) async -> (response: HTTPResponse, text: String) {
            let request = RemoteReadTests.request(
                [(0, "__name__", name)], start: Self.now.milliseconds - 60_000, end: Self.now.milliseconds, accepted: forms)
            return await ask(router, "/api/v1/read", [], body: request)
        }
        for forms in [[], [1]] as [[UInt64]] {
            let (mixed, _) = await read("mixed", forms)
            #expect(mixed.status == 200 && mixed.fields["Warning"]?.hasPrefix("299 binnacle \"mixed{job=\\\"b\\\"} has native") ?? false)
            #expect(await read("plain", forms).response.fields["Warning"] == nil)
            let (native, text) = await read("native", forms)
            #expect(native.status == 422 && text.hasPrefix(Self.native), "\(text)")
        }
    }
}
