import Exposition
import InternetAddresses
import JSON
import NIOCore
import NIOPosix
import Objects
import Runtime
import Synchronization
import Testing

@testable import ServiceProxy

/// Real traffic on 127.x addresses: the mode that needs no right.
@Suite struct ServiceProxyTests {
    /// A proxy with its fake API, on a /24 of its own so that tests run side by side.
    struct Bench: Sendable {
        let api = FakeServices()
        let metrics = MetricRegistry()
        let proxy: ServiceProxy
        let network: String
        static let networks = Atomic<Int>(0)

        init(connectionLimit: Int = 4096, addresses: (any AddressTable)? = nil) {
            let number = Self.networks.add(1, ordering: .relaxed).newValue
            network = "127.77.\(number)"
            proxy = ServiceProxy(
                client: api, serviceCIDR: IPv4Network("127.77.0.0/16")!, events: api, metrics: metrics, addresses: addresses, connectionLimit: connectionLimit,
                retryInterval: .milliseconds(50))
        }

        var address: String { "\(network).1" }

        func service(_ name: String = "web", port: Int = 8080, more: JSON = [:]) {
            var spec: JSON = ["clusterIP": .string(address), "ports": [["port": JSON(port), "protocol": "TCP"]]]
            for (key, value) in more.members { spec[key] = value }
            api.put(.services, ["apiVersion": "v1", "kind": "Service", "metadata": ["name": .string(name), "namespace": "default"], "spec": spec])
        }

        func endpoints(_ servers: [(address: String, port: Int)], name: String = "web") {
            let subsets = servers.map { server -> JSON in ["addresses": [["ip": .string(server.address)]], "ports": [["port": JSON(server.port)]]] }
            api.put(
                .endpoints,
                ["apiVersion": "v1", "kind": "Endpoints", "metadata": ["name": .string(name), "namespace": "default"], "subsets": .array(subsets)])
        }

        func value(_ name: String) -> Double {
            metrics.collect().first { $0.name == name }?.samples.reduce(0) { $0 + $1.value } ?? -1
        }

