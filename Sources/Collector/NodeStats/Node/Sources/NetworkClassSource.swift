import Exposition

/// `netclass`: what /sys/class/net says of each interface.
///
/// An interface has some twenty files. Two of them tell when any other may have changed (`operstate`,
/// `carrier_changes`); they are read each round by kept descriptors, the rest when they changed and each 30 rounds.
final class NetworkClassSource: NodeSource {
    private static func gauge(_ name: String, _ help: String) -> NodeFamily { NodeFamily("node_network_\(name)", .gauge, help) }
    private static let info = gauge("info", "What /sys/class/net says of the interface; always 1.")
    private static let up = gauge("up", "1 if operstate is up, else 0.")
    private static let speed = gauge("speed_bytes", "Link speed in bytes a second; negative if the device does not know.")
    /// File and metric of what is one number, in decimal or with 0x.
    private static let numbers: [(file: String, family: NodeFamily)] = [
        ("addr_assign_type", gauge("address_assign_type", "How the address was assigned.")),
        ("carrier", gauge("carrier", "1 if the link is there physically.")),
        ("carrier_changes", NodeFamily("node_network_carrier_changes_total", .counter, "Times that the link came or went.")),
        ("carrier_up_count", NodeFamily("node_network_carrier_up_changes_total", .counter, "Times that the link came.")),
        ("carrier_down_count", NodeFamily("node_network_carrier_down_changes_total", .counter, "Times that the link went.")),
        ("dev_id", gauge("device_id", "Tells ports apart that share an address.")),
        ("dormant", gauge("dormant", "1 if the interface waits for another layer.")),
        ("flags", gauge("flags", "The interface's flags as a number (include/uapi/linux/if.h).")),
        ("ifindex", gauge("iface_id", "The interface's number.")),
        ("iflink", gauge("iface_link", "Number of the interface that this one leads to.")),
        ("link_mode", gauge("iface_link_mode", "The link mode.")),
        ("mtu", gauge("mtu_bytes", "Largest packet.")),
        ("name_assign_type", gauge("name_assign_type", "How the name was assigned.")),
        ("netdev_group", gauge("net_dev_group", "The interface's group.")),
        ("type", gauge("protocol_type", "Type of link layer (include/uapi/linux/if_arp.h).")),
        ("tx_queue_len", gauge("transmit_queue_length", "Packets that the queue for sending holds.")),
    ]

    private final class Interface {
        let key: UInt64
        let state: KernelFile
        let changes: KernelFile
        var mark: UInt64 = 0
        var wait = 0
        var series: [(family: NodeFamily, key: UInt64, value: MetricValue, labels: [NodeSeries.Label])] = []

        init(_ directory: String, _ name: String) {
            key = KernelText.key(of: name)
            state = KernelFile("\(directory)/operstate")
            changes = KernelFile("\(directory)/carrier_changes")
        }

        /// A hash of the two files that tell of a change; nil if the interface has gone.
        func currentMark(_ text: inout KernelText) -> UInt64? {
            guard state.readIfThere(into: &text) else { return nil }
            let first = text.key(0..<text.count)
            guard changes.readIfThere(into: &text) else { return first }
            return text.key(0..<text.count, seed: first)
        }
    }

    private let tree: SysTree
    private let isHidden: @Sendable (String) -> Bool
    private var interfaces: [(name: String, interface: Interface)] = []
    private var wait = 0

    init(tree: SysTree, options: NodeOptions) {
        self.tree = tree
        isHidden = options.isInterfaceHidden
    }

    func collect(_ text: inout KernelText, _ series: inout SeriesRecorder, _ sample: inout NodeSample) throws(NodeReadError) {
        if wait == 0 {
            wait = 5
            list()
        }
        wait -= 1
        guard !interfaces.isEmpty else { throw .absent }
        for (name, interface) in interfaces {
            guard let mark = interface.currentMark(&text) else {
                wait = 0
                continue
            }
            if interface.wait == 0 || mark != interface.mark {
                interface.mark = mark
                interface.wait = 30
                interface.series = look(name)
            }
            interface.wait -= 1
            for one in interface.series { series.add(one.family, one.value, key: one.key) { one.labels } }
        }
    }

    private func list() {
        let names = tree.list("/sys/class/net").filter { !isHidden($0) && tree.exists("/sys/class/net/\($0)/ifindex") }
        guard names != interfaces.map(\.name) else { return }
        interfaces = names.map { name in
            (name, interfaces.first { $0.name == name }?.interface ?? Interface("\(tree.root)/sys/class/net/\(name)", name))
        }
    }

    private func look(_ name: String) -> [(family: NodeFamily, key: UInt64, value: MetricValue, labels: [NodeSeries.Label])] {
        let directory = "/sys/class/net/\(name)"
        let device: [NodeSeries.Label] = [("device", name)]
        let key = KernelText.key(of: name)
        var all: [(family: NodeFamily, key: UInt64, value: MetricValue, labels: [NodeSeries.Label])] = []
        for (file, family) in Self.numbers {
            guard let text = tree.text("\(directory)/\(file)"), let value = NetworkClassSource.number(text) else { continue }
            all.append((family, key, .integer(value), device))
        }
        if let text = tree.text("\(directory)/speed"), let megabits = Int64(text) {
            all.append((Self.speed, key, .integer(megabits &* 125_000), device))
        }
        func word(_ file: String) -> String { tree.text("\(directory)/\(file)") ?? "" }
        let state = word("operstate")
        all.append((Self.up, key, .flag(state == "up"), device))
        let labels = [
            ("address", word("address")), ("broadcast", word("broadcast")), ("device", name), ("duplex", word("duplex")),
            ("ifalias", word("ifalias")), ("operstate", state),
        ].map { (name: $0.0, value: $0.1) }
        // The key holds the labels' values: another state is another series.
        all.append((Self.info, KernelText.key(of: labels.map(\.value).joined(separator: "\n")), .flag(true), labels))
        return all
    }

    private static func number(_ text: String) -> Int64? {
        text.hasPrefix("0x") ? Int64(text.dropFirst(2), radix: 16) : Int64(text)
    }
}
