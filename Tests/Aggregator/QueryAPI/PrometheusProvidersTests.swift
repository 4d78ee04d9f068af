import HTTP
import JSON
import PromQL
import QueryAPI
import Runtime
import Synchronization
import Telemetry
import TestKit
import Testing

/// What the program plugs into the API, and what the API makes of it.
@Suite struct PrometheusProvidersTests {
    final class Parts: RulesProvider, TargetsProvider, ExemplarsProvider, StorageAdmin, StatusProvider {
        let log = Mutex<[String]>([])
        func note(_ text: String) { log.withLock { $0.append(text) } }

        func groups(_ filter: RulesFilter) async throws -> (groups: [JSON], nextToken: String?) {
            note("groups \(filter.kind?.rawValue ?? "all") \(filter.names) \(filter.leavesAlertsOut) \(filter.matchers.count) \(filter.groupLimit)")
            return ([["name": "g"]], filter.groupLimit > 0 ? "more" : nil)
        }
        func alerts() async -> [JSON] { [["state": "firing"]] }
        func alertmanagers() async -> (active: [String], dropped: [String]) { (["http://127.0.0.1:9093/api/v2/alerts"], []) }
        func targets() async -> ScrapeTargets {
            var up = ScrapeTargets.Active(labels: ["job": "a", "instance": "i"], pool: "p", url: "http://127.0.0.1:1/metrics")
            up.health = .up
            up.lastScrape = Timestamp(milliseconds: 1_700_000_000_000)
            up.metadata = [.init(name: "up", type: "gauge", help: "h"), .init(name: "x", type: "counter", help: "")]
            var all = ScrapeTargets()
            all.active = [up]
            all.dropped = [.init(discoveredLabels: ["__address__": "z"], pool: "p")]
            return all
        }
        func exemplars(_ matchers: [[Matcher]], from: Timestamp, through: Timestamp) async throws -> [ExemplarSeries] {
            note("exemplars \(matchers.count)")
            return [ExemplarSeries(labels: ["a": "b"], exemplars: [.init(labels: ["trace_id": "t"], value: 0.5, timestamp: Timestamp(milliseconds: 1500))])]
        }
        func deleteSeries(_ matchers: [[Matcher]], from: Timestamp, through: Timestamp) async throws { note("delete \(matchers)") }
        func cleanTombstones() async throws { note("clean") }
        func snapshot(skippingHead: Bool) async throws -> String { "snapshot-\(skippingHead)" }
        func configuration() async -> String { "a: 1\n" }
        func flags() async -> [String: String] { ["x": "y"] }
        func retention() async -> String { "15d" }
        func head() async -> (chunks: Int, from: Timestamp, through: Timestamp)? { (7, Timestamp(milliseconds: 1), Timestamp(milliseconds: 2)) }
    }

    private let parts = Parts()

    private func ask(_ path: String, _ query: [(String, String)] = [], method: String = "GET", isPlugged: Bool = true, isReady: Bool = true) async -> (
        Int, String
    ) {
        var providers = PrometheusProviders()
        if isPlugged {
            providers.rules = parts
            providers.targets = parts
            providers.exemplars = parts
            providers.admin = parts
            providers.status = parts
        }
        providers.isReady = { isReady }
        var options = PrometheusAPI.Options()
        options.externalLabels = ["cluster": "c", "job": "other"]
        var router = HTTPRouter()
        let now = Timestamp(milliseconds: 1_700_000_020_000)
        PrometheusAPI(source: PrometheusAPITests.source, clock: ManualClock(startingAt: now), options: options, providers: providers).register(on: &router)
        let response = await router.respond(to: HTTPRequest(method: method, path: path, query: query.map { (name: $0.0, value: $0.1) }))
        guard case .bytes(let bytes) = response.body else { return (response.status, "stream") }
        return (response.status, String(decoding: bytes, as: UTF8.self))
    }

