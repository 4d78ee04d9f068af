import Telemetry

/// All that the Collector knows at one moment: what the endpoint shows.
public struct NodeSnapshot: Sendable {
    public struct Row: Sendable {
        public var reference: ContainerReference
        public var sample: CgroupSample
        /// The sample before, for rates; nil in the first round.
        public var previous: CgroupSample?
        public var limits: CgroupLimits
        /// Of the network namespace; nil but for pods' own rows and for containers with a namespace of their own.
        public var network: NetworkReading?
        /// Bytes of the container's log files; nil if it has none or they were not measured yet.
        public var logBytes: UInt64?
        /// Bytes and files of the writable layer; nil if it has none or it was not measured yet.
        public var writableLayer: (bytes: UInt64, files: UInt64)?
        /// A pod's volumes that take up room on this node, measured; empty elsewhere.
        public var volumes: [VolumeUsage] = []

        public struct VolumeUsage: Hashable, Sendable {
            public var name: String
            /// Empty if the volume is no claim's.
            public var claim: String
            public var usage: FileSystemUsage
            public init(name: String, claim: String, usage: FileSystemUsage) {
                self.name = name
                self.claim = claim
                self.usage = usage
            }
        }

        /// CPU use between the two newest samples in billionths of a core (contracts/metrics.md 1.6); nil after one
        /// sample, a reset, or without progress of time.
        public var usageNanoCores: UInt64? {
            guard let previous, let new = sample.cpuUsage, let old = previous.cpuUsage, new >= old, sample.time > previous.time else { return nil }
            return UInt64(Double(new - old) * 1e9 / Double(sample.time - previous.time))
        }
    }

    public var timestamp: Timestamp
    public var machine: MachineInfo
    public var nodeName: String
    public var node: NodeSample
    /// The file system that holds Binnacle's data.
    public var rootFileSystem: FileSystemUsage?
    /// `/`, `/kubepods` and its classes, then pods' own rows and containers, sorted by path.
    public var rows: [Row]
    /// Cgroups that vanished between being named and being read, since the start.
    public var vanished: UInt64

    public init(
        timestamp: Timestamp, machine: MachineInfo, nodeName: String, node: NodeSample, rootFileSystem: FileSystemUsage?, rows: [Row],
        vanished: UInt64
    ) {
        self.timestamp = timestamp
        self.machine = machine
        self.nodeName = nodeName
        self.node = node
        self.rootFileSystem = rootFileSystem
        self.rows = rows
        self.vanished = vanished
    }
}
