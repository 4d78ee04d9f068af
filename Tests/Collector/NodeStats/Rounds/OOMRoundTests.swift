import TestKit
import Testing

@testable import NodeStats

/// Kills for want of memory over whole rounds: what v1 does not add up, and what a cgroup that is gone cannot say.
@Suite struct OOMRoundTests {
    private struct Owned: ContainerSource {
        var list: [ContainerReference]
        func containers() async -> [ContainerReference] { list }
    }

    private static let pod = ContainerReference(cgroupPath: "/pod", pod: "p", namespace: "ns", podUID: "u1")

    private static func container(_ name: String) -> ContainerReference {
        ContainerReference(cgroupPath: "/pod/\(name)", name: name, container: name, pod: "p", namespace: "ns", podUID: "u1")
    }

    private func write(_ fixture: CgroupFixture, _ path: String, kills: Int?) throws {
        try fixture.write("/sys/fs/cgroup/cpu,cpuacct\(path)/cpuacct.usage_percpu", "5 5 \n")
        try fixture.write("/sys/fs/cgroup/memory\(path)/memory.usage_in_bytes", "\(4096 + (kills ?? 0))\n")
        if let kills {
            try fixture.write("/sys/fs/cgroup/memory\(path)/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill \(kills)\n")
        }
    }

    private func kills(_ fixture: CgroupFixture, _ collector: NodeCollector) async -> [String: UInt64] {
        fixture.clock.advance(by: .seconds(10))
        var found: [String: UInt64] = [:]
        for row in await collector.measure(at: fixture.clock.timestamp).rows {
            if row.reference.cgroupPath.hasPrefix("/pod") { found[row.reference.cgroupPath] = row.sample.oomKills }
        }
        return found
    }

    @Test func `a pod's row on v1 is the sum of its containers, over their restarts`() async throws {
        let fixture = try CgroupFixture("v1")
        try write(fixture, "/pod", kills: 1)
        try write(fixture, "/pod/a", kills: 2)
        try write(fixture, "/pod/b", kills: 0)
        let collector = fixture.collector({ $0.walksTree = false }, source: Owned(list: [Self.pod, Self.container("a"), Self.container("b")]))
        #expect(await kills(fixture, collector) == ["/pod": 3, "/pod/a": 2, "/pod/b": 0])
        // Nothing adds up twice.
        #expect(await kills(fixture, collector) == ["/pod": 3, "/pod/a": 2, "/pod/b": 0])
    }

    @Test func `a container without a count is shown with what its owner has had`() async throws {
        let fixture = try CgroupFixture("v1")
        try write(fixture, "/pod", kills: nil)
        try write(fixture, "/pod/a", kills: nil)
        let collector = fixture.collector({ $0.walksTree = false }, source: Owned(list: [Self.pod, Self.container("a")]))
        #expect(await kills(fixture, collector) == ["/pod": 0, "/pod/a": 0])
    }
}
