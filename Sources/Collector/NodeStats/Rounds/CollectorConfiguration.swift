extension NodeCollector {
    public struct Configuration: Sendable {
        public var nodeName: String
        /// Time between rounds. Whole milliseconds.
        public var interval: Duration = .seconds(1)
        /// Time between the readings that the sink gets. A container in trouble has each of its readings delivered.
        public var deliveryInterval: Duration = .seconds(15)
        /// Put before /proc and /sys, for recorded trees.
        public var root = ""
        /// The file system that holds it is the node's `fs`.
        public var dataDirectory: String
        /// What of the node is measured beside its containers.
        public var node = NodeOptions()
        /// What of the containers is measured and shown.
        public var sets: Set<MetricSet> = MetricSet.standard
        /// Which cgroups are shown.
        public var filter = CgroupFilter()
        /// Whether the machine's tree of cgroups is walked; if not, only those are known that a source tells of.
        public var walksTree = true
        /// Whether rounds go to the sink. Without it no frame is made, nor the label sets of all series kept for them, which
        /// with a thousand cgroups are most of the memory.
        public var delivers = true
        /// Cgroups that are looked at; more are counted and left out.
        public var cgroupLimit = 8_000
        /// Descriptors of cgroup files that are kept open; nil is half of what the process may have, at most 12,000.
        public var descriptorLimit: Int?
        /// How long readings are kept, and in how many bytes.
        public var historySpan: Duration = .seconds(600)
        public var historyBytes = 32 << 20
        /// Share of one core that rounds may take before they become rarer; 0 is no bound.
        public var cpuBudget = 0.01
        /// Rounds that wait for the sink; the oldest is dropped and counted beyond that.
        public var pendingLimit = 60

        public init(nodeName: String, dataDirectory: String) {
            self.nodeName = nodeName
            self.dataDirectory = dataDirectory
        }
    }
}
