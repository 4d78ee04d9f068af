import Glibc
import Runtime

/// Reads each network namespace once a round, through any process that lives in it, and tells which container sees which.
///
/// The descriptors stay open, which also keeps the namespace alive: one that nobody asked for in a round is closed at its
/// end, so that a pod's namespace outlives the pod by a round at most.
///
/// Not Sendable: the collector's thread owns it. A round is `beginRound`, a `reading` per container, `endRound`.
public final class NetworkNamespaces {
    public struct Configuration: Sendable {
        /// Put before /proc, for recorded trees.
        public var root = ""
        /// Of the sets, `network`, `tcp`, `udp` and `advtcp` are looked at.
        public var sets: Set<MetricSet> = MetricSet.standard
        /// Interfaces whose name starts with one of these are left out: their traffic is some pod's, or nobody's.
        public var skippedPrefixes = ["lo", "veth", "docker", "nerdctl", "bn-"]
        /// Bytes of socket tables a round, over all namespaces; a longer table is read on in the next round.
        public var tableBytesPerRound = 2 << 20
        /// CPU time for socket tables a round, nanoseconds, over all namespaces: reading one costs milliseconds on a
        /// machine with much memory. The namespaces take turns, the longest unread first; the others keep their counts.
        public var tableNanosecondsPerRound: Int64 = 2_000_000
        /// Files kept open, over all namespaces; beyond that they are opened for each reading.
        public var descriptorLimit = 2_000
        public init() {}
    }

    /// What a container sees of the network.
    public struct Reading: Sendable {
        public var counters: NetworkReading
        /// The inode of the namespace: equal for containers that share it.
        public var namespace: UInt64
        /// It is the node's own (`netns_shared`): the numbers are the node's, not the container's.
        public var isNodes: Bool
    }

    /// Which process stands for a cgroup, and when that was last looked up.
    private struct Member {
        var pid: Int32
        var namespace: UInt64
        var checked: Int
        var used: Int
    }

    private let configuration: Configuration
    private let prefixes: [[UInt8]]
    private var members: [String: Member] = [:]
    private var namespaces: [UInt64: NetworkNamespace] = [:]
    private var round = 0
    private var budget = SocketTableBudget()
    private var buffer = [UInt8](repeating: 0, count: 64 << 10)
    /// The node's own namespace; 0 if it cannot be told.
    public let nodeNamespace: UInt64

    private let openFiles: Gauge
    private let count: Gauge
    private let cutTotal: Counter
    private let vanishedTotal: Counter

    /// A process may move to another namespace, and its number may be given to another; so its namespace is asked again.
    private static let roundsBetweenChecks = 10
    /// Processes of a cgroup that are tried, if the first ones have just ended.
    private static let candidateLimit = 8

    public init(configuration: Configuration = Configuration(), metrics: MetricRegistry) {
        self.configuration = configuration
        prefixes = configuration.skippedPrefixes.map { Array($0.utf8) }
        nodeNamespace =
            Self.inode("\(configuration.root)/proc/1/ns/net") ?? Self.inode("\(configuration.root)/proc/self/ns/net") ?? 0
        openFiles = metrics.gauge("binnacle_collector_network_files_open", "Files of network namespaces that are kept open.")
        count = metrics.gauge("binnacle_collector_network_namespaces", "Network namespaces that were read in the last round.")
        cutTotal = metrics.counter(
            "binnacle_collector_socket_tables_cut_total",
            "Readings of socket tables that waited for a later round, or go on there, since the budget was used up.")
        vanishedTotal = metrics.counter(
            "binnacle_collector_network_vanished_total", "Containers whose network could not be read, since their processes had gone.")
    }

    public func beginRound() {
        round += 1
        let limit = configuration.tableNanosecondsPerRound
        budget = SocketTableBudget(bytes: configuration.tableBytesPerRound, nanoseconds: min(limit, budget.nanoseconds + limit))
        choose()
    }

    /// Whose socket tables are read in this round.
    private func choose() {
        let needed = namespaces.values.reduce(0) { $0 + $1.tableCost }
        guard needed > budget.nanoseconds else {
            for namespace in namespaces.values { namespace.mayReadTables = true }
            return
        }
        // What a namespace costs that was never read is not known: as much as the dearest, so that it gets a turn of its own.
        let dearest = namespaces.values.reduce(0) { max($0, $1.tableCost) }
        var left = budget.nanoseconds
        for (_, namespace) in namespaces.sorted(by: { ($0.value.tableRound, $0.key) < ($1.value.tableRound, $1.key) }) {
            namespace.mayReadTables = left > 0
            left -= namespace.tableRound == 0 ? dearest : namespace.tableCost
        }
    }

    /// The network that the cgroup's processes see; nil if none of them lives. `processes` are those of the cgroup now,
    /// or the one that holds a pod's namespace.
    public func reading(for path: String, processes: some Collection<Int32>) -> Reading? {
        guard let member = member(for: path, processes: processes) else {
            if !processes.isEmpty { vanishedTotal.increment() }
            return nil
        }
        let namespace =
            namespaces[member.namespace]
            ?? NetworkNamespace(
                root: configuration.root, sets: configuration.sets, keepsOpen: openCount < configuration.descriptorLimit)
        namespaces[member.namespace] = namespace
        if namespace.round != round {
            namespace.round = round
            namespace.read(through: member.pid, prefixes: prefixes, budget: &budget, buffer: &buffer, cut: cutTotal)
        }
        guard let counters = namespace.reading else {
            members[path] = nil
            vanishedTotal.increment()
            return nil
        }
        return Reading(counters: counters, namespace: member.namespace, isNodes: member.namespace == nodeNamespace && nodeNamespace != 0)
    }

    /// The node's own network, for the root's row.
    public func nodeReading() -> Reading? { reading(for: "/", processes: CollectionOfOne(1)) ?? reading(for: "/", processes: CollectionOfOne(getpid())) }

    /// Lets go of the namespaces and containers that were not asked for in this round.
    public func endRound() {
        for (path, member) in members where member.used != round { members[path] = nil }
        for (inode, namespace) in namespaces where namespace.round != round { namespaces[inode] = nil }
        count.value = Double(namespaces.count)
        openFiles.value = Double(openCount)
    }

    private var openCount: Int { namespaces.values.reduce(0) { $0 + $1.openCount } }

    private func member(for path: String, processes: some Collection<Int32>) -> Member? {
        if var known = members[path], processes.contains(known.pid) {
            let isDue = round - known.checked >= Self.roundsBetweenChecks
            if !isDue || inode(of: known.pid) == known.namespace {
                if isDue { known.checked = round }
                known.used = round
                members[path] = known
                return known
            }
        }
        for pid in processes.prefix(Self.candidateLimit) {
            guard let namespace = inode(of: pid) else { continue }
            let found = Member(pid: pid, namespace: namespace, checked: round, used: round)
            members[path] = found
            return found
        }
        members[path] = nil
        return nil
    }

    /// A recorded tree has no `ns` links: there each process has a namespace of its own.
    private func inode(of pid: Int32) -> UInt64? {
        let process = "\(configuration.root)/proc/\(pid)"
        if let inode = Self.inode("\(process)/ns/net") { return inode }
        return !configuration.root.isEmpty && Self.inode("\(process)/net/dev") != nil ? 1 << 63 | UInt64(pid) : nil
    }

    private static func inode(_ path: String) -> UInt64? {
        var info = stat()
        return unsafe stat(path, &info) == 0 ? UInt64(info.st_ino) : nil
    }
}
