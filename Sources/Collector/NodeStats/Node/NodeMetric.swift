/// The node's own metrics under node_exporter's names.
public struct NodeMetric: Sendable {
    public var name: String
    public var help: String
    public var isCounter: Bool
    public var samples: [(labels: [(name: String, value: String)], value: Double)]

    /// All of one sample, in a fixed order for the same devices and CPUs.
    public static func all(of sample: NodeSample) -> [NodeMetric] {
        cpu(sample) + memory(sample) + devices(sample)
    }

    private static func cpu(_ sample: NodeSample) -> [NodeMetric] {
        var seconds = NodeMetric(name: "node_cpu_seconds_total", help: "Seconds the CPUs spent in each mode.", isCounter: true, samples: [])
        for (cpu, modes) in sample.cpuSeconds.enumerated() {
            for (mode, value) in zip(NodeSample.cpuModes, modes) {
                seconds.samples.append(([("cpu", "\(cpu)"), ("mode", mode)], value))
            }
        }
        let loads = zip(["node_load1", "node_load5", "node_load15"], sample.load).map { name, value in
            NodeMetric(name: name, help: "Load average.", isCounter: false, samples: [([], value)])
        }
        return [seconds] + loads + [
            single("node_context_switches_total", "Context switches.", true, Double(sample.contextSwitches)),
            single("node_forks_total", "Processes and threads started.", true, Double(sample.forks)),
            single("node_procs_running", "Processes that can run.", false, Double(sample.processesRunning)),
            single("node_procs_blocked", "Processes blocked on I/O.", false, Double(sample.processesBlocked)),
            single("node_boot_time_seconds", "When the node booted, in Unix seconds.", false, Double(sample.bootTime)),
        ]
    }

    /// What dashboards read; the rest of meminfo comes with the full collector.
    private static let memoryNames = [
        "MemTotal_bytes", "MemFree_bytes", "MemAvailable_bytes", "Buffers_bytes", "Cached_bytes", "SwapTotal_bytes", "SwapFree_bytes",
        "Dirty_bytes", "Slab_bytes", "SReclaimable_bytes", "Shmem_bytes", "Active_bytes", "Inactive_bytes",
    ]

    private static func memory(_ sample: NodeSample) -> [NodeMetric] {
        sample.memory.filter { memoryNames.contains($0.name) }.map {
            single("node_memory_\($0.name)", "Field of /proc/meminfo, in bytes.", false, Double($0.bytes))
        }
    }

    private static func devices(_ sample: NodeSample) -> [NodeMetric] {
        func perInterface(_ name: String, _ help: String, _ value: (NetworkCounters) -> UInt64) -> NodeMetric {
            // The host ends of pods' links come and go with the pods, whose own counters say the same.
            let lasting = sample.network.filter { !$0.interface.hasPrefix("veth") && !$0.interface.hasPrefix("bn-") }
            return NodeMetric(
                name: name, help: help, isCounter: true, samples: lasting.map { ([("device", $0.interface)], Double(value($0))) })
        }
        func perDisk(_ name: String, _ help: String, _ value: (NodeSample.Disk) -> Double) -> NodeMetric {
            NodeMetric(name: name, help: help, isCounter: true, samples: sample.disks.map { ([("device", $0.device)], value($0)) })
        }
        func perFileSystem(_ name: String, _ help: String, _ value: (FileSystemUsage) -> UInt64) -> NodeMetric {
            NodeMetric(
                name: name, help: help, isCounter: false,
                samples: sample.fileSystems.map {
                    ([("device", $0.device), ("fstype", $0.type), ("mountpoint", $0.mountPoint)], Double(value($0)))
                })
        }
        return [
            perInterface("node_network_receive_bytes_total", "Bytes received.") { $0.receivedBytes },
            perInterface("node_network_transmit_bytes_total", "Bytes sent.") { $0.transmittedBytes },
            perInterface("node_network_receive_packets_total", "Packets received.") { $0.receivedPackets },
            perInterface("node_network_transmit_packets_total", "Packets sent.") { $0.transmittedPackets },
            perDisk("node_disk_reads_completed_total", "Reads completed.") { Double($0.reads) },
            perDisk("node_disk_read_bytes_total", "Bytes read.") { Double($0.readBytes) },
            perDisk("node_disk_writes_completed_total", "Writes completed.") { Double($0.writes) },
            perDisk("node_disk_written_bytes_total", "Bytes written.") { Double($0.writtenBytes) },
            perDisk("node_disk_io_time_seconds_total", "Time with I/O under way.") { $0.ioTime },
            perFileSystem("node_filesystem_size_bytes", "Size.") { $0.size },
            perFileSystem("node_filesystem_free_bytes", "Free for root.") { $0.free },
            perFileSystem("node_filesystem_avail_bytes", "Free for everybody.") { $0.available },
            perFileSystem("node_filesystem_files", "Inodes.") { $0.files },
            perFileSystem("node_filesystem_files_free", "Free inodes.") { $0.filesFree },
        ]
    }

    private static func single(_ name: String, _ help: String, _ isCounter: Bool, _ value: Double) -> NodeMetric {
        NodeMetric(name: name, help: help, isCounter: isCounter, samples: [([], value)])
    }
}
