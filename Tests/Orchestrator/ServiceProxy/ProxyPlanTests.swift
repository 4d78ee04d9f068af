import InternetAddresses
import JSON
import Testing

@testable import ServiceProxy

@Suite struct ProxyPlanTests {
    static func service(_ address: String, ports: JSON, more: JSON = [:]) -> JSON {
        var spec: JSON = ["clusterIP": .string(address), "ports": ports]
        for (key, value) in more.members { spec[key] = value }
        return ["apiVersion": "v1", "kind": "Service", "metadata": ["name": "web", "namespace": "shop"], "spec": spec]
    }

    static func endpoints(_ subsets: [(addresses: [String], ports: JSON)]) -> JSON {
        [
            "apiVersion": "v1", "kind": "Endpoints", "metadata": ["name": "web", "namespace": "shop"],
            "subsets": .array(subsets.map { ["addresses": .array($0.addresses.map { ["ip": .string($0)] }), "ports": $0.ports] }),
        ]
    }

    private let two: JSON = [["name": "http", "port": 80, "protocol": "TCP"], ["name": "admin", "port": 81, "protocol": "TCP"]]

    @Test func `each port of a service leads to the ready endpoints of its name`() throws {
        let plan = ProxyPlan(
            service: Self.service("10.96.0.5", ports: two),
            endpoints: Self.endpoints([
                (["10.1.0.2", "10.1.0.1"], [["name": "http", "port": 8080], ["name": "admin", "port": 9000]]),
                (["10.1.0.3"], [["name": "http", "port": 8081]]),
            ]))
        let address = try #require(IPv4Address("10.96.0.5"))
        #expect(plan.portals[Frontend(address, 80)]?.name == "shop/web:http")
        #expect(plan.portals[Frontend(address, 80)]?.backends.map(\.description) == ["10.1.0.1:8080", "10.1.0.2:8080", "10.1.0.3:8081"])
        #expect(plan.portals[Frontend(address, 81)]?.backends.map(\.description) == ["10.1.0.1:9000", "10.1.0.2:9000"])
        #expect(plan.addresses == [address])
    }

    @Test func `unready addresses do not serve`() {
        var endpoints = Self.endpoints([([], [["name": "http", "port": 8080]])])
        endpoints["subsets"][0]["notReadyAddresses"] = [["ip": "10.1.0.9"]]
        let plan = ProxyPlan(service: Self.service("10.96.0.5", ports: two), endpoints: endpoints)
        #expect(plan.portals.values.allSatisfy { $0.backends.isEmpty })
        #expect(plan.portals.count == 2)
    }

    @Test(arguments: [
        ProxyPlanTests.service("None", ports: [["port": 80]]), ProxyPlanTests.service("", ports: [["port": 80]]),
        ProxyPlanTests.service("10.96.0.5", ports: [["port": 80]], more: ["type": "ExternalName"]),
        ProxyPlanTests.service("fd00::1", ports: [["port": 80]]), .null,
    ])
    func `services without an IPv4 address of their own are left to DNS`(service: JSON) {
        #expect(ProxyPlan(service: service.isNull ? nil : service, endpoints: nil) == ProxyPlan())
    }

    @Test func `affinity and ports of other transports are read`() {
        let service = Self.service(
            "10.96.0.5", ports: [["port": 53, "protocol": "UDP"], ["port": 53, "protocol": "TCP"]],
            more: ["sessionAffinity": "ClientIP", "sessionAffinityConfig": ["clientIP": ["timeoutSeconds": 7]]])
        let plan = ProxyPlan(service: service, endpoints: nil)
        #expect(plan.portals.values.map(\.affinity) == [.seconds(7)])
        #expect(plan.unsupportedPorts == ["53/UDP"])
    }

    @Test func `the difference of two plans closes first, then opens, and keeps what stays`() throws {
        let old = ProxyPlan(service: Self.service("10.96.0.5", ports: two), endpoints: nil)
        let endpoints = Self.endpoints([(["10.1.0.1"], [["name": "http", "port": 8080]])])
        let new = ProxyPlan(service: Self.service("10.96.0.5", ports: [["name": "http", "port": 80], ["name": "x", "port": 82]]), endpoints: endpoints)
        let words = new.actions(from: old).map { action in
            switch action {
            case .addAddress(let address): "add \(address)"
            case .removeAddress(let address): "remove \(address)"
            case .listen(let frontend, _): "listen \(frontend)"
            case .change(let frontend, let portal): "change \(frontend) \(portal.backends)"
            case .close(let frontend): "close \(frontend)"
            }
        }
        #expect(words == ["close 10.96.0.5:81", "change 10.96.0.5:80 [10.1.0.1:8080]", "listen 10.96.0.5:82"])
        #expect(new.actions(from: new).isEmpty)
        #expect(ProxyPlan().actions(from: old).count == 3)
        #expect(old.actions(from: ProxyPlan()).count == 3)
    }
}
