/// An IPv4 address as a number, and the text of both it and blocks of it.
public struct IPv4Address: Hashable, Sendable, Comparable, CustomStringConvertible {
    public let bits: UInt32

    public init(bits: UInt32) { self.bits = bits }

    public init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bits: UInt32 = 0
        for part in parts {
            guard let byte = UInt8(part), part.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
            bits = bits << 8 | UInt32(byte)
        }
        self.bits = bits
    }

    public var description: String { "\(bits >> 24).\(bits >> 16 & 255).\(bits >> 8 & 255).\(bits & 255)" }
    /// 127.0.0.0/8: the kernel has all of these without being told.
    public var isLoopback: Bool { bits >> 24 == 127 }
    public static func < (left: IPv4Address, right: IPv4Address) -> Bool { left.bits < right.bits }
}

/// A block of addresses, `10.96.0.0/16`.
public struct IPv4Block: Hashable, Sendable, CustomStringConvertible {
    public let base: IPv4Address
    /// 0 to 32.
    public let prefixLength: Int

    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let address = IPv4Address(String(parts[0])), let length = Int(parts[1]), (0...32).contains(length) else { return nil }
        prefixLength = length
        base = IPv4Address(bits: length == 0 ? 0 : address.bits & (UInt32.max << UInt32(32 - length)))
    }

    public func contains(_ address: IPv4Address) -> Bool { prefixLength == 0 || (address.bits ^ base.bits) >> UInt32(32 - prefixLength) == 0 }
    public var description: String { "\(base)/\(prefixLength)" }
}
