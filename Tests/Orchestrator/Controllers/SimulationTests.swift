import JSON
import Objects
import TestKit
import Testing

@testable import Controllers

/// The whole control plane, run by seeds. A failing seed is printed; put it in the list to repeat it.
@Suite struct SimulationTests {
    struct Broken: Error, CustomStringConvertible { var description: String }

    private func start(_ seed: UInt64, nodes: Int = 2) async throws -> Simulation {
        let simulation = Simulation(seed: seed)
        _ = try await simulation.cluster.create(.namespaces, namespace: nil, Sample.namespace("default"))
        for node in 0..<nodes {
            _ = try await simulation.cluster.create(.nodes, namespace: nil, Sample.node("n\(node)"))
        }
        return simulation
    }

    @Test(arguments: UInt64(1)...30)
    func `a rollout keeps its bounds in every order of events, and ends`(seed: UInt64) async throws {
        var simulation = try await start(seed)
        let surge = Int.random(in: 0...2, using: &simulation.random)
        let unavailable = surge == 0 ? 1 : Int.random(in: 0...1, using: &simulation.random)
        let replicas = Int.random(in: 1...6, using: &simulation.random)
        _ = try await simulation.cluster.create(
            .deployments, namespace: "default", Sample.deployment("web", replicas: replicas, image: "v1", surge: JSON(surge), unavailable: JSON(unavailable)))
        let first = try await simulation.run { $0.isRolledOut("web") }
        #expect(first, "seed \(seed): the first rollout does not end")
        for (turn, image) in ["v2", "v3"].enumerated() {
            var deployment = try #require(simulation.cluster.object(.deployments, "default", "web"))
            deployment["spec"]["template"] = Sample.template("web", image: image)
            _ = try await simulation.cluster.update(.deployments, namespace: "default", deployment)
            // The second change comes while the first is still rolling.
            if turn == 0 {
                for _ in 0..<Int.random(in: 0..<400, using: &simulation.random) { _ = await simulation.step() }
                continue
            }
            let ended = try await simulation.run(until: { $0.isRolledOut("web") }) { simulation in
                let active = simulation.activePods(app: "web")
                guard active.count <= replicas + surge else { throw Broken(description: "\(active.count) pods of \(replicas) + \(surge)") }
                let ready = active.count(where: \.isReady)
                guard ready >= replicas - unavailable else { throw Broken(description: "\(ready) ready pods of \(replicas) - \(unavailable)") }
            }
            #expect(ended, "seed \(seed): the rollout does not end")
        }
        let pods = simulation.activePods(app: "web")
        #expect(pods.count == replicas, "seed \(seed)")
        #expect(pods.allSatisfy { $0["spec"]["containers"][0]["image"].string == "v3" }, "seed \(seed)")
        // The second template may have come and gone before anybody looked.
        let revision = simulation.cluster.object(.deployments, "default", "web")?.annotations[RolloutAnnotation.revision]
        #expect(revision == "3" || revision == "2", "seed \(seed): \(revision ?? "none")")
    }

    @Test(arguments: UInt64(100)...110)
    func `a deleted Deployment leaves nothing behind, in the background and in the foreground`(seed: UInt64) async throws {
        var simulation = try await start(seed)
        for name in ["web", "keep"] {
            _ = try await simulation.cluster.create(.deployments, namespace: "default", Sample.deployment(name, replicas: 3))
        }
        #expect(try await simulation.run { $0.isRolledOut("web") && $0.isRolledOut("keep") }, "seed \(seed)")
        let isForeground = seed % 2 == 0
        try await simulation.cluster.delete(
            .deployments, namespace: "default", name: "web", gracePeriodSeconds: nil, uid: nil, propagation: isForeground ? "Foreground" : "Background")
        let ended = try await simulation.run(until: { simulation in
            simulation.cluster.objects(.deployments).count == 1 && simulation.cluster.objects(.replicaSets).count == 1
                && simulation.cluster.objects(.pods).count == 3
        }) { simulation in
            let hasPods = simulation.cluster.objects(.pods).contains { $0.labels["app"] == "web" }
            let hasSets = simulation.cluster.objects(.replicaSets).contains { $0.labels["app"] == "web" }
            let isThere = simulation.cluster.object(.deployments, "default", "web") != nil
            guard !isForeground || isThere || (!hasSets && !hasPods) else { throw Broken(description: "seed \(seed): the owner went first") }
        }
        #expect(ended, "seed \(seed): \(simulation.cluster.objects(.pods).map(\.metadataName))")
        #expect(simulation.activePods(app: "keep").count == 3)
    }

