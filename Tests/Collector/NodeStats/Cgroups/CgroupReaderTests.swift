import Logging
import NodeStats
import Runtime
import Synchronization
import Telemetry
import TestKit
import Testing

/// Recorded trees of the three layouts, laid out in a temporary directory and read by the real collector.
@Suite struct CollectorTreeTests {
    private let files = HostFileSystem()

    private func lay(_ directory: TemporaryDirectory, _ tree: [String: String]) throws {
        for (path, text) in tree {
            let full = directory.path + path
            let parent = String(full[..<(full.lastIndex(of: "/") ?? full.endIndex)])
            try files.makeDirectory(parent, mode: 0o755)
            try files.write(full, Array(text.utf8))
        }
    }

    private static let proc = [
        "/proc/stat": "cpu  10 0 5 100 1 0 0 0 0 0\ncpu0 10 0 5 100 1 0 0 0 0 0\nctxt 99\nbtime 1700000000\nprocesses 7\nprocs_running 2\nprocs_blocked 0\n",
        "/proc/meminfo": "MemTotal:       1000 kB\nMemFree:         400 kB\nActive(file):     50 kB\nInactive(file):   100 kB\nHugePages_Total:       3\n",
        "/proc/loadavg": "0.50 0.40 0.30 1/100 1234\n",
        "/proc/77/net/dev":
            "Inter-|\n face |\n    lo: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n  eth0: 1000 10 1 2 0 0 0 0 2000 20 3 4 0 0 0 0\n",
    ]

    private static let stat1 =
        "cache 4096\nrss 8192\ntotal_cache 40960\ntotal_rss 81920\ntotal_mapped_file 12\ntotal_pgfault 5\ntotal_pgmajfault 1\ntotal_inactive_file 10000\ntotal_active_file 3\n"

    private static let v1: [String: String] = [
        "/proc/self/mountinfo": """
        30 20 0:26 / /sys/fs/cgroup/cpu rw,relatime shared:9 - cgroup cgroup rw,cpu
        31 20 0:27 / /sys/fs/cgroup/cpuacct rw - cgroup cgroup rw,cpuacct
        32 20 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
        33 20 0:29 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids
        34 20 0:30 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd
        35 20 0:31 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
        """,
        "/sys/fs/cgroup/cpuacct/kubepods/podA/c/cpuacct.usage_percpu": "2000000000 3000000000 \n",
        "/sys/fs/cgroup/cpuacct/kubepods/podA/c/cpuacct.usage_all": "cpu user system\n0 3000000000 400000000\n1 1000000000 600000000\n",
        "/sys/fs/cgroup/cpu/kubepods/podA/c/cpu.stat": "nr_periods 10\nnr_throttled 4\nthrottled_time 2000\n",
        "/sys/fs/cgroup/cpu/kubepods/podA/c/cpu.cfs_quota_us": "20000\n",
        "/sys/fs/cgroup/cpu/kubepods/podA/c/cpu.cfs_period_us": "100000\n",
        "/sys/fs/cgroup/cpu/kubepods/podA/c/cpu.shares": "102\n",
        "/sys/fs/cgroup/memory/kubepods/podA/c/memory.usage_in_bytes": "122880\n",
        "/sys/fs/cgroup/memory/kubepods/podA/c/memory.stat": stat1,
        "/sys/fs/cgroup/memory/kubepods/podA/c/memory.limit_in_bytes": "9223372036854771712\n",
        "/sys/fs/cgroup/memory/kubepods/podA/c/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
        "/sys/fs/cgroup/pids/kubepods/podA/c/pids.current": "9\n",
        "/sys/fs/cgroup/pids/kubepods/podA/c/cgroup.procs": "12\n13\n",
        "/sys/fs/cgroup/unified/kubepods/podA/c/cpu.pressure":
            "some avg10=1.50 avg60=0.00 avg300=0.00 total=700\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=7\n",
    ]

    private static let v2: [String: String] = [
        "/proc/self/mountinfo": "35 20 0:31 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
        "/sys/fs/cgroup/kubepods/podA/c/cpu.stat":
            "usage_usec 5000000\nuser_usec 4000000\nsystem_usec 1000000\nnr_periods 10\nnr_throttled 4\nthrottled_usec 2\n",
        "/sys/fs/cgroup/kubepods/podA/c/cpu.max": "20000 100000\n",
        "/sys/fs/cgroup/kubepods/podA/c/cpu.weight": "4\n",
        "/sys/fs/cgroup/kubepods/podA/c/memory.current": "122880\n",
        "/sys/fs/cgroup/kubepods/podA/c/memory.stat": "anon 81920\nfile 40960\ninactive_file 10000\npgfault 5\npgmajfault 1\nshmem 100\n",
        "/sys/fs/cgroup/kubepods/podA/c/memory.max": "max\n",
        "/sys/fs/cgroup/kubepods/podA/c/memory.events": "low 0\nhigh 0\nmax 3\noom 2\noom_kill 2\n",
        "/sys/fs/cgroup/kubepods/podA/c/pids.current": "9\n",
        "/sys/fs/cgroup/kubepods/podA/c/cgroup.procs": "12\n13\n",
        "/sys/fs/cgroup/kubepods/podA/c/io.stat": "8:0 rbytes=100 wbytes=200 rios=1 wios=2 dbytes=0 dios=0\n8:16 rbytes=1 wbytes=2 rios=1 wios=1\n",
        "/sys/fs/cgroup/kubepods/podA/c/cpu.pressure":
            "some avg10=1.50 avg60=0.00 avg300=0.00 total=700\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=7\n",
    ]

