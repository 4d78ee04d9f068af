import APIServer
import HTTP
import JSON
import ObjectStore
import Objects
import TestKit
import Testing

struct SubresourceTests {
    let pods = "/api/v1/namespaces/default/pods"
    let deployments = "/apis/apps/v1/namespaces/default/deployments"

    @Test func `scale shows and changes the replicas alone`() async throws {
        let api = try await Fixture()
        await api.call("POST", deployments, Fixture.deployment("web", replicas: 2))
        let scale = await api.call("GET", "\(deployments)/web/scale").json
        #expect(scale["kind"] == "Scale")
        #expect(scale["spec"]["replicas"] == 2)
        #expect(scale["status"]["selector"] == "app=web")
        let scaled = await api.call(
            "PATCH", "\(deployments)/web/scale", ["spec": ["replicas": 5]], type: "application/merge-patch+json")
        #expect(scaled.status == 200)
        #expect(scaled.json["spec"]["replicas"] == 5)
        #expect(await api.call("GET", "\(deployments)/web").json["spec"]["replicas"] == 5)
        #expect(await api.call("PUT", "\(deployments)/web/scale", scale).status == 409)
        let negative = await api.call(
            "PATCH", "\(deployments)/web/scale", ["spec": ["replicas": -1]], type: "application/merge-patch+json")
        #expect(negative.status == 422)
        #expect(negative.message.contains("must be greater than or equal to 0"))
    }

    @Test func `a pod is bound once`() async throws {
        let api = try await Fixture()
        await api.call("POST", pods, Fixture.pod("web"))
        let binding: JSON = ["metadata": ["name": "web"], "target": ["kind": "Node", "name": "n1"]]
        #expect(await api.call("POST", "\(pods)/web/binding", binding).status == 201)
        #expect(await api.call("GET", "\(pods)/web").json.nodeName == "n1")
        let again = await api.call("POST", "\(pods)/web/binding", binding)
        #expect(again.status == 409)
        #expect(again.message == "Operation cannot be fulfilled on pods/binding \"web\": pod web is already assigned to node \"n1\"")
        #expect(await api.call("POST", "\(pods)/web/binding", ["target": [:]]).status == 422)
    }

    @Test func `a running pod is marked, stopped and removed; an eviction does the same`() async throws {
        let api = try await Fixture()
        await api.call("POST", pods, Fixture.pod("web", node: "n1"))
        let marked = await api.call("POST", "\(pods)/web/eviction", ["metadata": ["name": "web"], "deleteOptions": ["gracePeriodSeconds": 7]])
        #expect(marked.status == 201)
        let pod = await api.call("GET", "\(pods)/web").json
        #expect(pod["metadata"]["deletionGracePeriodSeconds"] == 7)
        #expect(pod["metadata"]["deletionTimestamp"] == "2023-11-14T22:13:27Z")
        var changed = pod
        changed["metadata"]["labels"] = ["x": "1"]
        let updated = await api.call("PUT", "\(pods)/web", changed).json
        #expect(updated["metadata"]["deletionTimestamp"] == pod["metadata"]["deletionTimestamp"])
        let wrong = await api.call("DELETE", "\(pods)/web", ["gracePeriodSeconds": 0, "preconditions": ["uid": "other"]])
        #expect(wrong.status == 409)
        let gone = await api.call("DELETE", "\(pods)/web", ["gracePeriodSeconds": 0, "preconditions": ["uid": .string(pod.uid)]])
        #expect(gone.status == 200)
        #expect(await api.call("GET", "\(pods)/web").status == 404)
    }