    @Test(arguments: UInt64(200)...205)
    func `orphaned pods stay and are adopted by the next set that matches`(seed: UInt64) async throws {
        var simulation = try await start(seed)
        _ = try await simulation.cluster.create(.replicaSets, namespace: "default", Sample.replicaSet("one", replicas: 2))
        #expect(try await simulation.run { $0.activePods(app: "web").count(where: \.isReady) == 2 })
        let names = simulation.activePods(app: "web").map(\.metadataName)
        try await simulation.cluster.delete(.replicaSets, namespace: "default", name: "one", gracePeriodSeconds: nil, uid: nil, propagation: "Orphan")
        #expect(try await simulation.run { $0.cluster.objects(.replicaSets).isEmpty }, "seed \(seed): the finalizer stays")
        #expect(simulation.activePods(app: "web").allSatisfy { $0.ownerReferences.isEmpty })
        _ = try await simulation.cluster.create(.replicaSets, namespace: "default", Sample.replicaSet("two", replicas: 2))
        #expect(try await simulation.run { $0.cluster.object(.replicaSets, "default", "two")?["status"]["readyReplicas"].int == 2 }, "seed \(seed)")
        #expect(simulation.activePods(app: "web").map(\.metadataName) == names, "seed \(seed)")
    }

    @Test(arguments: UInt64(300)...305)
    func `a namespace that is deleted ends empty`(seed: UInt64) async throws {
        var simulation = try await start(seed)
        _ = try await simulation.cluster.create(.deployments, namespace: "default", Sample.deployment("web", replicas: 2))
        _ = try await simulation.cluster.create(.services, namespace: "default", Sample.service("web"))
        #expect(try await simulation.run { $0.isRolledOut("web") && $0.cluster.object(.serviceAccounts, "default", "default") != nil })
        try await simulation.cluster.delete(.namespaces, namespace: nil, name: "default", gracePeriodSeconds: nil, uid: nil, propagation: nil)
        #expect(try await simulation.run { $0.cluster.objects(.namespaces).isEmpty }, "seed \(seed)")
        for kind in Sample.kinds where kind.isNamespaced {
            #expect(simulation.cluster.objects(kind.resource).isEmpty, "seed \(seed): \(kind.resource)")
        }
    }

