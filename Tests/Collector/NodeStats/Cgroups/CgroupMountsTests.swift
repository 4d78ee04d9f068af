import NodeStats
import Testing

@Suite struct CgroupMountsTests {
    @Test func `unescapes mount points and takes the first of each controller`() {
        let mounts = CgroupMounts(
            mountinfo: """
                1 2 0:1 / /sys/fs/cgroup/cpu,cpuacct rw shared:3 - cgroup cgroup rw,cpu,cpuacct
                1 2 0:1 / /mnt/a\\040b rw - cgroup cgroup rw,memory
                1 2 0:1 / /other rw - cgroup cgroup rw,memory
                broken line
                """)
        #expect(mounts.v1 == ["cpu": "/sys/fs/cgroup/cpu,cpuacct", "cpuacct": "/sys/fs/cgroup/cpu,cpuacct", "memory": "/mnt/a b"])
        #expect(mounts.v2 == nil)
        #expect(mounts.description == "v1")
        #expect(mounts.directory(controller: "memory", path: "/x")?.path == "/mnt/a b/x")
        #expect(mounts.directory(controller: "pids", path: "/x") == nil)
        #expect(CgroupMounts().description == "none")
    }
}
