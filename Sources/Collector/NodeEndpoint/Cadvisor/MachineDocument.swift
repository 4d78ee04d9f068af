import JSON
import NodeStats
import Telemetry

/// cAdvisor's `MachineInfo` (contracts/metrics.md 2.3): `/spec/`, `machine`, and the machine's part of `attributes`.
enum MachineDocument {
    static func document(of snapshot: NodeSnapshot) -> JSON {
        let machine = snapshot.machine
        return Document.object(
            [
                ("timestamp", .string(CivilTime(snapshot.timestamp).rfc3339(fractionDigits: 9))), ("vendor_id", .string(machine.vendorID)),
                ("num_cores", JSON(machine.cores)), ("num_physical_cores", JSON(machine.physicalCores)), ("num_sockets", JSON(machine.sockets)),
                ("cpu_frequency_khz", Document.count(machine.cpuFrequencyKHz)), ("memory_capacity", Document.count(machine.memoryBytes)),
                ("swap_capacity", Document.count(machine.swapBytes)), ("memory_by_type", memoryByType(machine)),
                // No kernel interface tells of persistent memory without its vendor's library, which cAdvisor links.
                // The blank in the second name is on the wire.
                ("nvm", ["memory_mode_capacity": 0, "app direct_mode_capacity": 0, "avg_power_budget": 0]), ("hugepages", hugePages(machine.hugePages)),
                ("machine_id", .string(machine.machineID)), ("system_uuid", .string(machine.systemUUID)), ("boot_id", .string(machine.bootID)),
            ] + devices(snapshot) + cloud(machine) + [("instance_id", .string(machine.cloud.id))])
    }

    /// Version 2's `Attributes`: versions, and what of the machine does not change.
    static func attributes(of snapshot: NodeSnapshot, version: String) -> JSON {
        let machine = snapshot.machine
        return Document.object(
            [
                ("kernel_version", .string(machine.kernelVersion)), ("container_os_version", .string(machine.osImage)), ("docker_version", ""),
                ("cadvisor_version", .string(version)), ("num_cores", JSON(machine.cores)),
                ("cpu_frequency_khz", Document.count(machine.cpuFrequencyKHz)), ("memory_capacity", Document.count(machine.memoryBytes)),
                ("machine_id", .string(machine.machineID)), ("system_uuid", .string(machine.systemUUID)),
            ] + devices(snapshot) + cloud(machine))
    }

    private static func cloud(_ machine: MachineInfo) -> [(String, JSON)] {
        [("cloud_provider", .string(machine.cloud.provider)), ("instance_type", .string(machine.cloud.type))]
    }

    private static func memoryByType(_ machine: MachineInfo) -> JSON {
        .object(
            JSONObject(
                machine.memoryByType.sorted { $0.key < $1.key }.map { type, modules in
                    (type, ["capacity": Document.count(modules.capacityBytes), "dimm_count": JSON(modules.count)])
                }))
    }

    /// Sizes in kilobytes, as the kernel names them.
    private static func hugePages(_ pages: [MachineInfo.HugePages]) -> JSON {
        .array(pages.map { ["page_size": Document.count($0.pageSize), "num_pages": Document.count($0.count)] })
    }

    private static func devices(_ snapshot: NodeSnapshot) -> [(String, JSON)] {
        let machine = snapshot.machine
        return [
            (
                "filesystems",
                .array(
                    snapshot.fileSystemsByDevice.map {
                        [
                            "device": .string($0.device), "capacity": Document.count($0.size), "type": "vfs", "inodes": Document.count($0.files),
                            "has_inodes": .bool($0.files > 0),
                        ]
                    })
            ),
            (
                "disk_map",
                .object(
                    JSONObject(
                        machine.disks.map { disk in
                            (
                                "\(disk.major):\(disk.minor)",
                                [
                                    "name": .string(disk.name), "major": Document.count(disk.major), "minor": Document.count(disk.minor),
                                    "size": Document.count(disk.size), "scheduler": .string(disk.scheduler),
                                ]
                            )
                        }))
            ),
            (
                "network_devices",
                .array(
                    machine.networkDevices.map {
                        ["name": .string($0.name), "mac_address": .string($0.macAddress), "speed": .integer($0.speed), "mtu": .integer($0.mtu)]
                    })
            ), ("topology", .array(machine.topology.map { node($0) })),
        ]
    }

    private static func node(_ node: NUMANode) -> JSON {
        func caches(_ caches: [NUMANode.Cache]) -> JSON {
            .array(caches.map { ["id": JSON($0.id), "size": Document.count($0.size), "type": .string($0.type), "level": JSON($0.level)] })
        }
        let cores = node.cores.map { core -> JSON in
            [
                "core_id": JSON(core.id), "thread_ids": .array(core.threads.map { JSON($0) }), "caches": caches(core.caches),
                "uncore_caches": caches(core.uncoreCaches), "socket_id": JSON(core.socket),
            ]
        }
        return [
            "node_id": JSON(node.id), "memory": Document.count(node.memory), "hugepages": hugePages(node.hugePages), "cores": .array(cores),
            "caches": caches(node.caches), "distances": .array(node.distances.map { Document.count($0) }),
        ]
    }

    /// Version 2's `storage`: the file systems with how full they are.
    static func storage(_ snapshot: NodeSnapshot, label: String?) -> [JSON] {
        snapshot.fileSystemsByDevice.compactMap { system in
            var labels: [String] = []
            // What holds our own data is the root of all that we measure; images lie beside it.
            if system.mountPoint == "/" || system.device == snapshot.rootFileSystem?.device { labels.append("root") }
            if let label, !labels.contains(label) { return nil }
            return [
                "timestamp": .string(CivilTime(snapshot.timestamp).rfc3339(fractionDigits: 9)), "device": .string(system.device),
                "mountpoint": .string(system.mountPoint), "capacity": Document.count(system.size), "available": Document.count(system.available),
                "usage": Document.count(system.used), "labels": .array(labels.map { .string($0) }), "inodes": Document.count(system.files),
                "inodes_free": Document.count(system.filesFree),
            ]
        }
    }
}

extension NodeSnapshot {
    /// Each device once, by the first of its mounts: a bind mount is no more room.
    var fileSystemsByDevice: [FileSystemUsage] {
        var seen: Set<String> = []
        return node.fileSystems.filter { seen.insert($0.device).inserted }
    }
}
