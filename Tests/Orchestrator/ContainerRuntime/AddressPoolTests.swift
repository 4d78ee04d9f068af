import ContainerRuntime
import InternetAddresses
import Testing

@Suite struct AddressPoolTests {
    @Test func `gives the lowest free address and lets those given back rest`() {
        var pool = AddressPool(range: IPv4Network("10.0.0.0/29")!)
        #expect((0..<3).map { _ in pool.allocate()!.description } == ["10.0.0.2", "10.0.0.3", "10.0.0.4"])
        pool.release(IPv4Address("10.0.0.2")!)
        #expect(pool.allocate() == IPv4Address("10.0.0.5"))
        #expect(pool.allocate() == IPv4Address("10.0.0.6"))
        // Only the one that rests is left; then none.
        #expect(pool.allocate() == IPv4Address("10.0.0.2"))
        #expect(pool.allocate() == nil)
    }
}
