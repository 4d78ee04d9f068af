import Glibc
import HTTP
import PromQL
import QueryAPI
import Runtime
import SeriesStore
import Synchronization
import Telemetry

/// What queries cost: p50 and p99 of each of the table in issue 5, beside a Prometheus or a VictoriaMetrics that has the same data.
///
/// `QueryBench [--containers N] [--interval SECONDS] [--runs N] [--only NAME] [--write-openmetrics FILE] [--store DIRECTORY] [--peer NAME=PORT]...`.
/// Ours is asked in process, answer in JSON bytes with it; peers over HTTP on a kept connection.
@main struct QueryBench {
    private struct BenchClock: WallClock { var nanoseconds: Int64 }

    /// 2026-11-24T12:00:00Z and six hours of samples before it.
    static let end: Int64 = 1_795_521_600
    static let start = end - 6 * 3600

    static let queries: [(name: String, path: String, query: String)] = [
        ("instant selector", "query", "container_memory_working_set_bytes{pod=\"web-7-7d9f8b6c5d-x2x7\"}"),
        ("rate of one series", "query_range", "rate(container_cpu_usage_seconds_total{pod=\"web-7-7d9f8b6c5d-x2x7\"}[5m])"),
        ("sum by (namespace) (rate)", "query_range", "sum by (namespace) (rate(container_cpu_usage_seconds_total[5m]))"),
        ("topk(10)", "query_range", "topk(10, rate(container_cpu_usage_seconds_total[5m]))"),
        ("histogram_quantile", "query_range", "histogram_quantile(0.99, sum by (le, namespace) (rate(http_request_duration_seconds_bucket[5m])))"),
        ("quantile_over_time", "query_range", "quantile_over_time(0.9, container_memory_working_set_bytes[1h])"),
        ("max_over_time 1h", "query_range", "max_over_time(container_memory_working_set_bytes[1h])"),
        ("count of all series", "query_range", "count({__name__=~\".+\"})"),
        ("regular expression and rate", "query_range", "sum(rate(container_cpu_usage_seconds_total{pod=~\"web-1.*\"}[5m]))"),
        (
            "join with group_left", "query_range",
            "sum by (host_ip) (rate(container_cpu_usage_seconds_total[5m]) * on (namespace, pod) group_left (host_ip) kube_pod_info)"
        ),
        ("/series", "series", "container_memory_working_set_bytes"),
    ]

    static func main() async throws {
        var containers = 200, interval = 15, runs = 30
        var openMetrics: String?, directory: String?, only: String?
        var peers: [(String, Peer)] = []
        var arguments = CommandLine.arguments.dropFirst()
        while let flag = arguments.popFirst(), let value = arguments.popFirst() {
            switch flag {
            case "--containers": containers = Int(value) ?? containers
            case "--interval": interval = Int(value) ?? interval
            case "--only": only = value
            case "--runs": runs = Int(value) ?? runs
            case "--write-openmetrics": openMetrics = value
            case "--store": directory = value
            case "--peer":
                let parts = value.split(separator: "=")
                peers.append((String(parts[0]), try Peer(port: UInt16(parts[1]) ?? 0)))
            default: throw BenchError("unknown flag \(flag)")
            }
        }
        let fleet = Fleet(containers: containers, from: (start - 3600) * 1000, through: end * 1000, interval: Int64(interval) * 1000)
        if let openMetrics {
            try fleet.writeOpenMetrics(to: openMetrics)
            return
        }
        let clock = BenchClock(nanoseconds: end * 1_000_000_000)
        var columns: [(String, HTTPRouter?, Peer?)] = [("memory", router(MemoryFleet(fleet), clock), nil)]
        if let directory { columns.append(("store", router(try await store(fleet, directory, clock), clock), nil)) }
        for (name, peer) in peers { columns.append((name, nil, peer)) }

        print("p50 / p99 (/ CPU a query, of ours) in ms of \(runs) runs; \(containers) containers, 15 series each, every \(interval) s, 6 h at a 60 s step")
        print("  " + "".padded(28) + columns.map { $0.0.padded(24) }.joined())
        for query in queries where only.map({ query.name.contains($0) }) ?? true {
            var line = "  " + query.name.padded(28)
            for (_, router, peer) in columns { line += try await measure(query.path, query.query, router, peer, runs).padded(24) }
            print(line)
        }
        print("  resident memory of this process, data included: \(residentKilobytes() / 1024) MiB")
    }

