import Telemetry

/// All that the Collector knows at one moment: what the endpoint shows.
public struct NodeSnapshot: Sendable {

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
