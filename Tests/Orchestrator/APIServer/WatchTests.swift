import APIServer
import Exposition
import HTTP
import JSON
import ObjectStore
import Objects
import Runtime
import Testing

struct WatchTests {
    let pods = "/api/v1/namespaces/default/pods"
    let label = "application/merge-patch+json"

    @Test func `a watch tells additions, changes and deletions after its version`() async throws {
        let api = try await Fixture()
        await api.call("POST", pods, Fixture.pod("before"))
        let list = await api.call("GET", pods).json
        let watch = try await api.watch("\(pods)?watch=true&resourceVersion=\(list.resourceVersion)")
        await api.call("POST", pods, Fixture.pod("a"))
        await api.call("PATCH", "\(pods)/a", ["metadata": ["labels": ["x": "1"]]], type: label)
        await api.call("POST", "/api/v1/namespaces/kube-system/pods", Fixture.pod("elsewhere"))
        let last = await api.call("DELETE", "\(pods)/a").json
        #expect(try await watch.summary(3) == ["ADDED a", "MODIFIED a", "DELETED a"])
        let frames = try await watch.frames(3)
        #expect(frames[1]["object"].labels == ["x": "1"])
        // The last state, with the version of the deletion.
        #expect(frames[2]["object"].labels == ["x": "1"])
        #expect(frames[2]["object"].resourceVersion == String(api.store.revision))
        #expect(last.resourceVersion == String(api.store.revision))
    }

    @Test func `without a version, or at 0, what is there comes first`() async throws {
        let api = try await Fixture()
        await api.call("POST", pods, Fixture.pod("a"))
        await api.call("POST", pods, Fixture.pod("b"))
        for query in ["watch=1", "watch=true&resourceVersion=0"] {
            let watch = try await api.watch("\(pods)?\(query)")
            #expect(try await watch.summary(2) == ["ADDED a", "ADDED b"])
        }
        let one = try await api.watch("\(pods)?watch=true&fieldSelector=metadata.name=b&resourceVersion=0")
        await api.call("DELETE", "\(pods)/a")
        await api.call("DELETE", "\(pods)/b")
        #expect(try await one.summary(2) == ["ADDED b", "DELETED b"])
        let listed = try await api.watch("\(pods)?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true")
        let end = try await listed.frames(1)[0]
        #expect(end["type"] == "BOOKMARK")
        #expect(end["object"].annotations == ["k8s.io/initial-events-end": "true"])
    }

    @Test func `with a selector objects appear when they begin to match and go when they stop`() async throws {
        let api = try await Fixture()
        await api.call("POST", pods, Fixture.pod("a", labels: ["app": "db"]))
        let watch = try await api.watch("\(pods)?watch=true&labelSelector=app=web&resourceVersion=\(api.store.revision)")
        for value in ["web", "web2", "web"] {
            await api.call("PATCH", "\(pods)/a", ["metadata": ["labels": ["app": .string(value)]]], type: label)
        }
        await api.call("PATCH", "\(pods)/a", ["metadata": ["annotations": ["x": "1"]]], type: label)
        await api.call("DELETE", "\(pods)/a")
        #expect(try await watch.summary(5) == ["ADDED a", "DELETED a", "ADDED a", "MODIFIED a", "DELETED a"])
        let frames = try await watch.frames(5)
        #expect(frames[1]["object"].labels == ["app": "web"])
        #expect(Set(frames.map { $0["object"].resourceVersion }).count == 5)
    }

    @Test func `frames may be tables, the columns in the first one only`() async throws {
        let api = try await Fixture()
        await api.call("POST", pods, Fixture.pod("a"))
        let watch = try await api.watch("\(pods)?watch=true", accept: Fixture.tableAccept)
        await api.call("DELETE", "\(pods)/a")
        let frames = try await watch.frames(2)
        #expect(frames[0]["object"]["kind"] == "Table")
        #expect(frames[0]["object"]["columnDefinitions"][0]["name"] == "Name")
        #expect(frames[0]["object"]["rows"][0]["cells"][0] == "a")
        #expect(frames[1]["type"] == "DELETED")
        #expect(frames[1]["object"]["columnDefinitions"] == [])
        #expect(frames[1]["object"]["rows"][0]["object"].metadataName == "a")
    }

    @Test func `a version that is no longer kept ends the watch with 410`() async throws {
        let api = try await Fixture()
        await api.call("POST", pods, Fixture.pod("a"))
        try await api.store.compact(to: api.store.revision)
        let watch = try await api.watch("\(pods)?watch=true&resourceVersion=2")
        let frame = try await watch.frames(1)[0]
        #expect(frame["type"] == "ERROR")
        #expect(frame["object"]["code"] == 410)
        #expect(frame["object"]["reason"] == "Expired")
        #expect(await api.call("GET", "\(pods)?watch=true&resourceVersion=99999").status == 504)
    }

    @Test func `timeoutSeconds ends a watch after a last bookmark`() async throws {
        let api = try await Fixture()
        let answer = await api.call("GET", "\(pods)?watch=true&allowWatchBookmarks=true&timeoutSeconds=1")
        #expect(answer.status == 200)
        let frame = answer.json
        #expect(frame["type"] == "BOOKMARK")
        #expect(frame["object"]["kind"] == "Pod")
        #expect(frame["object"].resourceVersion == String(api.store.revision))
    }

    @Test func `a watch leaves the store when its client goes`() async throws {
        let api = try await Fixture()
        do {
            let watch = try await api.watch("\(pods)?watch=true")
            await api.call("POST", pods, Fixture.pod("a"))
            _ = try await watch.frames(1)
        }
        for _ in 0..<1000 {
            let text = api.registry.collect().first { $0.name == "binnacle_objectstore_watchers" }?.samples.first?.value
            if text == 0 { return }
            try await Task.sleep(for: .milliseconds(1))
        }
        Issue.record("the watch is still there")
    }

    @Test func `the in-process client reads and watches without gaps`() async throws {
        let api = try await Fixture()
        let client = api.server.localClient
        let list = try await client.list(.pods, namespace: nil, labelSelector: nil, fieldSelector: nil)
        var events = client.watch(.pods, namespace: nil, after: list.resourceVersion).makeAsyncIterator()
        var pod = try await client.create(.pods, namespace: "default", Fixture.pod("a"))
        try await client.bind(pod: "a", namespace: "default", toNode: "n1")
        pod = try await client.get(.pods, namespace: "default", name: "a")
        #expect(pod.nodeName == "n1")
        #expect(pod.isConditionTrue("PodScheduled"))
        pod["status"]["phase"] = "Running"
        pod = try await client.updateStatus(.pods, namespace: "default", pod)
        #expect(pod.podPhase == "Running")
        try await client.delete(.pods, namespace: "default", name: "a", gracePeriodSeconds: nil, uid: pod.uid, propagation: nil)
        try await client.delete(.pods, namespace: "default", name: "a", gracePeriodSeconds: 0, uid: pod.uid, propagation: nil)
        var kinds: [String] = []
        for _ in 0..<5 { kinds.append(try #require(try await events.next()).kind.rawValue) }
        #expect(kinds == ["ADDED", "MODIFIED", "MODIFIED", "MODIFIED", "DELETED"])
        await #expect(throws: StatusError.self) { try await client.get(.pods, namespace: "default", name: "a") }
        try await api.store.compact(to: api.store.revision)
        var old = client.watch(.pods, namespace: nil, after: "2").makeAsyncIterator()
        do {
            _ = try await old.next()
            Issue.record("a watch from a forgotten version began")
        } catch {
            #expect((error as? StatusError)?.code == 410)
        }
    }
}
