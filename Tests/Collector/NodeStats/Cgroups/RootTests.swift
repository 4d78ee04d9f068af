import Logging
import Runtime
import TestKit
import Testing

@testable import NodeStats

/// `--root`: a container that sees the host's files under a directory.
@Suite struct RootTests {
    @Test func `the host's mounts are those of its first process, not of this one`() throws {
        let directory = TemporaryDirectory("root")
        let files = HostFileSystem()
        for (process, line) in [("1", "30 20 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"), ("self", "30 20 0:26 / /host/cg rw - cgroup2 cgroup2 rw\n")] {
            try files.makeDirectory(directory.file("proc/\(process)"), mode: 0o755)
            try files.write(directory.file("proc/\(process)/mountinfo"), Array(line.utf8))
        }
        let collector = NodeCollector(
            configuration: {
                var configuration = NodeCollector.Configuration(nodeName: "n", dataDirectory: directory.path)
                configuration.root = directory.path
                return configuration
            }(), source: NoContainers(), fileSystem: files, clock: ManualClock(), metrics: MetricRegistry(), logger: .init(label: "test"))
        #expect(collector.mounts.v2 == directory.path + "/sys/fs/cgroup")
        let reader = MountTableReader(root: directory.path)
        #expect(reader.table.mounts.map(\.point) == [directory.path + "/sys/fs/cgroup"])
        // A recorded tree has no first process.
        try files.removeTree(directory.file("proc/1"))
        #expect(MountTableReader(root: directory.path).table.mounts.map(\.point) == [directory.path + "/host/cg"])
    }

    @Test func `a layer that an owner tells of is looked for under the root`() throws {
        let table = MountTable(mountinfo: "1 0 8:1 / / rw - ext4 /dev/a rw\n2 1 8:2 / /var/lib rw,noatime - xfs /dev/b ro\n", prefix: "/host")
        #expect(table.mount(holding: "/host/var/lib/docker")?.source == "/dev/b" && table.mount(holding: "/host/etc")?.source == "/dev/a")
        #expect(table.mounts.map(\.isReadOnly) == [false, true] && table.mount(holding: "/var/lib") == nil)
    }
}