        /// Runs the proxy while `body` does.
        func run(_ body: @Sendable (Bench) async throws -> Void) async throws {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await proxy.run() }
                defer { group.cancelAll() }
                try await body(self)
            }
        }

        /// Waits for what the proxy does by itself; real sockets need real time.
        func eventually(_ what: Comment, _ condition: () async throws -> Bool) async throws {
            for _ in 0..<400 {
                if try await condition() { return }
                try await Task.sleep(for: .milliseconds(10))
            }
            Issue.record(what)
        }
    }

    @Test func `connections go round the ready endpoints, and follow them when they change`() async throws {
        try await Bench().run { bench in
            var servers: [NamedServer] = []
            for name in ["one", "two", "three"] { servers.append(try await NamedServer.start(name, on: "\(bench.network).\(10 + servers.count)")) }
            bench.endpoints(servers.enumerated().map { ("\(bench.network).\(10 + $0)", $1.port) })
            bench.service()
            try await bench.eventually("no listener") { bench.value("binnacle_proxy_listeners") == 1 }
            var answers: [String] = []
            for _ in 0..<6 { answers.append(try await Client.exchange(bench.address, 8080)) }
            #expect(Dictionary(grouping: answers) { $0 }.mapValues(\.count) == ["one 4": 2, "two 4": 2, "three 4": 2])
            bench.endpoints([("\(bench.network).11", servers[1].port)])
            try await bench.eventually("the change is not followed") { try await Client.exchange(bench.address, 8080) == "two 4" }
            for _ in 0..<4 { #expect(try await Client.exchange(bench.address, 8080) == "two 4") }
            for server in servers { try await server.stop() }
        }
    }

    @Test func `a client sees a reset at once when nobody is ready, and it is counted`() async throws {
        try await Bench().run { bench in
            bench.service()
            try await bench.eventually("no listener") { bench.value("binnacle_proxy_listeners") == 1 }
            await #expect(throws: (any Error).self) { try await Client.exchange(bench.address, 8080) }
            #expect(bench.value("binnacle_proxy_no_endpoint_total") == 1)
            try await bench.eventually("a place is not given back") { bench.value("binnacle_proxy_open_connections") == 0 }
        }
    }

    @Test func `a dead endpoint is passed over`() async throws {
        try await Bench().run { bench in
            let server = try await NamedServer.start("alive", on: "\(bench.network).12")
            // Nobody listens on port 1 of these.
            bench.endpoints([("\(bench.network).10", 1), ("\(bench.network).11", 1), ("\(bench.network).12", server.port)])
            bench.service()
            try await bench.eventually("no listener") { bench.value("binnacle_proxy_listeners") == 1 }
            for _ in 0..<6 { #expect(try await Client.exchange(bench.address, 8080) == "alive 4") }
            #expect(bench.value("binnacle_proxy_dial_failures_total") > 0)
            try await server.stop()
            await #expect(throws: (any Error).self) { try await Client.exchange(bench.address, 8080) }
            #expect(bench.value("binnacle_proxy_dial_abandoned_total") == 1)
        }
    }

    @Test func `a client with affinity stays with its endpoint`() async throws {
        try await Bench().run { bench in
            var servers: [NamedServer] = []
            for name in ["one", "two", "three"] { servers.append(try await NamedServer.start(name, on: "\(bench.network).\(10 + servers.count)")) }
            bench.endpoints(servers.enumerated().map { ("\(bench.network).\(10 + $0)", $1.port) })
            bench.service(more: ["sessionAffinity": "ClientIP"])
            try await bench.eventually("no listener") { bench.value("binnacle_proxy_listeners") == 1 }
            var answers: Set<String> = []
            for _ in 0..<6 { answers.insert(try await Client.exchange(bench.address, 8080)) }
            #expect(answers.count == 1)
            for server in servers { try await server.stop() }
        }
    }

    @Test func `many megabytes arrive whole, many connections at a time, and the end of one direction leaves the other`() async throws {
        try await Bench().run { bench in
            let server = try await NamedServer.start("big", on: "\(bench.network).10")
            bench.endpoints([("\(bench.network).10", server.port)])
            bench.service()
            try await bench.eventually("no listener") { bench.value("binnacle_proxy_listeners") == 1 }
            // The answer comes only after the request has ended, so each of these also tests half-close.
            try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<20 { group.addTask { try await Client.exchange(bench.address, 8080, bytes: 3_000_000) } }
                for try await answer in group { #expect(answer == "big 3000000") }
            }
            try await server.stop()
            try await bench.eventually("places are not given back") { bench.value("binnacle_proxy_open_connections") == 0 }
        }
    }

    @Test func `a server that does not read stops its client, not the proxy's memory`() async throws {
        try await Bench().run { bench in
            let server = try await NamedServer.start("deaf", on: "\(bench.network).10", isReading: false)
            bench.endpoints([("\(bench.network).10", server.port)])
            bench.service()
            try await bench.eventually("no listener") { bench.value("binnacle_proxy_listeners") == 1 }
            let (_, channel) = try await Client.connect(bench.address, 8080)
            channel.writeAndFlush(ByteBuffer(repeating: 0x61, count: 200_000_000), promise: nil)
            var last = -1.0
            var still = 0
            try await bench.eventually("the flow never stops") {
                let now = bench.value("binnacle_proxy_bytes_total")
                still = now == last && now > 0 ? still + 1 : 0
                last = now
                return still > 20
            }
            // What sockets hold, and no more than NIO's high-water mark besides.
            #expect(last < 30_000_000, "\(last) bytes were taken for a server that reads none")
            try await channel.close().get()
            try await server.stop()
        }
    }

    @Test func `connections over the limit are reset and counted`() async throws {
        try await Bench(connectionLimit: 2).run { bench in
            let server = try await NamedServer.start("s", on: "\(bench.network).10")
            bench.endpoints([("\(bench.network).10", server.port)])
            bench.service()
            try await bench.eventually("no listener") { bench.value("binnacle_proxy_listeners") == 1 }
            var held: [any Channel] = []
            for _ in 0..<2 { held.append(try await Client.connect(bench.address, 8080).channel) }
            try await bench.eventually("not accepted") { bench.value("binnacle_proxy_open_connections") == 2 }
            await #expect(throws: (any Error).self) { try await Client.exchange(bench.address, 8080) }
            #expect(bench.value("binnacle_proxy_over_limit_total") == 1)
            for channel in held { try await channel.close().get() }
            try await bench.eventually("places are not given back") { bench.value("binnacle_proxy_open_connections") == 0 }
            #expect(try await Client.exchange(bench.address, 8080) == "s 4")
            try await server.stop()
        }
    }

    @Test func `a port that is taken gives one event and is taken over when it is free`() async throws {
        try await Bench().run { bench in
            let holder = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).bind(host: bench.address, port: 8080).get()
            let server = try await NamedServer.start("s", on: "\(bench.network).10")
            bench.endpoints([("\(bench.network).10", server.port)])
            bench.service()
            try await bench.eventually("no retry") { bench.value("binnacle_proxy_listen_failures_total") >= 3 }
            #expect(bench.api.events.count == 1)
            #expect(bench.api.events[0].hasPrefix("FailedToListen: Cannot listen on \(bench.address):8080 for default/web"))
            try await holder.close().get()
            try await bench.eventually("it is not taken over") { bench.value("binnacle_proxy_listeners") == 1 }
            #expect(try await Client.exchange(bench.address, 8080) == "s 4")
            try await server.stop()
        }
    }

    @Test func `a deleted service refuses newcomers, and the end of the proxy closes all`() async throws {
        let bench = Bench()
        try await bench.run { bench in
            bench.service()
            try await bench.eventually("no listener") { bench.value("binnacle_proxy_listeners") == 1 }
            bench.api.drop(.services, "default/web")
            try await bench.eventually("the listener stays") { bench.value("binnacle_proxy_listeners") == 0 }
            await #expect(throws: (any Error).self) { try await Client.connect(bench.address, 8080) }
            bench.service(port: 8081)
            try await bench.eventually("no listener") { bench.value("binnacle_proxy_listeners") == 1 }
        }
        await #expect(throws: (any Error).self) { try await Client.connect(bench.address, 8081) }
    }

    @Test func `addresses come and go with services, and left-overs of a killed process are swept`() async throws {
        let table = FakeAddresses(["127.77.200.9", "10.1.2.3"])
        // An address table is asked for nothing inside 127.0.0.0/8, so only the sweep shows here.
        try await Bench(addresses: table).run { bench in
            bench.service()
            try await bench.eventually("no sweep") { table.all == ["10.1.2.3"] }
        }
        let other = FakeAddresses([])
        let api = FakeServices()
        let proxy = ServiceProxy(
            client: api, serviceCIDR: IPv4Network("192.0.2.0/24")!, events: nil, metrics: MetricRegistry(), addresses: other, retryInterval: .milliseconds(20))
        api.put(
            .services,
            [
                "metadata": ["name": "x", "namespace": "default"],
                // Nobody has this address, so the bind fails; the address was asked for all the same.
                "spec": ["clusterIP": "192.0.2.77", "ports": [["port": 9]]],
            ])
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await proxy.run() }
            for _ in 0..<200 where other.all.isEmpty { try await Task.sleep(for: .milliseconds(10)) }
            #expect(other.all == ["192.0.2.77"])
            group.cancelAll()
        }
        #expect(other.all == [])
    }
}

final class FakeAddresses: AddressTable, Sendable {
    private let held: Mutex<Set<String>>
    init(_ addresses: [String]) { held = Mutex(Set(addresses)) }
    var all: [String] { held.withLock { $0.sorted() } }
    func add(_ address: IPv4Address) throws { held.withLock { _ = $0.insert(address.description) } }
    func remove(_ address: IPv4Address) throws { held.withLock { _ = $0.remove(address.description) } }
    func list() throws -> [IPv4Address] { all.compactMap(IPv4Address.init) }
}
