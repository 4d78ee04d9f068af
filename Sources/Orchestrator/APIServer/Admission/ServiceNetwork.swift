import Objects

/// An IPv4 network in CIDR form, from which Services get their addresses.
public struct ServiceNetwork: Hashable, Sendable, CustomStringConvertible {
    let base: UInt32
    let prefixLength: Int

    /// `10.43.0.0/16`; nil unless it is an IPv4 network of 12 to 30 bits.
    public init?(_ text: String) {
        let parts = text.split(separator: "/")
        guard parts.count == 2, let address = Self.address(String(parts[0])), let length = Int(parts[1]), (12...30).contains(length) else {
            return nil
        }
        prefixLength = length
        base = address & ~UInt32(truncatingIfNeeded: (UInt64(1) << UInt64(32 - length)) - 1)
    }

    public static let standard = ServiceNetwork("10.43.0.0/16")!

    /// How many addresses it has, with the network's own and the broadcast address.
    var size: UInt32 { 1 << UInt32(32 - prefixLength) }
    /// The first address: that of the service `default/kubernetes`.
    public var firstAddress: String { Self.text(base + 1) }
    public var description: String { "\(Self.text(base))/\(prefixLength)" }
    func contains(_ address: UInt32) -> Bool { address > base && address < base + size - 1 }

    static func address(_ text: String) -> UInt32? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var address: UInt32 = 0
        for part in parts {
            guard let byte = UInt8(part), String(byte) == part else { return nil }
            address = address << 8 | UInt32(byte)
        }
        return address
    }

    static func text(_ address: UInt32) -> String { "\(address >> 24).\(address >> 16 & 255).\(address >> 8 & 255).\(address & 255)" }
}
