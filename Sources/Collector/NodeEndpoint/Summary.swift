import JSON
import NodeStats
import Telemetry

/// What a summary says of the node as a whole. The root cgroup of v1 counts everything; where it cannot be read, /proc does.
enum SummaryNode {
    static func root(_ snapshot: NodeSnapshot) -> NodeSnapshot.Row? { snapshot.rows.first { $0.reference.cgroupPath == "/" } }

    /// Nanoseconds since boot.
    static func cpuUsage(_ snapshot: NodeSnapshot) -> UInt64? {
        if let usage = root(snapshot)?.sample.cpuUsage { return usage }
        guard !snapshot.node.cpuSeconds.isEmpty else { return nil }
        // All modes but idle and iowait.
        let seconds = snapshot.node.cpuSeconds.reduce(0.0) { sum, modes in
            sum + modes.enumerated().filter { $0.offset != 3 && $0.offset != 4 }.reduce(0) { $0 + $1.element }
        }
        return UInt64(seconds * 1e9)
    }

    /// MemTotal - MemFree as usage, less inactive page cache.
    static func usage(_ snapshot: NodeSnapshot) -> UInt64 {
        let total = snapshot.node.memoryBytes("MemTotal_bytes")
        return total - min(total, snapshot.node.memoryBytes("MemFree_bytes"))
    }

    static func workingSet(_ snapshot: NodeSnapshot) -> UInt64? {
        let usage = usage(snapshot)
        return usage == 0 ? nil : usage - min(usage, snapshot.node.memoryBytes("Inactive_file_bytes"))
    }
}

/// `/stats/summary`, whose tree is in contracts/metrics.md 1.6. Optional fields are left out, never null.
enum Summary {
    static func document(of snapshot: NodeSnapshot, onlyCPUAndMemory: Bool) -> JSON {
        let pods = snapshot.rows.filter { !$0.reference.pod.isEmpty && $0.reference.container.isEmpty }
        return [
            "node": node(snapshot, onlyCPUAndMemory),
            "pods": .array(
                pods.map { pod in
                    let containers = snapshot.rows.filter { $0.reference.podUID == pod.reference.podUID && !$0.reference.container.isEmpty }
                    return self.pod(pod, containers, snapshot, onlyCPUAndMemory)
                }),
        ]
    }

    private static func node(_ snapshot: NodeSnapshot, _ reduced: Bool) -> JSON {
        let time = text(snapshot.timestamp)
        let capacity = snapshot.machine.memoryBytes
        var node: JSON = ["nodeName": .string(snapshot.nodeName)]
        if let pods = snapshot.rows.first(where: { $0.reference.cgroupPath == "/kubepods" }) {
            node["systemContainers"] = [
                object([
                    ("name", "pods"), ("startTime", text(boot(snapshot))), ("cpu", cpu(pods)), ("memory", memory(pods, limit: capacity)),
                ])
            ]
        }
        node["startTime"] = text(boot(snapshot))
        let root = SummaryNode.root(snapshot)
        node["cpu"] = object([
            ("time", time), ("usageNanoCores", number(root?.usageNanoCores)), ("usageCoreNanoSeconds", number(SummaryNode.cpuUsage(snapshot))),
            ("psi", psi(root?.sample.cpuPressure)),
        ])
        let workingSet = SummaryNode.workingSet(snapshot)
        node["memory"] = object([
            ("time", time), ("availableBytes", number(workingSet.map { capacity - min(capacity, $0) })),
            ("usageBytes", number(SummaryNode.usage(snapshot))), ("workingSetBytes", number(workingSet)),
            ("rssBytes", number(root?.sample.memoryRSS)), ("pageFaults", number(root?.sample.pageFaults)),
            ("majorPageFaults", number(root?.sample.majorPageFaults)), ("psi", psi(root?.sample.memoryPressure)),
        ])
        guard !reduced else { return node }
        if let network = network(snapshot.node.network, snapshot.timestamp) { node["network"] = network }
        if let fileSystem = snapshot.rootFileSystem {
            let document = fileSystemDocument(fileSystem, time: time, used: fileSystem.used, inodesUsed: nil)
            node["fs"] = document
            node["runtime"] = ["imageFs": document]
        }
        node["rlimit"] = object([("time", time), ("curproc", number(root?.sample.threads))])
        return node
    }

    private static func pod(_ row: NodeSnapshot.Row, _ containers: [NodeSnapshot.Row], _ snapshot: NodeSnapshot, _ reduced: Bool) -> JSON {
        let reference = row.reference
        var pod: JSON = [
            "podRef": ["name": .string(reference.pod), "namespace": .string(reference.namespace), "uid": .string(reference.podUID)],
            "startTime": text(Timestamp(milliseconds: reference.started / 1_000_000)),
            "containers": .array(containers.map { container($0, snapshot, reduced) }),
            "cpu": cpu(row), "memory": memory(row, limit: row.limits.memory),
        ]
        guard !reduced else { return pod }
        if let network = network(row.network?.interfaces ?? [], snapshot.timestamp) { pod["network"] = network }
        if let fileSystem = snapshot.rootFileSystem {
            let used = containers.reduce(0) { $0 + ($1.logBytes ?? 0) + ($1.writableLayer?.bytes ?? 0) }
            let files = containers.reduce(0) { $0 + ($1.writableLayer?.files ?? 0) }
            pod["ephemeral-storage"] = fileSystemDocument(fileSystem, time: text(snapshot.timestamp), used: used, inodesUsed: files)
        }
        if let processes = row.sample.threads { pod["process_stats"] = ["process_count": .integer(Int64(processes))] }
        return pod
    }