    @Test func `finalizers keep an object until the last is taken away`() async throws {
        let api = try await Fixture()
        var deployment = Fixture.deployment("web", replicas: 1)
        deployment["metadata"]["finalizers"] = ["example.org/hold"]
        await api.call("POST", deployments, deployment)
        let deleted = await api.call("DELETE", "\(deployments)/web", ["propagationPolicy": "Foreground"])
        #expect(deleted.json.finalizers == ["example.org/hold", "foregroundDeletion"])
        let patch: JSON = ["metadata": ["finalizers": nil]]
        let watch = try await api.watch("\(deployments)?watch=true&resourceVersion=\(api.store.revision)")
        #expect(await api.call("PATCH", "\(deployments)/web", patch, type: "application/merge-patch+json").status == 200)
        #expect(await api.call("GET", "\(deployments)/web").status == 404)
        #expect(try await watch.summary(1) == ["DELETED web"])
        await api.call("POST", deployments, Fixture.deployment("two", replicas: 1))
        let status = await api.call("DELETE", "\(deployments)/two").json
        #expect(status["status"] == "Success")
        #expect(status["details"]["uid"].string?.utf8.count == 36)
        #expect(status["details"]["group"] == "apps")
    }

    @Test func `a collection is deleted by its selector`() async throws {
        let api = try await Fixture()
        for name in ["a", "b", "c"] { await api.call("POST", pods, Fixture.pod(name, labels: ["x": name == "c" ? "2" : "1"])) }
        #expect(await api.call("DELETE", "\(pods)?labelSelector=x=1").status == 200)
        #expect(await api.call("GET", pods).json["items"].elements.map(\.metadataName) == ["c"])
    }

