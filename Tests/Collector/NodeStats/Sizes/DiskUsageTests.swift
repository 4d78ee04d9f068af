import Exposition
import Glibc
import Runtime
import Synchronization
import TestKit
import Testing

@testable import NodeStats

@Suite struct DiskUsageTests {
    private let files = HostFileSystem()
    private let mounts = MountTable(
        mountinfo: """
            1 0 8:1 / / rw - ext4 /dev/sda1 rw
            2 1 0:40 / /dead rw - nfs4 server:/x rw

            """)

    /// A tree that may hang until it is let go.
    private final class Gate: Sendable {
        let isOpen = Mutex(false)
        func open() { isOpen.withLock { $0 = true } }
        func wait() { while !isOpen.withLock({ $0 }) { usleep(2_000) } }
    }

    private struct FakeTree: DirectorySource {
        var gate: Gate?
        func visit(
            _ path: [UInt8], linkLimit: Int, needsListing: (Int64) -> Bool, pause: () -> Void
        ) -> DirectoryVisit {
            gate?.wait()
            var listing = DirectoryTree.Listing()
            listing.bytes = 1000
            listing.files = 2
            return .listed(listing, changed: 1)
        }
    }

    @Test func `sizes arrive in the background and follow what changes`() async throws {
        let directory = TemporaryDirectory("usage")
        try files.makeDirectory(directory.file("layer/etc"), mode: 0o755)
        try files.write(directory.file("layer/etc/file"), [UInt8](repeating: 1, count: 50_000))
        var configuration = DiskUsage.Configuration()
        configuration.interval = 10_000_000
        configuration.cpuShare = 1
        let usage = DiskUsage(configuration: configuration, clock: SystemClock(), metrics: MetricRegistry())
        defer { usage.stop() }
        let layer = directory.file("layer")
        #expect(usage.measurement(of: layer) == nil)
        let measured = try await eventually(within: 60) {
            usage.watch([layer, directory.file("nothing")], mounts: mounts)
            return usage.measurement(of: layer) != nil
        }
        #expect(measured)
        let first = try #require(usage.measurement(of: layer))
        #expect(first.bytes >= 50_000)
        #expect(first.files == 3)
        #expect(usage.measurement(of: directory.file("nothing")) == nil)
        // A file grows in place.
        try files.write(directory.file("layer/etc/file"), [UInt8](repeating: 1, count: 150_000))
        let grew = try await eventually(within: 60) {
            usage.watch([layer], mounts: mounts)
            return usage.measurement(of: layer).map { $0.bytes >= 150_000 && $0.time > first.time } ?? false
        }
        #expect(grew)
        let forgot = try await eventually(within: 60) {
            usage.watch([], mounts: mounts)
            return usage.measurement(of: layer) == nil
        }
        #expect(forgot)
    }

