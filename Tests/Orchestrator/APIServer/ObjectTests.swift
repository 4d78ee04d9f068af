import APIServer
import HTTP
import JSON
import ObjectStore
import Objects
import TestKit
import Testing

struct ObjectTests {
    let pods = "/api/v1/namespaces/default/pods"

    @Test func `an object is made with its defaults, read back, listed and deleted`() async throws {
        let api = try await Fixture()
        let made = await api.call("POST", pods, Fixture.pod("web", labels: ["app": "web"]))
        #expect(made.status == 201)
        #expect(made.json["spec"]["restartPolicy"] == "Always")
        #expect(made.json["metadata"]["namespace"] == "default")
        #expect(made.json.uid.count == 36)
        #expect(made.json["metadata"]["creationTimestamp"] == "2023-11-14T22:13:20Z")
        #expect(made.json["status"]["phase"] == "Pending")
        let got = await api.call("GET", "\(pods)/web")
        #expect(got.json == made.json)
        let list = await api.call("GET", pods)
        #expect(list.json["kind"] == "PodList")
        #expect(list.json["items"] == [made.json])
        #expect(list.json["metadata"]["resourceVersion"].string == made.json.resourceVersion)
        let deleted = await api.call("DELETE", "\(pods)/web", ["propagationPolicy": "Background"])
        #expect(deleted.status == 200)
        #expect(deleted.json.uid == made.json.uid)
        #expect(await api.call("GET", "\(pods)/web").status == 404)
    }

