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

    private enum StaticPath: String, CaseIterable { case dev, tcp, tcp6, udp, udp6, snmp, netstat }

    init(root: String, sets: Set<MetricSet>, keepsOpen: Bool) {
        self.root = root
        self.sets = sets
        self.keepsOpen = keepsOpen
    }

    var openCount: Int { files.count }

    /// Reads the files of the sets through the process; afterwards `reading` is nil if even the interfaces cannot be read.
    func read(through pid: Int32, prefixes: [[UInt8]], tableBudget: inout Int, buffer: inout [UInt8], cut: Counter) {
        var new = NetworkReading()
        if sets.contains(.network) {
            guard let count = whole(.dev, pid, &buffer) else {
                reading = nil
                files = [:]
                return
            }
            NetworkCounters.parse(buffer, count: count, skipping: prefixes, into: &new.interfaces)
        }
        if sets.contains(.tcp) {
            table(.tcp, &tcp, pid, &tableBudget, &buffer, cut)
            table(.tcp6, &tcp6, pid, &tableBudget, &buffer, cut)
            new.tcp = tcp.counts?.states ?? []
            new.tcp6 = tcp6.counts?.states ?? []
        }
        if sets.contains(.udp) {
            table(.udp, &udp, pid, &tableBudget, &buffer, cut)
            table(.udp6, &udp6, pid, &tableBudget, &buffer, cut)
            new.udp = udp.counts.map(NetworkReading.UDP.init)
            new.udp6 = udp6.counts.map(NetworkReading.UDP.init)
        }
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

    private func table(_ name: StaticPath, _ table: inout SocketTable, _ pid: Int32, _ budget: inout Int, _ buffer: inout [UInt8], _ cut: Counter) {
        guard budget > 0 else { return cut.increment() }
        // A kernel without IPv6 has no such file.
        guard let file = file(name, pid) else { return }
        let outcome = table.read(budget: &budget, buffer: &buffer) { buffer, offset, limit in
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
