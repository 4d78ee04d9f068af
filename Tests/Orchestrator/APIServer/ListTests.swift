import APIServer
import HTTP
import JSON
import ObjectStore
import Objects
import Testing

struct ListTests {
    let pods = "/api/v1/namespaces/default/pods"

    @Test func `a table has the kind's columns, a row for each object, and its metadata`() async throws {
        let api = try await Fixture()
        await api.call("POST", pods, Fixture.pod("web", labels: ["app": "web"]))
        let table = await api.call("GET", "\(pods)?limit=500", accept: Fixture.tableAccept).json
        #expect(table["kind"] == "Table")
        #expect(table["apiVersion"] == "meta.k8s.io/v1")
        #expect(table["columnDefinitions"].elements.prefix(5).map { $0["name"].string } == ["Name", "Ready", "Status", "Restarts", "Age"])
        #expect(table["rows"].elements.count == 1)
        let row = table["rows"][0]
        #expect(row["cells"].elements.count == table["columnDefinitions"].elements.count)
        #expect(row["cells"][0] == "web")
        #expect(row["object"]["kind"] == "PartialObjectMetadata")
        #expect(row["object"].labels == ["app": "web"])
        #expect(row["object"]["spec"].isNull)
        let whole = await api.call("GET", "\(pods)?includeObject=Object", accept: Fixture.tableAccept).json
        #expect(whole["rows"][0]["object"]["spec"]["containers"][0]["name"] == "c")
        let one = await api.call("GET", "\(pods)/web", accept: Fixture.tableAccept).json
        #expect(one["rows"].elements.count == 1)
        let metadata = await api.call("GET", pods, accept: "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1").json
        #expect(metadata["kind"] == "PartialObjectMetadataList")
        #expect(metadata["items"][0].metadataName == "web")
    }

    @Test func `selectors choose by label and field`() async throws {
        let api = try await Fixture()
        await api.call("POST", pods, Fixture.pod("a", labels: ["app": "web"], node: "n1"))
        await api.call("POST", pods, Fixture.pod("b", labels: ["app": "db"], node: "n2"))
        await api.call("POST", pods, Fixture.pod("c"))
        func names(_ query: String) async -> [String] {
            await api.call("GET", "/api/v1/pods?\(query)").json["items"].elements.map(\.metadataName)
        }
        #expect(await names("labelSelector=app=web") == ["a"])
        #expect(await names("labelSelector=app!=web") == ["b", "c"])
        #expect(await names("labelSelector=app in (web,db)") == ["a", "b"])
        #expect(await names("fieldSelector=spec.nodeName=n2") == ["b"])
        #expect(await names("fieldSelector=metadata.name=c") == ["c"])
        #expect(await api.call("GET", "\(pods)?fieldSelector=metadata.name=c").json["items"].elements.count == 1)
        #expect(await names("fieldSelector=spec.nodeName!=,metadata.name!=a") == ["b"])
        let odd = await api.call("GET", "\(pods)?fieldSelector=spec.nonsense=1")
        #expect(odd.status == 400)
        #expect(odd.message.contains("field label not supported: spec.nonsense"))
    }

    @Test func `pages show one snapshot though the collection changes`() async throws {
        let api = try await Fixture(ring: 4)
        for number in 10..<30 { await api.call("POST", pods, Fixture.pod("p\(number)")) }
        var page = await api.call("GET", "\(pods)?limit=6").json
        #expect(page["metadata"]["remainingItemCount"] == 14)
        let revision = page.resourceVersion
        var names = page["items"].elements.map(\.metadataName)
        for name in ["p12", "p20", "p29"] { await api.call("DELETE", "\(pods)/\(name)") }
        await api.call("POST", pods, Fixture.pod("p15b"))
        while let token = page["metadata"]["continue"].string {
            page = await api.call("GET", "\(pods)?limit=6&continue=\(token)").json
            #expect(page.resourceVersion == revision)
            names += page["items"].elements.map(\.metadataName)
        }
        #expect(names == (10..<30).map { "p\($0)" })
        #expect(await api.call("GET", "\(pods)?limit=2&continue=nonsense").status == 400)
        let first = await api.call("GET", "\(pods)?limit=6").json
        try await api.store.compact(to: api.store.revision)
        await api.call("POST", pods, Fixture.pod("q"))
        try await api.store.compact(to: api.store.revision)
        let expired = await api.call("GET", "\(pods)?limit=6&continue=\(first["metadata"]["continue"].string ?? "")")
        #expect(expired.status == 410)
        #expect(expired.json["reason"] == "Expired")
    }