    private static func container(_ row: NodeSnapshot.Row, _ snapshot: NodeSnapshot, _ reduced: Bool) -> JSON {
        var container: JSON = [
            "name": .string(row.reference.container), "startTime": text(Timestamp(milliseconds: row.reference.started / 1_000_000)),
            "cpu": cpu(row), "memory": memory(row, limit: row.limits.memory),
        ]
        guard !reduced, let fileSystem = snapshot.rootFileSystem else { return container }
        let time = text(snapshot.timestamp)
        if let layer = row.writableLayer {
            container["rootfs"] = fileSystemDocument(fileSystem, time: time, used: layer.bytes, inodesUsed: layer.files)
        }
        if let bytes = row.logBytes { container["logs"] = fileSystemDocument(fileSystem, time: time, used: bytes, inodesUsed: nil) }
        return container
    }

    private static func cpu(_ row: NodeSnapshot.Row) -> JSON {
        object([
            ("time", time(row)), ("usageNanoCores", number(row.usageNanoCores)), ("usageCoreNanoSeconds", number(row.sample.cpuUsage)),
            ("psi", psi(row.sample.cpuPressure)),
        ])
    }

    private static func memory(_ row: NodeSnapshot.Row, limit: UInt64?) -> JSON {
        let available = limit.flatMap { limit in row.sample.workingSet.map { limit - min(limit, $0) } }
        return object([
            ("time", time(row)), ("availableBytes", number(available)), ("usageBytes", number(row.sample.memoryUsage)),
            ("workingSetBytes", number(row.sample.workingSet)), ("rssBytes", number(row.sample.memoryRSS)),
            ("pageFaults", number(row.sample.pageFaults)), ("majorPageFaults", number(row.sample.majorPageFaults)),
            ("psi", psi(row.sample.memoryPressure)),
        ])
    }

    private static func psi(_ pressure: CgroupSample.Pressure?) -> JSON {
        guard let pressure else { return .null }
        func line(_ line: CgroupSample.Pressure.Line) -> JSON {
            [
                "total": .integer(Int64(line.total)), "avg10": .number(line.average10), "avg60": .number(line.average60),
                "avg300": .number(line.average300),
            ]
        }
        return ["full": line(pressure.full), "some": line(pressure.some)]
    }

    /// The top-level fields are those of `eth0`, or of the first interface where there is none.
    private static func network(_ interfaces: [NetworkCounters], _ time: Timestamp) -> JSON? {
        guard let main = interfaces.first(where: { $0.interface == "eth0" }) ?? interfaces.first else { return nil }
        func fields(_ counters: NetworkCounters) -> [(String, JSON)] {
            [
                ("name", .string(counters.interface)), ("rxBytes", number(counters.receivedBytes)), ("rxErrors", number(counters.receiveErrors)),
                ("txBytes", number(counters.transmittedBytes)), ("txErrors", number(counters.transmitErrors)),
            ]
        }
        return .object([("time", text(time))] + fields(main) + [("interfaces", .array(interfaces.map { .object(fields($0)) }))])
    }

    private static func fileSystemDocument(_ usage: FileSystemUsage, time: JSON, used: UInt64, inodesUsed: UInt64?) -> JSON {
        object([
            ("time", time), ("availableBytes", number(usage.available)), ("capacityBytes", number(usage.size)), ("usedBytes", number(used)),
            ("inodesFree", number(usage.filesFree)), ("inodes", number(usage.files)),
            ("inodesUsed", number(inodesUsed ?? usage.files - min(usage.files, usage.filesFree))),
        ])
    }

    /// An object without its null members.
    private static func object(_ members: [(String, JSON)]) -> JSON { .object(members.filter { !$0.1.isNull }) }
    private static func number(_ value: UInt64?) -> JSON { value.map { .integer(Int64(clamping: $0)) } ?? .null }
    private static func time(_ row: NodeSnapshot.Row) -> JSON { text(Timestamp(milliseconds: row.sample.time / 1_000_000)) }
    private static func text(_ timestamp: Timestamp) -> JSON { .string(CivilTime(timestamp).rfc3339()) }
    private static func boot(_ snapshot: NodeSnapshot) -> Timestamp { Timestamp(seconds: Double(snapshot.machine.bootTime)) }
}

/// `/spec/`: cAdvisor's MachineInfo, as far as it is known (contracts/metrics.md 2.3).
enum MachineDocument {
    static func document(of snapshot: NodeSnapshot) -> JSON {
        let machine = snapshot.machine
        return [
            "timestamp": .string(CivilTime(snapshot.timestamp).rfc3339()), "num_cores": JSON(machine.cores),
            "memory_capacity": .integer(Int64(machine.memoryBytes)), "swap_capacity": .integer(Int64(machine.swapBytes)),
            "machine_id": .string(machine.machineID), "system_uuid": .string(machine.systemUUID), "boot_id": .string(machine.bootID),
            "filesystems": .array(
                snapshot.node.fileSystems.map {
                    [
                        "device": .string($0.device), "capacity": .integer(Int64($0.size)), "type": "vfs", "inodes": .integer(Int64($0.files)),
                        "has_inodes": true,
                    ]
                }),
            "network_devices": .array(snapshot.node.network.map { ["name": .string($0.interface)] }),
        ]
    }
}
