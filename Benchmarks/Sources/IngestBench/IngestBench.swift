import Glibc
import HTTP
import Ingest
import Runtime
import Scraping
import SeriesStore
import Snappy
import Synchronization
import Telemetry

/// Samples a CPU second for each way in, with the store behind it (durable) and without (what reading costs).
/// `IngestBench [series] [rounds]`.
@main
struct IngestBench {
    static func main() async throws {
        let count = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 12_000
        let rounds = CommandLine.arguments.dropFirst(2).first.flatMap { Int($0) } ?? 120
        // A pipe would show nothing before the end.
        fflush(nil)
        print("\(count) series, \(rounds) rounds at 15 s, requests of 2000 series")
        var cluster = Cluster(count: count)
        for isDurable in [false, true] {
            try await remoteWrite(&cluster, rounds, "1.0", isDurable)
            try await remoteWrite(&cluster, rounds, "2.0", isDurable)
            try await scrape(&cluster, rounds, isDurable)
        }
    }

    /// User and system time of this process.
    static func cpuSeconds() -> Double {
        var usage = rusage()
        unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
    }

    static func peakMegabytes() -> Int {
        var usage = rusage()
        unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return usage.ru_maxrss / 1024
    }

    static func report(_ what: String, _ samples: Int, _ seconds: Double) {
        print(
            "\(what): \(samples) samples in \((seconds * 1000).rounded() / 1000) CPU-s = \(Int(Double(samples) / seconds / 1000)) k a CPU-s; peak \(peakMegabytes()) MB"
        )
        fflush(nil)
    }

    static func withStore(_ body: (SeriesStore) async throws -> Void) async throws {
        let directory = "/tmp/binnacle-ingest-bench-\(getpid())"
        try? HostFileSystem().removeTree(directory)
        var configuration = SeriesStoreConfiguration()
        configuration.retention = .seconds(86_400 * 365 * 60)
        let store = try SeriesStore.open(directory: directory, configuration: configuration, metrics: MetricRegistry())
        try await body(store)
        await store.close()
        try? HostFileSystem().removeTree(directory)
    }

    static func remoteWrite(_ cluster: inout Cluster, _ rounds: Int, _ version: String, _ isDurable: Bool) async throws {
        let start = SystemClock().now.milliseconds - 3_600_000 * 8
        var requests: [[UInt8]] = []
        for round in 0..<rounds {
            let time = start + Int64(round) * 15_000
            let messages =
                version == "1.0" ? cluster.first(round: round, time: time, perRequest: 2000) : cluster.second(round: round, time: time, perRequest: 2000)
            requests += messages.map { Snappy.compress($0) }
        }
        let packed = requests
        let type = version == "1.0" ? "application/x-protobuf" : "application/x-protobuf;proto=io.prometheus.write.v2.Request"
        let samples = rounds * cluster.series.count
        func run(_ writer: any SampleWriter) async {
            var router = HTTPRouter()
            IngestAPI(writer: writer, clock: SystemClock(), metrics: MetricRegistry(), seed: 7).register(on: &router)
            let before = cpuSeconds()
            // As Prometheus' shards do: a few requests at once.
            await withTaskGroup(of: Void.self) { group in
                for shard in 0..<4 {
                    group.addTask { [router] in
                        for position in stride(from: shard, to: packed.count, by: 4) {
                            let request = HTTPRequest(
                                method: "POST", path: "/api/v1/write", fields: ["Content-Type": type, "Content-Encoding": "snappy"], body: packed[position])
                            let response = await router.respond(to: request)
                            precondition(response.status == 204, "\(response)")
                        }
                    }
                }
            }
            report("remote write \(version), \(isDurable ? "durable" : "read only")", samples, cpuSeconds() - before)
        }
        if isDurable { try await withStore { await run($0) } } else { await run(Nowhere()) }
    }

    static func scrape(_ cluster: inout Cluster, _ rounds: Int, _ isDurable: Bool) async throws {
        var pages: [[UInt8]] = []
        for round in 0..<min(rounds, 20) { pages.append(cluster.page(round: round)) }
        let samples = rounds * cluster.series.count
        func run(_ store: SeriesStore?) async {
            let clock = SteppingClock()
            let sink = CountingSink(store: store, limit: rounds)
            var configuration = ScrapeConfiguration(jobName: "bench")
            configuration.staticTargets = [TargetGroup(targets: ["bench:1"])]
            let scraper = Scraper(
                [configuration], transport: PageTransport(pages: pages), sink: sink, clock: clock, metrics: MetricRegistry(), seed: 7,
                sleep: { duration in
                    try Task.checkCancellation()
                    // The finder of targets sleeps for real.
                    if duration == .seconds(5) { try await Task.sleep(for: duration) } else { clock.advance(duration) }
                })
            let before = cpuSeconds()
            let task = Task { try await scraper.run() }
            await sink.wait()
            report("text scrape, \(isDurable ? "durable" : "read only")", samples, cpuSeconds() - before)
            task.cancel()
            _ = try? await task.value
        }
        if isDurable { try await withStore { await run($0) } } else { await run(nil) }
    }
}

/// Takes everything and keeps nothing.
struct Nowhere: SampleWriter {
    func write(_ batches: [SeriesBatch], metadata: [MetricMetadata]) async throws(SeriesStoreError) -> WriteSummary {
        var summary = WriteSummary()
        for batch in batches { summary.total.written += batch.samples.count }
        return summary
    }
}

final class SteppingClock: WallClock {
    private let time: Atomic<Int64>
    init() { time = Atomic(SystemClock().nanoseconds - 8 * 3_600_000_000_000) }
    var nanoseconds: Int64 { time.load(ordering: .relaxed) }
    func advance(_ duration: Duration) { time.wrappingAdd(duration.wholeMilliseconds * 1_000_000, ordering: .relaxed) }
}

final class PageTransport: ScrapeTransport {
    private let pages: [[UInt8]]
    private let next = Atomic<Int>(0)
    init(pages: [[UInt8]]) { self.pages = pages }
    func get(_ request: ScrapeRequest) async throws -> ScrapeAnswer {
        let number = next.wrappingAdd(1, ordering: .relaxed).oldValue
        return ScrapeAnswer(status: 200, fields: ["Content-Type": "text/plain; version=0.0.4"], body: pages[number % pages.count])
    }
}

final class CountingSink: ScrapeSink {
    private let store: SeriesStore?
    private let limit: Int
    private let count = Atomic<Int>(0)
    private let (stream, tell) = AsyncStream.makeStream(of: Void.self)
    init(store: SeriesStore?, limit: Int) {
        self.store = store
        self.limit = limit
    }
    func append(_ result: ScrapeResult) async throws {
        if let store { try await store.append([result.frame]) }
        if count.wrappingAdd(1, ordering: .relaxed).newValue == limit {
            tell.finish()
            throw CancellationError()
        }
    }
    func wait() async { for await _ in stream {} }
}