    struct Fixed: ContainerSource {
        var list: [ContainerReference]
        func containers() async -> [ContainerReference] { list }
    }

    private func collector(_ directory: TemporaryDirectory, _ list: [ContainerReference]) -> NodeCollector {
        var configuration = NodeCollector.Configuration(nodeName: "n1", dataDirectory: directory.path)
        configuration.root = directory.path
        return NodeCollector(
            configuration: configuration, source: Fixed(list: list), fileSystem: files, clock: ManualClock(), metrics: MetricRegistry(),
            logger: Logger(label: "test"))
    }

    private let container = ContainerReference(
        cgroupPath: "/kubepods/podA/c", name: "c1", image: "host", container: "c", pod: "p", namespace: "ns", podUID: "A", networkPID: 77)

    @Test(arguments: [("v1", v1, "hybrid"), ("v2", v2, "v2")])
    func `reads the same container from either version`(name: String, tree: [String: String], layout: String) async throws {
        let directory = TemporaryDirectory("cgroup")
        try lay(directory, tree.merging(Self.proc) { $1 })
        let collector = collector(directory, [container])
        #expect(collector.mounts.description == layout)
        let snapshot = await collector.snapshot()
        let row = try #require(snapshot.rows.first { $0.reference.container == "c" })
        #expect(row.sample.cpuUsage == 5_000_000_000)
        #expect(row.sample.cpuUser == 4_000_000_000)
        #expect(row.sample.throttledPeriods == 4)
        #expect(row.sample.throttledTime == 2000)
        #expect(row.sample.workingSet == 112_880)
        #expect(row.sample.memoryRSS == 81_920)
        #expect(row.sample.oomKills == 2)
        #expect(row.sample.threads == 9)
        #expect(row.sample.processes == 2)
        #expect(row.sample.cpuPressure?.some.average10 == 1.5)
        #expect(row.sample.cpuPressure?.full.total == 7)
        #expect(row.limits.quota == 20_000)
        #expect(row.limits.period == 100_000)
        #expect(row.limits.memory == nil)
        #expect(row.network?.interfaces.first?.transmitDrops == 4)
        // The values as they are shown, not only as they are read.
        func shown(_ name: String) -> Double? { ContainerMetric.all.first { $0.name == name }?.value(row) }
        #expect(shown("container_memory_working_set_bytes") == 112_880)
        // v1 tells the CPUs apart, and the first of them is shown first.
        #expect(shown("container_cpu_usage_seconds_total") == (name == "v1" ? 2 : 5))
        #expect(shown("container_threads") == 9)
        #expect(shown("container_spec_cpu_quota") == 20_000)
        if name == "v2" {
            #expect(row.sample.readBytes == 101)
            #expect(row.sample.writes == 3)
        }
    }

    @Test func `a cgroup that vanished is skipped and counted`() async throws {
        let directory = TemporaryDirectory("cgroup")
        try lay(directory, Self.v1.merging(Self.proc) { $1 })
        var gone = container
        gone.cgroupPath = "/kubepods/podB/x"
        let snapshot = await collector(directory, [container, gone]).snapshot()
        #expect(snapshot.rows.filter { !$0.reference.pod.isEmpty }.count == 1)
        #expect(snapshot.vanished == 1)
    }

    @Test func `the node's own files are read under node_exporter's names`() async throws {
        let directory = TemporaryDirectory("cgroup")
        try lay(directory, Self.v1.merging(Self.proc) { $1 })
        let snapshot = await collector(directory, []).snapshot()
        let metrics = snapshot.node.metrics
        func value(_ name: String) -> Double? { metrics.value(name, name == "node_cpu_seconds_total" ? ["cpu": "0", "mode": "user"] : [:]) }
        #expect(value("node_load5") == 0.4)
        #expect(value("node_memory_MemFree_bytes") == 409_600)
        #expect(value("node_cpu_seconds_total") == 0.1)
        #expect(value("node_boot_time_seconds") == 1_700_000_000)
        #expect(snapshot.node.memory.contains { $0.name == "Active_file_bytes" })
        #expect(snapshot.node.memory.contains { $0.name == "HugePages_Total" && $0.bytes == 3 })
    }
}