    @Test func `a mount that hangs keeps no other from being measured, and is measured when it answers again`() async throws {
        var configuration = DiskUsage.Configuration()
        configuration.interval = 5_000_000
        configuration.timeout = 50_000_000
        configuration.cpuShare = 1
        let gate = Gate()
        let metrics = MetricRegistry()
        let usage = DiskUsage(configuration: configuration, clock: SystemClock(), metrics: metrics) { path in
            FakeTree(gate: path.hasPrefix("/dead") ? gate : nil)
        }
        defer { usage.stop() }
        let paths: Set<String> = ["/dead/a", "/dead/b", "/fine/a", "/fine/b"]
        func hung() -> Double {
            metrics.collect().first { $0.name == "binnacle_collector_disk_usage_hung_mounts" }?.samples.first?.value ?? -1
        }
        let others = try await eventually(within: 60) {
            usage.watch(paths, mounts: mounts)
            return usage.measurement(of: "/fine/a") != nil && usage.measurement(of: "/fine/b") != nil && hung() == 1
        }
        #expect(others)
        #expect(usage.measurement(of: "/dead/a") == nil)
        #expect(usage.measurement(of: "/dead/b") == nil)
        #expect(metrics.counter("binnacle_collector_disk_usage_hung_total", "").value == 1)
        gate.open()
        let back = try await eventually(within: 60) {
            usage.watch(paths, mounts: mounts)
            return usage.measurement(of: "/dead/a") != nil && usage.measurement(of: "/dead/b") != nil && hung() == 0
        }
        #expect(back)
        #expect(
            usage.measurement(of: "/dead/a") == .init(bytes: 1000, files: 3, time: usage.measurement(of: "/dead/a")?.time ?? 0, isExact: true, isHung: false))
    }

    @Test(arguments: [UInt64](1...50))
    func `the pacer keeps the share and the burst, whatever the work`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let share = [0.001, 0.01, 0.5].randomElement(using: &random)!
        let burst: Int64 = 20_000_000
        var (cpu, time): (Int64, Int64) = (0, 0)
        var pacer = CPUPacer(share: share, burst: burst, cpu: 0, time: 0)
        var largest: Int64 = 0
        for _ in 0..<2000 {
            let work = Int64.random(in: 1_000...1_000_000, using: &random)
            largest = max(largest, work)
            cpu += work
            // Others may have had the CPU meanwhile.
            time += work + Int64.random(in: 0...work, using: &random)
            time += pacer.pause(cpu: cpu, time: time)
            #expect(Double(cpu) <= Double(time) * share + Double(burst + largest) + 1, "seed \(seed)")
        }
        // And it does not sleep much longer than that asks for.
        #expect(Double(cpu) >= Double(time) * share * 0.5, "seed \(seed)")
    }

    @Test func `a file system that does not answer keeps nobody waiting, and its last answer is kept`() async throws {
        let gate = Gate()
        let isDead = Mutex(false)
        let probe = FileSystemProbe(interval: 1, timeout: 50_000_000, metrics: MetricRegistry()) { _ in
            if isDead.withLock({ $0 }) { gate.wait() }
            return FileSystemProbe.Room(size: 5, free: 4, available: 3, files: 2, filesFree: 1)
        }
        func ask() -> FileSystemProbe.Answer { probe.answer(for: "/dead", isLocal: false, now: BackgroundThread.steadyTime) }
        #expect(try await eventually(within: 60) { ask().room?.size == 5 })
        isDead.withLock { $0 = true }
        #expect(try await eventually(within: 60) { ask().isHung })
        let before = ContinuousClock.now
        for _ in 0..<1000 { #expect(ask().room?.size == 5) }
        #expect(ContinuousClock.now - before < .seconds(2))
        #expect(ask().age > 0)
        gate.open()
        #expect(try await eventually(within: 60) { !ask().isHung })
    }

    @Test func `no more threads wait than allowed, and the refusals are counted`() async throws {
        let gate = Gate()
        let running = Mutex(0)
        let metrics = MetricRegistry()
        let calls = BlockingCalls<Int>(name: "test", threadLimit: 3, timeout: 1_000_000, metrics: metrics) { _ in
            running.withLock { $0 += 1 }
            gate.wait()
            return 1
        }
        for key in 0..<10 { #expect(calls.answer("\(key)", noOlderThan: 0, now: BackgroundThread.steadyTime).value == nil) }
        #expect(try await eventually(within: 60) { calls.hungCount == 3 && running.withLock { $0 } == 3 })
        #expect(metrics.counter("binnacle_collector_blocking_calls_refused_total", "", ["kind": "test"]).value == 7)
        gate.open()
        #expect(try await eventually(within: 60) { calls.hungCount == 0 })
    }

    @Test func `the mount that holds a path is found without asking it`() {
        let table = MountTable(
            mountinfo: """
                27 1 254:0 / / rw,relatime - ext4 /dev/vda rw
                31 27 0:28 / /var/lib\\040x ro,relatime shared:5 master:1 - xfs /dev/sdb1 rw
                32 27 0:29 / /var/lib\\040x/sub rw - nfs4 server:/export rw
                33 27 0:30 / /var/lib\\040x/sub rw - tmpfs tmpfs rw
                34 27 0:30 / /cut
                x

                """)
        #expect(table.mounts.count == 4)
        #expect(table.mount(holding: "/var/lib x/a")?.source == "/dev/sdb1")
        #expect(table.mount(holding: "/var/lib x/a")?.isReadOnly == true)
        #expect(table.mount(holding: "/var/lib x/sub/b")?.type == "tmpfs")
        #expect(table.mount(holding: "/var/lib xy")?.point == "/")
        #expect(table.mounts[2].isLocal == false)
        #expect(MountTable(mountinfo: "").mount(holding: "/") == nil)
    }

    @Test func `a container's file systems are those of the device below its layer, with logs beside it`() async throws {
        let directory = TemporaryDirectory("usage")
        for name in ["layer", "logs", "volume"] {
            try files.makeDirectory(directory.file(name), mode: 0o755)
            try files.write(directory.file("\(name)/x"), [UInt8](repeating: 1, count: 8192))
        }
        var configuration = DiskUsage.Configuration()
        configuration.cpuShare = 1
        let metrics = MetricRegistry()
        let systems = ContainerFileSystems(
            usage: DiskUsage(configuration: configuration, clock: SystemClock(), metrics: metrics), probe: FileSystemProbe(metrics: metrics),
            mountReader: MountTableReader())
        defer { systems.usage.stop() }
        var reference = ContainerReference(cgroupPath: "/a", logDirectory: directory.file("logs"), writableLayer: directory.file("layer"))
        reference.volumes = [("data", directory.file("volume"), "claim"), ("root", "/", "")]
        let measured = try await eventually(within: 60) {
            systems.beginRound([reference], now: BackgroundThread.steadyTime)
            return systems.logBytes(of: reference) != nil && systems.writableLayer(of: reference) != nil && systems.volumes(of: reference).count == 2
        }
        #expect(measured)
        let row = try #require(systems.fileSystems(of: reference).first)
        let layer = try #require(systems.writableLayer(of: reference))
        #expect(layer.files == 2)
        #expect(row.usage == layer.bytes + (systems.logBytes(of: reference) ?? 0))
        #expect(row.layerBytes == layer.bytes)
        #expect(row.capacity == FileSystemProbe.room(directory.path)?.size)
        #expect(row.measured > 0 && !row.isHung)
        let volumes = systems.volumes(of: reference)
        #expect(volumes.first?.usage.used == DirectorySize.measure(directory.file("volume"))?.bytes)
        #expect(volumes.first?.claim == "claim")
        #expect(volumes.last?.usage.used ?? 0 > 1 << 20)
        #expect(systems.fileSystems(of: ContainerReference(cgroupPath: "/b")).isEmpty)
    }
}
