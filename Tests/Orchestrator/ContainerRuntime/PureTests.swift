import JSON
import Testing

@testable import ContainerRuntime

/// Texts of /proc/self/mountinfo as machines of each kind show them.
enum MountTexts {
    static let hybrid = """
        27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
        31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
        32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
        33 31 0:30 / /sys/fs/cgroup/cpuacct rw,relatime - cgroup cgroup rw,cpuacct
        34 31 0:31 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset
        35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
        40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
        41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
        """
    static let legacy = """
        25 30 0:23 / /sys/fs/cgroup ro,nosuid,nodev,noexec shared:9 - tmpfs tmpfs ro,mode=755
        33 25 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid,nodev,noexec,relatime shared:15 - cgroup cgroup rw,cpu,cpuacct
        36 25 0:32 / /sys/fs/cgroup/memory rw,nosuid,nodev,noexec,relatime shared:18 - cgroup cgroup rw,memory
        """
    static let unified = "30 23 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n"
    static let insideDocker = """
        1437 1436 0:32 /docker/0123abcd /sys/fs/cgroup/memory ro,nosuid,nodev,noexec,relatime master:18 - cgroup cgroup rw,memory
        1440 1436 8:1 /var/lib/docker/my\\040dir /data rw,relatime - ext4 /dev/sda1 rw
        1441 1436 8:2 / /home rw,relatime shared:2 master:3 - xfs /dev/sda2 rw
        1442 1436 8:3 / /boot rw,relatime - ext4 /dev/sda3 rw
        1443 1436 0:99 / /mnt/share rw,relatime - nfs4 server:/share rw
        """
}

@Suite struct CgroupHierarchyTests {
    @Test(arguments: [
        (MountTexts.hybrid, ["cpu=/sys/fs/cgroup/cpu", "cpuacct=/sys/fs/cgroup/cpuacct", "memory=/sys/fs/cgroup/memory", "v2=/sys/fs/cgroup/unified"]),
        (MountTexts.legacy, ["cpu,cpuacct=/sys/fs/cgroup/cpu,cpuacct", "memory=/sys/fs/cgroup/memory"]),
        (MountTexts.unified, ["v2=/sys/fs/cgroup"]),
        (MountTexts.insideDocker, ["memory=/sys/fs/cgroup/memory"]),
        ("garbage\n1 2 3\n", []),
    ]) func `finds each tree once`(text: String, expected: [String]) {
        let found = CgroupHierarchy.find(in: MountInfo.parse(text))
        #expect(found.map { "\($0.isUnified ? "v2" : $0.controllers.sorted().joined(separator: ","))=\($0.path)" } == expected)
    }

    @Test(arguments: [
        // Shares, quota, bytes, processes; what is written in v1; what in v2.
        (
            ResourceLimits(cpuShares: 1024, cpuQuotaMicroseconds: 50_000, memoryBytes: 1 << 25, pids: 10),
            "cpu.shares=1024 cpu.cfs_period_us=100000 cpu.cfs_quota_us=50000 memory.limit_in_bytes=33554432 memory.memsw.limit_in_bytes=33554432 pids.max=10",
            "cpu.weight=39 cpu.max=50000 100000 memory.max=33554432 memory.swap.max=0 pids.max=10"
        ),
        (ResourceLimits(cpuShares: 0), "cpu.shares=2", "cpu.weight=1"),
        (ResourceLimits(cpuShares: 1 << 30), "cpu.shares=262144", "cpu.weight=10000"),
        (ResourceLimits(cpuQuotaMicroseconds: 1), "cpu.cfs_period_us=100000 cpu.cfs_quota_us=1000", "cpu.max=1000 100000"),
        (ResourceLimits(), "", ""),
    ]) func `writes limits as each version wants them`(limits: ResourceLimits, v1: String, v2: String) {
        func text(_ isUnified: Bool) -> String {
            CgroupHierarchy(isUnified: isUnified, controllers: ["cpu", "memory", "pids"], path: "/").values(for: limits)
                .map { "\($0.file)=\($0.value)" }.joined(separator: " ")
        }
        #expect(text(false) == v1)
        #expect(text(true) == v2)
        #expect(CgroupHierarchy(isUnified: true, controllers: [], path: "/").values(for: limits).isEmpty)
    }

    @Test func `counts memory kills of both versions`() {
        #expect(CgroupHierarchy.memoryKills("low 0\noom 3\noom_kill 2\noom_group_kill 1\n") == 2)
        #expect(CgroupHierarchy.memoryKills("oom_kill_disable 0\nunder_oom 0\noom_kill 1\n") == 1)
        #expect(CgroupHierarchy.memoryKills("") == 0)
    }
}

