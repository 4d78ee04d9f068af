/// What a container takes up on the device that holds its writable layer, as cAdvisor's `filesystem` has it.
public struct ContainerFileSystem: Hashable, Sendable {
    /// The source of the mount: `/dev/sda1`.
    public var device: String
    /// `ext4`, `xfs`.
    public var type: String
    /// Of the device, bytes (`container_fs_limit_bytes`).
    public var capacity: UInt64
    public var available: UInt64
    public var inodes: UInt64
    public var inodesFree: UInt64
    /// Writable layer and logs, bytes (`container_fs_usage_bytes`); nil until they were measured.
    public var usage: UInt64?
    /// The writable layer alone, bytes and files (`base_usage`, inodes used).
    public var layerBytes: UInt64?
    public var layerFiles: UInt64?
    /// The device does not answer; the numbers are older.
    public var isHung: Bool
    /// Nanoseconds since 1970 when `usage` was measured; 0 before.
    public var measured: Int64
}

/// Puts together what containers take up on disk. Not Sendable: the collector's thread owns it.
///
/// A round is `beginRound` with all containers that there are, then the readings, which never wait.
public final class ContainerFileSystems {
    private let probe: FileSystemProbe
    public let usage: DiskUsage
    private let mountReader: MountTableReader
    /// Put before the paths that owners tell, which are the host's.
    private let root: String
    private var mounts = MountTable(mountinfo: "")
    /// Where a layer lies does not change; mounts do.
    private var holding: [String: MountTable.Mount] = [:]
    private var now: Int64 = 0

    /// `mountReader` has the points under the same `root`.
    public init(usage: DiskUsage, probe: FileSystemProbe, mountReader: MountTableReader, root: String = "") {
        self.root = root
        self.usage = usage
        self.probe = probe
        self.mountReader = mountReader
    }

    /// `now` is steady nanoseconds.
    public func beginRound(_ references: [ContainerReference], now: Int64) {
        self.now = now
        let table = mountReader.table
        if table != mounts {
            mounts = table
            holding = [:]
        }
        var paths: Set<String> = []
        for reference in references {
            if !reference.writableLayer.isEmpty { paths.insert(root + reference.writableLayer) }
            if !reference.logDirectory.isEmpty { paths.insert(root + reference.logDirectory) }
            for volume in reference.volumes where isWalked(root + volume.path) { paths.insert(root + volume.path) }
        }
        usage.watch(paths, mounts: mounts)
        if holding.count > 2 * paths.count + 64 { holding = [:] }
        probe.forget(notAskedSince: now - 600_000_000_000)
    }

    /// The container's log files, bytes; nil if it has none or they were not measured yet.
    public func logBytes(of reference: ContainerReference) -> UInt64? {
        reference.logDirectory.isEmpty ? nil : usage.measurement(of: root + reference.logDirectory)?.bytes
    }

    /// Bytes and files of the writable layer; nil if it has none or it was not measured yet.
    public func writableLayer(of reference: ContainerReference) -> (bytes: UInt64, files: UInt64)? {
        reference.writableLayer.isEmpty ? nil : usage.measurement(of: root + reference.writableLayer).map { ($0.bytes, $0.files) }
    }

    /// The row of the device that holds the writable layer; empty if the container has none.
    public func fileSystems(of reference: ContainerReference) -> [ContainerFileSystem] {
        guard !reference.writableLayer.isEmpty, let mount = mount(holding: root + reference.writableLayer) else { return [] }
        let answer = probe.answer(for: mount, now: now)
        guard let room = answer.room else { return [] }
        let layer = usage.measurement(of: root + reference.writableLayer)
        let logs = reference.logDirectory.isEmpty ? nil : usage.measurement(of: root + reference.logDirectory)
        // Logs on another device take nothing from this one.
        let sharesDevice = !reference.logDirectory.isEmpty && self.mount(holding: root + reference.logDirectory)?.point == mount.point
        return [
            ContainerFileSystem(
                device: mount.source, type: mount.type, capacity: room.size, available: room.available, inodes: room.files, inodesFree: room.filesFree,
                usage: layer.map { $0.bytes + (sharesDevice ? logs?.bytes ?? 0 : 0) }, layerBytes: layer?.bytes, layerFiles: layer?.files,
                isHung: answer.isHung || layer?.isHung ?? false, measured: layer?.time ?? 0)
        ]
    }

    /// A pod's volumes with what they take up: one that is a mount of its own by asking its file system, as the kubelet
    /// does, one that is a directory by walking it.
    public func volumes(of reference: ContainerReference) -> [NodeSnapshot.Row.VolumeUsage] {
        reference.volumes.compactMap { volume in
            guard let mount = mount(holding: root + volume.path), let room = probe.answer(for: mount, now: now).room else { return nil }
            var usage = FileSystemUsage(
                device: mount.source, mountPoint: volume.path, type: mount.type, size: room.size, free: room.free, available: room.available,
                files: room.files, filesFree: room.filesFree)
            if mount.point != root + volume.path {
                guard let measured = self.usage.measurement(of: root + volume.path) else { return nil }
                // `used` is size - free: here that of the directory, not of all its neighbours.
                usage.free = room.size - min(room.size, measured.bytes)
                usage.filesFree = room.files - min(room.files, measured.files)
            }
            return NodeSnapshot.Row.VolumeUsage(name: volume.name, claim: volume.claim, usage: usage)
        }
    }

    private func isWalked(_ path: String) -> Bool { mount(holding: path).map { $0.point != path } ?? false }

    private func mount(holding path: String) -> MountTable.Mount? {
        if let known = holding[path] { return known }
        let found = mounts.mount(holding: path)
        holding[path] = found
        return found
    }
}
