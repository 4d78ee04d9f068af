/// What of the node is measured. The names are those of node_exporter's collectors and flags.
public struct NodeOptions: Sendable {
    /// Collectors beyond those that are on by default; wins over `disabled`.
    public var enabled: Set<String> = []
    public var disabled: Set<String> = []
    /// The `*.prom` files in it are shown too; empty for none.
    public var textFileDirectory = ""
    public var showsGuests = true
    /// `node_cpu_info`, off in node_exporter too.
    public var showsCPUInfo = false
    /// `node_softirqs_total`, off in node_exporter too.
    public var showsSoftIRQs = false
    /// Mount points and types of file systems, and disks, that are left out.
    public var isMountPointExcluded: @Sendable (String) -> Bool = NodeOptions.isMountPointExcludedByDefault
    public var isFileSystemTypeExcluded: @Sendable (String) -> Bool = { NodeOptions.excludedFileSystemTypes.contains($0) }
    public var isDiskExcluded: @Sendable (String) -> Bool = NodeOptions.isDiskExcludedByDefault
    /// The host's ends of pods' links come and go with the pods, whose own counters say the same.
    public var isInterfaceHidden: @Sendable (String) -> Bool = { $0.hasPrefix("veth") || $0.hasPrefix("bn-") }
    /// Units of systemd that are only counted, where `systemd` is enabled.
    public var isUnitHidden: @Sendable (String) -> Bool = { name in NodeOptions.hiddenUnitKinds.contains { name.hasSuffix($0) } }

    public init() {}

    /// The names of all collectors, in order.
    public static var collectorNames: [String] { NodeCollectorTable.all.map(\.name).sorted() }

    /// Where a name is no collector's: the names that are not known.
    public var unknownNames: [String] {
        enabled.union(disabled).filter { name in !NodeCollectorTable.all.contains { $0.name == name } }.sorted()
    }

    func isOn(_ name: String, byDefault: Bool) -> Bool {
        if enabled.contains(name) { return true }
        return byDefault && !disabled.contains(name)
    }

    /// node_exporter's `^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)`, and the
    /// mounts of our own pods.
    public static func isMountPointExcludedByDefault(_ point: String) -> Bool {
        for whole in ["/dev", "/proc", "/sys"] where point == whole || point.hasPrefix(whole + "/") { return true }
        for parent in ["/run/credentials/", "/var/lib/docker/", "/var/lib/containers/storage/", "/var/lib/kubelet/pods/"]
        where point.hasPrefix(parent) && point.utf8.count > parent.utf8.count { return true }
        return false
    }

    static let excludedFileSystemTypes: Set<String> = [
        "autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devpts", "devtmpfs", "fusectl", "hugetlbfs", "iso9660",
        "mqueue", "nsfs", "overlay", "proc", "procfs", "pstore", "rpc_pipefs", "securityfs", "selinuxfs", "squashfs", "erofs", "sysfs", "tracefs",
    ]

    /// node_exporter's `.+\.(automount|device|mount|scope|slice)`.
    static let hiddenUnitKinds = [".automount", ".device", ".mount", ".scope", ".slice"]

    /// node_exporter's `^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$`: partitions, and what is no disk.
    public static func isDiskExcludedByDefault(_ name: String) -> Bool {
        let stem = name.reversed().drop { $0.isASCII && $0.isNumber }.reversed().map { $0 }
        guard stem.count < name.count else { return false }
        let text = String(stem)
        if ["ram", "zram", "loop", "fd"].contains(text) { return true }
        for prefix in ["hd", "sd", "vd", "xvd"] where text.hasPrefix(prefix) && text.utf8.count == prefix.utf8.count + 1 {
            return text.utf8.last.map { (0x61...0x7A).contains($0) } ?? false
        }
        // nvme0n1p: digits, n, digits, p.
        guard text.hasPrefix("nvme"), text.hasSuffix("p") else { return false }
        let parts = text.dropFirst(4).dropLast().split(separator: "n", omittingEmptySubsequences: false)
        return parts.count == 2 && parts.allSatisfy { !$0.isEmpty && UInt64($0) != nil }
    }
}