@Suite struct MountInfoTests {
    @Test func `carries local disks only, and reads escaped names`() {
        #expect(MountInfo.carried(MountInfo.parse(MountTexts.insideDocker)) == ["/data", "/home"])
        #expect(MountInfo.parse(MountTexts.insideDocker)[1].root == "/var/lib/docker/my dir")
        #expect(MountInfo.unescape("a\\134b\\") == "a\\b\\")
    }
}

@Suite struct AbilityTests {
    @Test(arguments: [
        ([], AbilityFindings.Root.layer, true, 0),
        ([Ability.overlay], .memory, true, 1),
        ([.overlay, .memoryOverlay], .bind, true, 1),
        ([.overlay, .memoryOverlay, .bind], .host, true, 1),
        ([.mountNamespace], .host, true, 1),
        ([.virtualLinks], .layer, false, 1),
        ([.networkNamespace, .virtualLinks, .packetFilter], .layer, false, 1),
        (Ability.allCases, .host, false, 8),
    ]) func `falls back piece by piece and says so`(missing: [Ability], root: AbilityFindings.Root, hasNetwork: Bool, sentences: Int) {
        let findings = AbilityFindings(missing: Dictionary(uniqueKeysWithValues: missing.map { ($0, "Operation not permitted") }))
        #expect(findings.root == root)
        #expect(findings.hasPodNetwork == hasNetwork)
        #expect(findings.sentences.count == sentences)
        for sentence in findings.sentences { #expect(sentence.hasSuffix(".") && sentence.contains("Operation not permitted")) }
    }
}

@Suite struct NamesTests {
    @Test(arguments: ["a", "web-0", "A.b_c-9", String(repeating: "x", count: 253)]) func `takes plain names`(name: String) { #expect(Names.isPlain(name)) }
    @Test(arguments: ["", ".", "..", "../x", "a/b", "a\0b", "%2e%2e%2f ", "\u{202e}gnp", String(repeating: "x", count: 254), "a\n"])
    func `takes no name that could leave its place`(name: String) { #expect(!Names.isPlain(name)) }
    @Test(arguments: ["x", "/a/../b", "/a/./b", "/a\nb", ""]) func `takes no path that could`(path: String) { #expect(!Names.isPath(path)) }
    @Test func `identifiers are 64 hexadecimal digits`() {
        let id = Names.identifier()
        #expect(id.count == 64 && id.allSatisfy(\.isHexDigit) && id != Names.identifier())
    }
}

@Suite struct MessageTests {
    @Test func `keeps order, repeated keys and whole messages only`() {
        var message = Message([("do", "start"), ("argument", "a=b"), ("argument", "")])
        message.put("seq", 7)
        #expect(Message(bytes: message.bytes) == message)
        #expect(message.number("seq") == 7 && message["argument"] == "a=b")
        var buffer = message.framed + message.framed.dropLast(3)
        #expect(Message.take(from: &buffer) == [message])
        #expect(buffer.count == message.framed.count - 3)
        buffer += message.framed.suffix(3)
        #expect(Message.take(from: &buffer) == [message] && buffer.isEmpty)
        var broken: [UInt8] = [255, 255, 255, 255]
        #expect(Message.take(from: &broken) == nil)
    }
}

@Suite struct RecordTests {
    @Test func `records give back what was put in`() {
        let sandbox = SandboxConfig(
            namespace: "n", name: "p", uid: "u", hostname: "h", cgroupPath: "/kubepods/podu", limits: ResourceLimits(cpuShares: 2, pids: 5), hostNetwork: true,
            logDirectory: "/l", annotations: ["x": "y"])
        #expect(SandboxConfig(json: sandbox.json) == sandbox)
        var container = ContainerConfig(
            name: "c", restartCount: 3, image: "host", command: ["a", ""], workingDirectory: "/w", environment: ["B=1", "A=2"], userID: 0, groupID: 7,
            limits: ResourceLimits(cpuQuotaMicroseconds: 9, memoryBytes: 1 << 40), oomScoreAdjustment: -5,
            mounts: [.init(source: "/s", target: "/t", isReadOnly: true)], annotations: ["k": "v"])
        #expect(ContainerConfig(json: container.json) == container)
        container.workingDirectory = nil
        let status = ContainerStatus(
            id: "i", sandboxID: "s", config: container, pid: 4, started: 5,
            state: .exited(.init(code: 137, signal: 9, outOfMemory: true, finished: 6, message: "bye")), logPath: "/l/0.log", cgroupPath: "/g")
        #expect(ContainerStatus(json: status.json) == status)
        #expect(SandboxConfig(json: .null) == nil)
    }
}
