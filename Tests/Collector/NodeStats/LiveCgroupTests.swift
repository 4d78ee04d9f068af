import Glibc
import Logging
import Runtime
import Telemetry
import TestKit
import Testing

@testable import NodeStats

/// Real cgroups of this machine, with real processes in them: what they burn, hold and lose must come out.
///
/// Needs root and a cgroup v1 or hybrid machine with writable controllers, which is what the tests run on.
@Suite(.serialized) struct LiveCgroupTests {
    private static let isPossible =
        unsafe geteuid() == 0 && access("/sys/fs/cgroup/cpu/cpu.shares", W_OK) == 0 && access("/sys/fs/cgroup/memory/memory.stat", F_OK) == 0

    private final class Group {
        let name = "binnacle-test-\(getpid())-\(UInt32.random(in: 0...(.max)))"
        let mounts: CgroupMounts
        let points: [String]
        private let files = HostFileSystem()
        private var running: [Program.Running] = []
        private let place = TemporaryDirectory("live")

        init() throws {
            mounts = CgroupMounts(mountinfo: try files.text("/proc/self/mountinfo"))
            points = Set(["cpu", "cpuacct", "memory", "pids", "blkio"].compactMap { [mounts] in mounts.v1[$0] } + [mounts.v2].compactMap { $0 }).sorted()
            for point in points { try files.makeDirectory("\(point)/\(name)", mode: 0o755) }
        }

        var path: String { "/\(name)" }

        func set(_ controller: String, _ file: String, _ value: String) throws {
            try files.write("\(mounts.v1[controller] ?? "")/\(name)/\(file)", Array(value.utf8))
        }

        /// Runs a shell's command in the cgroup, from its first instruction.
        @discardableResult
        func run(_ command: String) throws -> Program.Running {
            let join = points.map { "echo $$ >\($0)/\(name)/cgroup.procs" }.joined(separator: "; ")
            let process = try Program.spawn(
                ["/bin/bash", "-c", "\(join); \(command)"], output: place.file("out"), errors: place.file("err"))
            running.append(process)
            return process
        }

        func end() {
            // A shell's children may still be there.
            for point in points.prefix(1) {
                let pids = ((try? files.text("\(point)/\(name)/cgroup.procs")) ?? "").split(separator: "\n").compactMap { Int32($0) }
                for pid in pids { kill(pid, SIGKILL) }
            }
            for process in running { process.kill(SIGKILL) }
            for process in running { _ = process.wait() }
            for point in points {
                for _ in 0..<200 where unsafe rmdir("\(point)/\(name)") != 0 && errno == EBUSY { usleep(10_000) }
            }
        }
    }

    private func collector() -> (NodeCollector, MetricRegistry) {
        let registry = MetricRegistry()
        var configuration = NodeCollector.Configuration(nodeName: "n1", dataDirectory: "/tmp")
        configuration.cpuBudget = 0
        let collector = NodeCollector(
            configuration: configuration, source: NoContainers(), fileSystem: HostFileSystem(), clock: SystemClock(), metrics: registry,
            logger: Logger(label: "test"))
        return (collector, registry)
    }

    /// Measures until `isDone`, at most 20 seconds.
    private func row(_ collector: NodeCollector, _ path: String, until isDone: (NodeSnapshot.Row) -> Bool) async throws -> NodeSnapshot.Row? {
        var last: NodeSnapshot.Row?
        for _ in 0..<200 {
            last = await collector.snapshot(maximumAge: .zero).rows.first { $0.reference.cgroupPath == path }
            if let last, isDone(last) { return last }
            try await Task.sleep(for: .milliseconds(100))
        }
        return last
    }

    @Test(.enabled(if: LiveCgroupTests.isPossible))
    func `CPU that is burnt under a quota, and the throttling`() async throws {
        let group = try Group()
        defer { group.end() }
        try group.set("cpu", "cpu.cfs_quota_us", "20000")
        let (collector, _) = collector()
        _ = await collector.snapshot()
        let start = ContinuousClock.now
        try group.run("while :; do :; done")
        // Told by inotify: the walk is not due for a minute.
        let row = try #require(try await row(collector, group.path) { ($0.sample.throttledPeriods ?? 0) >= 5 && ($0.sample.cpuUsage ?? 0) > 100_000_000 })
        let elapsed = (ContinuousClock.now - start).inSeconds
        let used = Double(row.sample.cpuUsage ?? 0) / 1e9
        #expect(used > 0.1 && used < 0.3 * elapsed + 0.05, "\(used) s of CPU in \(elapsed) s at 20 %")
        #expect((row.sample.throttledPeriods ?? 0) >= 5 && (row.sample.throttledTime ?? 0) > 100_000_000)
        #expect(row.limits.quota == 20_000 && row.sample.processes == 1 && row.sample.threads == 1)
        #expect((row.sample.cpuUsageByCPU.reduce(0, +)) == row.sample.cpuUsage)
        #expect((row.sample.cpuPressure?.some.total ?? 0) > 50_000, "a throttled task waits")
        #expect(row.created > 1_600_000_000_000_000_000)
    }

    @Test(.enabled(if: LiveCgroupTests.isPossible))
    func `memory that is held, bytes that are read, and a kill`() async throws {
        let group = try Group()
        defer { group.end() }
        let (collector, registry) = collector()
        _ = await collector.snapshot()
        try group.run("held=$(head -c 30000000 /dev/zero | tr '\\0' x); exec 3<> <(:); read -t 30 -u 3 line; echo ${#held}")
        let held = try #require(try await row(collector, group.path) { ($0.sample.memoryRSS ?? 0) > 30_000_000 && $0.sample.processes == 1 })
        #expect((30_000_000...160_000_000).contains(held.sample.memoryRSS ?? 0))
        #expect((held.sample.memoryUsage ?? 0) >= held.sample.memoryRSS ?? 0 && (held.sample.memoryPeak ?? 0) >= held.sample.memoryRSS ?? 0)
        #expect((held.sample.workingSet ?? 0) >= 30_000_000)
        #expect(held.sample.oomKills == 0)
        let other = try Group()
        defer { other.end() }
        try other.set("memory", "memory.limit_in_bytes", "16777216")
        try other.run("tail /dev/zero; read -t 30 line <> <(:)")
        let killed = try #require(try await row(collector, other.path) { ($0.sample.oomKills ?? 0) > 0 })
        #expect(killed.sample.oomKills == 1)
        #expect((killed.sample.memoryFailures ?? 0) > 0 && (killed.sample.memoryPeak ?? 0) <= 16_777_216)
        let events = collector.events
        var query = EventLog.Query()
        query.kinds = [.containerCreation]
        query.path = other.path
        #expect(events.events(query).count == 1)
        other.end()
        var rows: [NodeSnapshot.Row] = []
        for _ in 0..<100 {
            rows = await collector.snapshot(maximumAge: .zero).rows
            if !rows.contains(where: { $0.reference.cgroupPath == other.path }) { break }
            try await Task.sleep(for: .milliseconds(50))
        }
        #expect(!rows.contains { $0.reference.cgroupPath == other.path })
        query.kinds = [.containerDeletion]
        #expect(events.events(query).count == 1)
        _ = registry
    }
}
