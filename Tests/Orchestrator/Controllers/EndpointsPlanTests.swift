import JSON
import Objects
import Testing

@testable import Controllers

@Suite struct EndpointsPlanTests {
    private func pods(_ documents: [JSON]) -> [CachedObject] {
        documents.map { document in
            var document = document
            document["metadata"]["uid"] = .string(document.metadataName)
            return CachedObject(document)
        }
    }
    private func addresses(_ subsets: [JSON], _ field: String = "addresses") -> [String] {
        subsets.flatMap { $0[field].elements.compactMap { $0["ip"].string } }
    }

    @Test func `ready pods serve, unready ones are listed apart, ended and going ones are not`() {
        var ended = Sample.pod("ended", ip: "10.1.0.9")
        ended["status"]["phase"] = "Succeeded"
        var going = Sample.pod("going", ip: "10.1.0.8", ready: true)
        going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
        let all = pods([
            Sample.pod("b", node: "n", ip: "10.1.0.2", ready: true), Sample.pod("a", ip: "10.1.0.1", ready: true), Sample.pod("c", ip: "10.1.0.3"),
            Sample.pod("no-ip"), ended, going,
        ])
        let plan = EndpointsPlan(service: Sample.service("web"), pods: all)
        #expect(addresses(plan.subsets) == ["10.1.0.1", "10.1.0.2"])
        #expect(addresses(plan.subsets, "notReadyAddresses") == ["10.1.0.3"])
        #expect(plan.subsets[0]["ports"] == [["port": 8080, "protocol": "TCP"]])
        #expect(plan.subsets[0]["addresses"][1]["nodeName"].string == "n")
        #expect(plan.subsets[0]["addresses"][0]["targetRef"]["name"].string == "a")
        let slice = plan.sliceChanges(service: Sample.service("web"), slices: [], manager: "m").create[0]
        let gone = slice["endpoints"].elements.first { $0["addresses"][0].string == "10.1.0.8" }
        #expect(gone?["conditions"] == ["ready": false, "serving": true, "terminating": true])
    }

    @Test func `unready addresses are served where the service says so`() {
        var service = Sample.service("web")
        service["spec"]["publishNotReadyAddresses"] = true
        #expect(addresses(EndpointsPlan(service: service, pods: pods([Sample.pod("c", ip: "10.1.0.3")])).subsets) == ["10.1.0.3"])
    }

    @Test func `a named port is looked up in each pod, and pods without it are left out`() {
        var other = Sample.pod("other", ip: "10.1.0.2", ready: true)
        other["spec"]["containers"] = [["name": "c", "ports": [["name": "http", "containerPort": 9090]]]]
        var without = Sample.pod("without", ip: "10.1.0.3", ready: true)
        without["spec"]["containers"] = [["name": "c"]]
        let plan = EndpointsPlan(
            service: Sample.service("web", targetPort: "http"), pods: pods([Sample.pod("a", ip: "10.1.0.1", ready: true), other, without]))
        #expect(plan.subsets.count == 2)
        #expect(plan.subsets.map { $0["ports"][0]["port"].int } == [8080, 9090])
        #expect(addresses(plan.subsets) == ["10.1.0.1", "10.1.0.2"])
    }

    @Test func `hostnames are given where subdomain and service agree`() {
        var pod = Sample.pod("a", ip: "10.1.0.1", ready: true)
        pod["spec"]["hostname"] = "db-0"
        pod["spec"]["subdomain"] = "web"
        #expect(EndpointsPlan(service: Sample.service("web"), pods: pods([pod])).subsets[0]["addresses"][0]["hostname"].string == "db-0")
    }

    @Test func `slices hold a hundred each, and one pod's change rewrites one slice`() {
        let service = Sample.service("web")
        var documents = (0..<250).map { Sample.pod("p\($0)", ip: "10.1.\($0 / 250).\($0 + 1)", ready: true) }
        let created = EndpointsPlan(service: service, pods: pods(documents)).sliceChanges(service: service, slices: [], manager: "m").create
        #expect(created.map { $0["endpoints"].elements.count } == [100, 100, 50])
        let slices = created.enumerated().map { position, slice in
            var slice = slice
            slice["metadata"]["name"] = .string("s\(position)")
            return CachedObject(slice)
        }
        documents.remove(at: 10)
        let after = EndpointsPlan(service: service, pods: pods(documents)).sliceChanges(service: service, slices: slices, manager: "m")
        #expect(after.create.isEmpty && after.delete.isEmpty)
        #expect(after.update.map { $0["endpoints"].elements.count } == [99])
        let same = EndpointsPlan(service: service, pods: pods(documents)).sliceChanges(
            service: service, slices: slices.map { slice in after.update.first { $0.metadataName == slice.key.name }.map(CachedObject.init) ?? slice },
            manager: "m")
        #expect(same.create.isEmpty && same.update.isEmpty && same.delete.isEmpty)
        let none = EndpointsPlan(service: service, pods: []).sliceChanges(service: service, slices: slices, manager: "m")
        #expect(none.delete.count == 3)
    }
}
