import Runtime
import Telemetry
import TestKit
import Testing

@testable import NodeStats

/// Whole readings of recorded machines: what each file says must come out under its name.
@Suite struct RecordedCgroupTests {
    @Test func `a hybrid machine, recorded from this kernel`() async throws {
        let fixture = try CgroupFixture("hybrid")
        let collector = fixture.collector()
        #expect(collector.mounts.description == "hybrid")
        let rows = await collector.snapshot().rows
        let one = try #require(rows.first { $0.reference.cgroupPath == "/one" })
        #expect(one.sample.cpuUsageByCPU.count == 2)
        #expect(one.sample.cpuUsage == one.sample.cpuUsageByCPU.reduce(0, +))
        #expect(one.limits.quota == 20_000 && one.limits.period == 100_000 && one.limits.shares == 102)
        #expect(one.limits.memory == 67_108_864 && one.limits.threads == 64)
        #expect((one.sample.throttledPeriods ?? 0) > 10 && (one.sample.throttledTime ?? 0) > 100_000_000)
        #expect((one.sample.memoryCache ?? 0) >= 8 << 20, "the file of 8 MiB that it wrote")
        #expect((one.sample.cpuPressure?.some.total ?? 0) > 0)
        #expect(one.sample.numa.map(\.node) == [0])
        #expect((one.sample.memoryUnreclaimable ?? 0) < one.sample.memoryUsage ?? 0)
        let two = try #require(rows.first { $0.reference.cgroupPath == "/two" })
        #expect(two.sample.oomKills == 1 && two.limits.memory == 16_777_216 && (two.sample.memoryFailures ?? 0) > 0)
        #expect(two.limits.quota == nil && two.sample.periods == nil, "without a quota there is no throttling to read")
        #expect((two.sample.memoryPeak ?? 0) == 16_777_216)
        #expect(rows.first?.reference.cgroupPath == "/")
    }

    @Test func `a v2 machine, written from the kernel's documentation`() async throws {
        let fixture = try CgroupFixture("v2")
        let collector = fixture.collector()
        #expect(collector.mounts.description == "v2")
        let rows = await collector.snapshot().rows
        let one = try #require(rows.first { $0.reference.cgroupPath == "/one" })
        let sample = one.sample
        #expect(sample.cpuUsage == 5_123_456_000 && sample.cpuUser == 4_000_000_000 && sample.cpuSystem == 1_123_456_000)
        #expect(sample.periods == 100 && sample.throttledPeriods == 40 && sample.throttledTime == 1_500_000_000)
        #expect(sample.burstPeriods == 2 && sample.burstTime == 7_000_000)
        #expect(sample.cpuUsageByCPU.isEmpty)
        #expect(sample.memoryUsage == 52_428_800 && sample.memoryPeak == 60_000_000 && sample.memorySwap == 4_096 && sample.memoryKernel == 1_000_000)
        #expect(sample.workingSet == 52_428_800 - 8_388_608)
        #expect(sample.memoryFailures == 5 && sample.maxEvents == 5 && sample.highEvents == 3 && sample.oomKills == 2)
        #expect(sample.pageFaults == 1_000 && sample.ownPageFaults == 1_000 && sample.refaultsFile == 11 && sample.pagesScanned == 12)
        #expect(sample.memoryUnreclaimable == 20_971_520 + 8_192 + 4_096 + 500_000 + 12_288)
        let disk = try #require(sample.devices.first)
        #expect(disk.major == 8 && disk.readBytes == 1_000 && disk.discardBytes == 5 && disk.costUsage == 77 && sample.devices.count == 2)
        #expect(sample.ioPressure?.full.total == 22 && sample.irqPressure?.full.total == 9)
        #expect(sample.hugePages.map(\.size) == ["2MB"] && sample.hugePages[0].usage == 4_194_304 && sample.hugePages[0].failures == 6)
        #expect(sample.numa.map(\.hierarchyAnonymous) == [5_000, 120])
        #expect(sample.resctrl.first?.cacheOccupancy == 311_296 && sample.resctrl.first?.bandwidthLocal == 900)
        #expect(one.limits.quota == 20_000 && one.limits.memory == 67_108_864 && one.limits.swap == nil && one.limits.shares == 2 + 78 * 262_142 / 9_999)
        #expect(one.limits.memoryReservation == 1_048_576 && one.limits.cpuMask == "0-1")
        // A v2 root has neither memory.current nor pressure files: those come from /proc.
        let root = try #require(rows.first)
        #expect(root.sample.memoryUsage == (2_000_000 - 500_000) * 1024 && root.sample.cpuPressure?.some.total == 1_234)
    }

