import Glibc
import InternetAddresses
import JSON
import NIOCore
import Objects
import Runtime
import Testing

@testable import ServiceProxy

/// Changes the addresses of `lo`, so it runs only in a network namespace made for it:
/// `unshare -n sh -c 'ip link set lo up; BINNACLE_IN_NAMESPACE=1 swift test --skip-build --filter LoopbackAddressesTests'`.
@Suite(.enabled(if: unsafe getenv("BINNACLE_IN_NAMESPACE") != nil), .serialized)
struct LoopbackAddressesTests {
    @Test func `addresses are added, listed and removed, twice without harm`() throws {
        let table = LoopbackAddresses()
        let address = try #require(IPv4Address("10.96.0.77"))
        #expect(try table.list() == [])
        try table.add(address)
        try table.add(address)
        #expect(try table.list() == [address])
        try table.remove(address)
        try table.remove(address)
        #expect(try table.list() == [])
    }

    @Test func `a service of an ordinary block is served, left-overs are swept, and nothing stays behind`() async throws {
        let table = LoopbackAddresses()
        try table.add(#require(IPv4Address("10.96.0.200")))
        try table.add(#require(IPv4Address("10.97.0.200")))
        let api = FakeServices()
        let server = try await NamedServer.start("s", on: "127.0.0.1")
        api.put(
            .services,
            [
                "metadata": ["name": "kubernetes", "namespace": "default"],
                "spec": ["clusterIP": "10.96.0.1", "ports": [["name": "https", "port": 443]]],
            ])
        api.put(
            .endpoints,
            [
                "metadata": ["name": "kubernetes", "namespace": "default"],
                "subsets": [["addresses": [["ip": "127.0.0.1"]], "ports": [["name": "https", "port": JSON(server.port)]]]],
            ])
        let proxy = ServiceProxy(client: api, serviceCIDR: try #require(IPv4Network("10.96.0.0/16")), events: api, metrics: MetricRegistry())
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await proxy.run() }
            var answer: String?
            for _ in 0..<200 where answer == nil {
                answer = try? await Client.exchange("10.96.0.1", 443)
                if answer == nil { try await Task.sleep(for: .milliseconds(10)) }
            }
            #expect(answer == "s 4")
            #expect(try table.list().map(\.description).sorted() == ["10.96.0.1", "10.97.0.200"])
            group.cancelAll()
        }
        #expect(try table.list().map(\.description) == ["10.97.0.200"])
        try table.remove(#require(IPv4Address("10.97.0.200")))
        try await server.stop()
    }
}
