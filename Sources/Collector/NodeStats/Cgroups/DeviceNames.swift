import Runtime

/// Names of block devices by their numbers, from the links in /sys/dev/block.
///
/// A device keeps its name as long as it is there; a number may be given to another one later, so names are asked for
/// anew after ten minutes. Not Sendable: the collector owns it.
final class DeviceNames {
    private struct Key: Hashable { var major, minor: UInt32 }
    private let root: String
    private var names: [Key: (name: String, until: Int64)] = [:]
    /// Devices that are remembered; more means that they come and go, and all are forgotten.
    static let limit = 4096

    init(root: String) { self.root = root }

    /// `/dev/sda`, or `8:0` if no such device is known: one that was taken out stays in io.stat, and two of them without a name
    /// would be one series twice. `time` is in nanoseconds.
    func name(_ major: UInt32, _ minor: UInt32, time: Int64) -> String {
        let key = Key(major: major, minor: minor)
        if let known = names[key], time < known.until { return known.name }
        if names.count >= DeviceNames.limit { names = [:] }
        let target = linkTarget("\(root)/sys/dev/block/\(major):\(minor)")
        let name = target.flatMap { $0.split(separator: "/").last.map { "/dev/\($0.replacing("!", with: "/"))" } } ?? "\(major):\(minor)"
        names[key] = (name, time + 600_000_000_000)
        return name
    }
}
