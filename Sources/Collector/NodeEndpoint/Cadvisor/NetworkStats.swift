import JSON
import NodeStats

/// cAdvisor's `NetworkStats`. Version 1 repeats the first interface at the top.
enum NetworkStats {
    static func version1(_ reading: NetworkReading) -> JSON {
        Document.object(interface(reading.interfaces.first) + common(reading))
    }

    static func version2(_ reading: NetworkReading) -> JSON { Document.object(common(reading)) }

    private static func common(_ reading: NetworkReading) -> [(String, JSON)] {
        [
            ("interfaces", Document.list(reading.interfaces.map { .object(JSONObject(interface($0))) })), ("tcp", tcp(reading.tcp)),
            ("tcp6", tcp(reading.tcp6)),
            ("udp", udp(reading.udp)), ("udp6", udp(reading.udp6)),
            ("tcp_advanced", .object(JSONObject(reading.advanced.map { ($0.name, .integer($0.value)) }))),
        ]
    }

    private static func interface(_ counters: NetworkCounters?) -> [(String, JSON)] {
        [
            ("name", .string(counters?.interface ?? "")), ("rx_bytes", Document.count(counters?.receivedBytes)),
            ("rx_packets", Document.count(counters?.receivedPackets)),
            ("rx_errors", Document.count(counters?.receiveErrors)), ("rx_dropped", Document.count(counters?.receiveDrops)),
            ("tx_bytes", Document.count(counters?.transmittedBytes)), ("tx_packets", Document.count(counters?.transmittedPackets)),
            ("tx_errors", Document.count(counters?.transmitErrors)), ("tx_dropped", Document.count(counters?.transmitDrops)),
        ]
    }

    /// The wire's spelling of `NetworkReading.tcpStates`, in that order.
    private static let states = [
        "Established", "SynSent", "SynRecv", "FinWait1", "FinWait2", "TimeWait", "Close", "CloseWait", "LastAck", "Listen", "Closing",
    ]

    private static func tcp(_ counts: [UInt64]) -> JSON {
        .object(JSONObject(states.enumerated().map { ($1, Document.count($0 < counts.count ? counts[$0] : 0)) }))
    }

    private static func udp(_ counts: NetworkReading.UDP?) -> JSON {
        [
            "Listen": Document.count(counts?.listen), "Dropped": Document.count(counts?.dropped), "RxQueued": Document.count(counts?.receiveQueued),
            "TxQueued": Document.count(counts?.transmitQueued),
        ]
    }
}
