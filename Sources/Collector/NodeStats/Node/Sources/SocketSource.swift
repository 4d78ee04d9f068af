import Exposition
import Glibc

/// `sockstat`: sockets in use by protocol, and their memory in pages and bytes.
final class SocketSource: NodeSource {
    private let files: [KernelFile]
    private let pageSize = UInt64(sysconf(Int32(_SC_PAGESIZE)))

    init(root: String) { files = [KernelFile(root + "/proc/net/sockstat"), KernelFile(root + "/proc/net/sockstat6")] }

    func collect(_ text: inout KernelText, _ series: inout SeriesRecorder, _ sample: inout NodeSample) throws(NodeReadError) {
        try read(files[0], &text, &series)
        // Absent where IPv6 is off.
        do { try read(files[1], &text, &series) } catch {}
    }

    private func read(_ file: KernelFile, _ text: inout KernelText, _ series: inout SeriesRecorder) throws(NodeReadError) {
        try file.read(into: &text)
        while text.nextLine() {
            guard let proto = text.upTo(0x3A) else { continue }
            let seed = text.key(proto, seed: 0x736f_636b)
            while let name = text.word(), let value = text.number() {
                let key = text.key(name, seed: seed)
                series.add(named: key, .integer(value)) { (family(text.string(proto), text.string(name)), []) }
                if text.equals(name, "mem") {
                    series.add(named: ~key, .integer(value &* pageSize)) { (family(text.string(proto), "mem_bytes"), []) }
                }
            }
        }
    }

    private func family(_ proto: String, _ name: String) -> NodeFamily {
        NodeFamily("node_sockstat_\(proto)_\(name)", .gauge, "Field \(name) of \(proto) in /proc/net/sockstat and sockstat6.")
    }
}

/// `softnet`: what each CPU did with packets from the network cards. Columns in base 16
/// (net/core/net-procfs.c); older kernels have fewer.
final class SoftnetSource: NodeSource {
    private static func counter(_ name: String, _ help: String) -> NodeFamily { NodeFamily("node_softnet_\(name)", .counter, help) }
    private static let columns: [(column: Int, family: NodeFamily)] = [
        (0, counter("processed_total", "Packets handled.")), (1, counter("dropped_total", "Packets dropped for a full queue.")),
        (2, counter("times_squeezed_total", "Times that the budget ended before the packets did.")),
        (8, counter("cpu_collision_total", "Times that the sending lock was held by another CPU.")),
        (9, counter("received_rps_total", "Times that another CPU passed packets on.")),
        (10, counter("flow_limit_count_total", "Packets dropped by the flow limit.")),
        (11, NodeFamily("node_softnet_backlog_len", .gauge, "Packets that wait.")),
    ]
    private let file: KernelFile

    init(root: String) { file = KernelFile(root + "/proc/net/softnet_stat") }

    func collect(_ text: inout KernelText, _ series: inout SeriesRecorder, _ sample: inout NodeSample) throws(NodeReadError) {
        try file.read(into: &text)
        var line: UInt64 = 0
        while text.nextLine() {
            var values = InlineArray<13, UInt64>(repeating: 0)
            var count = 0
            while count < 13, let value = text.hexadecimal() {
                values[count] = value
                count += 1
            }
            guard count >= 3 else { throw .malformed }
            // Lines are of CPUs that are there; their number is in the line since Linux 5.10.
            let cpu = count > 12 ? values[12] : line
            for (column, family) in Self.columns where column < count {
                series.add(family, .integer(values[column]), key: cpu) { [("cpu", "\(cpu)")] }
            }
            line += 1
        }
    }
}

/// `udp_queues`: bytes that wait in UDP sockets, over all sockets.
final class UDPQueueSource: NodeSource {
    private static let family = NodeFamily("node_udp_queues", .gauge, "Bytes that wait in the queues of UDP sockets.")
    private let files: [(file: KernelFile, name: String)]

    init(root: String) { files = [(KernelFile(root + "/proc/net/udp"), "v4"), (KernelFile(root + "/proc/net/udp6"), "v6")] }

    func collect(_ text: inout KernelText, _ series: inout SeriesRecorder, _ sample: inout NodeSample) throws(NodeReadError) {
        let before = series.count
        for (number, (file, name)) in files.enumerated() where file.readIfThere(into: &text) {
            var (sent, received): (UInt64, UInt64) = (0, 0)
            _ = text.nextLine()
            while text.nextLine() {
                // "sl local_address rem_address st tx_queue:rx_queue ..."
                text.skip(4)
                guard let word = text.word(), let colon = word.first(where: { text.bytes[$0] == 0x3A }) else { continue }
                sent &+= text.hexadecimal(in: word.lowerBound..<colon) ?? 0
                received &+= text.hexadecimal(in: (colon + 1)..<word.upperBound) ?? 0
            }
            let key = UInt64(number) << 1
            series.add(Self.family, .integer(sent), key: key) { [("queue", "tx"), ("ip", name)] }
            series.add(Self.family, .integer(received), key: key | 1) { [("queue", "rx"), ("ip", name)] }
        }
        if series.count == before { throw .absent }
    }
}

