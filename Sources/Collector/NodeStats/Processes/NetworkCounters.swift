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

    public init(
        interface: String, receivedBytes: UInt64 = 0, receivedPackets: UInt64 = 0, receiveErrors: UInt64 = 0, receiveDrops: UInt64 = 0,
        transmittedBytes: UInt64 = 0, transmittedPackets: UInt64 = 0, transmitErrors: UInt64 = 0, transmitDrops: UInt64 = 0
    ) {
        self.interface = interface
        self.receivedBytes = receivedBytes
        self.receivedPackets = receivedPackets
        self.receiveErrors = receiveErrors
        self.receiveDrops = receiveDrops
        self.transmittedBytes = transmittedBytes
        self.transmittedPackets = transmittedPackets
        self.transmitErrors = transmitErrors
        self.transmitDrops = transmitDrops
    }

    /// Appends the interfaces of a `net/dev` in its order, without those whose name starts with one of the prefixes.
    ///
    /// Two lines of headings, then `name: ` and 16 numbers: receive bytes, packets, errs, drop, fifo, frame, compressed,
    /// multicast, then transmit bytes, packets, errs, drop, fifo, colls, carrier, compressed. A line with fewer than the
    /// twelve that are used is left out.
    static func parse(_ bytes: [UInt8], count: Int, skipping prefixes: [[UInt8]], into all: inout [NetworkCounters]) {
        var offset = 0
        while offset < count {
            defer { ByteText.skipLine(bytes, count, &offset) }
            ByteText.skipSpaces(bytes, count, &offset)
            let start = offset
            // The last colon before the numbers: an alias (`eth0:1`) has one in its name.
            guard let colon = endOfName(bytes, count, offset) else { continue }
            if prefixes.contains(where: { bytes[start..<colon].starts(with: $0) }) { continue }
            offset = colon + 1
            guard let values = columns(bytes, count, &offset) else { continue }
            all.append(
                NetworkCounters(
                    interface: ByteText.text(bytes, start..<colon), receivedBytes: values[0], receivedPackets: values[1], receiveErrors: values[2],
                    receiveDrops: values[3], transmittedBytes: values[8], transmittedPackets: values[9], transmitErrors: values[10],
                    transmitDrops: values[11]))
        }
    }

    private static func endOfName(_ bytes: [UInt8], _ count: Int, _ start: Int) -> Int? {
        var offset = start
        var colon: Int?
        while offset < count, bytes[offset] > ByteText.space {
            // Old kernels put no space between the colon and a wide number.
            if bytes[offset] == UInt8(ascii: ":") { colon = offset }
            offset += 1
        }
        return colon.flatMap { $0 > start ? $0 : nil }
    }

    private static func columns(_ bytes: [UInt8], _ count: Int, _ offset: inout Int) -> InlineArray<12, UInt64>? {
        var values = InlineArray<12, UInt64>(repeating: 0)
        for column in 0..<12 {
            ByteText.skipSpaces(bytes, count, &offset)
            guard let value = ByteText.decimal(bytes, count, &offset) else { return nil }
            values[column] = value
        }
        return values
    }

    /// All interfaces but the loopback one.
    public static func parse(_ text: String) -> [NetworkCounters] {
        let bytes = Array(text.utf8)
        var all: [NetworkCounters] = []
        parse(bytes, count: bytes.count, skipping: [], into: &all)
        all.removeAll { $0.interface == "lo" }
        return all
    }
}