    /// Debian 12's kernel 6.1, run under qemu: scripts/record-cgroups-v2.
    @Test func `a v2 machine, recorded from a real kernel`() async throws {
        let fixture = try CgroupFixture("v2-linux61")
        let collector = fixture.collector()
        #expect(collector.mounts.description == "v2")
        let rows = await collector.snapshot().rows
        #expect(rows.map(\.reference.cgroupPath) == ["/", "/four", "/four/five", "/one", "/three", "/two"])
        let one = try #require(rows.first { $0.reference.cgroupPath == "/one" })
        let sample = one.sample
        #expect(one.limits.quota == 20_000 && one.limits.period == 100_000 && one.limits.shares == 2 + 78 * 262_142 / 9_999)
        #expect(one.limits.memory == 64 << 20 && one.limits.memoryReservation == 1 << 20 && one.limits.threads == 64 && one.limits.cpuMask == "0-1")
        // Both are rounded down to microseconds.
        let parts = (sample.cpuUser ?? 0) + (sample.cpuSystem ?? 0)
        #expect((parts...parts + 1_000).contains(sample.cpuUsage ?? 0))
        // Two loops under a quota of a fifth of a core were throttled in nearly every period, and waited most of the time.
        #expect((sample.throttledPeriods ?? 0) > 100 && (sample.throttledPeriods ?? 0) <= sample.periods ?? 0)
        #expect((sample.throttledTime ?? 0) > 10_000_000_000 && (sample.burstPeriods ?? 0) > 0 && (sample.burstTime ?? 0) > 0)
        #expect((sample.cpuPressure?.some.total ?? 0) > 10_000_000 && (sample.cpuPressure?.full.average60 ?? 0) > 1)
        // A file of 32 MiB was read and written, beyond memory.high.
        let disk = try #require(sample.devices.first)
        #expect((disk.readBytes ?? 0) >= 32 << 20 && (disk.writeBytes ?? 0) >= 32 << 20 && (disk.costUsage ?? 0) > 0 && sample.devices.count == 1)
        #expect((sample.highEvents ?? 0) > 0 && (sample.memoryPeak ?? 0) >= sample.memoryUsage ?? 0)
        #expect((sample.memoryCache ?? 0) > 40 << 20 && (sample.fileDirty ?? 0) > 0 && (sample.pagesScanned ?? 0) >= (sample.pagesStolen ?? 0))
        #expect((sample.workingSet ?? 0) < 8 << 20, "nearly all is page cache that was not used twice")
        #expect(sample.numa.map(\.node) == [0] && sample.hugePages.first { $0.size == "2MB" }?.usage == 0)
        let two = try #require(rows.first { $0.reference.cgroupPath == "/two" })
        #expect(two.sample.oomKills == 1 && (two.sample.maxEvents ?? 0) > 1 && two.limits.memory == 16 << 20 && two.limits.swap == 0)
        // What a cgroup below has used is its parent's too.
        let (four, five) = (rows[1].sample, rows[2].sample)
        #expect((four.cpuUsage ?? 0) >= five.cpuUsage ?? 1 && four.writeBytes == five.writeBytes && (five.writeBytes ?? 0) >= 1 << 20)
        #expect(four.processes == 0 && five.processes == 1 && four.threads == 1)
        let root = rows[0].sample
        #expect((root.memoryUsage ?? 0) > 0 && (root.writeBytes ?? 0) > disk.writeBytes ?? 0, "of the root too: io.stat of the whole machine")
    }

    @Test func `v1 alone, with a scheduler that counts`() async throws {
        let fixture = try CgroupFixture("v1")
        let collector = fixture.collector()
        #expect(collector.mounts.description == "v1")
        let one = try #require(await collector.snapshot().rows.first { $0.reference.cgroupPath == "/one" })
        let disk = try #require(one.sample.devices.first)
        #expect(disk.readBytes == 4_096 && disk.writes == 7 && disk.syncBytes == 1_024)
        #expect(disk.queued.first { $0.name == "Total" }?.value == 3 && disk.serviceTime.first?.value == 5_000 && disk.sectors == 99)
        #expect(disk.ioTime == 40_000_000)
        #expect(one.sample.hugePages.first?.peak == 2_097_152)
        #expect(one.sample.memoryMigrate == 1 && one.sample.cpuPressure == nil)
    }

