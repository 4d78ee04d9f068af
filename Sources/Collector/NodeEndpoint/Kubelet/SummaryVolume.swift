import JSON
import NodeStats

/// The room that pods take on disk, as the summary's `FsStats`: of what, of how much, and how much of it.
enum SummaryVolume {
    /// `used` is what the thing itself takes; capacity and what is free are its file system's.
    static func room(_ usage: FileSystemUsage, time: JSON, used: UInt64, inodesUsed: UInt64?) -> JSON { .object(fields(usage, time, used, inodesUsed)) }

    static func document(_ volume: NodeSnapshot.Row.VolumeUsage, namespace: String, time: JSON) -> JSON {
        Document.object(
            fields(volume.usage, time, volume.usage.used, nil) + [
                ("name", .string(volume.name)),
                ("pvcRef", volume.claim.isEmpty ? .null : ["name": .string(volume.claim), "namespace": .string(namespace)]),
            ])
    }

    /// Writable layers, logs, and the volumes that are no claim's: what counts against the pod's limit of ephemeral storage.
    static func ephemeralStorage(_ row: NodeSnapshot.Row?, _ containers: [NodeSnapshot.Row], _ snapshot: NodeSnapshot, time: JSON) -> JSON {
        guard let room = snapshot.rootFileSystem else { return .null }
        var bytes: UInt64 = 0
        var files: UInt64 = 0
        for container in containers + (row.map { [$0] } ?? []) {
            bytes += (container.logBytes ?? 0) + (container.writableLayer?.bytes ?? 0)
            files += container.writableLayer?.files ?? 0
        }
        for volume in row?.volumes ?? [] where volume.claim.isEmpty {
            bytes += volume.usage.used
            files += volume.usage.files - min(volume.usage.files, volume.usage.filesFree)
        }
        return self.room(room, time: time, used: bytes, inodesUsed: files)
    }

    private static func fields(_ usage: FileSystemUsage, _ time: JSON, _ used: UInt64, _ inodesUsed: UInt64?) -> [(String, JSON)] {
        [
            ("time", time), ("availableBytes", Document.count(usage.available)), ("capacityBytes", Document.count(usage.size)),
            ("usedBytes", Document.count(used)), ("inodesFree", Document.count(usage.filesFree)), ("inodes", Document.count(usage.files)),
            ("inodesUsed", Document.count(inodesUsed ?? usage.files - min(usage.files, usage.filesFree))),
        ]
    }
}