    @Test(
        arguments: [
            (
                "rules", [("type", "alert"), ("rule_name[]", "n"), ("exclude_alerts", "true"), ("group_limit", "1")],
                #"{"groups":[{"name":"g"}],"groupNextToken":"more"}"#
            ),
            ("alerts", [], #"{"alerts":[{"state":"firing"}]}"#),
            ("alertmanagers", [], #"{"activeAlertmanagers":[{"url":"http://127.0.0.1:9093/api/v2/alerts"}],"droppedAlertmanagers":[]}"#),
            ("scrape_pools", [], #"{"scrapePools":["p"]}"#),
            (
                "targets", [],
                #"{"activeTargets":[{"discoveredLabels":{},"labels":{"instance":"i","job":"a"},"scrapePool":"p","scrapeUrl":"http://127.0.0.1:1/metrics","globalUrl":"http://127.0.0.1:1/metrics","lastError":"","lastScrape":"2023-11-14T22:13:20.000Z","lastScrapeDuration":0,"health":"up","scrapeInterval":"15s","scrapeTimeout":"10s"}],"droppedTargets":[{"discoveredLabels":{"__address__":"z"},"scrapePool":"p"}],"droppedTargetCounts":{"p":1}}"#
            ),
            (
                "targets", [("state", "dropped")],
                #"{"activeTargets":[],"droppedTargets":[{"discoveredLabels":{"__address__":"z"},"scrapePool":"p"}],"droppedTargetCounts":{"p":1}}"#
            ),
            ("targets/metadata", [("metric", "up")], #"[{"target":{"instance":"i","job":"a"},"type":"gauge","help":"h","unit":""}]"#),
            ("targets/metadata", [("limit", "1")], #"[{"target":{"instance":"i","job":"a"},"metric":"up","type":"gauge","help":"h","unit":""}]"#),
            (
                "query_exemplars", [("query", "a + rate(b[1m])")],
                #"[{"seriesLabels":{"a":"b"},"exemplars":[{"labels":{"trace_id":"t"},"value":"0.5","timestamp":1.5}]}]"#
            ),
            ("status/config", [], #"{"yaml":"a: 1\n"}"#),
        ] as [(String, [(String, String)], String)])
    func `shows what is plugged in`(path: String, query: [(String, String)], data: String) async {
        let (status, text) = await ask("/api/v1/\(path)", query)
        #expect(status == 200)
        #expect(text == #"{"status":"success","data":\#(data)}"#)
    }

    @Test func `hands filters on`() async {
        _ = await ask("/api/v1/rules", [("type", "record"), ("rule_name[]", "n"), ("match[]", "{a=\"b\"}"), ("match[]", "{c=\"d\"}")])
        _ = await ask("/api/v1/query_exemplars", [("query", "a + rate(b[1m])")])
        #expect(parts.log.withLock { $0 } == ["groups record [\"n\"] false 2 0", "exemplars 2"])
    }

    @Test(
        arguments: [
            ("rules", [("type", "x")], 400, "bad_data"), ("rules", [("exclude_alerts", "maybe")], 400, "bad_data"),
            ("targets", [("state", "x")], 400, "bad_data"),
            ("rules", [("group_next_token", "t")], 400, "bad_data"), ("targets/metadata", [("metric", "nope")], 404, "not_found"),
            ("query_exemplars", [], 400, "bad_data"), ("status/tsdb", [("limit", "10001")], 400, "bad_data"),
        ] as [(String, [(String, String)], Int, String)])
    func `refuses what it cannot read`(path: String, query: [(String, String)], status: Int, type: String) async {
        let (got, text) = await ask("/api/v1/\(path)", query)
        #expect(got == status)
        #expect(text.hasPrefix(#"{"status":"error","errorType":"\#(type)""#), "\(text)")
    }

    @Test func `changes the store only if that is allowed`() async {
        let deletion = [("match[]", "up{job=\"c\"}")]
        #expect(await ask("/api/v1/admin/tsdb/delete_series", deletion, method: "POST") == (204, ""))
        #expect(await ask("/api/v1/admin/tsdb/clean_tombstones", method: "PUT") == (204, ""))
        #expect(await ask("/api/v1/admin/tsdb/snapshot", [("skip_head", "true")], method: "POST").1 == #"{"status":"success","data":{"name":"snapshot-true"}}"#)
        #expect(parts.log.withLock { $0 } == ["delete [[__name__=\"up\", job=\"c\"]]", "clean"])
        let (status, text) = await ask("/api/v1/admin/tsdb/delete_series", deletion, method: "POST", isPlugged: false)
        #expect(status == 503)
        #expect(text == #"{"status":"error","errorType":"unavailable","error":"admin APIs disabled"}"#)
        #expect(await ask("/api/v1/admin/tsdb/delete_series", deletion).0 == 405)
        #expect(await ask("/api/v1/admin/tsdb/delete_series", method: "POST").0 == 400)
    }

    @Test func `says when it is ready`() async {
        #expect(await ask("/-/ready") == (200, "Binnacle is ready.\n"))
        #expect(await ask("/-/ready", isReady: false).0 == 503)
        #expect(await ask("/-/healthy", isReady: false).0 == 200)
    }

    @Test func `federates the newest samples`() async {
        let (status, text) = await ask("/federate", [("match[]", "{job=~\".+\"}"), ("match[]", "up")])
        #expect(status == 200)
        #expect(
            text == """
                # TYPE up untyped
                up{job="a\\"b",cluster="c",instance=""} 0.5 1700000015250
                up{job="c","l.x"="é",cluster="c",instance=""} 1e+21 1700000000000

                """)
        #expect(await ask("/federate").0 == 400)
    }
}
