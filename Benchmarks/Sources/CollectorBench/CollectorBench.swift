import Exposition
import Glibc
import Logging
import NodeEndpoint
import NodeStats
import Runtime
import Telemetry

/// `CollectorBench N SECONDS`: N cgroups with a process each, measured and scraped each second, in this process.
@main struct CollectorBench {
    struct Silent: SampleSink {
        func append(_ frames: [SampleFrame]) async throws {}
    }

    static func main() async throws {
        let arguments = CommandLine.arguments.dropFirst().compactMap { Int($0) }
        let (count, seconds) = (arguments.first ?? 100, arguments.dropFirst().first ?? 20)
        let files = HostFileSystem()
        let mounts = CgroupMounts(mountinfo: try files.text("/proc/self/mountinfo"))
        let points = Set(["cpu", "cpuacct", "memory", "pids", "blkio"].compactMap { mounts.v1[$0] } + [mounts.v2].compactMap { $0 })
        let before = residentBytes()
        let cgroups = try BusyCgroups(count: count, mounts: points.sorted())
        defer { _ = cgroups }
        let registry = MetricRegistry()
        var configuration = NodeCollector.Configuration(nodeName: "bench", dataDirectory: "/tmp")
        configuration.cpuBudget = 0
        // As `binnacle collect` does.
        configuration.delivers = false
        let collector = NodeCollector(
            configuration: configuration, source: NoContainers(), fileSystem: files, clock: SystemClock(), metrics: registry,
            logger: Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() })
        let running = Task { try await collector.run(sink: Silent()) }
        // The first rounds open the files.
        try await Task.sleep(for: .seconds(12))
        var (page, pageTime): ([UInt8], Double) = ([], 0)
        var (roundTime, rounds): (Double, Double) = (0, 0)
        var reads = 0.0
        let start = (time: ContinuousClock.now, cpu: cpuSeconds())
        for _ in 0..<seconds {
            try await Task.sleep(for: .seconds(1))
            let snapshot = await collector.snapshot()
            let begin = cpuSeconds()
            page = CadvisorMetrics.print(snapshot, format: .prometheus, sets: collector.sets, reserving: page.count + 4096)
            pageTime += cpuSeconds() - begin
            roundTime += value("binnacle_collector_round_cpu_seconds", registry)
            reads += value("binnacle_collector_round_files", registry)
            rounds += 1
        }
        let cpu = cpuSeconds() - start.cpu
        let elapsed = (ContinuousClock.now - start.time).inSeconds
        running.cancel()
        _ = try? await running.value
        let series = page.split(separator: 0x0A).count { $0.first != UInt8(ascii: "#") }
        func milliseconds(_ value: Double) -> String { "\((value * 100_000).rounded() / 100)" }
        print(
            """
            \(count) cgroups (\(Int(value("binnacle_collector_cgroups", registry))) shown): \
            round \(milliseconds(roundTime / rounds)) ms CPU, page \(milliseconds(pageTime / rounds)) ms CPU for \(series) series (\(page.count) bytes), \
            share of a core \((cpu / elapsed * 10_000).rounded() / 100) %, resident \(residentBytes() >> 20) MB (\(before >> 20) at the start), \
            files a round \(Int(reads / rounds)), open \(Int(value("binnacle_collector_descriptors", registry))), \
            history \(Int(value("binnacle_collector_history_bytes", registry)) >> 10) KiB
            """)
    }

    static func value(_ name: String, _ registry: MetricRegistry) -> Double {
        registry.collect().first { $0.name == name }?.samples.first?.value ?? -1
    }

    static func cpuSeconds() -> Double {
        var time = timespec()
        unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    static func residentBytes() -> Int {
        let text = (try? HostFileSystem().text("/proc/self/statm")) ?? ""
        return (text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * 4096
    }
}
