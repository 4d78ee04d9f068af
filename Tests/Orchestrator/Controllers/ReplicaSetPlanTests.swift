import JSON
import Objects
import Testing

@testable import Controllers

@Suite struct ReplicaSetPlanTests {
    private let now: Int64 = 1_700_000_100

    private func set(_ replicas: Int, minReadySeconds: Int = 0) -> JSON {
        var set = Sample.replicaSet("web", replicas: replicas)
        set["metadata"]["uid"] = "set"
        set["metadata"]["generation"] = 3
        if minReadySeconds > 0 { set["spec"]["minReadySeconds"] = JSON(minReadySeconds) }
        return set
    }

    private func pod(_ name: String, owner: String? = "set", _ change: (inout JSON) -> Void = { _ in }) -> CachedObject {
        var pod = Sample.pod(name)
        pod["metadata"]["uid"] = .string(name)
        if let owner { pod["metadata"]["ownerReferences"] = [["uid": .string(owner), "controller": true, "kind": "ReplicaSet"]] }
        change(&pod)
        return CachedObject(pod)
    }

    private func plan(_ set: JSON, owned: [CachedObject], candidates: [CachedObject] = []) throws -> ReplicaSetPlan {
        ReplicaSetPlan(set: set, selector: try LabelSelector(object: set["spec"]["selector"]), owned: owned, candidates: candidates, now: now)
    }

    @Test func `missing pods are made, in bounded bursts`() throws {
        #expect(try plan(set(3), owned: [pod("a")]).createCount == 2)
        #expect(try plan(set(0), owned: []).createCount == 0)
        #expect(try plan(set(2000), owned: []).createCount == 500)
    }

    @Test func `pods that ended or are going do not count`() throws {
        let owned = [pod("a") { $0["status"]["phase"] = "Failed" }, pod("b") { $0["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z" }, pod("c")]
        let plan = try plan(set(2), owned: owned)
        #expect(plan.createCount == 1)
        #expect(plan.active.map(\.key.name) == ["c"])
    }

    @Test func `orphans that match are adopted, and owned pods that stopped matching are let go`() throws {
        let stray = pod("stray") { $0["metadata"]["labels"] = ["app": "other"] }
        let candidates = [pod("o2", owner: nil), pod("o1", owner: nil), pod("x", owner: nil) { $0["metadata"]["labels"] = ["app": "other"] }]
        let plan = try plan(set(3), owned: [pod("a"), stray], candidates: candidates)
        #expect(plan.release.map(\.key.name) == ["stray"])
        #expect(plan.adopt.map(\.key.name) == ["o1", "o2"])
        #expect(plan.createCount == 0 && plan.delete.isEmpty)
    }

    @Test func `a set that is going neither adopts nor makes`() throws {
        var set = set(3)
        set["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
        let plan = try plan(set, owned: [], candidates: [pod("o", owner: nil)])
        #expect(plan.createCount == 0 && plan.adopt.isEmpty)
    }

    @Test func `surplus pods go in the documented order`() {
        func ready(_ pod: inout JSON, node: String, since: Int64) {
            pod["spec"]["nodeName"] = .string(node)
            pod["status"]["phase"] = "Running"
            pod.setCondition("Ready", status: "True", now: since)
        }
        let pods = [
            pod("old") { ready(&$0, node: "n1", since: 100) },
            pod("new") { ready(&$0, node: "n2", since: 200) },
            pod("restarted") {
                ready(&$0, node: "n5", since: 100)
                $0["status"]["containerStatuses"] = [["restartCount": 4]]
            },
            pod("double1") { ready(&$0, node: "n3", since: 50) },
            pod("double2") { ready(&$0, node: "n3", since: 40) },
            pod("cheap") {
                ready(&$0, node: "n4", since: 1)
                $0["metadata"]["annotations"] = ["controller.kubernetes.io/pod-deletion-cost": "-5"]
            },
            pod("unready") {
                $0["spec"]["nodeName"] = "n6"
                $0["status"]["phase"] = "Running"
            },
            pod("pending") {
                $0["spec"]["nodeName"] = "n7"
                $0["status"]["phase"] = "Pending"
            },
            pod("unassigned"),
        ]
        #expect(
            ReplicaSetPlan.deletionOrder(pods).map(\.key.name)
                == ["unassigned", "pending", "unready", "cheap", "double1", "double2", "new", "restarted", "old"])
    }

    @Test func `status counts ready and available pods, and asks to be called when time makes one available`() throws {
        let pods = [
            pod("long") { $0.setCondition("Ready", status: "True", now: 1_700_000_000) },
            pod("short") { $0.setCondition("Ready", status: "True", now: 1_700_000_095) }, pod("not"),
        ]
        let set = set(3, minReadySeconds: 30)
        #expect(try plan(set, owned: pods).availableAt == 1_700_000_125)
        let status = ReplicaSetPlan.withStatus(set, active: pods, failure: nil, now: now)["status"]
        #expect(
            status == ["replicas": 3, "fullyLabeledReplicas": 3, "readyReplicas": 2, "availableReplicas": 1, "observedGeneration": 3])
    }

    @Test func `a failure becomes a condition and goes when it is over`() {
        let failed = ReplicaSetPlan.withStatus(set(1), active: [], failure: ("FailedCreate", "exceeded quota"), now: now)
        #expect(failed.condition("ReplicaFailure")?["message"].string == "exceeded quota")
        let mended = ReplicaSetPlan.withStatus(failed, active: [], failure: nil, now: now)
        #expect(mended.condition("ReplicaFailure") == nil)
    }

    @Test func `a pod carries the template, its owner and a generated name`() {
        let pod = ReplicaSetPlan.pod(for: set(1))
        #expect(pod["metadata"]["generateName"].string == "web-")
        #expect(pod.labels == ["app": "web"])
        #expect(pod.controllerOwner?["uid"].string == "set")
        #expect(pod.controllerOwner?["blockOwnerDeletion"].bool == true)
    }
}
