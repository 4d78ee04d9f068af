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
/// `QueryBench [--containers N] [--interval SECONDS] [--hours N] [--runs N] [--only NAME] [--write-openmetrics FILE] [--store DIRECTORY] [--memory no]
/// [--peer NAME=PORT=PID]...`; ratios are to the first peer.
/// `memory` and `store` are ours asked in process, answer in JSON bytes with it; peers are asked over HTTP on a kept connection.
@main struct QueryBench {
    private struct BenchClock: WallClock { var nanoseconds: Int64 }

    /// 2026-11-24T12:00:00Z, where the samples end.
    static let end: Int64 = 1_795_521_600

    static func main() async {
        do {
            try await run()
        } catch {
            print("QueryBench: \(error)")
            exit(1)
        }
    }

    private static func run() async throws {
        var containers = 200, interval = 15, hours = 6, runs = 30, measuresMemory = true
        var openMetrics: String?, directory: String?, only: String?
        var peers: [Peer] = []
        var arguments = CommandLine.arguments.dropFirst()
        while let flag = arguments.popFirst(), let value = arguments.popFirst() {
            switch flag {
            case "--containers": containers = Int(value) ?? containers
            case "--interval": interval = Int(value) ?? interval
            case "--hours": hours = Int(value) ?? hours
            case "--only": only = value
            case "--runs": runs = Int(value) ?? runs
            case "--write-openmetrics": openMetrics = value
            case "--store": directory = value
            case "--memory": measuresMemory = value != "no"
            case "--peer":
                let parts = value.split(separator: "=")
                guard parts.count == 3, let port = UInt16(parts[1]), let process = Int(parts[2]) else {
                    throw BenchError("--peer is NAME=PORT=PID, not \(value)")
                }
                peers.append(Peer(name: String(parts[0]), port: port, process: process))
            default: throw BenchError("unknown flag \(flag)")
            }
        }
        // An hour more, so that the first window is full.
        let start = end - Int64(hours + 1) * 3600
        let fleet = Fleet(containers: containers, from: start * 1000, through: end * 1000, interval: Int64(interval) * 1000)
        if let openMetrics {
            try fleet.writeOpenMetrics(to: openMetrics)
            return
        }
        let clock = BenchClock(nanoseconds: end * 1_000_000_000)
        var columns: [Column] = []
        if measuresMemory { columns.append(Column(name: "memory", router: router(MemoryFleet(fleet), clock))) }
        if let directory { columns.append(Column(name: "store", router: router(try await store(fleet, directory, clock), clock))) }
        for peer in peers { columns.append(Column(name: peer.name, peer: peer)) }

        print(
            "p50 / p99 / CPU a query in ms of \(runs) runs; \(containers) containers, 15 series each, every \(interval) s for "
                + "\(hours + 1) h")
        print("  " + "".padded(28) + columns.map { $0.name.padded(24) }.joined() + (peers.count > 1 ? "others / \(peers[0].name), p50" : ""))
        for query in BenchQuery.all + (hours >= 720 ? BenchQuery.month : []) where only.map({ query.name.contains($0) }) ?? true {
            let outcomes = try await measure(query, columns, runs)
            let line = "  " + query.name.padded(28) + outcomes.map { $0.text.padded(24) }.joined()
            let medians = zip(columns, outcomes).filter { $0.0.peer != nil }.map(\.1.median)
            print(line + (medians.count > 1 ? medians.dropFirst().map { rounded($0 / medians[0]) }.joined(separator: ", ") : ""))
            // What is printed is to be seen also if a later row fails.
            fflush(nil)
        }
        for column in columns {
            if let peer = column.peer, peer.reconnects > 0 { print("  \(peer.name) closed the connection \(peer.reconnects) times before it was asked") }
        }
        print("  resident memory of this process, data included: \(residentKilobytes() / 1024) MiB")
    }

    /// Who is asked: an API of our own in this process, or a server.
    private struct Column {
        var name: String
        var router: HTTPRouter?
        var peer: Peer?

        /// What its process has used of all cores so far; what it does besides queries is in it.
        func processorMilliseconds() throws -> Double {
            guard let process = peer?.process else {
                var time = timespec()
                unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
                return Double(time.tv_sec) * 1000 + Double(time.tv_nsec) / 1e6
            }
            // In nanoseconds, where /proc/PID/stat counts in steps of 10 ms. A thread that ends takes its time with it.
            let files = HostFileSystem()
            return try files.list("/proc/\(process)/task").reduce(0) { sum, thread in
                let figures = (try? files.text("/proc/\(process)/task/\(thread)/schedstat")) ?? ""
                return sum + (figures.split(separator: " ").first.flatMap { Double($0) } ?? 0) / 1e6
            }
        }
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
            if row % 60 == 0 { try await store.maintain() }
        }
        try await store.flush()
        return store
    }

    /// For each column what to print, and the median in milliseconds. All are asked in turn, so that what else the machine does falls on
    /// all of them.
    private static func measure(_ query: BenchQuery, _ columns: [Column], _ runs: Int) async throws -> [(text: String, median: Double)] {
        let pairs = query.parameters(end: end)
        let target = "/api/v1/\(query.path)?" + pairs.map { "\(Peer.escaped($0.name))=\(Peer.escaped($0.value))" }.joined(separator: "&")
        var times: [[Double]] = Array(repeating: [], count: columns.count)
        var processor = Array(repeating: 0.0, count: columns.count)
        // The first ones warm up.
        for run in -3..<runs {
            for (number, column) in columns.enumerated() {
                let before = try column.processorMilliseconds()
                let begin = ContinuousClock.now
                if let router = column.router {
                    let response = await router.respond(to: HTTPRequest(path: "/api/v1/\(query.path)", query: pairs))
                    guard response.status == 200, case .bytes = response.body else { throw BenchError("\(query.query): status \(response.status)") }
                } else if let peer = column.peer {
                    _ = try peer.get(target)
                }
                let time = (ContinuousClock.now - begin).inSeconds * 1000
                guard run >= 0 else { continue }
                times[number].append(time)
                processor[number] += try column.processorMilliseconds() - before
            }
        }
        return zip(times, processor).map { times, processor in
            let times = times.sorted()
            let median = times[times.count / 2]
            return ("\(rounded(median)) / \(rounded(times[times.count * 99 / 100])) / \(rounded(processor / Double(runs)))", median)
        }
    }

    private static func rounded(_ value: Double) -> String { NumberText.string((value * 100).rounded() / 100) }

    private static func residentKilobytes() -> Int {
        var usage = rusage()
        unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return usage.ru_maxrss
    }
}

extension String {
    fileprivate func padded(_ width: Int) -> String { self + String(repeating: " ", count: max(1, width - count)) }
}
