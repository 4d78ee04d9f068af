import Glibc
import Runtime

/// Reads the node's own files each round. Not Sendable: the collector owns it.
final class NodeReader {
    private let root: String
    private var files: [String: HostFile] = [:]
    private var mounts: [(device: String, point: String, type: String)] = []
    private var mountsAge = 0

    /// `root` is put before `/proc`, for recorded trees.
    init(root: String = "") { self.root = root }

    func sample(buffer: inout [UInt8]) -> NodeSample {
        var sample = NodeSample()
        if let text = text("/proc/stat", &buffer) { sample.parseStat(text) }
        if let text = text("/proc/meminfo", &buffer) { sample.parseMeminfo(text) }
        if let text = text("/proc/loadavg", &buffer) { sample.parseLoad(text) }
        // Through a thread's own directory: /proc/net is a link that leaves the descriptor bound to this process.
        if let text = text("/proc/self/net/dev", &buffer) { sample.network = NetworkCounters.parse(text) }
        if let text = text("/proc/diskstats", &buffer) { sample.parseDisks(text) }
        sample.fileSystems = fileSystems(&buffer)
        return sample
    }

    /// Only file systems on devices: network mounts may hang, and everything else has no room of its own.
    private func fileSystems(_ buffer: inout [UInt8]) -> [FileSystemUsage] {
        if mountsAge == 0 {
            mountsAge = 60
            var seen: Set<Substring> = []
            mounts = (text("/proc/self/mounts", &buffer) ?? "").split(separator: "\n").compactMap { line in
                let fields = line.split(separator: " ")
                guard fields.count >= 3, fields[0].hasPrefix("/dev/"), seen.insert(fields[0]).inserted else { return nil }
                return (String(fields[0]), String(fields[1]), String(fields[2]))
            }
        }
        mountsAge -= 1
        return mounts.compactMap { mount in
            FileSystemUsage.of(path: mount.point, device: mount.device, type: mount.type)
        }
    }

    private func text(_ path: String, _ buffer: inout [UInt8]) -> String? {
        let path = root + path
        if files[path] == nil { files[path] = try? HostFile(path, flags: O_RDONLY) }
        guard let file = files[path], let count = try? file.read(into: &buffer), count > 0 else { return nil }
        return String(decoding: buffer[..<count], as: UTF8.self)
    }
}

extension FileSystemUsage {
    /// The file system that holds `path`; nil where it cannot be asked.
    public static func of(path: String, device: String = "", type: String = "") -> FileSystemUsage? {
        var info = statvfs()
        guard unsafe statvfs(path, &info) == 0, info.f_blocks > 0 else { return nil }
        let block = UInt64(info.f_frsize)
        return FileSystemUsage(
            device: device, mountPoint: path, type: type, size: UInt64(info.f_blocks) * block, free: UInt64(info.f_bfree) * block,
            available: UInt64(info.f_bavail) * block, files: UInt64(info.f_files), filesFree: UInt64(info.f_ffree))
    }
}
