import Exposition
import TestKit
import Testing

@testable import NodeStats

/// Machines at the edge of what the Collector is made for.
@Suite struct ManyCgroupsTests {
    @Test func `five thousand cgroups are read and kept, in bounded memory and with few descriptors`() async throws {
        let fixture = try CgroupFixture("v2")
        for number in 0..<5000 {
            try fixture.write("/sys/fs/cgroup/many.slice/c\(number)/cpu.stat", "usage_usec \(number)\n")
        }
        let collector = fixture.collector {
            $0.descriptorLimit = 500
            $0.historyBytes = 16 << 20
            $0.sets = MetricSet.standard
        }
        var rows: [NodeSnapshot.Row] = []
        for _ in 0..<3 {
            fixture.clock.advance(by: .seconds(1))
            rows = await collector.measure(at: fixture.clock.timestamp).rows
        }
        #expect(rows.count >= 5000 && fixture.metric("binnacle_collector_cgroups") == Double(rows.count))
        #expect(rows.first { $0.reference.cgroupPath == "/many.slice/c4999" }?.sample.cpuUsage == 4_999_000)
        #expect((fixture.metric("binnacle_collector_descriptors") ?? 9999) <= 500)
        #expect((fixture.metric("binnacle_collector_history_bytes") ?? .infinity) <= Double(16 << 20))
        #expect((fixture.metric("binnacle_collector_skipped_total", ["reason": "too_many"]) ?? 0) == 0)
    }

    /// A cgroup's name is any bytes but a slash and NUL; its label is escaped as the exposition format wants it.
    @Test func `a name with a quote, a newline, a backslash and no UTF-8 is a label like any other`() async throws {
        let fixture = try CgroupFixture("v2")
        try fixture.write("/sys/fs/cgroup/a\"b\\c\nd/cpu.stat", "usage_usec 7\n")
        let rows = await fixture.collector().snapshot().rows
        let row = try #require(rows.first { $0.reference.cgroupPath == "/a\"b\\c\nd" })
        #expect(row.sample.cpuUsage == 7000)
        #expect(String(decoding: row.labels.bytes, as: UTF8.self).contains(#"id="/a\"b\\c\nd""#))
        let strange = RenderedLabels([(name: "id", value: String(decoding: [0x2F, 0xFF, 0x41], as: UTF8.self))])
        #expect(Array(strange.bytes).contains(0xEF) && !Array(strange.bytes).contains(0xFF))
    }
}
