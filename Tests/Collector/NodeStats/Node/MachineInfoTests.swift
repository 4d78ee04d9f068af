import Runtime
import Testing
import TestKit

@testable import NodeStats

@Suite struct MachineInfoTests {
    @Test func `a server with two sockets and two NUMA nodes`() throws {
        let tree = try RecordedTree("server")
        let machine = MachineInfo(fileSystem: HostFileSystem(), root: tree.root)
        #expect(machine.cores == 8 && machine.physicalCores == 4 && machine.sockets == 2 && machine.books == 0)
        #expect(machine.vendorID == "GenuineIntel" && machine.cpuFrequencyKHz == 3_700_000)
        #expect(machine.memoryBytes == 65_795_000 * 1024 && machine.swapBytes == 8_388_604 * 1024)
        #expect(machine.hugePages == [.init(pageSize: 2048, count: 513), .init(pageSize: 1_048_576, count: 1)])
        #expect(machine.memoryByType["Unbuffered-DDR4"] == .init(capacityBytes: 64 << 30, count: 2))
        #expect(machine.machineID == "0123456789abcdef0123456789abcdef")
        #expect(machine.systemUUID == "83340ca8-cb49-4474-8c29-d2088ca84dd9")
        #expect(machine.osImage == "Debian GNU/Linux 12 (bookworm)" && machine.bootTime == 1_700_000_000)
        #expect(machine.disks.map(\.name) == ["dm-0", "nvme0n1", "sda"])
        #expect(machine.disks[2] == .init(name: "sda", major: 8, minor: 0, size: 7_814_037_168 * 512, scheduler: "mq-deadline"))
        #expect(machine.networkDevices.map(\.name) == ["bond0", "eth0", "eth1"])
        #expect(machine.networkDevices[2].speed == 0 && machine.networkDevices[1].mtu == 1500)
        #expect(machine.cloud.provider == "Unknown")

        let node = try #require(machine.topology.last)
        #expect(machine.topology.count == 2 && node.id == 1 && node.distances == [21, 10])
        #expect(node.memory == 32_891_000 * 1024 && node.hugePages[0].count == 257)
        #expect(node.cores.map(\.threads) == [[4, 6], [5, 7]] && node.cores.map(\.socket) == [1, 1])
        #expect(node.caches.map(\.size) == [22_528 << 10])
        #expect(node.cores[0].caches.map(\.size) == [32 << 10, 32 << 10, 1 << 20] && node.cores[0].uncoreCaches.isEmpty)
    }

    @Test func `a cache that some cores of a node share is of each of them`() throws {
        let tree = try RecordedTree("server")
        // Chiplets: each core of node 0 has its own third level.
        for cpu in 0..<4 { try tree.write("/sys/devices/system/cpu/cpu\(cpu)/cache/index3/shared_cpu_list", "\(cpu % 2),\(cpu % 2 + 2)\n") }
        let node = MachineInfo(fileSystem: HostFileSystem(), root: tree.root).topology[0]
        #expect(node.caches.isEmpty && node.cores[0].caches.map(\.level) == [1, 1, 2, 3])
    }

    @Test func `a machine without NUMA is one node`() throws {
        let tree = try RecordedTree("virtual-machine")
        try tree.remove("/sys/devices/system/node")
        let machine = MachineInfo(fileSystem: HostFileSystem(), root: tree.root)
        #expect(machine.cores == 2 && machine.topology.count == 1)
        #expect(machine.topology[0].memory == machine.memoryBytes && machine.topology[0].distances == [10])
        #expect(machine.topology[0].cores.flatMap(\.threads) == [0, 1])
        #expect(machine.machineID == "00000000000000000000000000000000")
    }

    @Test func `a CPU that was taken out is not counted`() throws {
        let tree = try RecordedTree("server")
        try tree.write("/sys/devices/system/cpu/cpu7/online", "0\n")
        try tree.write("/proc/stat", "cpu0 1 2 3 4\nbtime 5\n")
        #expect(MachineInfo(fileSystem: HostFileSystem(), root: tree.root).cores == 7)
    }

    @Test(arguments: [
        (["sys_vendor": "Amazon EC2", "product_name": "m5.large", "board_asset_tag": "i-0abc"], "AWS", "m5.large", "i-0abc"),
        (["sys_vendor": "Google", "product_name": "Google Compute Engine"], "GCE", "Unknown", "None"),
        (
            [
                "sys_vendor": "Microsoft Corporation", "chassis_asset_tag": "7783-7084-3265-9085-8269-3286-77", "product_uuid": "u-1",
            ], "Azure", "Unknown", "u-1"
        ),
        (["sys_vendor": "Microsoft Corporation", "chassis_asset_tag": ""], "Unknown", "Unknown", "None"),
    ])
    func `clouds by their firmware`(fields: [String: String], provider: String, type: String, id: String) throws {
        let directory = TemporaryDirectory("dmi")
        try HostFileSystem().makeDirectory(directory.file("sys/class/dmi/id"), mode: 0o755)
        for (name, text) in fields { try HostFileSystem().write(directory.file("sys/class/dmi/id/\(name)"), Array("\(text)\n".utf8)) }
        let cloud = MachineInfo(fileSystem: HostFileSystem(), root: directory.path).cloud
        #expect(cloud.provider == provider && cloud.type == type && cloud.id == id)
    }

    @Test(arguments: [("0-3,8", [0, 1, 2, 3, 8]), ("5", [5]), ("", []), ("3-1", []), ("0-99999999999", []), ("x", [])])
    func `lists of CPUs`(text: String, numbers: [Int]) { #expect(CPUList.parse(text) == numbers) }
}
