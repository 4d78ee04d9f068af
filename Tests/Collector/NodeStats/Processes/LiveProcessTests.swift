import Glibc
import Runtime
import TestKit
import Testing

@testable import NodeStats

/// What this machine's kernel says of processes, networks and cgroups that the tests make. They need root, and are
/// skipped without it.
@Suite(.serialized, .enabled(if: geteuid() == 0, "making cgroups and network namespaces needs root"))
struct LiveProcessTests {
    private let mounts = CgroupMounts(mountinfo: (try? HostFileSystem().text("/proc/self/mountinfo")) ?? "")

    /// A cgroup of this test in one controller's hierarchy; removed with the object.
    private final class Cgroup {
        let path: String
        let directory: String

        init(_ controller: String, _ mounts: CgroupMounts) throws {
            path = "/binnacle-test-\(getpid())-\(UInt32.random(in: 0 ... .max))"
            directory = try #require(mounts.directory(controller: controller, path: path)).path
            try HostFileSystem().makeDirectory(directory, mode: 0o755)
        }

        deinit {
            for _ in 0..<100 {
                guard unsafe rmdir(directory) != 0, errno == EBUSY else { return }
                usleep(20_000)
            }
        }

        func write(_ file: String, _ text: String) throws { try HostFileSystem().write("\(directory)/\(file)", Array(text.utf8)) }
        func processes() -> [Int32] {
            let bytes = (try? HostFileSystem().read("\(directory)/cgroup.procs")) ?? []
            return ProcessList.parse(bytes, count: bytes.count)
        }
    }

    @Test func `bytes over a veth pair appear exactly, once for all who share the namespace`() async throws {
        let name = "bnt\(getpid() % 100_000)"
        func ip(_ arguments: String) async throws {
            let outcome = try await Program.run(["ip"] + arguments.split(separator: " ").map(String.init))
            #expect(outcome.status == 0, "ip \(arguments): \(outcome.description)")
        }
        try await ip("netns add \(name)")
        defer { _ = try? Program.spawn(["ip", "netns", "del", name], output: "/dev/null", errors: "/dev/null").wait() }
        // No neighbours to ask for and no IPv6 to configure: nothing but what the test sends.
        try await ip("netns exec \(name) sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1")
        try await ip("link add \(name)h type veth peer name eth7 netns \(name)")
        defer { _ = try? Program.spawn(["ip", "link", "del", "\(name)h"], output: "/dev/null", errors: "/dev/null").wait() }
        try await ip("link set \(name)h address 02:00:00:00:00:01 addrgenmode none")
        try await ip("-n \(name) link set eth7 address 02:00:00:00:00:02")
        try await ip("addr add 198.18.77.1/30 dev \(name)h")
        try await ip("-n \(name) addr add 198.18.77.2/30 dev eth7")
        try await ip("link set \(name)h up")
        try await ip("-n \(name) link set eth7 up")
        try await ip("neigh replace 198.18.77.2 lladdr 02:00:00:00:00:02 dev \(name)h nud permanent")
        try await ip("-n \(name) neigh replace 198.18.77.1 lladdr 02:00:00:00:00:01 dev eth7 nud permanent")
        let sleeper = try Program.spawn(["ip", "netns", "exec", name, "sleep", "60"], output: "/dev/null", errors: "/dev/null")
        let other = try Program.spawn(["nsenter", "--net=/run/netns/\(name)", "sleep", "60"], output: "/dev/null", errors: "/dev/null")
        let moved = try await eventually(within: 5) {
            linkTarget("/proc/\(sleeper.pid)/ns/net") != linkTarget("/proc/self/ns/net")
                && linkTarget("/proc/\(sleeper.pid)/ns/net") == linkTarget("/proc/\(other.pid)/ns/net")
        }
        #expect(moved)

        var configuration = NetworkNamespaces.Configuration()
        configuration.sets = [.network, .tcp, .udp, .advancedTCP]
        let metrics = MetricRegistry()
        let networks = NetworkNamespaces(configuration: configuration, metrics: metrics)
        func read() throws -> (NetworkReading, NetworkNamespaces.Reading) {
            networks.beginRound()
            defer { networks.endRound() }
            let one = try #require(networks.reading(for: "/a", processes: [sleeper.pid]))
            let two = try #require(networks.reading(for: "/b", processes: [999_999_999, other.pid]))
            #expect(one.namespace == two.namespace)
            #expect(one.counters == two.counters)
            return (one.counters, one)
        }
        let (before, identity) = try read()
        #expect(!identity.isNodes)
        #expect(before.interfaces.map(\.interface) == ["eth7"])
        // 20 datagrams of 1,000 bytes: 14 of Ethernet, 20 of IP, 8 of UDP before each.
        let script = "for n in $(seq 20); do printf '%01000d' 1 > /dev/udp/198.18.77.2/9; done"
        #expect(try await Program.run(["bash", "-c", script]).status == 0)
        let (after, _) = try read()
        let interface = try #require(after.interfaces.first)
        let old = try #require(before.interfaces.first)
        #expect(interface.receivedBytes - old.receivedBytes == 20 * 1042)
        #expect(interface.receivedPackets - old.receivedPackets == 20)
        #expect(after.tcp == [UInt64](repeating: 0, count: 11))
        #expect(after.advanced.contains { $0.name == "RetransSegs" } && after.advanced.contains { $0.name == "ListenDrops" })

        // The process that was asked ends; the other one of its cgroup takes over without a gap.
        sleeper.kill(SIGKILL)
        _ = sleeper.wait()
        networks.beginRound()
        #expect(networks.reading(for: "/a", processes: [sleeper.pid, other.pid])?.namespace == identity.namespace)
        networks.endRound()
        // Nobody asks any more: the namespace is let go.
        networks.beginRound()
        networks.endRound()
        #expect(metrics.gauge("binnacle_collector_network_files_open", "").value == 0)
    }