    @Test func `pages of a selection end where it does`() async throws {
        let api = try await Fixture()
        for number in 10..<30 { await api.call("POST", pods, Fixture.pod("p\(number)", labels: ["odd": number % 2 == 1 ? "y" : "n"])) }
        var names: [String] = []
        var token = ""
        for _ in 0..<4 {
            let page = await api.call("GET", "\(pods)?limit=3&labelSelector=odd=y" + (token.isEmpty ? "" : "&continue=\(token)")).json
            names += page["items"].elements.map(\.metadataName)
            token = page["metadata"]["continue"].string ?? ""
            #expect(page["metadata"]["remainingItemCount"].isNull)
        }
        #expect(token.isEmpty)
        #expect(names == (10..<30).filter { $0 % 2 == 1 }.map { "p\($0)" })
    }

    @Test func `resourceVersion asks for an exact state, or one not older`() async throws {
        let api = try await Fixture()
        await api.call("POST", pods, Fixture.pod("a"))
        let revision = api.store.revision
        await api.call("POST", pods, Fixture.pod("b"))
        func count(_ query: String) async -> Int { await api.call("GET", "\(pods)?\(query)").json["items"].elements.count }
        #expect(await count("resourceVersion=\(revision)&resourceVersionMatch=Exact") == 1)
        #expect(await count("resourceVersion=\(revision)&resourceVersionMatch=NotOlderThan") == 2)
        #expect(await count("resourceVersion=0") == 2)
        let future = await api.call("GET", "\(pods)?resourceVersion=99999")
        #expect(future.status == 504)
        #expect(future.message.hasPrefix("Too large resource version: 99999"))
        #expect(await api.call("GET", "\(pods)?resourceVersion=x").status == 400)
    }

    @Test func `discovery is served plain and aggregated, and openapi v2 as an empty protobuf`() async throws {
        let api = try await Fixture()
        #expect(await api.call("GET", "/api").json["kind"] == "APIVersions")
        #expect(await api.call("GET", "/apis").json["kind"] == "APIGroupList")
        #expect(await api.call("GET", "/api/v1").json["kind"] == "APIResourceList")
        #expect(await api.call("GET", "/apis/apps/v1").json["groupVersion"] == "apps/v1")
        #expect(await api.call("GET", "/apis/none/v1").status == 404)
        for version in ["v2", "v2beta1"] {
            let accept = "application/json;g=apidiscovery.k8s.io;v=\(version);as=APIGroupDiscoveryList,application/json"
            let answer = await api.call("GET", "/apis", accept: accept)
            #expect(answer.json["apiVersion"].string == "apidiscovery.k8s.io/\(version)")
            #expect(answer.fields["Content-Type"] == "application/json;g=apidiscovery.k8s.io;v=\(version);as=APIGroupDiscoveryList")
        }
        let openapi = await api.call("GET", "/openapi/v2")
        #expect(openapi.bytes.isEmpty)
        #expect(openapi.fields["Content-Type"] == "application/com.github.proto-openapi.spec.v2.v1.0+protobuf")
        #expect(await api.call("GET", "/openapi/v3").status == 404)
        #expect(await api.call("GET", "/metrics").text == "up 1\n")
        #expect(await api.call("GET", "/version").json["minor"] == "33")
        #expect(await api.call("GET", "/readyz?verbose").text.hasSuffix("readyz check passed\n"))
    }

    @Test func `component statuses tell the truth`() async throws {
        struct Health: ComponentHealth {
            func components() async -> [ComponentCondition] {
                [ComponentCondition(name: "scheduler", isHealthy: true), ComponentCondition(name: "dns", isHealthy: false, message: "no upstream")]
            }
        }
        let api = try await Fixture(health: Health())
        let list = await api.call("GET", "/api/v1/componentstatuses?limit=500")
        #expect(list.json["items"].elements.map(\.metadataName) == ["scheduler", "dns", "etcd-0"])
        #expect(list.json["items"][1]["conditions"][0]["status"] == "False")
        #expect(list.fields["Warning"] == "299 - \"v1 ComponentStatus is deprecated in v1.19+\"")
        #expect(await api.call("GET", "/api/v1/componentstatuses/dns").status == 200)
        #expect(await api.call("GET", "/readyz").status == 500)
        #expect(await api.call("GET", "/livez").status == 200)
    }
}
