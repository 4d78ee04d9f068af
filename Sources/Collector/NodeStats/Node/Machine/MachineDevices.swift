extension MachineInfo.HugePages {
    /// `hugepages-2048kB/nr_hugepages` below `directory`, by size.
    static func all(_ files: MachineFiles, _ directory: String) -> [MachineInfo.HugePages] {
        files.list(directory).compactMap { name in
            guard name.hasPrefix("hugepages-"), name.hasSuffix("kB"), let size = UInt64(name.dropFirst(10).dropLast(2)) else { return nil }
            return MachineInfo.HugePages(pageSize: size, count: files.number("\(directory)/\(name)/nr_hugepages") ?? 0)
        }.sorted { $0.pageSize < $1.pageSize }
    }
}

extension MachineInfo.MemoryModules {
    /// What the memory controllers' drivers (EDAC) tell, sizes in mebibytes.
    static func all(_ files: MachineFiles) -> [String: MachineInfo.MemoryModules] {
        var modules: [String: MachineInfo.MemoryModules] = [:]
        let parent = "/sys/devices/system/edac/mc"
        for controller in files.list(parent) where controller.hasPrefix("mc") {
            for module in files.list("\(parent)/\(controller)") where module.hasPrefix("dimm") {
                let directory = "\(parent)/\(controller)/\(module)"
                guard let size = files.number("\(directory)/size") else { continue }
                let type = files.line("\(directory)/dimm_mem_type")
                var known = modules[type] ?? MachineInfo.MemoryModules(capacityBytes: 0, count: 0)
                known.capacityBytes += size << 20
                known.count += 1
                modules[type] = known
            }
        }
        return modules
    }
}

extension MachineInfo.BlockDevice {
    /// Whole devices but loops, RAM disks and CD drives.
    static func all(_ files: MachineFiles) -> [MachineInfo.BlockDevice] {
        files.list("/sys/block").compactMap { name in
            guard !["loop", "ram", "sr"].contains(where: { name.hasPrefix($0) }) else { return nil }
            let numbers = files.line("/sys/block/\(name)/dev").split(separator: ":").compactMap { UInt64($0) }
            guard numbers.count == 2, let sectors = files.number("/sys/block/\(name)/size") else { return nil }
            // "mq-deadline kyber [bfq] none": the one in brackets is used.
            let schedulers = files.line("/sys/block/\(name)/queue/scheduler").split(separator: " ")
            let chosen = schedulers.first { $0.hasPrefix("[") }.map { String($0.dropFirst().dropLast()) }
            return MachineInfo.BlockDevice(
                name: name, major: numbers[0], minor: numbers[1], size: sectors &* 512, scheduler: chosen ?? schedulers.first.map(String.init) ?? "none")
        }
    }
}

extension MachineInfo.NetworkDevice {
    /// But the loopback and containers' links, as cAdvisor has it.
    static func all(_ files: MachineFiles) -> [MachineInfo.NetworkDevice] {
        files.list("/sys/class/net").compactMap { name in
            guard !["lo", "veth", "docker", "nerdctl", "bn-"].contains(where: { name.hasPrefix($0) }) else { return nil }
            let directory = "/sys/class/net/\(name)"
            guard let mtu = Int64(files.line("\(directory)/mtu")) else { return nil }
            return MachineInfo.NetworkDevice(
                name: name, macAddress: files.line("\(directory)/address"), speed: max(0, Int64(files.line("\(directory)/speed")) ?? 0), mtu: mtu)
        }
    }
}

/// The cloud that the machine is rented from, as far as its firmware says so; nothing is asked over the network.
public struct CloudInstance: Hashable, Sendable {
    /// `AWS`, `Azure`, `GCE` or `Unknown`, cAdvisor's words.
    public var provider = "Unknown"
    /// `Unknown` where the firmware does not say.
    public var type = "Unknown"
    /// `None` where the firmware does not say.
    public var id = "None"

    init(_ files: MachineFiles) {
        func field(_ name: String) -> String { files.line("/sys/class/dmi/id/\(name)") }
        let vendor = field("sys_vendor")
        if vendor == "Amazon EC2" || field("bios_version").contains("amazon") || field("product_version").contains("amazon") {
            provider = "AWS"
            // Nitro machines have both in their firmware, Xen ones do not.
            let (name, tag) = (field("product_name"), field("board_asset_tag"))
            if vendor == "Amazon EC2", !name.isEmpty { type = name }
            if tag.hasPrefix("i-") { id = tag }
        } else if vendor == "Google" || field("product_name") == "Google Compute Engine" {
            provider = "GCE"
        } else if vendor == "Microsoft Corporation", field("chassis_asset_tag") == "7783-7084-3265-9085-8269-3286-77" {
            // The tag that Azure gives its machines, and Hyper-V elsewhere does not.
            provider = "Azure"
            let uuid = field("product_uuid")
            if !uuid.isEmpty { id = uuid }
        }
    }
}
