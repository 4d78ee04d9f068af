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
