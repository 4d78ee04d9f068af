import Exposition
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
        /// File systems that hold the container's data; for the root all of the machine's.
        public var fileSystems: [ContainerFileSystem] = []
        /// The labels of the row's samples, rendered when the owner was last heard of.
        public var labels: RenderedLabels
        /// Nanoseconds since 1970 when the cgroup was made, for an owner that says nothing of it; 0 if not known.
        public var cgroupCreated: Int64 = 0

        public init(
            reference: ContainerReference, sample: CgroupSample, previous: CgroupSample? = nil, limits: CgroupLimits = CgroupLimits(),
            network: NetworkReading? = nil, logBytes: UInt64? = nil, writableLayer: (bytes: UInt64, files: UInt64)? = nil,
            labels: RenderedLabels? = nil
        ) {
            self.reference = reference
            self.sample = sample
            self.previous = previous
            self.limits = limits
            self.network = network
            self.logBytes = logBytes
            self.writableLayer = writableLayer
            self.labels = labels ?? RenderedLabels(reference.labels)
        }

        /// When the container was started and made, in nanoseconds since 1970: what the owner says, else the cgroup's age.
        public var started: Int64 { reference.started > 0 ? reference.started : cgroupCreated }
        public var created: Int64 { reference.created > 0 ? reference.created : cgroupCreated > 0 ? cgroupCreated : reference.started }

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
    /// All cgroups that are shown, sorted by path; `/` is the first.
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