    @Test func `a namespace ends by finalize, and takes nothing new meanwhile`() async throws {
        let api = try await Fixture()
        #expect(await api.call("GET", "/api/v1/namespaces").json["items"].elements.count == 4)
        let made = await api.call("POST", "/api/v1/namespaces", ["metadata": ["name": "team"]]).json
        #expect(made["spec"]["finalizers"] == ["kubernetes"])
        #expect(made["status"]["phase"] == "Active")
        #expect(made.labels["kubernetes.io/metadata.name"] == "team")
        #expect(await api.call("DELETE", "/api/v1/namespaces/default").status == 403)
        let deleted = await api.call("DELETE", "/api/v1/namespaces/team").json
        #expect(deleted["status"]["phase"] == "Terminating")
        let refused = await api.call("POST", "/api/v1/namespaces/team/pods", Fixture.pod("web"))
        #expect(refused.status == 403)
        #expect(
            refused.message
                == "pods \"web\" is forbidden: unable to create new content in namespace team because it is being terminated")
        #expect(refused.json["details"]["causes"][0]["reason"] == "NamespaceTerminating")
        // A plain update does not end it.
        var bare = deleted
        bare["spec"] = [:]
        #expect(await api.call("PUT", "/api/v1/namespaces/team", bare).json["spec"]["finalizers"] == ["kubernetes"])
        bare["metadata"].remove("resourceVersion")
        #expect(await api.call("PUT", "/api/v1/namespaces/team/finalize", bare).status == 200)
        #expect(await api.call("GET", "/api/v1/namespaces/team").status == 404)
    }

    struct Logs: PodLogSource {
        func open(pod: JSON, options: PodLogOptions) async throws(StatusError) -> @Sendable (any HTTPBodyWriter) async throws -> Void {
            { try await $0.write(Array("\(pod.metadataName)/\(options.container) tail \(options.tailLines ?? -1)\n".utf8)) }
        }
    }

    @Test func `logs come from the node, and what has none says why`() async throws {
        let api = try await Fixture(logs: Logs())
        var pod = Fixture.pod("web", node: "n1")
        pod["spec"]["containers"] = [["name": "a", "image": "host"], ["name": "b", "image": "host"]]
        pod = await api.call("POST", pods, pod).json
        #expect(await api.call("GET", "\(pods)/web/log").message == "a container name must be specified for pod web, choose one of: [a b]")
        #expect(await api.call("GET", "\(pods)/web/log?container=x").message == "container x is not valid for pod web")
        #expect(
            await api.call("GET", "\(pods)/web/log?container=a").message
                == "container \"a\" in pod \"web\" is waiting to start: ContainerCreating")
        pod["status"]["containerStatuses"] = [
            ["name": "a", "image": "host", "imageID": "", "ready": true, "restartCount": 0, "state": ["running": ["startedAt": "2023-11-14T22:13:27Z"]]]
        ]
        #expect(await api.call("PUT", "\(pods)/web/status", pod).status == 200)
        let log = await api.call("GET", "\(pods)/web/log?container=a&tailLines=3")
        #expect(log.text == "web/a tail 3\n")
        #expect(log.fields["Content-Type"] == "text/plain")
        let previous = await api.call("GET", "\(pods)/web/log?container=a&previous=true")
        #expect(previous.status == 400)
        #expect(previous.message == "previous terminated container \"a\" in pod \"web\" not found")
        let odd = await api.call("GET", "\(pods)/web/log?container=a&tailLines=-1")
        #expect(odd.status == 422)
        #expect(odd.message == "PodLogOptions \"web\" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0")
    }

    @Test func `services get addresses and node ports in the write that makes them, once each`() async throws {
        let api = try await Fixture()
        let services = "/api/v1/namespaces/default/services"
        #expect(await api.call("GET", "\(services)/kubernetes").json["spec"]["clusterIP"] == "10.96.0.1")
        #expect(
            await api.call("GET", "/api/v1/namespaces/default/endpoints/kubernetes").json["subsets"][0]["addresses"][0]["ip"] == "127.0.0.1")
        let port: JSON = [["port": 80]]
        let a = await api.call("POST", services, Fixture.service("a", ["ports": port])).json
        #expect(a["spec"]["clusterIP"] == "10.96.0.16")
        #expect(a["spec"]["clusterIPs"] == ["10.96.0.16"])
        let b = await api.call("POST", services, Fixture.service("b", ["type": "NodePort", "ports": port])).json
        #expect(b["spec"]["clusterIP"] == "10.96.0.17")
        #expect(b["spec"]["ports"][0]["nodePort"] == 30000)
        let taken = await api.call("POST", services, Fixture.service("c", ["clusterIP": "10.96.0.16", "ports": port]))
        #expect(taken.status == 422)
        #expect(taken.message.contains("provided IP is already allocated"))
        let outside = await api.call("POST", services, Fixture.service("c", ["clusterIP": "10.97.0.16", "ports": port]))
        #expect(outside.message.contains("not in the valid range"))
        let twice = await api.call(
            "POST", services, Fixture.service("c", ["type": "NodePort", "ports": [["port": 80, "nodePort": 30000]]]))
        #expect(twice.message.contains("provided port is already allocated"))
        // What a failed write had taken is free again.
        #expect(
            await api.call("POST", services, Fixture.service("c", ["clusterIP": "10.96.0.9", "ports": [["port": 0]]])).status == 422)
        #expect(await api.call("POST", services, Fixture.service("c", ["clusterIP": "10.96.0.9", "ports": port])).status == 201)
        #expect(
            await api.call("POST", services, Fixture.service("h", ["clusterIP": "None", "ports": port])).json["spec"]["clusterIP"] == "None")
        // Replacing without the address keeps it.
        let replaced = await api.call("PUT", "\(services)/b", Fixture.service("b", ["type": "NodePort", "ports": [["port": 80]]])).json
        #expect(replaced["spec"]["clusterIP"] == "10.96.0.17")
        #expect(replaced["spec"]["ports"][0]["nodePort"] == 30000)
        await api.call("DELETE", "\(services)/b")
        #expect(
            await api.call(
                "POST", services, Fixture.service("d", ["clusterIP": "10.96.0.17", "type": "NodePort", "ports": [["port": 80, "nodePort": 30000]]])
            )
            .status == 201)
    }

    @Test func `events go after seven days`() async throws {
        let api = try await Fixture()
        let events = "/api/v1/namespaces/default/events"
        let made = await api.call(
            "POST", events,
            [
                "metadata": ["name": "web.1"], "involvedObject": ["kind": "Pod", "namespace": "default", "name": "web"], "reason": "Started",
                "message": "m", "type": "Normal",
            ])
        #expect(made.status == 201, "\(made.text)")
        api.clock.advance(by: .seconds(7 * 86_400 - 1))
        try await api.store.housekeep()
        #expect(await api.call("GET", events).json["items"].elements.count == 1)
        api.clock.advance(by: .seconds(2))
        try await api.store.housekeep()
        #expect(await api.call("GET", events).json["items"].elements.isEmpty)
    }
}
