import APIServer
import Glibc
import HTTP
import JSON
import ObjectStore
import Objects
import Runtime
import TestKit
import Testing

/// Measurements, printed. `BINNACLE_MEASURE=1 swift test -c release -Xswiftc -enable-testing --filter PerformanceTests`.
@Suite(.serialized, .enabled(if: unsafe getenv("BINNACLE_MEASURE") != nil))
struct PerformanceTests {
    static func pod(_ number: Int) -> JSON {
        var pod = Fixture.pod(
            "web-7d4b9c6f5-\(number)", labels: ["app": "web", "pod-template-hash": "7d4b9c6f5", "tier": "front"], node: "node-\(number % 10)")
        pod["metadata"]["ownerReferences"] = [
            [
                "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-7d4b9c6f5", "uid": "2f1c6ab8-7a5a-4a3d-9a29-1a9c0a2f5a11",
                "controller": true, "blockOwnerDeletion": true,
            ]
        ]
        pod["spec"]["containers"] = .array(
            ["app", "sidecar"].map { name in
                [
                    "name": .string(name), "image": "registry.example/web:1.2", "command": ["/bin/server", "--port=8080"],
                    "env": [["name": "A", "value": "1"], ["name": "POD", "valueFrom": ["fieldRef": ["fieldPath": "metadata.name"]]]],
                    "resources": ["requests": ["cpu": "100m", "memory": "64Mi"], "limits": ["memory": "128Mi"]],
                    "livenessProbe": ["httpGet": ["path": "/healthz", "port": 8080]],
                ]
            })
        return pod
    }

    static func status(_ pod: JSON) -> JSON {
        var pod = pod
        let start: JSON = "2023-11-14T22:13:22Z"
        pod["status"] = [
            "phase": "Running", "hostIP": "10.0.0.1", "podIP": "10.42.0.7", "podIPs": [["ip": "10.42.0.7"]], "startTime": start, "qosClass": "Burstable",
        ]
        pod["status"]["conditions"] = .array(
            ["Initialized", "Ready", "ContainersReady", "PodScheduled"].map { ["type": .string($0), "status": "True", "lastTransitionTime": start] })
        pod["status"]["containerStatuses"] = .array(
            ["app", "sidecar"].map {
                [
                    "name": .string($0), "image": "registry.example/web:1.2", "imageID": "x", "ready": true, "started": true, "restartCount": 1,
                    "containerID": "binnacle://0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "state": ["running": ["startedAt": start]],
                ]
            })
        return pod
    }

    static func measure(_ what: String, rounds: Int, _ body: () async throws -> Void) async rethrows -> Duration {
        let clock = ContinuousClock()
        var times: [Duration] = []
        for _ in 0..<rounds {
            let start = clock.now
            try await body()
            times.append(clock.now - start)
        }
        times.sort()
        print("MEASURED \(what): p50 \(times[times.count / 2]), p99 \(times[times.count * 99 / 100]), first \(times.max()!)")
        return times[times.count / 2]
    }

    @Test func `a thousand pods`() async throws {
        let api = try await Fixture()
        let client = api.server.localClient
        let clock = ContinuousClock()
        var start = clock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<50 {
                group.addTask {
                    for number in 0..<20 {
                        let pod = try await client.create(.pods, namespace: "default", Self.pod(writer * 20 + number))
                        _ = try await client.updateStatus(.pods, namespace: "default", Self.status(pod))
                    }
                }
            }
            try await group.waitForAll()
        }
        let commits = api.registry.counter("binnacle_objectstore_commits_total", "").value
        print("MEASURED 2000 writes by 50 writers: \(clock.now - start), \(commits) commits")
        start = clock.now
        for number in 0..<100 { _ = try await client.create(.pods, namespace: "kube-system", Self.pod(number)) }
        print("MEASURED one writer, each write: \((clock.now - start) / 100)")
        let one = api.request("GET", "/api/v1/namespaces/default/pods/web-7d4b9c6f5-7")
        print("MEASURED pod size: \(await api.call(one).bytes.count) bytes")
        let table = api.request("GET", "/api/v1/namespaces/default/pods?limit=1000", accept: Fixture.tableAccept)
        let list = api.request("GET", "/api/v1/namespaces/default/pods?limit=1000")
        _ = await Self.measure("get of one pod", rounds: 2000) { _ = await api.server.respond(to: one) }
        _ = await Self.measure("table of 1000 pods", rounds: 200) { _ = await api.server.respond(to: table) }
        _ = await Self.measure("list of 1000 pods", rounds: 200) { _ = await api.server.respond(to: list) }
        let selected = api.request("GET", "/api/v1/pods?limit=500&fieldSelector=spec.nodeName=node-3", accept: Fixture.tableAccept)
        _ = await Self.measure("table of 1000 pods by spec.nodeName", rounds: 200) { _ = await api.server.respond(to: selected) }
        let labelled = api.request("GET", "/api/v1/pods?limit=500&labelSelector=app=db", accept: Fixture.tableAccept)
        _ = await Self.measure("table of 1000 pods by label", rounds: 200) { _ = await api.server.respond(to: labelled) }
    }
}