/// `arp`: neighbours by interface.
final class ARPSource: NodeSource {
    private static let family = NodeFamily("node_arp_entries", .gauge, "Entries of the ARP table.")
    private let file: KernelFile

    init(root: String) { file = KernelFile(root + "/proc/net/arp") }

    func collect(_ text: inout KernelText, _ series: inout SeriesRecorder, _ sample: inout NodeSample) throws(NodeReadError) {
        try file.read(into: &text)
        var counts: [String: UInt64] = [:]
        _ = text.nextLine()
        while text.nextLine() {
            text.skip(5)
            if let device = text.word() { counts[text.string(device), default: 0] += 1 }
        }
        for (device, count) in counts.sorted(by: { $0.key < $1.key }) {
            series.add(Self.family, .integer(count), key: KernelText.key(of: device)) { [("device", device)] }
        }
    }
}

/// `conntrack`: connections that the packet filter follows, and what it did with packets, over all CPUs.
final class ConntrackSource: NodeSource {
    private static func gauge(_ name: String, _ help: String) -> NodeFamily { NodeFamily("node_nf_conntrack_\(name)", .gauge, help) }
    private static let entries = gauge("entries", "Connections followed.")
    private static let limit = gauge("entries_limit", "Connections that can be followed.")
    private static let shown: [(column: String, family: NodeFamily)] = [
        ("found", gauge("stat_found", "Lookups that found an entry.")),
        ("invalid", gauge("stat_invalid", "Packets that cannot be followed.")),
        ("ignore", gauge("stat_ignore", "Packets that belong to a connection that is not followed.")),
        ("insert", gauge("stat_insert", "Entries put in.")),
        ("insert_failed", gauge("stat_insert_failed", "Entries that were there already.")),
        ("drop", gauge("stat_drop", "Packets dropped because following them failed.")),
        ("early_drop", gauge("stat_early_drop", "Entries dropped to make room.")),
        ("search_restart", gauge("stat_search_restart", "Lookups begun anew because the table was resized.")),
    ]
    private let count: KernelFile
    private let maximum: KernelFile
    private let statistics: KernelFile

    init(root: String) {
        count = KernelFile(root + "/proc/sys/net/netfilter/nf_conntrack_count")
        maximum = KernelFile(root + "/proc/sys/net/netfilter/nf_conntrack_max")
        statistics = KernelFile(root + "/proc/net/stat/nf_conntrack")
    }

    func collect(_ text: inout KernelText, _ series: inout SeriesRecorder, _ sample: inout NodeSample) throws(NodeReadError) {
        for (file, family) in [(count, Self.entries), (maximum, Self.limit)] {
            try file.read(into: &text)
            guard text.nextLine(), let value = text.number() else { throw .malformed }
            series.add(family, .integer(value))
        }
        guard statistics.readIfThere(into: &text), text.nextLine() else { return }
        // Column of each that is shown; the columns differ between kernels.
        var columns = [Int?](repeating: nil, count: Self.shown.count)
        var position = 0
        while let word = text.word() {
            for (number, one) in Self.shown.enumerated() where columns[number] == nil && text.string(word) == one.column {
                columns[number] = position
            }
            position += 1
        }
        var sums = [UInt64](repeating: 0, count: position)
        while text.nextLine() {
            var column = 0
            while column < position, let value = text.hexadecimal() {
                sums[column] &+= value
                column += 1
            }
        }
        for (number, one) in Self.shown.enumerated() {
            if let column = columns[number] { series.add(one.family, .integer(sums[column])) }
        }
    }
}

/// `filefd`: open files of all processes.
final class OpenFileSource: NodeSource {
    private static let allocated = NodeFamily("node_filefd_allocated", .gauge, "Open files of all processes.")
    private static let maximum = NodeFamily("node_filefd_maximum", .gauge, "Files that may be open.")
    private let file: KernelFile

    init(root: String) { file = KernelFile(root + "/proc/sys/fs/file-nr") }

    func collect(_ text: inout KernelText, _ series: inout SeriesRecorder, _ sample: inout NodeSample) throws(NodeReadError) {
        try file.read(into: &text)
        guard text.nextLine(), let allocated = text.number(), text.number() != nil, let maximum = text.number() else { throw .malformed }
        series.add(Self.allocated, .integer(allocated))
        series.add(Self.maximum, .integer(maximum))
    }
}
