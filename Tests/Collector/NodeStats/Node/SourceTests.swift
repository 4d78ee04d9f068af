import Exposition
import Glibc
import Runtime
import Testing
import TestKit

@testable import NodeStats

/// Tables for the parts of sources that are functions of text.
@Suite struct NodeSourceTests {
    @Test func `a CPU's times never fall, unless the CPU was taken out`() {
        let stat = ProcStat(root: "/nowhere")
        func idle(_ line: String) -> UInt64 {
            var text = KernelText(line)
            stat.parse(&text)
            return stat.cpus[0].ticks[ProcStat.idle]
        }
        #expect(idle("cpu0 1 0 0 1000 50 0 0 0 0 0\n") == 1000)
        #expect(idle("cpu0 2 0 0 990 40 0 0 0 0 0\n") == 1000)
        #expect(stat.cpus[0].ticks[ProcStat.iowait] == 50)
        #expect(stat.cpus[0].ticks[0] == 2)
        #expect(idle("cpu0 3 0 0 1010 51 0 0 0 0 0\n") == 1010)
        #expect(idle("cpu0 0 0 0 20 0 0 0 0 0 0\n") == 20)
        #expect(stat.cpus[0].ticks[0] == 0)
        // Another CPU in its place begins anew.
        #expect(idle("cpu1 0 0 0 5 0 0 0 0 0 0\n") == 5)
        #expect(stat.cpus.count == 1)
    }

    @Test(arguments: [
        ("sda", false), ("sda1", true), ("vdb", false), ("vda15", true), ("xvda1", true), ("hda", false), ("nvme0n1", false), ("nvme0n1p1", true),
        ("nvme10n12p3", true), ("loop0", true), ("ram15", true), ("zram0", true), ("fd0", true), ("dm-0", false), ("md0", false), ("sr0", false),
        ("mmcblk0p1", false), ("sdaa", false), ("sdaa1", false), ("", false), ("1", false),
    ])
    func `disks that are left out`(name: String, isOut: Bool) { #expect(NodeOptions.isDiskExcludedByDefault(name) == isOut) }

    @Test(arguments: [
        ("/", false), ("/dev", true), ("/dev/shm", true), ("/device", false), ("/proc", true), ("/sys/fs", true), ("/run", false),
        ("/var/lib/docker/overlay2/x", true), ("/var/lib/docker/", false), ("/var/lib/docker", false), ("/mnt/data", false),
        ("/var/lib/kubelet/pods/u/volumes/x", true),
    ])
    func `mount points that are left out`(point: String, isOut: Bool) { #expect(NodeOptions.isMountPointExcludedByDefault(point) == isOut) }

    @Test(arguments: [
        ("temp1_crit_alarm", "temp", "1", "crit_alarm"), ("pwm1", "pwm", "1", ""), ("vrm", "vrm", "0", ""), ("beep_enable", "beep_enable", "0", ""),
        ("cpu0_vid", "cpu", "0", "vid"), ("in12_input", "in", "12", "input"),
    ])
    func `a sensor's file in parts`(name: String, kind: String, number: String, property: String) throws {
        let file = try #require(SensorFile(name))
        #expect(file.kind == kind && file.number == number && file.property == property)
    }

    @Test(arguments: [("22.04.1", 22.04), ("12", 12), ("", nil), ("rolling", nil)] as [(String, Double?)])
    func `a distribution's version`(text: String, value: Double?) { #expect(OSSource.version(text) == value) }

    @Test func `os-release with quotes, escapes and comments`() {
        let fields = OSSource.parse("# NAME=no\nNAME=\"a \\\"b\\\" \\$\"\nID=x\nV='1 2'\nEMPTY=\nbroken\n")
        #expect(fields == ["NAME": "a \"b\" $", "ID": "x", "V": "1 2", "EMPTY": ""])
    }

    @Test func `text files: labels, escapes, kinds, histograms`() throws {
        let all = try #require(
            TextExposition.parse(
                """
                # A comment.
                # HELP x_total Things \\\\ seen.
                # TYPE x_total counter
                x_total{a="1\\n\\"\\\\",b="",} 3
                x_total 4.5
                # TYPE h histogram
                h_bucket{le="+Inf"} 2
                h_sum 1e3
                h_count 2
                no_type -Inf
                """))
        #expect(all.map { "\($0.0.family.name)\($0.0.suffix)" } == ["x_total", "x_total", "h_bucket", "h_sum", "h_count", "no_type"])
        #expect(all[0].0.labels.map(\.value) == ["1\n\"\\", ""])
        #expect(all[0].0.family.kind == .counter && all[0].0.family.head.help == "Things \\ seen.")
        #expect(all[3].1.double == 1000 && all[5].1.double == -.infinity)
        #expect(all[5].0.family.kind == .untyped)
    }

    @Test(arguments: [
        "x 1 1700000000000", "x{a=\"1\" 1", "x{a=1} 1", "x one", "x", "1x 2", "x{a=\"1\",a=\"2\"} 1", "x 1\nx 2", "# TYPE x rate\nx 1", "node_load1 3",
        "node_cpu_seconds_total{cpu=\"0\"} 1", "x{a=\"unfinished",
    ])
    func `text files that are refused whole`(text: String) { #expect(TextExposition.parse(text) == nil) }

    @Test func `text files are read again when they change, and a bad one is said`() throws {
        let directory = TemporaryDirectory("textfile")
        let files = HostFileSystem()
        try files.write(directory.file("a.prom"), Array("a 1\n".utf8))
        try files.write(directory.file("b.prom"), Array("not metrics\n".utf8))
        try files.write(directory.file("c.txt"), Array("c 1\n".utf8))
        var options = NodeOptions()
        options.textFileDirectory = directory.path
        let reader = NodeReader(root: directory.path, options: options)
        let first = reader.sample().metrics
        #expect(first.value("a") == 1 && first.value("c") == nil)
        #expect(first.value("node_textfile_scrape_error") == 1)
        #expect((first.value("node_textfile_mtime_seconds", ["file": directory.file("a.prom")]) ?? 0) > 1e9)
        try files.replace(directory.file("a.prom"), Array("a 22\n".utf8), mode: 0o644)
        try files.remove(directory.file("b.prom"))
        var last = first
        for _ in 0..<5 { last = reader.sample().metrics }
        #expect(last.value("a") == 22)
        #expect(last.value("node_textfile_scrape_error") == 0)
    }

    @Test(arguments: [
        ("Tcp", "RetransSegs", true), ("Tcp", "MaxConn", false), ("TcpExt", "ListenDrops", true), ("TcpExt", "TW", false), ("Udp6", "NoPorts", true),
        ("UdpLite", "InErrors", true), ("Icmp", "InErrors", true), ("Icmp", "InCsumErrors", false), ("Ip", "Forwarding", true),
    ])
    func `fields of netstat that are shown`(proto: String, name: String, isShown: Bool) { #expect(NetworkStatSource.isShown(proto, name) == isShown) }
}
