import Glibc
import Runtime

/// One network namespace: its files, kept open, and what they said last.
final class NetworkNamespace {
    private let root: String
    private let sets: Set<MetricSet>
    private let keepsOpen: Bool
    private var files: [StaticPath: HostFile] = [:]
    private var tcp = SocketTable(.tcp)
    private var tcp6 = SocketTable(.tcp)
    private var udp = SocketTable(.udp)
    private var udp6 = SocketTable(.udp)
    private var snmp = ProtocolCounters("Tcp:")
    private var netstat = ProtocolCounters("TcpExt:")
    /// The round of the last reading.
    var round = 0
    private(set) var reading: NetworkReading?
    /// Nanoseconds of CPU time that the socket tables took last, and the round; set by the owner: whether they may be read.
    private(set) var tableCost: Int64 = 0
    private(set) var tableRound = 0
    var mayReadTables = true

    private enum StaticPath: String, CaseIterable { case dev, sockstat, sockstat6, tcp, tcp6, udp, udp6, snmp, netstat }

    init(root: String, sets: Set<MetricSet>, keepsOpen: Bool) {
        self.root = root
        self.sets = sets
        self.keepsOpen = keepsOpen
    }

    var openCount: Int { files.count }

    /// Reads the files of the sets through the process; afterwards `reading` is nil if even the interfaces cannot be read.
    func read(through pid: Int32, prefixes: [[UInt8]], budget: inout SocketTableBudget, buffer: inout [UInt8], cut: Counter) {
        var new = NetworkReading()
        if sets.contains(.network) {
            guard let count = whole(.dev, pid, &buffer) else {
                reading = nil
                files = [:]
                return
            }
            NetworkCounters.parse(buffer, count: count, skipping: prefixes, into: &new.interfaces)
        }
        if mayReadTables, budget.nanoseconds > 0, budget.bytes > 0 {
            readTables(pid, &budget, &buffer, cut)
        } else if hasTables {
            cut.increment()
        }
        new.tcp = tcp.counts?.states ?? []
        new.tcp6 = tcp6.counts?.states ?? []
        new.udp = udp.counts.map(NetworkReading.UDP.init)
        new.udp6 = udp6.counts.map(NetworkReading.UDP.init)
        if sets.contains(.advancedTCP) {
            new.advanced.reserveCapacity(160)
            if let count = whole(.snmp, pid, &buffer) { snmp.parse(buffer, count: count, into: &new.advanced) }
            if let count = whole(.netstat, pid, &buffer) { netstat.parse(buffer, count: count, into: &new.advanced) }
        }
        reading = new
        if !keepsOpen { files = [:] }
    }

    private func whole(_ name: StaticPath, _ pid: Int32, _ buffer: inout [UInt8]) -> Int? {
        file(name, pid)?.readWhole(into: &buffer)
    }

    private var hasTables: Bool { sets.contains(.tcp) || sets.contains(.udp) }

    private func readTables(_ pid: Int32, _ budget: inout SocketTableBudget, _ buffer: inout [UInt8], _ cut: Counter) {
        guard hasTables else { return }
        let start = BackgroundThread.cpuTime
        if sets.contains(.tcp) {
            var summary = SocketSummary()
            if let count = whole(.sockstat, pid, &buffer) { summary.parse(buffer, count: count) }
            if let count = whole(.sockstat6, pid, &buffer) { summary.parse(buffer, count: count) }
            if summary.hasNoTCP { tcp.takeEmpty() } else { table(.tcp, &tcp, pid, &budget, &buffer, cut) }
            if summary.hasNoTCP6 { tcp6.takeEmpty() } else { table(.tcp6, &tcp6, pid, &budget, &buffer, cut) }
        }
        if sets.contains(.udp) {
            table(.udp, &udp, pid, &budget, &buffer, cut)
            table(.udp6, &udp6, pid, &budget, &buffer, cut)
        }
        tableCost = BackgroundThread.cpuTime - start
        budget.nanoseconds -= tableCost
        tableRound = round
    }

    private func table(
        _ name: StaticPath, _ table: inout SocketTable, _ pid: Int32, _ budget: inout SocketTableBudget, _ buffer: inout [UInt8], _ cut: Counter
    ) {
        guard budget.bytes > 0 else { return cut.increment() }
        // A kernel without IPv6 has no such file.
        guard let file = file(name, pid) else { return }
        let outcome = table.read(budget: &budget.bytes, buffer: &buffer) { buffer, offset, limit in
            // limit is at most the buffer's size.
            unsafe buffer.withUnsafeMutableBytes { unsafe pread(file.descriptor, $0.baseAddress, limit, off_t(offset)) }
        }
        if outcome == .cut { cut.increment() }
    }

    private func file(_ name: StaticPath, _ pid: Int32) -> HostFile? {
        if let known = files[name] { return known }
        let file = try? HostFile("\(root)/proc/\(pid)/net/\(name.rawValue)", flags: O_RDONLY)
        files[name] = file
        return file
    }
}

/// What the socket tables of all namespaces may still cost in this round.
struct SocketTableBudget {
    var bytes = 0
    /// Of CPU time; what was taken beyond it is missing in the rounds after.
    var nanoseconds: Int64 = 0
}
