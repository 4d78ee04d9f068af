import Glibc
import Runtime
import SeriesStore
import Synchronization
import Telemetry

/// What the series store costs: CPU time a sample on the way in and out, bytes a sample on disk.
///
/// `SeriesBench DIRECTORY [SECONDS] [CONTAINERS]`. The clock is made up, so two hours take as long as their work does.
@main struct SeriesBench {
    private final class BenchClock: WallClock, Sendable {
        private let value = Atomic<Int64>(0)
        var nanoseconds: Int64 { value.load(ordering: .relaxed) }
        func set(milliseconds: Int64) { value.store(milliseconds * 1_000_000, ordering: .relaxed) }
    }

    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count > 1 else {
            print("usage: SeriesBench DIRECTORY [SECONDS] [CONTAINERS]")
            exit(2)
        }
        let seconds = arguments.count > 2 ? Int(arguments[2]) ?? 7200 : 7200
        let containers = arguments.count > 3 ? Int(arguments[3]) ?? 10 : 10
        let start: Int64 = 1_789_948_800_000
        let clock = BenchClock()
        clock.set(milliseconds: start)
        let store = try SeriesStore.open(directory: arguments[1], metrics: MetricRegistry(), clock: clock)

        let samples = seconds * containers * Container.names.count
        try await append(seconds, of: containers, from: start, to: store, clock)
        try await seal(store, clock, at: start + Int64(seconds) * 1000 + 86_400_000, samples: samples)
        try await read(store, from: start)
        await store.close()
    }

    private static func append(_ seconds: Int, of containers: Int, from start: Int64, to store: SeriesStore, _ clock: BenchClock) async throws {
        let fleet = (0..<containers).map(Container.init)
        var spent = 0.0
        var commits: [Duration] = []
        for second in 0..<seconds {
            let time = start + Int64(second) * 1000
            clock.set(milliseconds: time + 500)
            let frames = fleet.map { $0.frame(time) }
            let cpu = cpuSeconds()
            let began = ContinuousClock.now
            try await store.append(frames)
            if second % 10 == 0 { try await store.maintain() }
            commits.append(ContinuousClock.now - began)
            spent += cpuSeconds() - cpu
        }
        let samples = seconds * containers * Container.names.count
        commits.sort()
        print("  append, fsynced   \(samples) samples: \(nanoseconds(spent, samples)) ns of CPU a sample, \(Int(spent / Double(seconds) * 1e6)) us a commit")
        print("  wall a commit     p50 \(commits[commits.count / 2]), p99 \(commits[commits.count * 99 / 100]), most \(commits[commits.count - 1])")
    }

    private static func seal(_ store: SeriesStore, _ clock: BenchClock, at end: Int64, samples: Int) async throws {
        let cpu = cpuSeconds()
        try await store.flush()
        clock.set(milliseconds: end)
        for _ in 0..<20 { try await store.maintain() }
        let statistics = store.statistics
        print("  flush and seal    \(nanoseconds(cpuSeconds() - cpu, samples)) ns of CPU a sample")
        print("  on disk           \(statistics.partBytesPerSample) bytes a sample in parts, \(Double(statistics.fileBytes) / Double(samples)) in files")
    }

    private static func read(_ store: SeriesStore, from start: Int64) async throws {
        let metric = Matcher("__name__", equals: "container_cpu_usage_seconds_total")
        let queries: [(String, [Matcher])] = [
            ("read one series ", [metric, Matcher("id", equals: "/kubepods/burstable/pod1")]), ("read one metric ", [metric]), ("read all        ", []),
        ]
        for (name, matchers) in queries {
            let cpu = cpuSeconds()
            let began = ContinuousClock.now
            let answer = try await store.answer(matchers, from: Timestamp(milliseconds: start), through: Timestamp(milliseconds: start + 86_400_000))
            let count = answer.series.reduce(0) { $0 + $1.values.count }
            print("  \(name)  \(count) samples in \(ContinuousClock.now - began), \(nanoseconds(cpuSeconds() - cpu, count)) ns of CPU a sample")
        }
    }

    private static func nanoseconds(_ seconds: Double, _ count: Int) -> Int { Int((seconds / Double(max(1, count)) * 1e9).rounded()) }

    /// User and system time of this process.
    private static func cpuSeconds() -> Double {
        var usage = rusage()
        unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
    }
}
