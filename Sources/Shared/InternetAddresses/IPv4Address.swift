/// An IPv4 address as a number in host byte order.
public struct IPv4Address: Hashable, Sendable, Comparable, CustomStringConvertible {
    public let bits: UInt32

    public init(bits: UInt32) { self.bits = bits }

    /// Nil unless it is four decimal numbers of 0 to 255 without leading zeros, which some programs take for octal.
    public init?(_ text: some StringProtocol) {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bits: UInt32 = 0
        for part in parts {
            guard (1...3).contains(part.count), part.count == 1 || part.first != UInt8(ascii: "0") else { return nil }
            var byte: UInt32 = 0
            for digit in part {
                guard (0x30...0x39).contains(digit) else { return nil }
                byte = byte * 10 + UInt32(digit - 0x30)
            }
            guard byte <= 255 else { return nil }
            bits = bits << 8 | byte
        }
        self.bits = bits
    }

    /// The dotted form.
    public var description: String { "\(bits >> 24).\(bits >> 16 & 255).\(bits >> 8 & 255).\(bits & 255)" }
    /// 127.0.0.0/8: the kernel has all of these without being told.
    public var isLoopback: Bool { bits >> 24 == 127 }
    public static func < (left: IPv4Address, right: IPv4Address) -> Bool { left.bits < right.bits }
    /// Wraps around at the end of all addresses.
    public static func + (address: IPv4Address, distance: UInt32) -> IPv4Address { IPv4Address(bits: address.bits &+ distance) }
}
