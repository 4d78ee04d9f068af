import Exposition

/// `filesystem`: the room of each mounted file system. A mount that does not answer blocks nobody: see MountProber.
final class FileSystemSource: NodeSource {
    private static func gauge(_ name: String, _ help: String) -> NodeFamily { NodeFamily("node_filesystem_\(name)", .gauge, help) }
    private static let size = gauge("size_bytes", "Size.")
    private static let free = gauge("free_bytes", "Room that root may use.")
    private static let available = gauge("avail_bytes", "Room that everybody may use.")
    private static let files = gauge("files", "Inodes.")
    private static let filesFree = gauge("files_free", "Inodes that are free.")
    private static let readOnly = gauge("readonly", "1 if it is mounted read-only.")
    private static let deviceError = gauge("device_error", "1 if the file system does not say how much room it has.")

    private let table: MountTableReader
    private let prober: MountProber
    private let options: NodeOptions
    private var known: MountTable?
    private var mounts: [MountTable.Mount] = []
    /// Tell the mounts apart in the recorder.
    private var keys: [UInt64] = []

    init(root: String, options: NodeOptions, prober: MountProber) {
        // The first process's mounts are the host's, where this runs in a container with the host's /proc.
        table = MountTableReader(["\(root)/proc/1/mountinfo", "\(root)/proc/self/mountinfo"])
        self.options = options
        self.prober = prober
    }

    func collect(_ text: inout KernelText, _ series: inout SeriesRecorder, _ sample: inout NodeSample) throws(NodeReadError) {
        let all = table.table
        guard !all.mounts.isEmpty else { throw .absent }
        if all != known { take(all) }
        let answers = prober.probe(mounts, now: BackgroundThread.steadyTime)
        for (index, answer) in answers.enumerated() {
            let mount = mounts[index]
            // The error is a label as in node_exporter 1.9: it is not there while all is well.
            let error: String
            if case .failure(let problem) = answer { error = problem } else { error = "" }
            let key = error.isEmpty ? keys[index] : keys[index] ^ KernelText.key(of: error)
            let labels = {
                [("device", mount.source), ("fstype", mount.type), ("mountpoint", mount.point)] + (error.isEmpty ? [] : [("device_error", error)])
                    as [NodeSeries.Label]
            }
            series.add(Self.deviceError, .flag(!error.isEmpty), key: key, labels: labels)
            guard case .room(let room) = answer else { continue }
            series.add(Self.size, .integer(room.size), key: key, labels: labels)
            series.add(Self.free, .integer(room.free), key: key, labels: labels)
            series.add(Self.available, .integer(room.available), key: key, labels: labels)
            series.add(Self.files, .integer(room.files), key: key, labels: labels)
            series.add(Self.filesFree, .integer(room.filesFree), key: key, labels: labels)
            series.add(Self.readOnly, .flag(mount.isReadOnly), key: key, labels: labels)
            sample.fileSystems.append(
                FileSystemUsage(
                    device: mount.source, mountPoint: mount.point, type: mount.type, size: room.size, free: room.free, available: room.available,
                    files: room.files, filesFree: room.filesFree, isReadOnly: mount.isReadOnly))
        }
    }

    /// In order, each device, point and type once: a later mount over the same point hides the earlier one.
    private func take(_ all: MountTable) {
        known = all
        (mounts, keys) = ([], [])
        var seen: Set<UInt64> = []
        for mount in all.mounts where !options.isMountPointExcluded(mount.point) && !options.isFileSystemTypeExcluded(mount.type) {
            let key = KernelText.key(of: "\(mount.source) \(mount.point) \(mount.type)")
            guard seen.insert(key).inserted else { continue }
            mounts.append(mount)
            keys.append(key)
        }
    }
}
