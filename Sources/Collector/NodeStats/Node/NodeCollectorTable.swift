/// node_exporter's collectors that Binnacle has, by its names.
struct NodeCollectorTable {
    struct Row: Sendable {
        var name: String
        /// As in node_exporter.
        var isOnByDefault = true
        /// Rounds between two readings; in between the last values are shown. More than 1 for what changes slowly or is
        /// slow to read: a sensor behind an I2C bus takes milliseconds.
        var rounds = 1
        var make: @Sendable (Environment) -> any NodeSource
    }

    /// What sources are made from.
    struct Environment {
        var tree: SysTree
        var options: NodeOptions
        var stat: ProcStat
        var prober: MountProber
        var root: String { tree.root }
    }

    /// In the order in which they are read: what changes within a second first.
    static let all: [Row] = [
        Row(name: "cpu") { CPUSource(stat: $0.stat, tree: $0.tree, options: $0.options) },
        Row(name: "stat") { StatSource(stat: $0.stat, options: $0.options) },
        Row(name: "loadavg") { LoadSource(root: $0.root) },
        Row(name: "meminfo") { MemorySource(root: $0.root) },
        Row(name: "vmstat") { KeyedNumbers.vmstat($0.root) },
        Row(name: "pressure") { PressureSource(root: $0.root) },
        Row(name: "schedstat") { SchedstatSource(root: $0.root) },
        Row(name: "diskstats") { DiskSource(tree: $0.tree, options: $0.options) },
        Row(name: "netdev") { NetworkDeviceSource(root: $0.root, options: $0.options) },
        Row(name: "netstat") { NetworkStatSource(root: $0.root) },
        Row(name: "sockstat") { SocketSource(root: $0.root) },
        Row(name: "softnet") { SoftnetSource(root: $0.root) },
        Row(name: "udp_queues") { UDPQueueSource(root: $0.root) },
        Row(name: "conntrack") { ConntrackSource(root: $0.root) },
        Row(name: "filefd") { OpenFileSource(root: $0.root) },
        Row(name: "entropy") { SingleNumbers.entropy($0.root) },
        Row(name: "time") { TimeSource(tree: $0.tree) },
        Row(name: "timex") { _ in TimexSource() },
        Row(name: "filesystem") { FileSystemSource(root: $0.root, options: $0.options, prober: $0.prober) },
        Row(name: "netclass") { NetworkClassSource(tree: $0.tree, options: $0.options) },
        Row(name: "arp", rounds: 5) { ARPSource(root: $0.root) },
        Row(name: "selinux", rounds: 60) { SELinuxSource(tree: $0.tree) },
        Row(name: "uname", rounds: 60) { _ in UnameSource() },
        Row(name: "os", rounds: 600) { OSSource(tree: $0.tree) },
        Row(name: "dmi", rounds: 600) { DMISource(tree: $0.tree) },
        Row(name: "meminfo_numa", isOnByDefault: false, rounds: 5) { NUMAMemorySource(tree: $0.tree) },
    ]
}
