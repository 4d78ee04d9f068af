import Glibc
import Runtime
import SeriesStore
import Synchronization
import Telemetry

/// What the series store costs: CPU time a sample on the way in and out, bytes a sample on disk, memory.
///
/// `SeriesBench generated|idle|churn|decades DIRECTORY [STEPS]`, `SeriesBench recorded DIRECTORY SCRAPES`,
/// `SeriesBench open DIRECTORY`, `SeriesBench read DIRECTORY METRIC [TIMES]`; `SeriesBench requests FILE [STEPS [SECONDS [IDLE-PERCENT]]]`, `recorded-requests FILE SCRAPES` and
/// `pages FILE [COUNT]` write what scripts/bench-series sends. The clock is made up, so six hours take as long as their work does.
@main struct SeriesBench {
    final class BenchClock: WallClock, Sendable {
        private let value = Atomic<Int64>(0)
        var nanoseconds: Int64 { value.load(ordering: .relaxed) }
        func set(milliseconds: Int64) { value.store(milliseconds * 1_000_000, ordering: .relaxed) }
    }

    static let start: Int64 = 1_789_948_800_000

    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count > 2 else {
            print(
                "usage: SeriesBench generated|idle|churn|decades DIRECTORY [STEPS] | recorded DIRECTORY SCRAPES | open DIRECTORY | read DIRECTORY METRIC [TIMES] | requests|pages FILE [STEPS]"
            )
            exit(2)
        }
        func number(_ place: Int) -> Int? { arguments.count > place ? Int(arguments[place]) : nil }
        if arguments[1] == "requests" {
            return Requests.remoteWrite(arguments[2], steps: number(3) ?? 240, interval: number(4) ?? 15, idleShare: Double(number(5) ?? 0) / 100)
        }
        if arguments[1] == "recorded-requests" { return try Requests.recorded(arguments[2], scrapes: arguments[3]) }
        if arguments[1] == "pages" { return Requests.pages(arguments[2], count: steps(arguments) ?? 30) }
        let clock = BenchClock()
        clock.set(milliseconds: start)
        var configuration = SeriesStoreConfiguration()
        configuration.maxSeries = 2_000_000
        configuration.maxSeriesPerMetric = 2_000_000
        configuration.maxHeadBytes = 64 << 20
        if arguments[1] == "decades" {
            configuration.retention = SeriesStoreConfiguration.unlimited
            configuration.outOfOrderWindow = SeriesStoreConfiguration.unlimited
        }
        if arguments[1] == "open" { clock.set(milliseconds: start + 86_400_000) }
        // Each reading then starts from the files.
        if arguments[1] == "read" { configuration.maxCacheBytes = 0 }
        let opened = ContinuousClock.now
        let store = try SeriesStore.open(directory: arguments[2], configuration: configuration, metrics: MetricRegistry(), clock: clock)
        if arguments[1] == "open" {
            let answer = try await store.answer(
                [Matcher("__name__", equals: "up")], from: Timestamp(milliseconds: start - 86_400_000), through: Timestamp(milliseconds: start + 86_400_000))
            print(
                "  open and answer   \(ContinuousClock.now - opened), \(answer.series.count) series, head \(store.statistics.headSamples) samples, \(store.openWarnings)"
            )
            exit(0)
        }
        let bench = StoreBench(store: store, clock: clock)
        switch arguments[1] {
        case "generated": try await bench.generated(interval: 15, steps: steps(arguments) ?? 1440, idleShare: 0)
        case "idle": try await bench.generated(interval: 1, steps: steps(arguments) ?? 3600, idleShare: 0.8)
        case "decades": try await bench.decades(days: steps(arguments) ?? 20_700)
        case "churn": try await bench.churn(series: steps(arguments) ?? 1_000_000)
        case "read": try await bench.read(arguments[3], times: arguments.count > 4 ? Int(arguments[4]) ?? 1 : 1)
        case "recorded": try await bench.recorded(arguments[3])
        default: print("unknown: \(arguments[1])")
        }
        await store.close()
        print("  files after close \(store.statistics.fileBytes) bytes")
    }

    private static func steps(_ arguments: [String]) -> Int? { arguments.count > 3 ? Int(arguments[3]) : nil }
}