    @Test func `the node's own namespace is known, and a listening socket is counted in it`() throws {
        var configuration = NetworkNamespaces.Configuration()
        configuration.sets = [.network, .tcp]
        let networks = NetworkNamespaces(configuration: configuration, metrics: MetricRegistry())
        networks.beginRound()
        let before = try #require(networks.nodeReading())
        #expect(before.isNodes)
        #expect(!before.counters.interfaces.contains { $0.interface == "lo" })
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(listener) }
        #expect(listen(listener, 1) == 0)
        // Others come and go on this machine; ours is among those that listen.
        networks.endRound()
        networks.beginRound()
        let after = try #require(networks.nodeReading())
        #expect(after.counters.tcp[9] >= 1)
    }

    @Test func `open files and sockets of a process are counted, and its limit`() async throws {
        let script = """
            import os, socket, sys, time
            os.closerange(3, 4096)
            kept = [socket.socket() for _ in range(7)] + [open("/dev/null") for _ in range(5)]
            print(len(os.listdir("/proc/self/fd")) - 1, flush=True)
            time.sleep(60)
            """
        let directory = TemporaryDirectory("fds")
        let program = try Program.spawn(["python3", "-c", script], output: directory.file("out"), errors: directory.file("err"))
        var opened: UInt64 = 0
        let told = try await eventually(within: 10) {
            let line = try HostFileSystem().text(directory.file("out"))
            guard line.hasSuffix("\n"), let number = UInt64(line.dropLast()) else { return false }
            opened = number
            return true
        }
        try #require(told)
        var configuration = TaskReader.Configuration()
        configuration.sets = [.process, .referencedMemory]
        let reader = TaskReader(mounts: mounts, configuration: configuration, metrics: MetricRegistry())
        reader.beginRound(time: 0)
        let reading = reader.read("/x", processes: [program.pid, 999_999_999])
        let found = try #require(reading.descriptors)
        #expect(found.files == opened)
        #expect(found.sockets == 7)
        var limit = rlimit()
        unsafe getrlimit(__rlimit_resource_t(UInt32(RLIMIT_NOFILE.rawValue)), &limit)
        #expect(found.softLimit == Int64(limit.rlim_cur))
        #expect(reading.referencedBytes ?? 0 > 1 << 20)
    }

    @Test func `the kernel's count of a cgroup's tasks agrees with their own files`() async throws {
        guard mounts.v1["cpu"] != nil, let statistics = TaskStatistics() else { return }
        let group = try Cgroup("cpu", mounts)
        let programs = try (0..<3).map { _ in try Program.spawn(["sleep", "60"], output: "/dev/null", errors: "/dev/null") }
        let busy = try Program.spawn(["bash", "-c", "while :; do :; done"], output: "/dev/null", errors: "/dev/null")
        for program in programs + [busy] { try group.write("cgroup.procs", "\(program.pid)") }
        let folder = try HostFile(group.directory, flags: O_RDONLY | O_DIRECTORY)
        let settled = try await eventually(within: 5) {
            statistics.states(of: folder.descriptor)?.running == 1
        }
        #expect(settled)
        var configuration = TaskReader.Configuration()
        configuration.sets = [.cpuLoad, .schedstat]
        let reader = TaskReader(mounts: mounts, configuration: configuration, metrics: MetricRegistry())
        reader.beginRound(time: 1)
        let first = reader.read(group.path, processes: group.processes())
        #expect(first.load?.running == 1)
        // Linux 6.1 and later count none of these three themselves.
        #expect(first.load?.sleeping == 3)
        #expect(first.load?.average == 1000)
        reader.endRound()
        let ran = try await eventually(within: 5) {
            reader.beginRound(time: BackgroundThread.steadyTime)
            defer { reader.endRound() }
            return reader.read(group.path, processes: group.processes()).schedule.map { $0.runTime > (first.schedule?.runTime ?? 0) + 50_000_000 } ?? false
        }
        #expect(ran)
        for program in programs + [busy] {
            program.kill(SIGKILL)
            _ = program.wait()
        }
        reader.beginRound(time: BackgroundThread.steadyTime)
        let last = reader.read(group.path, processes: [])
        #expect(last.schedule?.runTime ?? 0 >= 50_000_000)
        #expect(last.load?.running == 0)
    }

    @Test func `an OOM kill in a cgroup becomes one event with the right process, and stays counted when the cgroup goes`() async throws {
        guard mounts.v1["memory"] != nil else { return }
        let events = EventLog(metrics: MetricRegistry())
        let watcher = OOMWatcher(clock: SystemClock(), events: events, metrics: MetricRegistry())
        try #require(watcher.isListening)
        var path = ""
        var pid: Int32 = 0
        let owner = "uid/app"
        func round(_ counted: UInt64?) -> UInt64 {
            watcher.beginRound()
            defer { watcher.endRound() }
            return watcher.record(path: path, owner: owner, counted: counted)
        }
        do {
            let group = try Cgroup("memory", mounts)
            path = group.path
            try group.write("memory.limit_in_bytes", "16777216")
            #expect(round(0) == 0)
            let start = "echo $$ > \(group.directory)/cgroup.procs; exec tail /dev/zero"
            let victim = try Program.spawn(["bash", "-c", start], output: "/dev/null", errors: "/dev/null")
            pid = victim.pid
            #expect(victim.wait() == 137)
        }
        // The cgroup has gone before anybody read its count: the log still tells.
        var query = EventLog.Query()
        query.path = path
        query.kinds = [.oomKill]
        let heard = try await eventually(within: 5) {
            watcher.beginRound()
            watcher.endRound()
            return !events.events(query).isEmpty
        }
        #expect(heard)
        let kills = events.events(query)
        #expect(kills.map(\.pid) == [pid])
        #expect(kills.first?.processName == "tail")
        #expect(kills.first?.constraint == "CONSTRAINT_MEMCG")
        #expect(abs((kills.first?.time ?? 0) - SystemClock().nanoseconds) < 20_000_000_000)
        query.kinds = [.oom]
        #expect(events.events(query).count == 1)
        // The container's next cgroup begins at 0, its total does not.
        path += "-next"
        #expect(round(0) == 1)
    }
}
