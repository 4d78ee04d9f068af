/// Something that happened to a container, as cAdvisor's events tell it (contracts/metrics.md 2.1).
public struct ContainerEvent: Hashable, Sendable {
    public enum Kind: String, Sendable, CaseIterable {
        case oom, oomKill, containerCreation, containerDeletion
    }
    public var path: String
    /// Nanoseconds since 1970.
    public var time: Int64
    public var kind: Kind
    /// Of the process that was killed or that asked for memory; 0 if not told.
    public var pid: Int32 = 0
    public var processName: String = ""
    /// The kernel's word for what was short: `CONSTRAINT_MEMCG`; empty if not told.
    public var constraint: String = ""
    public var exitCode: Int32 = 0

    public init(path: String, time: Int64, kind: Kind) {
        self.path = path
        self.time = time
        self.kind = kind
    }
}