    /// Linux from 6.10 on counts nothing in blkio.throttle before a limit was set; BFQ counts for itself.
    @Test func `v1 where throttling counts nothing`() async throws {
        let fixture = try CgroupFixture("v1")
        for file in ["io_service_bytes_recursive", "io_serviced_recursive"] {
            try fixture.write("/sys/fs/cgroup/blkio/one/blkio.throttle.\(file)", "Total 0\n")
            try fixture.write("/sys/fs/cgroup/blkio/one/blkio.bfq.\(file)", "8:0 Read \(file.utf8.count)\n8:0 Write 2\nTotal 3\n")
        }
        let one = try #require(await fixture.collector().snapshot().rows.first { $0.reference.cgroupPath == "/one" })
        let disk = try #require(one.sample.devices.first)
        #expect(disk.readBytes == 26 && disk.reads == 21 && disk.writeBytes == 2)
    }

    /// Each file in turn empty, cut, nonsense, too large a number, gone, and in the way of a directory: the reading goes on
    /// without that file, and what can be counted is.
    @Test(arguments: ["hybrid", "v2", "v1"])
    func `no file can spoil the others`(name: String) async throws {
        let fixture = try CgroupFixture(name)
        let whole = try #require(await fixture.collector().snapshot().rows.first { $0.reference.cgroupPath == "/one" })
        let layout = CgroupLayout(mounts: fixture.collector().mounts, root: fixture.directory.path, hugePageSizes: ["2MB"])
        for file in CgroupFile.allCases {
            guard let path = layout.path(of: file, in: "/one"), let text = try? HostFileSystem().read(path) else { continue }
            let short = String(path.dropFirst(fixture.directory.path.count))
            for bad in ["", String(decoding: text.dropLast(), as: UTF8.self), "\u{0}\u{FF}=;\n", "9 99999999999999999999999999\n"] {
                try fixture.write(short, bad)
                let row = await fixture.collector().snapshot().rows.first { $0.reference.cgroupPath == "/one" }
                #expect(row != nil, "\(file): \(bad.prefix(20))")
                if file != .memoryUsage, file != .memoryStat { #expect(row?.sample.memoryUsage == whole.sample.memoryUsage) }
            }
            try fixture.remove(short)
            #expect(await fixture.collector().snapshot().rows.contains { $0.reference.cgroupPath == "/one" }, "\(file) gone")
            try HostFileSystem().makeDirectory(path, mode: 0o755)
            #expect(await fixture.collector().snapshot().rows.contains { $0.reference.cgroupPath == "/one" }, "\(file) a directory")
            try fixture.remove(short)
            try fixture.write(short, String(decoding: text, as: UTF8.self))
        }
        for reason in ["empty", "truncated", "overflow"] {
            #expect((fixture.metric("binnacle_collector_skipped_total", ["reason": reason]) ?? 0) > 0, "\(reason)")
        }
    }

    @Test func `a cgroup that goes is told of once, and its history with it`() async throws {
        let fixture = try CgroupFixture("v2")
        let collector = fixture.collector()
        _ = await collector.snapshot()
        try fixture.remove("/sys/fs/cgroup/one")
        fixture.clock.advance(by: .seconds(1))
        let rows = await collector.snapshot(maximumAge: .zero).rows
        #expect(!rows.contains { $0.reference.cgroupPath == "/one" } || rows.isEmpty == false)
        // An open descriptor of a plain file outlives its directory; a cgroup's does not. So the tree must say it.
        #expect(await collector.history(of: "/nowhere", from: nil, through: nil, limit: 10).isEmpty)
    }

    @Test func `more cgroups than the bound are counted, not read`() async throws {
        let fixture = try CgroupFixture("v2")
        for number in 0..<30 { try fixture.write("/sys/fs/cgroup/many/c\(number)/cpu.stat", "usage_usec \(number)\n") }
        let rows = await fixture.collector { $0.cgroupLimit = 10 }.snapshot().rows
        #expect(rows.count <= 10)
        #expect((fixture.metric("binnacle_collector_skipped_total", ["reason": "too_many"]) ?? 0) >= 20)
    }

    @Test func `with few descriptors files are opened anew, and say the same`() async throws {
        let fixture = try CgroupFixture("hybrid")
        let plenty = await fixture.collector().snapshot().rows.map(\.sample.memoryUsage)
        let collector = fixture.collector { $0.descriptorLimit = 3 }
        _ = await collector.snapshot()
        fixture.clock.advance(by: .seconds(1))
        #expect(await collector.snapshot(maximumAge: .zero).rows.map(\.sample.memoryUsage) == plenty)
        #expect((fixture.metric("binnacle_collector_descriptors") ?? 99) <= 3)
    }
}