    @Test func `a namespace says which finalizer holds it`() async throws {
        var simulation = try await start(7)
        var held: JSON = ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "held", "namespace": "default"]]
        held["metadata"]["finalizers"] = ["example.com/wait"]
        held = try await simulation.cluster.create(.configMaps, namespace: "default", held)
        try await simulation.cluster.delete(.namespaces, namespace: nil, name: "default", gracePeriodSeconds: nil, uid: nil, propagation: nil)
        let text = "Some content in the namespace has finalizers remaining: example.com/wait in 1 resource instances"
        #expect(
            try await simulation.run {
                $0.cluster.object(.namespaces, nil, "default")?.condition("NamespaceFinalizersRemaining")?["message"].string == text
            })
        held = try #require(simulation.cluster.object(.configMaps, "default", "held"))
        held["metadata"]["finalizers"] = []
        _ = try await simulation.cluster.update(.configMaps, namespace: "default", held)
        #expect(try await simulation.run { $0.cluster.objects(.namespaces).isEmpty })
    }

    @Test(arguments: UInt64(400)...410)
    func `endpoints end as the ready pods are`(seed: UInt64) async throws {
        var simulation = try await start(seed)
        _ = try await simulation.cluster.create(.services, namespace: "default", Sample.service("web"))
        _ = try await simulation.cluster.create(.deployments, namespace: "default", Sample.deployment("web", replicas: 4))
        func listed(_ simulation: Simulation) -> [String] {
            (simulation.cluster.object(.endpoints, "default", "web")?["subsets"][0]["addresses"].elements ?? []).compactMap { $0["ip"].string }.sorted()
        }
        func ready(_ simulation: Simulation) -> [String] {
            simulation.activePods(app: "web").filter(\.isReady).compactMap { $0["status"]["podIP"].string }.sorted()
        }
        #expect(try await simulation.run { $0.isRolledOut("web") && listed($0) == ready($0) && listed($0).count == 4 }, "seed \(seed)")
        for pod in simulation.activePods(app: "web").prefix(2) {
            var pod = pod
            pod.setCondition("Ready", status: "False", now: 1)
            _ = try await simulation.cluster.updateStatus(.pods, namespace: "default", pod)
        }
        simulation.readyPercent = 0
        #expect(try await simulation.run { listed($0) == ready($0) && listed($0).count == 2 }, "seed \(seed)")
        let slices = simulation.cluster.objects(.endpointSlices)
        #expect(slices.count == 1 && slices[0]["endpoints"].elements.count(where: { $0["conditions"]["ready"].bool == true }) == 2, "seed \(seed)")
    }

    @Test func `a set whose pods are refused says why and tries no storm of requests`() async throws {
        var simulation = try await start(1)
        simulation.cluster.failCreates(of: .pods, with: StatusError(.forbidden, "exceeded quota"))
        _ = try await simulation.cluster.create(.replicaSets, namespace: "default", Sample.replicaSet("web", replicas: 200))
        #expect(
            try await simulation.run {
                $0.cluster.object(.replicaSets, "default", "web")?.condition("ReplicaFailure")?["reason"].string == "FailedCreate"
            })
        #expect(simulation.cluster.events.filter { $0 == "FailedCreate: Error creating: exceeded quota" }.count < 20)
        simulation.cluster.failCreates(of: .pods, with: nil)
        #expect(
            try await simulation.run(steps: 60_000) {
                let set = $0.cluster.object(.replicaSets, "default", "web")
                return set?["status"]["replicas"].int == 200 && set?.condition("ReplicaFailure") == nil
            })
    }

    @Test func `a silent node is Unknown, its pods are not ready, and they move after their toleration`() async throws {
        var simulation = try await start(3, nodes: 1)
        _ = try await simulation.cluster.create(.replicaSets, namespace: "default", Sample.replicaSet("web", replicas: 1))
        #expect(try await simulation.run { $0.activePods(app: "web").contains(where: \.isReady) })
        simulation.readyPercent = 0
        simulation.isHeard = false
        simulation.clock.advance(by: .seconds(42))
        #expect(
            try await simulation.run {
                $0.cluster.object(.nodes, nil, "n0")?.condition("Ready")?["status"].string == "Unknown" && !$0.activePods(app: "web").contains(where: \.isReady)
            })
        // These pods tolerate nothing, so they leave at once and their successors wait for a node.
        #expect(try await simulation.run { $0.activePods(app: "web").contains { $0.condition("PodScheduled")?["reason"].string == "Unschedulable" } })
        simulation.isHeard = true
        #expect(try await simulation.run { $0.activePods(app: "web").contains { $0.nodeName == "n0" } })
        #expect(simulation.cluster.object(.nodes, nil, "n0")?["spec"]["taints"].elements.isEmpty == true)
    }
}
