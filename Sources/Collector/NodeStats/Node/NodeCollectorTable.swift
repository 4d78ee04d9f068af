import Runtime

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
        var metrics: MetricRegistry
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
        Row(name: "thermal_zone", rounds: 5) { ThermalSource(tree: $0.tree) },
        Row(name: "cpufreq", rounds: 5) { CPUFrequencySource(tree: $0.tree) },
        Row(name: "rapl", rounds: 5) { EnergySource(tree: $0.tree) },
        Row(name: "hwmon", rounds: 10) { HardwareMonitorSource(tree: $0.tree) },
        Row(name: "edac", rounds: 10) { MemoryErrorSource(tree: $0.tree) },
        Row(name: "powersupplyclass", rounds: 10) { PowerSupplySource(tree: $0.tree) },
        Row(name: "nvme", rounds: 60) { NVMeSource(tree: $0.tree) },
        Row(name: "mdadm", rounds: 5) { ArraySource(tree: $0.tree) },
        Row(name: "bonding", rounds: 5) { BondingSource(tree: $0.tree) },
        Row(name: "nfs", rounds: 5) { NFSClientSource(tree: $0.tree) },
        Row(name: "nfsd", rounds: 5) { NFSServerSource(tree: $0.tree) },
        Row(name: "xfs", rounds: 5) { XFSSource(tree: $0.tree) },
        Row(name: "btrfs", rounds: 10) { BtrfsSource(tree: $0.tree) },
        Row(name: "zfs", rounds: 5) { ZFSSource(tree: $0.tree) },
        Row(name: "textfile", rounds: 5) { TextFileSource(directory: $0.options.textFileDirectory) },
        Row(name: "interrupts", isOnByDefault: false, rounds: 5) { InterruptSource(tree: $0.tree) },
        Row(name: "buddyinfo", isOnByDefault: false, rounds: 5) { BuddySource(tree: $0.tree) },
        Row(name: "ksmd", isOnByDefault: false, rounds: 10) { SharedPageSource(tree: $0.tree) },
        Row(name: "systemd", isOnByDefault: false, rounds: 5) { SystemdSource(root: $0.root, options: $0.options, metrics: $0.metrics) },
        Row(name: "tcpstat", isOnByDefault: false, rounds: 5) { TCPStateSource(root: $0.root) },
        Row(name: "meminfo_numa", isOnByDefault: false, rounds: 5) { NUMAMemorySource(tree: $0.tree) },
    ]

    /// Whether a name is of the node's own metrics, which no text file may use.
    static func reserves(_ name: String) -> Bool {
        reserved.contains { name.hasPrefix($0) }
    }

    private static let reserved = [
        "node_arp_", "node_bonding_", "node_boot_time_", "node_btrfs_", "node_buddyinfo_", "node_context_switches_", "node_cooling_device_",
        "node_cpu_", "node_disk_", "node_dmi_", "node_edac_", "node_entropy_", "node_filefd_", "node_filesystem_", "node_forks_", "node_hwmon_",
        "node_interrupts_", "node_intr_", "node_ksmd_", "node_load", "node_md_", "node_memory_", "node_netstat_", "node_network_",
        "node_nf_conntrack_", "node_nfs_", "node_nfsd_", "node_nvme_info", "node_os_", "node_power_supply_", "node_pressure_", "node_procs_",
        "node_rapl_", "node_schedstat_", "node_scrape_", "node_selinux_", "node_sockstat_", "node_softirqs_", "node_softnet_",
        "node_systemd_", "node_tcp_connection_states", "node_textfile_", "node_thermal_zone_", "node_time_", "node_timex_", "node_udp_queues", "node_uname_",
        "node_vmstat_", "node_xfs_", "node_zfs_",
    ]
}
