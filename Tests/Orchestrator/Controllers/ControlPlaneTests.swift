import JSON
import Objects
import Runtime
import Testing

@testable import Controllers

/// The real loops, informers and timers against the in-memory API: what the simulation steps by hand runs by itself here.
@Suite struct ControlPlaneTests {
    private func eventually(_ what: Comment, _ condition: () -> Bool) async throws {
        for _ in 0..<1000 {
            if condition() { return }
            try await Task.sleep(for: .milliseconds(5))
        }
        Issue.record(what)
    }

    private func makeReady(_ cluster: FakeCluster) async {
        for (position, pod) in cluster.objects(.pods).enumerated() where !pod.nodeName.isEmpty && !pod.isReady {
            var pod = pod
            pod["status"]["phase"] = "Running"
            pod["status"]["podIP"] = .string("10.1.0.\(position + 1)")
            pod.setCondition("Ready", status: "True", now: 1_700_000_000)
            _ = try? await cluster.updateStatus(.pods, namespace: pod.namespace, pod)
        }
    }

    @Test func `a Deployment comes up, its endpoints follow within milliseconds, and a compacted watch is lived through`() async throws {
        let cluster = FakeCluster()
        let metrics = MetricRegistry()
        let plane = ControlPlane(client: cluster, finalizer: cluster, events: cluster, metrics: metrics, rootCertificate: "PEM")
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await plane.run() }
            _ = try await cluster.create(.namespaces, namespace: nil, Sample.namespace("default"))
            _ = try await cluster.create(.nodes, namespace: nil, Sample.node("n0"))
            _ = try await cluster.create(.services, namespace: "default", Sample.service("web"))
            _ = try await cluster.create(.deployments, namespace: "default", Sample.deployment("web", replicas: 3))
            try await eventually("no pods are bound") { cluster.objects(.pods).count { $0.nodeName == "n0" } == 3 }
            try await eventually("no service account") { cluster.object(.serviceAccounts, "default", "default") != nil }
            try await eventually("no certificate") { cluster.object(.configMaps, "default", "kube-root-ca.crt")?["data"]["ca.crt"].string == "PEM" }

            let changes = cluster.watch(.endpoints, namespace: nil, after: String(cluster.revision))
            let start = ContinuousClock.now
            await makeReady(cluster)
            for try await event in changes where event.object["subsets"][0]["addresses"].elements.count == 3 { break }
            print("three ready pods were in the endpoints after \(start.duration(to: .now))")

            try await eventually("the rollout does not end") {
                cluster.object(.deployments, "default", "web")?.condition("Progressing")?["reason"].string == "NewReplicaSetAvailable"
            }

            cluster.compact()
            var deployment = try #require(cluster.object(.deployments, "default", "web"))
            deployment["spec"]["replicas"] = 5
            _ = try await cluster.update(.deployments, namespace: "default", deployment)
            try await eventually("the watch does not go on") { cluster.objects(.pods).count == 5 }
            group.cancelAll()
        }
        #expect(plane.lastErrors.isEmpty, "\(plane.lastErrors)")
    }

    @Test func `five hundred pods are made and bound`() async throws {
        let cluster = FakeCluster()
        let plane = ControlPlane(client: cluster, finalizer: cluster, events: NoEvents(), metrics: MetricRegistry())
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await plane.run() }
            for node in 0..<5 { _ = try await cluster.create(.nodes, namespace: nil, Sample.node("n\(node)")) }
            let start = ContinuousClock.now
            _ = try await cluster.create(.replicaSets, namespace: "default", Sample.replicaSet("web", replicas: 500))
            try await eventually("not all are bound") { cluster.objects(.pods).count { !$0.nodeName.isEmpty } == 500 }
            print("500 pods were made and bound after \(start.duration(to: .now))")
            let crowd = Dictionary(grouping: cluster.objects(.pods), by: \.nodeName).mapValues(\.count)
            #expect(crowd.values.allSatisfy { $0 == 100 }, "\(crowd)")
            group.cancelAll()
        }
    }
}
