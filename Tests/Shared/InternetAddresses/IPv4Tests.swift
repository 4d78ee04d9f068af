import InternetAddresses
import Testing

@Suite struct IPv4Tests {
    @Test func `addresses are read strictly and written back`() throws {
        for text in ["0.0.0.0", "10.96.0.5", "255.255.255.255"] { #expect(IPv4Address(text)?.description == text) }
        #expect(IPv4Address("1.2.3.4")?.bits == 0x0102_0304)
        for bad in ["", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1..2.3", "+1.2.3.4", "a.b.c.d", "01.2.3.4", "1.2.3.4 ", "1.2.3.0000"] {
            #expect(IPv4Address(bad) == nil, "\(bad)")
        }
    }

    @Test func `networks are read strictly`() {
        for bad in [
            "10.88.0.0", "10.88.0/16", "10.88.0.1/16", "10.88.0.0/33", "10.88.0.0/-1", "10.88.0.0/+8", "10.88.0.256/16", "::/64", "a.b.c.d/8", "10.88.0.0/16/8",
            "/",
        ] {
            #expect(IPv4Network(bad) == nil, "\(bad)")
        }
        #expect(IPv4Network("10.43.7.9/16", ignoringHostBits: true)?.description == "10.43.0.0/16")
    }

    @Test func `a network holds its addresses`() throws {
        let network = try #require(IPv4Network("10.96.7.0/12", ignoringHostBits: true))
        #expect("\(network) \(network.last) \(network.count)" == "10.96.0.0/12 10.111.255.255 1048576")
        #expect(try network.contains(#require(IPv4Address("10.111.255.255"))))
        #expect(try !network.contains(#require(IPv4Address("10.112.0.0"))))
        #expect(!network.containsHost(network.base) && !network.containsHost(network.last) && network.containsHost(network.base + 1))
        let all = try #require(IPv4Network("0.0.0.0/0"))
        #expect(all.count == 1 << 32 && all.contains(network.last))
        let one = try #require(IPv4Network("10.0.0.1/32"))
        #expect(one.count == 1 && one.base == one.last && one.contains(one.base) && !one.contains(one.base + 1))
    }

    @Test func `networks overlap where one holds the other`() throws {
        let wide = try #require(IPv4Network("10.0.0.0/8")), narrow = try #require(IPv4Network("10.88.0.0/16"))
        let other = try #require(IPv4Network("10.96.0.0/16"))
        #expect(wide.overlaps(narrow) && narrow.overlaps(wide) && !narrow.overlaps(other))
    }
}
