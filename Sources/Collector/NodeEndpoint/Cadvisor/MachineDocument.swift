import JSON
import NodeStats
import Telemetry

/// cAdvisor's `MachineInfo` (contracts/metrics.md 2.3): `/spec/`, `machine`, and the machine's part of `attributes`.
enum MachineDocument {
    static func document(of snapshot: NodeSnapshot) -> JSON {
        let machine = snapshot.machine
        return Document.object(
            [
                ("timestamp", .string(CivilTime(snapshot.timestamp).rfc3339(fractionDigits: 9))), ("num_cores", JSON(machine.cores)),
                ("memory_capacity", Document.count(machine.memoryBytes)), ("swap_capacity", Document.count(machine.swapBytes)),
                ("machine_id", .string(machine.machineID)), ("system_uuid", .string(machine.systemUUID)), ("boot_id", .string(machine.bootID)),
            ] + devices(snapshot) + [("cloud_provider", "Unknown"), ("instance_type", "Unknown"), ("instance_id", "None")])
    }

    /// Version 2's `Attributes`: versions, and what of the machine does not change.
    static func attributes(of snapshot: NodeSnapshot, version: String) -> JSON {
        let machine = snapshot.machine
        return Document.object(
            [
                ("kernel_version", .string(machine.kernelVersion)), ("container_os_version", .string(machine.osImage)), ("docker_version", ""),
                ("cadvisor_version", .string(version)), ("num_cores", JSON(machine.cores)), ("memory_capacity", Document.count(machine.memoryBytes)),
                ("machine_id", .string(machine.machineID)), ("system_uuid", .string(machine.systemUUID)),
            ] + devices(snapshot) + [("cloud_provider", "Unknown"), ("instance_type", "Unknown")])
    }

    private static func devices(_ snapshot: NodeSnapshot) -> [(String, JSON)] {
        [
            (
                "filesystems",
                .array(
                    snapshot.node.fileSystems.map {
                        [
                            "device": .string($0.device), "capacity": Document.count($0.size), "type": "vfs", "inodes": Document.count($0.files),
                            "has_inodes": .bool($0.files > 0),
                        ]
                    })
            ),
            ("network_devices", .array(snapshot.node.network.map { ["name": .string($0.interface)] })),
        ]
    }

    /// Version 2's `storage`: the file systems with how full they are.
    static func storage(_ snapshot: NodeSnapshot, label: String?) -> [JSON] {
        snapshot.node.fileSystems.compactMap { system in
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
