import Glibc
import Runtime
import TestKit
import Testing

@testable import NodeStats

/// Prints what a round costs on this machine, when asked by BINNACLE_MEASURE=1; build it for release:
/// `BINNACLE_ONLY=NodeStats swift test -c release -Xswiftc -enable-testing --filter ProcessCost`.
@Suite(.serialized, .enabled(if: geteuid() == 0 && measures, "set BINNACLE_MEASURE=1 to measure"))
struct ProcessCostTests {
    private let mounts = CgroupMounts(mountinfo: (try? HostFileSystem().text("/proc/self/mountinfo")) ?? "")
    private static let count = 100
    private static let rounds = 100

    /// Microseconds of this thread's CPU time a round.
    private func cost(_ name: String, rounds: Int = Self.rounds, _ round: (Int) -> Void) {
        for number in 1...3 { round(number) }
        let start = BackgroundThread.cpuTime
        for number in 1...rounds { round(number + 3) }
        let microseconds = Double(BackgroundThread.cpuTime - start) / 1000 / Double(rounds)
        print("cost: \(name): \(microseconds.rounded()) µs of CPU a round")
    }

    @Test func `networks`() async throws {
        let programs = try (0..<Self.count).map { _ in try Program.spawn(["unshare", "-n", "sleep", "100"], output: "/dev/null", errors: "/dev/null") }
        let own = linkTarget("/proc/self/ns/net")
        #expect(try await eventually(within: 20) { programs.allSatisfy { linkTarget("/proc/\($0.pid)/ns/net") != own } })
        for sets: Set<MetricSet> in [[.network], [.network, .tcp, .udp, .advancedTCP]] {
            var configuration = NetworkNamespaces.Configuration()
            configuration.sets = sets
            let networks = NetworkNamespaces(configuration: configuration, metrics: MetricRegistry())
            let paths = (0..<Self.count).map { "/kubepods/burstable/pod\($0)" }
            cost("\(Self.count) namespaces, sets \(sets.map(\.rawValue).sorted())") { _ in
                networks.beginRound()
                for (index, program) in programs.enumerated() { _ = networks.reading(for: paths[index], processes: CollectionOfOne(program.pid)) }
                networks.endRound()
            }
            cost("\(Self.count) containers in one namespace, sets \(sets.map(\.rawValue).sorted())") { _ in
                networks.beginRound()
                for path in paths { _ = networks.reading(for: path, processes: CollectionOfOne(programs[0].pid)) }
                networks.endRound()
            }
        }
    }

    @Test func `tasks`() async throws {
        let parent = "/binnacle-cost-\(getpid())"
        let root = try #require(mounts.directory(controller: "cpu", path: parent)).path
        let files = HostFileSystem()
        var programs: [Program.Running] = []
        let names = (0..<Self.count).map { "c\($0)" }
        for name in names {
            try files.makeDirectory("\(root)/\(name)", mode: 0o755)
            let program = try Program.spawn(["sleep", "100"], output: "/dev/null", errors: "/dev/null")
            try files.write("\(root)/\(name)/cgroup.procs", Array("\(program.pid)".utf8))
            programs.append(program)
        }
        defer {
            for program in programs {
                program.kill(SIGKILL)
                _ = program.wait()
            }
            for name in names { _ = unsafe rmdir("\(root)/\(name)") }
            _ = unsafe rmdir(root)
        }
        // The list of tasks of the v1 hierarchy is what cgroup.threads is in v2.
        for (name, sets, isIdle) in [
            ("states by the kernel's count", [.cpuLoad], false), ("descriptors", [.process], false),
            ("states and descriptors", [.cpuLoad, .process], false), ("states and descriptors, idle", [.cpuLoad, .process], true),
            ("schedstat", [.schedstat], false), ("schedstat, idle", [.schedstat], true),
        ] as [(String, Set<MetricSet>, Bool)] {
            var configuration = TaskReader.Configuration()
            configuration.sets = sets
            configuration.filesPerRound = 100_000
            let reader = TaskReader(mounts: mounts, configuration: configuration, metrics: MetricRegistry())
            cost("\(Self.count) cgroups of one task, \(name)") { round in
                reader.beginRound(time: Int64(round) * 1_000_000_000)
                for (index, program) in programs.enumerated() { _ = reader.read("\(parent)/\(names[index])", processes: [program.pid], isIdle: isIdle) }
                reader.endRound()
            }
        }
        var buffer = [UInt8](repeating: 0, count: 4096)
        cost("\(Self.count) files /proc/PID/stat, opened, read, parsed") { _ in
            for program in programs {
                guard let file = try? HostFile("/proc/\(program.pid)/stat", flags: O_RDONLY), let count = try? file.read(into: &buffer) else { continue }
                _ = TaskStates.state(buffer, count: count)
            }
        }
        let watcher = OOMWatcher(clock: SystemClock(), events: EventLog(metrics: MetricRegistry()), metrics: MetricRegistry())
        cost("OOM counts of \(Self.count) cgroups and a silent kernel log") { _ in
            watcher.beginRound()
            for name in names { _ = watcher.record(path: name, owner: name, counted: 0) }
            watcher.endRound()
        }
    }

    @Test func `sizes`() throws {
        let directory = TemporaryDirectory("cost")
        let files = HostFileSystem()
        for folder in 0..<100 {
            try files.makeDirectory(directory.file("\(folder)"), mode: 0o755)
            for file in 0..<100 { try files.write(directory.file("\(folder)/\(file)"), [1]) }
        }
        cost("a walk over 10,000 files in 100 directories", rounds: 10) { _ in _ = DirectorySize.measure(directory.path) }
        let lister = try #require(DirectoryLister(directory.path))
        var tree = DirectoryTree()
        let old = SystemClock().nanoseconds + 2 * tree.policy.restAge
        cost("the same, when nothing changed") { round in
            tree.beginPass()
            while let step = tree.nextStep() {
                let visit = lister.visit(
                    step.path, linkLimit: 100, needsListing: { tree.needsListing(step, changed: $0, now: Int64(round), date: old) }, pause: {})
                if case .listed(let listing, let changed) = visit { tree.take(step, listing, changed: changed, now: Int64(round)) } else { tree.keep(step) }
            }
        }
    }
}

private let measures = unsafe getenv("BINNACLE_MEASURE") != nil
