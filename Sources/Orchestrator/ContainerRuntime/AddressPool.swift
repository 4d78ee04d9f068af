public import InternetAddresses

/// Gives pods their addresses: the lowest that is free and was not given back lately.
///
/// An address that is used again at once makes clients of the old pod talk to the new one, so those
/// given back wait in a queue of bounded length; only when nothing else is left the oldest of them goes.
public struct AddressPool: Hashable, Sendable {
    public let range: IPv4Network
    /// Addresses given back, oldest first.
    public private(set) var resting: [IPv4Address]
    private var used: Set<IPv4Address> = []

    /// At most this many addresses rest, and never more than half of the range.
    private var restingLimit: Int { min(256, range.count / 2) }

    public init(range: IPv4Network, resting: [IPv4Address] = []) {
        self.range = range
        self.resting = resting.filter { range.contains($0) }.suffix(256)
    }

    /// The bridge's own: the first after the network's address.
    public var gateway: IPv4Address { range.base + 1 }

    public mutating func claim(_ address: IPv4Address) {
        used.insert(address)
        resting.removeAll { $0 == address }
    }

    /// Nil if all are taken. Linear in the number of addresses in use.
    public mutating func allocate() -> IPv4Address? {
        var candidate = gateway + 1
        while candidate < range.last {
            if !used.contains(candidate), !resting.contains(candidate) {
                used.insert(candidate)
                return candidate
            }
            candidate = candidate + 1
        }
        guard !resting.isEmpty else { return nil }
        let oldest = resting.removeFirst()
        used.insert(oldest)
        return oldest
    }

    public mutating func release(_ address: IPv4Address) {
        guard used.remove(address) != nil else { return }
        resting.append(address)
        if resting.count > restingLimit { resting.removeFirst() }
    }
}