    @Test func `errors are worded as Kubernetes words them`() async throws {
        let api = try await Fixture()
        await api.call("POST", pods, Fixture.pod("web"))
        let again = await api.call("POST", pods, Fixture.pod("web"))
        #expect(again.status == 409)
        #expect(again.json["reason"] == "AlreadyExists")
        #expect(again.message == "pods \"web\" already exists")
        #expect(again.json["details"] == ["name": "web", "kind": "pods"])
        #expect(await api.call("GET", "\(pods)/none").message == "pods \"none\" not found")
        #expect(await api.call("GET", "/apis/apps/v1/namespaces/default/deployments/none").message == "deployments.apps \"none\" not found")
        let nowhere = await api.call("POST", "/api/v1/namespaces/none/pods", Fixture.pod("web"))
        #expect(nowhere.status == 404)
        #expect(nowhere.message == "namespaces \"none\" not found")
        var noImage = Fixture.pod("x")
        noImage["spec"]["containers"] = [["name": "c"]]
        let invalid = await api.call("POST", pods, noImage)
        #expect(invalid.status == 422)
        #expect(invalid.message == "Pod \"x\" is invalid: spec.containers[0].image: Required value")
        var elsewhere = Fixture.pod("x")
        elsewhere["metadata"]["namespace"] = "kube-system"
        #expect(
            await api.call("POST", pods, elsewhere).message
                == "the namespace of the provided object does not match the namespace sent on the request")
        #expect(await api.call("GET", "/api/v1/nonsense").text == "404 page not found\n")
        #expect(await api.call("POST", "/api/v1/pods", Fixture.pod("x")).status == 405)
        #expect(await api.call("GET", "/api/v1/namespaces/default/nodes").status == 404)
        #expect(await api.call(api.request("POST", pods, Array("{".utf8))).status == 400)
    }

    @Test func `without credentials only life signs are answered`() async throws {
        let api = try await Fixture()
        for (path, status) in [("/healthz", 200), ("/livez", 200), ("/readyz", 200), ("/version", 200), ("/api", 401), (pods, 401), ("/metrics", 401)] {
            #expect(await api.call("GET", path, token: nil).status == status, "\(path)")
        }
        #expect(await api.call("GET", "/api", token: "wrong").json["reason"] == "Unauthorized")
        let certificate = HTTPRequest.ClientIdentity(commonName: "admin", organizations: ["system:masters"])
        #expect(await api.call(api.request("GET", "/api", token: nil, client: certificate)).status == 200)
    }

    @Test func `an update needs the newest resourceVersion or none, and changing nothing writes nothing`() async throws {
        let api = try await Fixture()
        let path = "/api/v1/namespaces/default/configmaps"
        var first = await api.call("POST", path, ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "c"], "data": ["a": "1"]]).json
        let revision = api.store.revision
        #expect(await api.call("PUT", "\(path)/c", first).json.resourceVersion == first.resourceVersion)
        #expect(api.store.revision == revision)
        var second = first
        second["data"]["a"] = "2"
        let updated = await api.call("PUT", "\(path)/c", second)
        #expect(updated.status == 200)
        #expect(updated.json.resourceVersion == String(revision + 1))
        first["data"]["a"] = "3"
        let stale = await api.call("PUT", "\(path)/c", first)
        #expect(stale.status == 409)
        #expect(stale.json["reason"] == "Conflict")
        #expect(
            stale.message
                == "Operation cannot be fulfilled on configmaps \"c\": the object has been modified; please apply your changes to the latest version and try again"
        )
        first["metadata"].remove("resourceVersion")
        #expect(await api.call("PUT", "\(path)/c", first).json["data"]["a"] == "3")
        #expect(await api.call("PUT", "\(path)/d", first).status == 400)
    }

    @Test func `status and the rest are written apart`() async throws {
        let api = try await Fixture()
        let path = "/apis/apps/v1/namespaces/default/deployments"
        var object = await api.call("POST", path, Fixture.deployment("web", replicas: 2)).json
        #expect(object.generation == 1)
        object["status"] = ["replicas": 2, "observedGeneration": 1]
        #expect(await api.call("PUT", "\(path)/web", object).json["status"]["replicas"].isNull)
        object["spec"]["replicas"] = 9
        let status = await api.call("PUT", "\(path)/web/status", object).json
        #expect(status["status"]["replicas"] == 2)
        #expect(status["spec"]["replicas"] == 2)
        #expect(status.generation == 1)
        let merged = await api.call("PATCH", "\(path)/web", ["spec": ["replicas": 5]], type: "application/merge-patch+json").json
        #expect(merged["spec"]["replicas"] == 5)
        #expect(merged["status"]["replicas"] == 2)
        #expect(merged.generation == 2)
    }

    @Test func `names are generated, dry runs keep nothing, and unknown fields are told as asked`() async throws {
        let api = try await Fixture()
        var generated = Fixture.pod("")
        generated["metadata"] = ["generateName": "job-"]
        let name = await api.call("POST", pods, generated).json.metadataName
        #expect(name.hasPrefix("job-") && name.utf8.count == 9)
        let revision = api.store.revision
        let dry = await api.call("POST", "\(pods)?dryRun=All", Fixture.pod("dry"))
        #expect(dry.status == 201)
        #expect(!dry.json.uid.isEmpty && dry.json.resourceVersion.isEmpty)
        #expect(api.store.revision == revision)
        #expect(await api.call("POST", "\(pods)?dryRun=Some", Fixture.pod("dry")).status == 400)
        var odd = Fixture.pod("odd")
        odd["spec"]["containerz"] = []
        let strict = await api.call("POST", "\(pods)?fieldValidation=Strict", odd)
        #expect(strict.status == 400)
        #expect(strict.message.contains("strict decoding error: unknown field \"spec.containerz\""))
        let warned = await api.call("POST", pods, odd)
        #expect(warned.status == 201)
        #expect(warned.fields.all("Warning") == ["299 - \"unknown field \\\"spec.containerz\\\"\""])
        let ignored = await api.call("POST", "\(pods)?fieldValidation=Ignore&dryRun=All", Fixture.pod("odd2"))
        #expect(ignored.fields.all("Warning").isEmpty)
    }

    @Test func `bodies may be JSON without a type or YAML, and nothing unknown`() async throws {
        let api = try await Fixture()
        let untyped = api.request("POST", "/api/v1/namespaces", Array(#"{"metadata":{"name":"a"}}"#.utf8), type: nil)
        #expect(await api.call(untyped).status == 201)
        let yaml = Array("apiVersion: v1\nkind: Namespace\nmetadata:\n  name: b\n".utf8)
        #expect(await api.call(api.request("POST", "/api/v1/namespaces", yaml, type: "application/yaml")).status == 201)
        let odd = await api.call(api.request("POST", "/api/v1/namespaces", yaml, type: "application/x-nonsense"))
        #expect(odd.status == 415)
    }

    @Test(arguments: [
        ("application/json-patch+json", #"[{"op":"replace","path":"/metadata/labels/app","value":"x"}]"#),
        ("application/merge-patch+json", #"{"metadata":{"labels":{"app":"x"}}}"#),
        ("application/strategic-merge-patch+json", #"{"metadata":{"labels":{"app":"x"}}}"#),
        ("application/apply-patch+yaml", "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\n  labels:\n    app: x\n"),
    ])
    func `every kind of patch changes a label`(_ type: String, _ patch: String) async throws {
        let api = try await Fixture()
        await api.call("POST", pods, Fixture.pod("web", labels: ["app": "web", "tier": "front"]))
        let answer = await api.call(api.request("PATCH", "\(pods)/web?fieldManager=t", Array(patch.utf8), type: type))
        #expect(answer.status == 200, "\(answer.text)")
        #expect(answer.json.labels == ["app": "x", "tier": "front"])
    }

    @Test func `a patch of an unknown type is refused, apply makes what is not there, and fast writers do not break a patch`() async throws {
        let api = try await Fixture()
        await api.call("POST", pods, Fixture.pod("web"))
        let odd = await api.call(api.request("PATCH", "\(pods)/web", Array("{}".utf8), type: "application/json"))
        #expect(odd.status == 415)
        #expect(odd.message.contains("application/strategic-merge-patch+json"))
        let made = await api.call(
            api.request("PATCH", "\(pods)/new?fieldManager=t", Fixture.pod("new").bytes(), type: "application/apply-patch+yaml"))
        #expect(made.status == 201)
        await withTaskGroup(of: Int.self) { group in
            for writer in 0..<8 {
                group.addTask {
                    await api.call(
                        "PATCH", "\(pods)/web", ["metadata": ["annotations": ["w\(writer)": "1"]]], type: "application/merge-patch+json"
                    ).status
                }
            }
            for await status in group { #expect(status == 200) }
        }
        #expect(await api.call("GET", "\(pods)/web").json.annotations.count == 8)
    }
}
