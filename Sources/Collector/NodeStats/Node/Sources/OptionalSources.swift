import Exposition

/// `interrupts`, off by default as in node_exporter: each interrupt by CPU.
final class InterruptSource: NodeSource {
    private static let family = NodeFamily("node_interrupts_total", .counter, "Interrupts by CPU, number and device.")
    private let tree: SysTree

    init(tree: SysTree) { self.tree = tree }

    func collect(_ text: inout KernelText, _ series: inout SeriesRecorder, _ sample: inout NodeSample) throws(NodeReadError) {
        guard let table = tree.text("/proc/interrupts") else { throw .absent }
        let lines = table.split(separator: "\n")
        let cpus = lines.first?.split(separator: " ").count ?? 0
        for line in lines.dropFirst() {
            let words = line.split(separator: " ")
            guard let name = words.first, name.hasSuffix(":"), words.count > cpus else { continue }
            let number = String(name.dropLast())
            // "24: 1 2 PCI-MSI 65536-edge nvme0q0" has a controller and devices; "NMI: 1 2 Non-maskable interrupts" a text.
            let rest = words.dropFirst(1 + cpus)
            let isNumbered = UInt64(number) != nil
            let info = isNumbered ? String(rest.first ?? "") : rest.joined(separator: " ")
            let devices = isNumbered ? rest.dropFirst().joined(separator: " ") : ""
            for cpu in 0..<cpus {
                guard let value = UInt64(words[1 + cpu]) else { continue }
                series.add(
                    Self.family, .integer(value), labels: [("cpu", "\(cpu)"), ("devices", devices), ("info", info), ("type", number)])
            }
        }
    }
}

/// `buddyinfo`, off by default: free blocks of memory by size.
final class BuddySource: NodeSource {
    private static let family = NodeFamily("node_buddyinfo_blocks", .gauge, "Free blocks of 2^size pages.")
    private let tree: SysTree

    init(tree: SysTree) { self.tree = tree }

    func collect(_ text: inout KernelText, _ series: inout SeriesRecorder, _ sample: inout NodeSample) throws(NodeReadError) {
        guard let table = tree.text("/proc/buddyinfo") else { throw .absent }
        for line in table.split(separator: "\n") {
            // "Node 0, zone Normal 1 2 3"
            let words = line.split(separator: " ")
            guard words.count > 4, words[0] == "Node", words[2] == "zone" else { continue }
            for (size, word) in words.dropFirst(4).enumerated() {
                guard let value = UInt64(word) else { continue }
                series.add(
                    Self.family, .integer(value), labels: [("node", String(words[1].filter { $0 != "," })), ("size", "\(size)"), ("zone", String(words[3]))])
            }
        }
    }
}

/// `ksmd`, off by default: pages of the same content that the kernel joined.
final class SharedPageSource: NodeSource {
    private static let files: [(file: String, name: String, kind: MetricFamily.Kind, digits: Int)] = [
        ("full_scans", "full_scans_total", .counter, 0), ("merge_across_nodes", "merge_across_nodes", .gauge, 0),
        ("pages_shared", "pages_shared", .gauge, 0), ("pages_sharing", "pages_sharing", .gauge, 0), ("pages_to_scan", "pages_to_scan", .gauge, 0),
        ("pages_unshared", "pages_unshared", .gauge, 0), ("pages_volatile", "pages_volatile", .gauge, 0), ("run", "run", .gauge, 0),
        ("sleep_millisecs", "sleep_seconds", .gauge, 3),
    ]
    private let tree: SysTree

    init(tree: SysTree) { self.tree = tree }

    func collect(_ text: inout KernelText, _ series: inout SeriesRecorder, _ sample: inout NodeSample) throws(NodeReadError) {
        guard tree.exists("/sys/kernel/mm/ksm") else { throw .absent }
        for one in Self.files {
            guard let value = tree.number("/sys/kernel/mm/ksm/\(one.file)") else { continue }
            series.add("node_ksmd_\(one.name)", one.kind, "File \(one.file) of /sys/kernel/mm/ksm.", .decimal(value, digits: one.digits))
        }
    }
}

/// `tcpstat`, off by default: TCP sockets by state. A big table is cut at KernelText's limit.
final class TCPStateSource: NodeSource {
    private static let family = NodeFamily("node_tcp_connection_states", .gauge, "TCP sockets by state.")
    /// By the kernel's numbers from 1; the last two are no states of a socket but sums of bytes that wait.
    private static let states = [
        "established", "syn_sent", "syn_recv", "fin_wait1", "fin_wait2", "time_wait", "close", "close_wait", "last_ack", "listen", "closing",
    ]
    private let files: [KernelFile]

    init(root: String) { files = [KernelFile(root + "/proc/net/tcp"), KernelFile(root + "/proc/net/tcp6")] }

    func collect(_ text: inout KernelText, _ series: inout SeriesRecorder, _ sample: inout NodeSample) throws(NodeReadError) {
        var counts = [UInt64](repeating: 0, count: Self.states.count)
        var (sent, received): (UInt64, UInt64) = (0, 0)
        var isThere = false
        for file in files where file.readIfThere(into: &text) {
            isThere = true
            _ = text.nextLine()
            while text.nextLine() {
                text.skip(3)
                guard let state = text.hexadecimal(), state >= 1, state <= counts.count, let queues = text.word() else { continue }
                counts[Int(state) - 1] += 1
                guard let colon = queues.first(where: { text.bytes[$0] == 0x3A }) else { continue }
                sent &+= text.hexadecimal(in: queues.lowerBound..<colon) ?? 0
                received &+= text.hexadecimal(in: (colon + 1)..<queues.upperBound) ?? 0
            }
        }
        guard isThere else { throw .absent }
        for (number, (state, count)) in zip(Self.states, counts).enumerated() where count > 0 {
            series.add(Self.family, .integer(count), key: UInt64(number)) { [("state", state)] }
        }
        series.add(Self.family, .integer(received), key: 100) { [("state", "rx_queued_bytes")] }
        series.add(Self.family, .integer(sent), key: 101) { [("state", "tx_queued_bytes")] }
    }
}
