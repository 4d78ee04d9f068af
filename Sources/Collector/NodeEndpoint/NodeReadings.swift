import NodeStats
import Telemetry

/// What the endpoint asks of the Collector: the newest round and the ring of those before it.
public protocol NodeReadings: Sendable {
    /// The sets of metrics that are read.
    var sets: Set<MetricSet> { get }
    /// The newest round, read anew if it is older than `maximumAge` (nil takes any).
    func snapshot(maximumAge: Duration?) async -> NodeSnapshot
    /// A cgroup's rows in the ring, oldest first: the newest `limit` of those from `from` through `through`.
    func history(of path: String, from: Timestamp?, through: Timestamp?, limit: Int) async -> [NodeSnapshot.Row]
}

/// Where events of containers come from: the Collector's bounded log.
public protocol EventSource: Sendable {
    /// Those that match, oldest first.
    func past(_ query: EventLog.Query) async -> [ContainerEvent]
    /// Matching events from now on; a reader that does not keep up misses some, which the log counts. Nil if too many listen.
    func live(_ query: EventLog.Query) async -> AsyncStream<ContainerEvent>?
}

extension EventLog: EventSource {
    public func past(_ query: Query) async -> [ContainerEvent] { events(query) }
    public func live(_ query: Query) async -> AsyncStream<ContainerEvent>? { subscribe(query) }
}

/// No events at all.
public struct NoEvents: EventSource {
    public init() {}
    public func past(_ query: EventLog.Query) async -> [ContainerEvent] { [] }
    public func live(_ query: EventLog.Query) async -> AsyncStream<ContainerEvent>? { AsyncStream { $0.finish() } }
}

/// Paths of cgroups, as ids and in addresses.
enum CgroupPath {
    /// `/` before, no `/` behind, none doubled, no `..`: what Go's `path.Join("/", …)` makes of it.
    static func normalized(_ text: String) -> String {
        var parts: [Substring] = []
        for part in text.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return "/" + parts.joined(separator: "/")
    }

    static func isBelow(_ path: String, _ parent: String) -> Bool {
        parent == "/" ? path != "/" : path.hasPrefix(parent + "/")
    }

    /// The cgroup that holds this one; nil for the root.
    static func parent(_ path: String) -> String? {
        guard path != "/", let slash = path.lastIndex(of: "/") else { return nil }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    static func lastPart(_ path: String) -> String { path.split(separator: "/").last.map(String.init) ?? "/" }
}
