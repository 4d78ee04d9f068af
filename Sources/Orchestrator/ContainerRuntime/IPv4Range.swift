/// A block of IPv4 addresses, as CIDR notation writes it.
public struct IPv4Range: Hashable, Sendable, CustomStringConvertible {
    /// The first address, in host byte order.
    public var base: UInt32
    /// Length of the network part, 0 to 32.
    public var prefix: Int

    /// Nil if the text is no `A.B.C.D/N`, or has bits set beyond the prefix.
    public init?(_ text: String) {
        let halves = text.split(separator: "/", omittingEmptySubsequences: false)
        guard halves.count == 2, let prefix = Int(halves[1]), (0...32).contains(prefix), let base = Self.address(String(halves[0])) else { return nil }
        self.base = base
        self.prefix = prefix
        guard base & ~mask == 0 else { return nil }
    }

    private var mask: UInt32 { prefix == 0 ? 0 : ~0 << UInt32(32 - prefix) }
    public var count: Int { 1 << (32 - prefix) }
    public func contains(_ address: UInt32) -> Bool { address & mask == base }
    public var description: String { "\(Self.text(base))/\(prefix)" }

    /// The dotted form.
    public static func text(_ address: UInt32) -> String {
        "\(address >> 24).\(address >> 16 & 255).\(address >> 8 & 255).\(address & 255)"
    }

    /// Nil if the text is no dotted address.
    public static func address(_ text: String) -> UInt32? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var address: UInt32 = 0
        for part in parts {
            guard let byte = UInt8(part), part.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
            address = address << 8 | UInt32(byte)
        }
        return address
    }
}
