import TestKit
import Testing

@testable import NodeStats

@Suite struct OOMParserTests {
    private func events(_ text: String) -> [OOMParser.Event] {
        var parser = OOMParser()
        return text.split(separator: "\n").flatMap { parser.take(String($0)) }
    }

    private static let limited = OOMParser.Event.outOfMemory(path: "/docker/abc", asker: "stress", constraint: "CONSTRAINT_MEMCG")

    /// The shapes of mm/oom_kill.c over the years; the numbers are made up, the last three logs were written by Linux 6.18.
    private static let logs: [(name: String, text: String, events: [OOMParser.Event])] = [
        (
            "4.9: a victim chosen for its parent",
            """
            stress invoked oom-killer: gfp_mask=0x24000c0(GFP_KERNEL), nodemask=(null), order=0, oom_score_adj=0
            stress cpuset=abc mems_allowed=0
            CPU: 1 PID: 2332 Comm: stress Not tainted 4.9.0-8-amd64 #1 Debian 4.9.144-3.1
            Task in /docker/abc killed as a result of limit of /docker/abc
            memory: usage 20480kB, limit 20480kB, failcnt 121
            [ pid ]   uid  tgid total_vm      rss nr_ptes nr_pmds swapents oom_score_adj name
            [ 2331]     0  2331     1042      223       7       3        0             0 stress
            Memory cgroup out of memory: Kill process 2331 (stress) score 1004 or sacrifice child
            Killed process 2332 (stress) total-vm:70664kB, anon-rss:19552kB, file-rss:208kB, shmem-rss:0kB
            oom_reaper: reaped process 2332 (stress), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB
            """,
            [
                limited,
                .kill(.init(victim: "/docker/abc", limited: "/docker/abc", pid: 2332, process: "stress", constraint: "CONSTRAINT_MEMCG")),
            ]
        ),
        (
            "4.14: the whole machine",
            """
            java invoked oom-killer: gfp_mask=0x14200ca(GFP_HIGHUSER_MOVABLE), nodemask=(null),  order=0, oom_score_adj=0
            Mem-Info:
            Out of memory: Kill process 512 (my (odd) app) score 911 or sacrifice child
            Killed process 512 (my (odd) app) total-vm:1kB, anon-rss:1kB, file-rss:0kB, shmem-rss:0kB
            """,
            [
                .outOfMemory(path: "/", asker: "java", constraint: ""),
                .kill(.init(victim: "", limited: "/", pid: 512, process: "my (odd) app", constraint: "")),
            ]
        ),
        (
            "5.4: the machine, with a summary",
            """
            java invoked oom-killer: gfp_mask=0x100cca(GFP_HIGHUSER_MOVABLE), order=0, oom_score_adj=0
            oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/user.slice,task=java,pid=77,uid=1000
            Out of memory: Killed process 77 (java) total-vm:9kB, anon-rss:8kB, file-rss:0kB, shmem-rss:0kB, UID:1000 pgtables:44kB oom_score_adj:0
            oom_reaper: reaped process 77 (java), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB
            """,
            [
                .outOfMemory(path: "/", asker: "java", constraint: "CONSTRAINT_NONE"),
                .kill(.init(victim: "/user.slice", limited: "/", pid: 77, process: "java", constraint: "CONSTRAINT_NONE")),
            ]
        ),
        (
            "6.18: a pod's limit and its container's process",
            """
            tail invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=999
             oom_kill_process.cold+0x8/0x8a
            [  pid  ]   uid  tgid total_vm      rss rss_anon rss_file rss_shmem pgtables_bytes swapents oom_score_adj name
            oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/kubepods/burstable/pod1,task_memcg=/kubepods/burstable/pod1/c2,task=tail,pid=12577,uid=0
            Memory cgroup out of memory: Killed process 12577 (tail) total-vm:50784kB, anon-rss:48256kB, file-rss:1348kB, shmem-rss:0kB, UID:0 pgtables:136kB oom_score_adj:999
            """,
            [
                .outOfMemory(path: "/kubepods/burstable/pod1", asker: "tail", constraint: "CONSTRAINT_MEMCG"),
                .kill(
                    .init(
                        victim: "/kubepods/burstable/pod1/c2", limited: "/kubepods/burstable/pod1", pid: 12_577, process: "tail",
                        constraint: "CONSTRAINT_MEMCG")),
            ]
        ),
        (
            "6.x: a group is killed as one",
            """
            stress invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0
            oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/docker/abc,task_memcg=/docker/abc,task=a,pid=5,uid=0
            Memory cgroup out of memory: Killed process 5 (a) total-vm:1kB, anon-rss:1kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:1kB oom_score_adj:0
            Tasks in /docker/abc are going to be killed due to memory.oom.group set
            Memory cgroup out of memory: Killed process 5 (a) total-vm:1kB, anon-rss:1kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:1kB oom_score_adj:0
            Memory cgroup out of memory: Killed process 6 (b) total-vm:1kB, anon-rss:1kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:1kB oom_score_adj:0
            """,
            [
                limited,
                .kill(.init(victim: "/docker/abc", limited: "/docker/abc", pid: 5, process: "a", constraint: "CONSTRAINT_MEMCG")),
                .kill(.init(victim: "/docker/abc", limited: "/docker/abc", pid: 6, process: "b", constraint: "CONSTRAINT_MEMCG")),
            ]
        ),
        (
            "names made to mislead",
            """
            a,pid=1 invoked oom-killer: gfp_mask=0x1, order=0, oom_score_adj=0
            oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=x,y,mems_allowed=0,oom_memcg=/a,task=b,task_memcg=/a,task=b/c,pid=2,task=e,pid=3,f,pid=9,uid=0
            Memory cgroup out of memory: Killed process 9 (e,pid=3,f) total-vm:1kB
            """,
            [
                .outOfMemory(path: "/a,task=b", asker: "a,pid=1", constraint: "CONSTRAINT_MEMCG"),
                .kill(.init(victim: "/a,task=b/c,pid=2", limited: "/a,task=b", pid: 9, process: "e,pid=3,f", constraint: "CONSTRAINT_MEMCG")),
            ]
        ),
        ("not about memory", "usb 1-1: new device\nKilled process x (y)\nTask in nowhere\noom-kill:constraint=\n", []),
    ]

    @Test(arguments: logs.indices)
    func `the kernel's lines become events`(index: Int) {
        let log = Self.logs[index]
        #expect(events(log.text) == log.events, "\(log.name)")
    }

    @Test func `a record's head is read and its escapes are undone`() throws {
        let bytes = Array("6,339,5140900,-,caller=T1;NET: \\x41\\x5c \\xzz caf\\xc3\\xa9\n SUBSYSTEM=acpi\n".utf8)
        let record = try #require(KernelLogRecord(bytes, count: bytes.count))
        #expect(record.priority == 6)
        #expect(record.sequence == 339)
        #expect(record.microseconds == 5_140_900)
        #expect(record.text == "NET: A\\ \\xzz café")
        #expect(KernelLogRecord(Array("no record".utf8), count: 9) == nil)
    }

    @Test(arguments: [UInt64](1...200))
    func `cut and shuffled logs are taken without a crash`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var parser = OOMParser()
        for _ in 0..<20 {
            let lines = Self.logs.randomElement(using: &random)!.text.split(separator: "\n")
            let line = lines.randomElement(using: &random)!
            for event in parser.take(String(line.prefix(Int.random(in: 0...line.count, using: &random)))) {
                if case .kill(let kill) = event { #expect(kill.pid > 0, "seed \(seed)") }
            }
        }
    }
}
