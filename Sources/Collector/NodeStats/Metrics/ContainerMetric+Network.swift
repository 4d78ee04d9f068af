import Exposition

extension ContainerMetric {
    static let network: [ContainerMetric] = [
        perInterface("receive_bytes", "Bytes received.") { $0.receivedBytes },
        perInterface("receive_packets", "Packets received.") { $0.receivedPackets },
        perInterface("receive_packets_dropped", "Packets dropped on receipt.") { $0.receiveDrops },
        perInterface("receive_errors", "Errors on receipt.") { $0.receiveErrors },
        perInterface("transmit_bytes", "Bytes sent.") { $0.transmittedBytes },
        perInterface("transmit_packets", "Packets sent.") { $0.transmittedPackets },
        perInterface("transmit_packets_dropped", "Packets dropped on sending.") { $0.transmitDrops },
        perInterface("transmit_errors", "Errors on sending.") { $0.transmitErrors },
    ]

    private static func perInterface(_ name: String, _ help: String, _ value: @escaping @Sendable (NetworkCounters) -> UInt64) -> ContainerMetric {
        counters(.network, "container_network_\(name)_total", help) { row, emit in
            guard let network = row.network else { return }
            for counters in network.interfaces {
                // A pod in the node's own network shows the node's counters: whoever adds them up must be able to leave it out.
                let labels: ExtraLabels =
                    row.reference.sharesNodeNetwork
                    ? .many([.init("interface", counters.interface), .init("netns_shared", "true")]) : .one("interface", counters.interface)
                emit(labels, .unsigned(value(counters)))
            }
        }
    }

    static let sockets: [ContainerMetric] = [
        gauges(.tcp, "container_network_tcp_usage_total", "TCP connections over IPv4 by state.") { row, emit in tcp(row.network?.tcp, emit) },
        gauges(.tcp, "container_network_tcp6_usage_total", "TCP connections over IPv6 by state.") { row, emit in tcp(row.network?.tcp6, emit) },
        gauges(.udp, "container_network_udp_usage_total", "UDP over IPv4: sockets, dropped packets and queues.") { row, emit in udp(row.network?.udp, emit) },
        gauges(.udp, "container_network_udp6_usage_total", "UDP over IPv6: sockets, dropped packets and queues.") { row, emit in
            udp(row.network?.udp6, emit)
        },
        gauges(.advancedTCP, "container_network_advance_tcp_stats_total", "The kernel's own counts of TCP, by its names in lower case.") { row, emit in
            for (name, value) in row.network?.advanced ?? [] { emit(.one("tcp_state", name.lowercased()), .signed(value)) }
        },
    ]

    private static let tcpStates: [ExtraLabels] = NetworkReading.tcpStates.map { .fixed(("tcp_state", $0)) }
    private static let udpStates: [ExtraLabels] = ["listen", "dropped", "rxqueued", "txqueued"].map { .fixed(("udp_state", $0)) }

    private static func tcp(_ counts: [UInt64]?, _ emit: Emit) {
        guard let counts else { return }
        for (state, count) in zip(tcpStates, counts) { emit(state, .unsigned(count)) }
    }

    private static func udp(_ counts: NetworkReading.UDP?, _ emit: Emit) {
        guard let counts else { return }
        emit(udpStates[0], .unsigned(counts.listen))
        emit(udpStates[1], .unsigned(counts.dropped))
        emit(udpStates[2], .unsigned(counts.receiveQueued))
        emit(udpStates[3], .unsigned(counts.transmitQueued))
    }
}
