/// A block of IPv4 addresses that share a prefix, `10.96.0.0/16`.
public struct IPv4Network: Hashable, Sendable, CustomStringConvertible {
    /// The first address.
    public let base: IPv4Address
    /// Bits of the network part, 0 to 32.
    public let prefixLength: Int

    /// The network that an address lies in.
    public init(of address: IPv4Address, prefixLength: Int) {
        precondition((0...32).contains(prefixLength), "an IPv4 prefix has 0 to 32 bits")
        self.prefixLength = prefixLength
        base = IPv4Address(bits: address.bits & Self.mask(prefixLength))
    }

    /// `A.B.C.D/N`. Bits beyond the prefix are a mistake of whoever wrote it: nil, unless they may be left aside.
    public init?(_ text: String, ignoringHostBits: Bool = false) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let address = IPv4Address(parts[0]), parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let length = Int(parts[1]), (0...32).contains(length)
        else { return nil }
        self.init(of: address, prefixLength: length)
        guard ignoringHostBits || base == address else { return nil }
    }

    private static func mask(_ prefixLength: Int) -> UInt32 { prefixLength == 0 ? 0 : ~0 << UInt32(32 - prefixLength) }
    public var mask: UInt32 { Self.mask(prefixLength) }
    /// Addresses, with the network's own and the broadcast address.
    public var count: Int { 1 << (32 - prefixLength) }
    /// The broadcast address.
    public var last: IPv4Address { IPv4Address(bits: base.bits | ~mask) }
    public func contains(_ address: IPv4Address) -> Bool { address.bits & mask == base.bits }
    /// Whether a machine may have the address: neither the network's own nor the broadcast address.
    public func containsHost(_ address: IPv4Address) -> Bool { address > base && address < last }
    public func overlaps(_ other: IPv4Network) -> Bool { contains(other.base) || other.contains(base) }
    public var description: String { "\(base)/\(prefixLength)" }
}
