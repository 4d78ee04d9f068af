import Exposition
import Runtime
import Synchronization
import Telemetry
import TestKit
import Testing

@testable import NodeStats

/// Rounds of the whole collector over a recorded machine, under a clock that the test moves.
@Suite struct CollectorRoundTests {
    /// An owner that is known from some round on.
    private final class LateOwner: ContainerSource {
        let asked = Mutex<[[String]]>([])
        let known = Mutex(false)
        let name = Mutex("web")
        let showsLabels: Bool
        init(showsLabels: Bool = true) { self.showsLabels = showsLabels }
        func containers() async -> [ContainerReference] { [] }
        func owners(of paths: [String]) async -> [ContainerReference] {
            asked.withLock { $0.append(paths.sorted()) }
            guard known.withLock({ $0 }), paths.contains("/one") else { return [] }
            var reference = ContainerReference(cgroupPath: "/one", name: name.withLock { $0 }, image: "nginx", container: "c", pod: "p", namespace: "ns")
            if showsLabels { reference.containerLabels = [("com.example/team", "a\"b\n")] }
            reference.memoryLimit = 100 << 20
            return [reference]
        }
    }

    private func step(_ fixture: CgroupFixture, _ collector: NodeCollector) async -> NodeSnapshot {
        fixture.clock.advance(by: .seconds(1))
        return await collector.measure(at: fixture.clock.timestamp)
    }

