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

    private let tables: [KernelFile]
    private let prober: MountProber
    private let options: NodeOptions
    private var mounts: [Mount] = []
    private var wait = 0

    init(root: String, options: NodeOptions, prober: MountProber) {
        // The first process's mounts are the host's, where this runs in a container with the host's /proc.
        tables = [KernelFile(root + "/proc/1/mounts"), KernelFile(root + "/proc/self/mounts")]
        self.options = options
        self.prober = prober
    }

    func collect(_ text: inout KernelText, _ series: inout SeriesRecorder, _ sample: inout NodeSample) throws(NodeReadError) {
        if wait == 0 {
            guard tables.contains(where: { $0.readIfThere(into: &text) }) else { throw .absent }
            wait = 10
            let all = Mount.parse(&text).filter { !options.isMountPointExcluded($0.point) && !options.isFileSystemTypeExcluded($0.type) }
            if all != mounts { mounts = all }
        }
        wait -= 1
        let answers = prober.probe(mounts, now: BackgroundThread.steadyTime)
        for (mount, answer) in zip(mounts, answers) {
            // The error is a label as in node_exporter 1.9: it is not there while all is well.
            let error: String
            if case .failure(let problem) = answer { error = problem } else { error = "" }
            let key = error.isEmpty ? mount.key : mount.key ^ KernelText.key(of: error)
            let labels = {
                [("device", mount.device), ("fstype", mount.type), ("mountpoint", mount.point)] + (error.isEmpty ? [] : [("device_error", error)])
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
                    device: mount.device, mountPoint: mount.point, type: mount.type, size: room.size, free: room.free, available: room.available,
                    files: room.files, filesFree: room.filesFree, isReadOnly: mount.isReadOnly))
        }
    }
}

/// One line of /proc/PID/mounts.
struct Mount: Hashable, Sendable {
    var device: String
    var point: String
    var type: String
    var isReadOnly: Bool
    /// Tells mounts apart in the recorder.
    var key: UInt64

    /// In order, each device, point and type once: a later mount over the same point hides the earlier one.
    static func parse(_ text: inout KernelText) -> [Mount] {
        var all: [Mount] = []
        var seen: Set<UInt64> = []
        while text.nextLine() {
            guard let device = text.word(), let point = text.word(), let type = text.word(), let flags = text.word() else { continue }
            let key = text.key(device.lowerBound..<type.upperBound)
            guard seen.insert(key).inserted else { continue }
            let isReadOnly = text.string(flags).split(separator: ",").contains("ro")
            all.append(
                Mount(
                    device: unescaped(text.string(device)), point: unescaped(text.string(point)), type: text.string(type), isReadOnly: isReadOnly,
                    key: key))
        }
        return all
    }

    /// The kernel writes spaces, tabs, newlines and backslashes as `\` and three octal digits.
    static func unescaped(_ text: String) -> String {
        guard text.utf8.contains(UInt8(ascii: "\\")) else { return text }
        let bytes = Array(text.utf8)
        var plain: [UInt8] = []
        var position = 0
        while position < bytes.count {
            let digits = bytes[min(position + 1, bytes.count)..<min(position + 4, bytes.count)]
            if bytes[position] == UInt8(ascii: "\\"), digits.count == 3, digits.allSatisfy({ (0x30...0x37).contains($0) }) {
                plain.append(digits.reduce(0) { $0 &* 8 &+ ($1 & 7) })
                position += 4
            } else {
                plain.append(bytes[position])
                position += 1
            }
        }
        return String(decoding: plain, as: UTF8.self)
    }
}
