/// One line of /proc/PID/mountinfo (proc(5)).
public struct MountInfo: Hashable, Sendable {
    /// The directory of the file system that is the mount's root.
    public var root: String
    public var mountPoint: String
    public var options: [String]
    public var type: String
    public var superOptions: [String]

    /// Lines that are not of the form are left out.
    public static func parse(_ text: String) -> [MountInfo] {
        text.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ", omittingEmptySubsequences: false)
            // Optional fields lie between the sixth and a lone hyphen.
            guard fields.count >= 10, let hyphen = fields[6...].firstIndex(of: "-"), fields.count >= hyphen + 4 else { return nil }
            return MountInfo(
                root: unescape(fields[3]), mountPoint: unescape(fields[4]), options: fields[5].split(separator: ",").map(String.init),
                type: String(fields[hyphen + 1]), superOptions: fields[hyphen + 3].split(separator: ",").map(String.init))
        }
    }

    /// The kernel writes space, tab, newline and backslash as a backslash and three octal digits.
    static func unescape(_ text: Substring) -> String {
        guard text.contains("\\") else { return String(text) }
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\\"), rest.count >= 3, rest.prefix(3).allSatisfy({ (48...55).contains($0) }) {
                bytes.append(rest.prefix(3).reduce(0) { $0 &* 8 &+ ($1 - 48) })
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Local disk file systems mounted below `/`, which an overlay of `/` does not show, in order of mounting.
    /// Network file systems stay out: one that hangs would stop every container.
    public static func carried(_ mounts: [MountInfo], limit: Int = 32) -> [String] {
        let disks: Set = ["ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "zfs", "erofs", "squashfs", "overlay"]
        let outside = ["/proc", "/sys", "/dev", "/run", "/boot", "/var/lib/docker", "/var/lib/containerd", "/var/lib/containers"]
        var seen = Set<String>()
        return mounts.map { $0 }.filter { mount in
            mount.mountPoint != "/" && disks.contains(mount.type)
                && !outside.contains { mount.mountPoint == $0 || mount.mountPoint.hasPrefix($0 + "/") } && seen.insert(mount.mountPoint).inserted
        }.prefix(limit).map(\.mountPoint)
    }
}
