import Exposition

/// `netdev`: the counters of each interface, from /proc/net/dev, and the packets that no protocol took.
final class NetworkDeviceSource: NodeSource {
    private static let received = ["bytes", "packets", "errs", "drop", "fifo", "frame", "compressed", "multicast"]
    private static let sent = ["bytes", "packets", "errs", "drop", "fifo", "colls", "carrier", "compressed"]
    private static let families =
        received.map { NodeFamily("node_network_receive_\($0)_total", .counter, "Column receive \($0) of /proc/net/dev.") }
        + sent.map { NodeFamily("node_network_transmit_\($0)_total", .counter, "Column transmit \($0) of /proc/net/dev.") }
    private static let noHandler = NodeFamily(
        "node_network_receive_nohandler_total", .counter, "Packets received that no protocol of the kernel wanted.")

    private struct Interface {
        /// Nil for one that is not shown.
        var name: String?
        var noHandler: KernelFile
        var round: Int
    }

    private let file: KernelFile
    private let root: String
    private let isHidden: @Sendable (String) -> Bool
    private var interfaces: [UInt64: Interface] = [:]

    init(root: String, options: NodeOptions) {
        self.root = root
        file = KernelFile(root + "/proc/net/dev")
        isHidden = options.isInterfaceHidden
    }

    func collect(_ text: inout KernelText, _ series: inout SeriesRecorder, _ sample: inout NodeSample) throws(NodeReadError) {
        try file.read(into: &text)
        var shown: [(key: UInt64, name: String)] = []
        while text.nextLine() {
            // The two lines of headings have no colon.
            guard let range = text.upTo(0x3A) else { continue }
            let key = text.key(range)
            guard let name = name(range, key, text, round: sample.round) else { continue }
            var values = InlineArray<16, UInt64>(repeating: 0)
            var isWhole = true
            for column in 0..<16 {
                guard let value = text.number() else {
                    isWhole = false
                    break
                }
                values[column] = value
            }
            guard isWhole else { continue }
            for (column, family) in Self.families.enumerated() {
                series.add(family, .integer(values[column]), key: key) { [("device", name)] }
            }
            sample.network.append(
                NetworkCounters(
                    interface: name, receivedBytes: values[0], receivedPackets: values[1], receiveErrors: values[2], receiveDrops: values[3],
                    transmittedBytes: values[8], transmittedPackets: values[9], transmitErrors: values[10], transmitDrops: values[11]))
            shown.append((key, name))
        }
        for (key, name) in shown {
            guard interfaces[key]?.noHandler.readIfThere(into: &text) == true, text.nextLine(), let value = text.number() else { continue }
            series.add(Self.noHandler, .integer(value), key: key) { [("device", name)] }
        }
        if interfaces.count > 2 * shown.count + 64 {
            interfaces = interfaces.filter { $0.value.round == sample.round }
        }
    }

    private func name(_ range: Range<Int>, _ key: UInt64, _ text: KernelText, round: Int) -> String? {
        if let known = interfaces[key] {
            interfaces[key]!.round = round
            return known.name
        }
        let name = text.string(range)
        let isShown = name != "lo" && !isHidden(name)
        interfaces[key] = Interface(
            name: isShown ? name : nil, noHandler: KernelFile("\(root)/sys/class/net/\(name)/statistics/rx_nohandler"), round: round)
        return isShown ? name : nil
    }
}
