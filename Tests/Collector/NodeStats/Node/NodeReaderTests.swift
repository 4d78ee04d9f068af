import Exposition
import Glibc
import Runtime
import Testing
import TestKit

@testable import NodeStats

@Suite struct NodeReaderTests {
    private func reader(_ tree: RecordedTree, _ change: (inout NodeOptions) -> Void = { _ in }) -> NodeReader {
        var options = NodeOptions()
        change(&options)
        return NodeReader(root: tree.root, options: options)
    }

    @Test func `values of the recorded server`() throws {
        let tree = try RecordedTree("server")
        let sample = reader(tree) { $0.enabled = ["meminfo_numa"] }.sample()
        let metrics = sample.metrics
        #expect(metrics.value("node_cpu_seconds_total", ["cpu": "7", "mode": "user"]) == 10.07)
        #expect(metrics.value("node_cpu_guest_seconds_total", ["cpu": "0", "mode": "user"]) == 0.02)
        #expect(metrics.value("node_cpu_core_throttles_total", ["core": "1", "package": "1"]) == 6)
        #expect(metrics.value("node_memory_MemTotal_bytes") == 65_795_000 * 1024.0)
        #expect(metrics.value("node_memory_HugePages_Total") == 512)
        #expect(metrics.value("node_memory_numa_MemFree", ["node": "1"]) == 16_050_000 * 1024.0)
        #expect(metrics.value("node_vmstat_oom_kill") == 2)
        #expect(metrics.value("node_vmstat_thp_fault_alloc") == nil)
        #expect(metrics.value("node_disk_read_time_seconds_total", ["device": "nvme0n1"]) == 21.65)
        #expect(metrics.value("node_disk_flush_requests_total", ["device": "vdb"]) == nil)
        #expect(metrics.value("node_disk_discards_completed_total", ["device": "vdb"]) == 7)
        #expect(metrics.value("node_disk_reads_completed_total", ["device": "sda1"]) == nil)
        #expect(metrics.value("node_netstat_Tcp_CurrEstab") == 4)
        #expect(metrics.value("node_netstat_TcpExt_TW") == nil)
        #expect(metrics.value("node_netstat_Ip6_InOctets") == 460)
        #expect(metrics.value("node_sockstat_UDP_mem_bytes") == 2 * Double(sysconf(Int32(_SC_PAGESIZE))))
        #expect(metrics.value("node_softnet_processed_total", ["cpu": "3"]) == 0x93e)
        #expect(metrics.value("node_nf_conntrack_stat_found") == 6)
        #expect(metrics.value("node_udp_queues", ["ip": "v4", "queue": "tx"]) == 0x15)
        #expect(metrics.value("node_arp_entries", ["device": "eth0"]) == 2)
        #expect(metrics.value("node_network_speed_bytes", ["device": "eth1"]) == -125_000)
        #expect(metrics.value("node_network_up", ["device": "bond0"]) == 1)
        #expect(metrics.value("node_filesystem_readonly", ["device": "/dev/sda1", "fstype": "ext4", "mountpoint": "/boot dir"]) == 1)
        #expect(metrics.value("node_hwmon_temp_celsius", ["chip": "platform_coretemp_0", "sensor": "temp3"]) == -2.5)
        #expect(metrics.value("node_md_blocks_synced", ["device": "md1"]) == 1_432_576)
        #expect(metrics.value("node_md_state", ["device": "md3", "state": "resync"]) == 1)
        #expect(metrics.value("node_bonding_active", ["master": "bond0"]) == 1)
        #expect(metrics.value("node_nfsd_requests_total", ["method": "Write", "proto": "4"]) == 190)
        #expect(metrics.value("node_edac_csrow_correctable_errors_total", ["controller": "0", "csrow": "unknown"]) == 2)
        #expect(
            metrics.value("node_btrfs_allocation_ratio", ["block_group_type": "data", "mode": "raid5", "uuid": "0abb23a9-579b-43e6-ad30-227ef47fcb9d"]) == 1.5)
        // By name, for the summary.
        #expect(sample.memoryBytes("Active_anon_bytes") == 2_000_000 * 1024)
        #expect(sample.load == [2.5, 1.25, 0.75])
        #expect(sample.cpuSeconds.count == 8)
        #expect(sample.network.map(\.interface) == ["bond0", "eth0", "eth1"])
        #expect(sample.disks.first { $0.device == "sda" }?.writtenBytes == 505_697_032 * 512)
        #expect(sample.bootTime == 1_700_000_000)
    }

    @Test func `the layout is the same object until a device comes or goes`() throws {
        let tree = try RecordedTree("server")
        let reader = reader(tree)
        let first = reader.sample().metrics
        // Past every source that reads seldom.
        for _ in 0..<12 { #expect(reader.sample().metrics.layout === first.layout) }
        let device = try tree.text("/proc/diskstats") + "   8      16 sdb 1 0 8 1 0 0 0 0 0 1 1 0 0 0 0 0 0\n"
        try tree.write("/proc/diskstats", device)
        let second = reader.sample().metrics
        #expect(second.layout !== first.layout)
        #expect(second.value("node_disk_reads_completed_total", ["device": "sdb"]) == 1)
        #expect(second.value("node_load1") == 2.5)
        #expect(reader.sample().metrics.layout === second.layout)
        // Each value still belongs to its series after the shift.
        #expect(second.value("node_network_receive_bytes_total", ["device": "eth0"]) == 68_210_035_552)
        for (series, value) in zip(second.layout.series, second.values) where series.family.name == "node_md_disks_required" {
            #expect(value.double == second.value("node_md_disks_required", ["device": series.labels[0].value]))
        }
    }

    @Test func `collectors are chosen by name`() throws {
        let tree = try RecordedTree("server")
        func names(_ change: (inout NodeOptions) -> Void) -> Set<String> {
            let metrics = reader(tree, change).sample().metrics
            return Set(metrics.layout.series.filter { $0.family.name == "node_scrape_collector_success" }.map { $0.labels[0].value })
        }
        let byDefault = names { _ in }
        #expect(byDefault.contains("cpu") && !byDefault.contains("interrupts") && !byDefault.contains("textfile"))
        let chosen = names {
            $0.enabled = ["interrupts", "cpu"]
            $0.disabled = ["cpu", "hwmon"]
        }
        #expect(chosen.contains("interrupts") && chosen.contains("cpu") && !chosen.contains("hwmon"))
        var options = NodeOptions()
        options.enabled = ["cpu", "wifi"]
        options.disabled = ["drm"]
        #expect(options.unknownNames == ["drm", "wifi"])
    }

    @Test func `a source that fails shows nothing, says so, is counted, and comes back`() throws {
        let tree = try RecordedTree("server")
        let loads = try tree.text("/proc/loadavg")
        try tree.write("/proc/loadavg", "0.5 many\n")
        try tree.remove("/proc/vmstat")
        let registry = MetricRegistry()
        let reader = NodeReader(root: tree.root, metrics: registry)
        let broken = reader.sample().metrics
        #expect(broken.value("node_load1") == nil)
        #expect(broken.value("node_scrape_collector_success", ["collector": "loadavg"]) == 0)
        #expect(broken.value("node_scrape_collector_success", ["collector": "vmstat"]) == 0)
        #expect(broken.value("node_scrape_collector_success", ["collector": "cpu"]) == 1)
        #expect(broken.value("node_memory_MemFree_bytes") == 32_100_000 * 1024.0)
        let counted = registry.collect().first { $0.name == "binnacle_collector_node_skipped_total" }
        #expect(counted?.samples.first { $0.labels.contains { $0.value == "malformed" } }?.value == 1)
        #expect((counted?.samples.first { $0.labels.contains { $0.value == "absent" } }?.value ?? 0) >= 1)
        try tree.write("/proc/loadavg", loads)
        #expect(reader.sample().metrics.value("node_load1") == 2.5)
    }

    @Test func `no file, cut anywhere or full of rubbish, does harm`() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        var state = seed
        func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        let tree = try RecordedTree("server")
        for round in 0..<25 {
            for path in tree.files where next(6) == 0 {
                guard let whole = try? Array(tree.text(path).utf8), !whole.isEmpty else { continue }
                let kept = Array(whole[..<next(whole.count)])
                let rubbish = (0..<next(40)).map { _ in UInt8(next(256)) }
                let bytes = [kept, rubbish, kept + rubbish, Array("99999999999999999999999999 max -1 : [/] (\n".utf8)][next(4)]
                try HostFileSystem().write(tree.root + path, bytes)
            }
            let metrics = reader(tree) { $0.enabled = ["meminfo_numa", "interrupts", "buddyinfo", "ksmd", "tcpstat"] }.sample().metrics
            #expect(metrics.values.count == metrics.layout.series.count, "round \(round)")
            #expect(metrics.layout.groups.reduce(0) { $0 + $1.members.count } == metrics.values.count)
            _ = MachineInfo(fileSystem: HostFileSystem(), root: tree.root)
        }
    }

    @Test func `nothing is there at all`() {
        let directory = TemporaryDirectory("node")
        let metrics = NodeReader(root: directory.path).sample().metrics
        #expect(metrics.value("node_scrape_collector_success", ["collector": "cpu"]) == 0)
        #expect(metrics.value("node_scrape_collector_success", ["collector": "timex"]) == 1)
    }

    @Test func `this machine has what every Linux has`() {
        let reader = NodeReader()
        let first = reader.sample()
        let second = reader.sample().metrics
        #expect((second.value("node_memory_MemTotal_bytes") ?? 0) > 1e6)
        #expect((second.value("node_context_switches_total") ?? 0) >= Double(first.contextSwitches))
        for series in second.layout.series where series.family.name == "node_scrape_collector_success" && series.labels[0].value == "cpu" {
            #expect(second.value("node_scrape_collector_success", ["collector": "cpu"]) == 1)
        }
        // No two series are the same.
        let names = second.layout.series.map { "\($0.family.name)\($0.suffix)\($0.labels)" }
        #expect(Set(names).count == names.count)
    }
}
