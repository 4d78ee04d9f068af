import JSON
import NodeStats

/// File systems of a container in cAdvisor's words: of the root all of the machine with their disks' counters, of any other
/// container the one that holds its writable layer.
enum FileSystemStats {
    static func version1(_ row: NodeSnapshot.Row, in snapshot: NodeSnapshot) -> [JSON] {
        if row.reference.cgroupPath == "/" { return snapshot.fileSystemsByDevice.map { machine($0, snapshot) } }
        return row.fileSystems.map { own in
            let room = usage(
                own.device, capacity: own.capacity, used: own.usage ?? 0, base: own.layerBytes ?? 0, available: own.available, inodes: own.inodes,
                free: own.inodesFree)
            return .object(room + DiskCounters.none.members)
        }
    }

    /// Only what the container itself has used.
    static func version2(_ row: NodeSnapshot.Row) -> JSON {
        guard let layer = row.writableLayer else { return .null }
        return [
            "totalUsageBytes": Document.count(layer.bytes + (row.logBytes ?? 0)), "baseUsageBytes": Document.count(layer.bytes),
            // Misspelt on the wire.
            "containter_inode_usage": Document.count(layer.files),
        ]
    }

    /// Version 2's `MachineFsStats`, whose disk counters lie under a member that is truly named `inline`.
    static func machineVersion2(_ snapshot: NodeSnapshot) -> JSON {
        Document.list(
            snapshot.fileSystemsByDevice.map { system in
                [
                    "device": .string(system.device), "type": .string(system.type), "capacity": Document.count(system.size),
                    "usage": Document.count(system.used), "available": Document.count(system.available), "inodes_free": Document.count(system.filesFree),
                    "inline": .object(JSONObject(disk(of: system, snapshot).members)),
                ]
            })
    }

    private static func machine(_ system: FileSystemUsage, _ snapshot: NodeSnapshot) -> JSON {
        let room = usage(
            system.device, capacity: system.size, used: system.used, base: 0, available: system.available, inodes: system.files, free: system.filesFree)
        return .object(room + disk(of: system, snapshot).members)
    }

    private static func usage(
        _ device: String, capacity: UInt64, used: UInt64, base: UInt64, available: UInt64, inodes: UInt64, free: UInt64
    ) -> [(String, JSON)] {
        [
            ("device", .string(device)), ("type", "vfs"), ("capacity", Document.count(capacity)), ("usage", Document.count(used)),
            ("base_usage", Document.count(base)), ("available", Document.count(available)), ("has_inodes", .bool(inodes > 0)),
            ("inodes", Document.count(inodes)), ("inodes_free", Document.count(free)),
        ]
    }

    private static func disk(of system: FileSystemUsage, _ snapshot: NodeSnapshot) -> DiskCounters {
        DiskCounters(system.device.split(separator: "/").last.map(String.init) ?? system.device, snapshot)
    }
}

/// The counters of a disk under cAdvisor's names: sectors of 512 bytes, times in milliseconds. What the node's metrics do
/// not have of the device is 0.
struct DiskCounters: Sendable {
    private let read: @Sendable (String, Double) -> JSON

    /// Of no disk at all: a container's file system has no counters of its own.
    static let none = DiskCounters()

    private init() { read = { _, _ in 0 } }

    init(_ device: String, _ snapshot: NodeSnapshot) {
        let metrics = snapshot.node.metrics
        read = { name, scale in .integer(metrics.value("node_disk_" + name, ["device": device]).map { Int64($0 * scale) } ?? 0) }
    }

    var members: [(String, JSON)] {
        [
            ("reads_completed", read("reads_completed_total", 1)), ("reads_merged", read("reads_merged_total", 1)),
            ("sectors_read", read("read_bytes_total", 1.0 / 512)), ("read_time", read("read_time_seconds_total", 1000)),
            ("writes_completed", read("writes_completed_total", 1)), ("writes_merged", read("writes_merged_total", 1)),
            ("sectors_written", read("written_bytes_total", 1.0 / 512)), ("write_time", read("write_time_seconds_total", 1000)),
            ("io_in_progress", read("io_now", 1)), ("io_time", read("io_time_seconds_total", 1000)),
            ("weighted_io_time", read("io_time_weighted_seconds_total", 1000)),
        ]
    }
}