    @Test func `labels come late, and the series without them ends`() async throws {
        let fixture = try CgroupFixture("v2")
        let owner = LateOwner()
        let collector = fixture.collector({ $0.deliveryInterval = .seconds(1) }, source: owner)
        let first = await collector.frames(for: await step(fixture, collector)).first { $0.source == "cgroup/one" }
        #expect(first?.series.labels.contains { $0["pod"] == "p" } == false)
        owner.known.withLock { $0 = true }
        let snapshot = await step(fixture, collector)
        let row = try #require(snapshot.rows.first { $0.reference.cgroupPath == "/one" })
        #expect(String(decoding: row.labels.bytes, as: UTF8.self).contains(#"pod="p",container_label_com_example_team="a\"b\n""#))
        // One shape of labels for all rows.
        #expect(String(decoding: snapshot.rows[0].labels.bytes, as: UTF8.self).hasSuffix(#"container_label_com_example_team="""#))
        let frame = try #require(await collector.frames(for: snapshot).first { $0.source == "cgroup/one" })
        for (labels, value) in zip(frame.series.labels, frame.values) { #expect((labels["pod"] == "p") == !value.isStale) }
        #expect(frame.values.contains { $0.isStale })
        let next = try #require(await collector.frames(for: await step(fixture, collector)).first { $0.source == "cgroup/one" })
        #expect(!next.values.contains { $0.isStale })
        // Unknown cgroups are asked about each round, known ones every tenth.
        #expect(owner.asked.withLock { $0[1].contains("/one") && !$0[2].contains("/one") })
    }

    /// Without any label of the container's own, so that nothing else makes the rows' labels anew.
    @Test func `an owner's first word and its later ones change the labels`() async throws {
        let fixture = try CgroupFixture("v2")
        let owner = LateOwner(showsLabels: false)
        let collector = fixture.collector(source: owner)
        func labels() async -> String {
            let row = await step(fixture, collector).rows.first { $0.reference.cgroupPath == "/one" }
            return String(decoding: row?.labels.bytes ?? [], as: UTF8.self)
        }
        #expect(await labels().contains(#"name="",namespace="",pod="""#))
        owner.known.withLock { $0 = true }
        #expect(await labels().contains(#"name="web",namespace="ns",pod="p""#))
        owner.name.withLock { $0 = "shop" }
        var names: [String] = []
        for _ in 0..<10 { names.append(await labels()) }
        #expect(names.last?.contains(#"name="shop",namespace="ns",pod="p""#) == true, "asked again within ten rounds")
    }

    /// As Debian's Podman 4.3 with crun and systemd does it (scripts/try-systemd).
    @Test func `limits that crun set on the cgroup inside are the container's`() async throws {
        struct Podman: ContainerSource {
            func containers() async -> [ContainerReference] {
                ["/one", "/quiet.scope"].map { path in
                    var reference = ContainerReference(cgroupPath: path, name: "quiet")
                    reference.containerID = "f7"
                    return reference
                }
            }
        }
        let fixture = try CgroupFixture("v2")
        for (path, memory, quota) in [
            ("/quiet.scope", "max", "max 100000"), ("/quiet.scope/container", "67108864", "50000 100000"), ("/one/container", "1", "1 2"),
        ] {
            let folder = "/sys/fs/cgroup" + path
            try fixture.write("\(folder)/memory.max", memory + "\n")
            try fixture.write("\(folder)/cpu.max", quota + "\n")
            try fixture.write("\(folder)/cpu.weight", "79\n")
            try fixture.write("\(folder)/memory.current", "4096\n")
            try fixture.write("\(folder)/cpu.stat", "usage_usec 5\nuser_usec 3\nsystem_usec 2\n")
        }
        let collector = fixture.collector(source: Podman())
        let rows = await step(fixture, collector).rows
        let quiet = try #require(rows.first { $0.reference.cgroupPath == "/quiet.scope" }).limits
        #expect(quiet.memory == 67_108_864 && quiet.quota == 50_000 && quiet.period == 100_000, "\(quiet)")
        // One that has limits of its own keeps them.
        let one = try #require(rows.first { $0.reference.cgroupPath == "/one" }).limits
        #expect(one.memory != 1 && one.quota != 1, "\(one)")
    }

    /// Nobody's cgroups are asked about each round only while an owner is likely to turn up.
    @Test func `who nobody claims is asked about less often`() async throws {
        let fixture = try CgroupFixture("v2")
        let owner = LateOwner()
        let collector = fixture.collector(source: owner)
        for _ in 0..<60 { _ = await step(fixture, collector) }
        let asked = owner.asked.withLock { $0.count { $0.contains("/one") } }
        // Eight rounds after the first, then five that are multiples of four below thirty, and every tenth for all.
        #expect((16...20).contains(asked), "\(asked) times in sixty rounds")
    }

    @Test func `history is in order, with what came before each`() async throws {
        let fixture = try CgroupFixture("v2")
        let collector = fixture.collector()
        var times: [Int64] = []
        for second in 1...20 {
            try fixture.write("/sys/fs/cgroup/one/cpu.stat", "usage_usec \(5_000_000 + second * 250_000)\n")
            let snapshot = await step(fixture, collector)
            times.append(snapshot.timestamp.milliseconds)
        }
        let rows = await collector.history(of: "/one", from: nil, through: nil, limit: 100)
        #expect(rows.map { $0.sample.time / 1_000_000 } == times)
        #expect(rows[0].usageNanoCores == nil)
        #expect(rows[1...].allSatisfy { $0.usageNanoCores == 250_000_000 })
        let some = await collector.history(
            of: "/one", from: Timestamp(milliseconds: times[4]), through: Timestamp(milliseconds: times[9]), limit: 3)
        #expect(some.map { $0.sample.time / 1_000_000 } == Array(times[7...9]))
    }

    @Test func `a reset passes through, and a clock that jumps spoils no rate`() async throws {
        let fixture = try CgroupFixture("v2")
        let collector = fixture.collector()
        func usage() async -> (UInt64?, UInt64?) {
            let row = await step(fixture, collector).rows.first { $0.reference.cgroupPath == "/one" }
            return (row?.sample.cpuUsage, row?.usageNanoCores)
        }
        _ = await usage()
        #expect(await usage().1 == 0)
        try fixture.write("/sys/fs/cgroup/one/cpu.stat", "usage_usec 7\n")
        #expect(await usage() == (7000, nil), "the counter fell: no rate, but its value")
        _ = await collector.nextStep(monotonic: 0)
        fixture.clock.advance(by: .seconds(3600))
        _ = await collector.nextStep(monotonic: 1000)
        try fixture.write("/sys/fs/cgroup/one/cpu.stat", "usage_usec 500007\n")
        #expect(await usage().1 == nil)
        #expect(await usage().1 == 0)
        fixture.clock.advance(by: .seconds(-7200))
        #expect(await collector.nextStep(monotonic: 2000).jump < -7_000_000)
        #expect(await usage().1 == nil)
        #expect(fixture.metric("binnacle_collector_clock_jumps_total") == 2)
        #expect(await collector.history(of: "/one", from: nil, through: nil, limit: 10).count == 1)
    }

    @Test func `only owned cgroups, or those below a prefix`() {
        var filter = CgroupFilter()
        #expect(filter.shows("/system.slice/a", isOwned: false))
        filter.onlyOwned = true
        #expect(!filter.shows("/system.slice/a", isOwned: false) && filter.shows("/x", isOwned: true) && filter.shows("/", isOwned: false))
        filter.rawPrefixes = ["/system.slice"]
        #expect(filter.shows("/system.slice/a", isOwned: false) && filter.shows("/system.slice", isOwned: false))
        #expect(!filter.shows("/system.slicer", isOwned: false))
    }

    @Test func `a reading that is young enough is not taken again`() async throws {
        let fixture = try CgroupFixture("v2")
        let collector = fixture.collector()
        let first = await collector.snapshot()
        fixture.clock.advance(by: .milliseconds(500))
        #expect(await collector.snapshot(maximumAge: .seconds(1)).timestamp == first.timestamp)
        #expect(await collector.snapshot(maximumAge: .milliseconds(100)).timestamp > first.timestamp)
    }

    @Test func `sets of metrics by name`() throws {
        #expect(try MetricSet.parse("cpu, memory_numa,advtcp") == [.cpu, .numa, .advancedTCP])
        #expect(try MetricSet.parse("all").count == MetricSet.allCases.count)
        #expect(MetricSet.chosen(enabled: [.cpu, .tcp], disabled: [.cpu, .memory]) == MetricSet.standard.subtracting([.memory]).union([.tcp]))
        #expect(throws: MetricSetError(name: "cpus")) { try MetricSet.parse("cpus") }
        #expect(MetricSetError(name: "cpus").description.hasPrefix("there is no set of metrics named \"cpus\"; the sets are advtcp, app, cpu, "))
    }
}
