import Logging
import Runtime
import Telemetry
import TestKit
import Testing

@testable import NodeStats

/// The node's frame for the store: the same set of series as long as the devices are the same.
@Suite struct NodeFrameTests {
    private func snapshot(_ node: NodeSample, _ tree: RecordedTree, second: Int64) -> NodeSnapshot {
        NodeSnapshot(
            timestamp: Timestamp(milliseconds: second * 1000), machine: MachineInfo(fileSystem: HostFileSystem(), root: tree.root), nodeName: "n1",
            node: node, rootFileSystem: nil, rows: [], vanished: 0)
    }

    @Test func `labels are made once, values each round`() throws {
        let tree = try RecordedTree("server")
        let reader = NodeReader(root: tree.root)
        var builder = FrameBuilder(nodeName: "n1", sets: [])
        let first = try #require(builder.frames(for: snapshot(reader.sample(), tree, second: 1)).first)
        try tree.write("/proc/loadavg", "9.75 1.25 0.75 3/812 4321\n")
        let frames = builder.frames(for: snapshot(reader.sample(), tree, second: 2))
        let second = try #require(frames.first)
        #expect(frames.count == 1 && second.series === first.series)
        #expect(second.values.count == second.series.count)
        func value(_ frame: SampleFrame, _ name: String) -> Double? {
            frame.series.labels.firstIndex { $0[Labels.metricName] == name }.map { frame.values[$0] }
        }
        #expect(value(first, "node_load1") == 2.5 && value(second, "node_load1") == 9.75)
        #expect(value(second, "node_scrape_collector_duration_seconds") == nil)
        let labels = try #require(second.series.labels.first { $0[Labels.metricName] == "node_network_info" })
        #expect(labels["job"] == "node" && labels["instance"] == "n1" && !labels["device"].isEmpty)
    }

    @Test func `a series that goes with its device ends at once`() throws {
        let tree = try RecordedTree("server")
        let reader = NodeReader(root: tree.root)
        var builder = FrameBuilder(nodeName: "n1", sets: [])
        _ = builder.frames(for: snapshot(reader.sample(), tree, second: 1))
        let disks = try tree.text("/proc/diskstats").split(separator: "\n").filter { !$0.contains(" vdb ") }
        try tree.write("/proc/diskstats", disks.joined(separator: "\n") + "\n")
        let frames = builder.frames(for: snapshot(reader.sample(), tree, second: 2))
        let frame = try #require(frames.first)
        let ended = zip(frame.series.labels, frame.values).filter { $0.1.isStale }.map(\.0)
        // Fifteen columns and the line of what it is.
        #expect(frames.count == 1 && ended.count == 16 && ended.allSatisfy { $0["device"] == "vdb" })
        let next = try #require(builder.frames(for: snapshot(reader.sample(), tree, second: 3)).first)
        #expect(!next.values.contains { $0.isStale } && next.series.count == frame.series.count - 16)
    }
}