    private static func router(_ source: some SampleSource, _ clock: BenchClock) -> HTTPRouter {
        var router = HTTPRouter()
        PrometheusAPI(source: source, clock: clock).register(on: &router)
        return router
    }

    private static func store(_ fleet: Fleet, _ directory: String, _ clock: BenchClock) async throws -> SeriesStore {
        var configuration = SeriesStoreConfiguration()
        configuration.maxSamplesPerQuery = 100_000_000
        let store = try SeriesStore.open(directory: directory, configuration: configuration, metrics: MetricRegistry(), clock: clock)
        let sets = fleet.blocks.map { SeriesSet($0.labels) }
        for (row, time) in (fleet.blocks.first?.timestamps ?? []).enumerated() {
            let frames = fleet.blocks.enumerated().map { number, block in
                SampleFrame(
                    source: "cgroup/\(number)", timestamp: Timestamp(milliseconds: time), series: sets[number], values: block.columns.map { $0[row] })
            }
            try await store.append(frames)
            if row % 20 == 0 { try await store.maintain() }
        }
        try await store.flush()
        return store
    }

    private static func measure(_ path: String, _ query: String, _ router: HTTPRouter?, _ peer: Peer?, _ runs: Int) async throws -> String {
        var pairs: [(name: String, value: String)]
        switch path {
        case "query": pairs = [("query", query), ("time", "\(end)")]
        case "query_range": pairs = [("query", query), ("start", "\(start)"), ("end", "\(end)"), ("step", "60")]
        default: pairs = [("match[]", query), ("start", "\(start)"), ("end", "\(end)")]
        }
        let target = "/api/v1/\(path)?" + pairs.map { "\(Peer.escaped($0.name))=\(Peer.escaped($0.value))" }.joined(separator: "&")
        var times: [Double] = []
        var processor = 0.0
        for run in 0..<(runs + 3) {
            if run == 3 { processor = processorMilliseconds() }
            let begin = ContinuousClock.now
            if let router {
                let response = await router.respond(to: HTTPRequest(path: "/api/v1/\(path)", query: pairs))
                guard response.status == 200 else {
                    guard case .bytes(let bytes) = response.body else { return "failed" }
                    throw BenchError("\(query): \(String(decoding: bytes.prefix(500), as: UTF8.self))")
                }
            } else if let peer {
                _ = try peer.get(target)
            }
            let time = (ContinuousClock.now - begin).inSeconds * 1000
            // The first ones warm up.
            if run >= 3 { times.append(time) }
        }
        times.sort()
        let cost = router == nil ? "" : " / \(rounded((processorMilliseconds() - processor) / Double(runs)))"
        return "\(rounded(times[times.count / 2])) / \(rounded(times[times.count * 99 / 100]))\(cost)"
    }

    private static func rounded(_ value: Double) -> String { NumberText.string((value * 100).rounded() / 100) }

    /// What this process has used of all cores.
    private static func processorMilliseconds() -> Double {
        var time = timespec()
        unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) * 1000 + Double(time.tv_nsec) / 1e6
    }

    private static func residentKilobytes() -> Int {
        var usage = rusage()
        unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return usage.ru_maxrss
    }
}

extension String {
    fileprivate func padded(_ width: Int) -> String { self + String(repeating: " ", count: max(1, width - count)) }
}
