/// The counters of one network interface, as `/proc/PID/net/dev` has them.
public struct NetworkCounters: Hashable, Sendable {
    public var interface: String
    public var receivedBytes: UInt64 = 0
    public var receivedPackets: UInt64 = 0
    public var receiveErrors: UInt64 = 0
    public var receiveDrops: UInt64 = 0
    public var transmittedBytes: UInt64 = 0
    public var transmittedPackets: UInt64 = 0
    public var transmitErrors: UInt64 = 0
    public var transmitDrops: UInt64 = 0

    /// The interfaces in order, loopback left out. 17 columns: receive 1 to 8, transmit 9 to 16.
    public static func parse(_ text: String) -> [NetworkCounters] {
        var all: [NetworkCounters] = []
        for line in text.split(separator: "\n").dropFirst(2) {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let name = line[..<colon].drop { $0 == " " }
            let numbers = line[line.index(after: colon)...].split(separator: " ").map { UInt64($0) ?? 0 }
            guard name != "lo", numbers.count >= 12 else { continue }
            all.append(
                NetworkCounters(
                    interface: String(name), receivedBytes: numbers[0], receivedPackets: numbers[1], receiveErrors: numbers[2],
                    receiveDrops: numbers[3], transmittedBytes: numbers[8], transmittedPackets: numbers[9], transmitErrors: numbers[10],
                    transmitDrops: numbers[11]))
        }
        return all
    }
}
