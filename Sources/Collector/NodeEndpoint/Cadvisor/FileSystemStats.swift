import JSON
import NodeStats

/// File systems of a container in cAdvisor's words: of the root all of the machine with their disks' counters, of any other
/// container the one that holds its writable layer.
enum FileSystemStats {
    static func version1(_ row: NodeSnapshot.Row, in snapshot: NodeSnapshot) -> [JSON] {
        if row.reference.cgroupPath == "/" { return snapshot.node.fileSystems.map { machine($0, snapshot) } }
        guard let layer = row.writableLayer, let room = snapshot.rootFileSystem else { return [] }
        let own = usage(room, used: layer.bytes + (row.logBytes ?? 0), base: layer.bytes)
        return [.object(own + DiskCounters(nil).version1)]
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
            snapshot.node.fileSystems.map { system in
                [
                    "device": .string(system.device), "type": .string(system.type), "capacity": Document.count(system.size),
                    "usage": Document.count(system.used), "available": Document.count(system.available), "inodes_free": Document.count(system.filesFree),
                    "inline": .object(JSONObject(DiskCounters(disk(of: system, snapshot)).version1)),
                ]
            })
    }

    private static func machine(_ system: FileSystemUsage, _ snapshot: NodeSnapshot) -> JSON {
        .object(usage(system, used: system.used, base: 0) + DiskCounters(disk(of: system, snapshot)).version1)
    }

    private static func usage(_ system: FileSystemUsage, used: UInt64, base: UInt64) -> [(String, JSON)] {
        [
            ("device", .string(system.device)), ("type", "vfs"), ("capacity", Document.count(system.size)), ("usage", Document.count(used)),
            ("base_usage", Document.count(base)), ("available", Document.count(system.available)), ("has_inodes", .bool(system.files > 0)),
            ("inodes", Document.count(system.files)), ("inodes_free", Document.count(system.filesFree)),
        ]
    }

    private static func disk(of system: FileSystemUsage, _ snapshot: NodeSnapshot) -> NodeSample.Disk? {
        let name = system.device.split(separator: "/").last.map(String.init) ?? system.device
        return snapshot.node.disks.first { $0.device == name }
    }
}

/// The counters of a disk under cAdvisor's names: sectors of 512 bytes, times in milliseconds.
struct DiskCounters {
    private let disk: NodeSample.Disk?

    init(_ disk: NodeSample.Disk?) { self.disk = disk }

    var version1: [(String, JSON)] {
        [
            ("reads_completed", Document.count(disk?.reads)), ("reads_merged", 0), ("sectors_read", Document.count(disk.map { $0.readBytes / 512 })),
            ("read_time", milliseconds(disk?.readTime)), ("writes_completed", Document.count(disk?.writes)), ("writes_merged", 0),
            ("sectors_written", Document.count(disk.map { $0.writtenBytes / 512 })), ("write_time", milliseconds(disk?.writeTime)), ("io_in_progress", 0),
            ("io_time", milliseconds(disk?.ioTime)), ("weighted_io_time", 0),
        ]
    }

    private func milliseconds(_ seconds: Double?) -> JSON { .integer(seconds.map { Int64($0 * 1000) } ?? 0) }
}
