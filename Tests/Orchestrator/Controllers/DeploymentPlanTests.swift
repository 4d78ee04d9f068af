import JSON
import Objects
import Testing

@testable import Controllers

@Suite struct DeploymentPlanTests {
    /// One ReplicaSet in a table: name, image, replicas, what exists, what is available.
    struct Row: Sendable {
        var image: String
        var replicas: Int
        var existing: Int
        var available: Int
        init(_ image: String, _ replicas: Int, _ existing: Int, _ available: Int) {
            (self.image, self.replicas, self.existing, self.available) = (image, replicas, existing, available)
        }
    }

    static func facts(_ deployment: JSON, _ rows: [Row], desired: Int? = nil) -> DeploymentFacts {
        var deployment = deployment
        deployment["metadata"]["uid"] = "d"
        deployment["metadata"]["annotations"] = [RolloutAnnotation.revision: .string("\(rows.count)")]
        let replicas = desired ?? deployment["spec"]["replicas"].int!
        let bounds = DeploymentFacts.bounds(deployment["spec"]["strategy"]["rollingUpdate"], replicas: replicas)
        let surge = deployment["spec"]["strategy"]["type"].string == "Recreate" ? 0 : bounds.surge
        let sets = rows.enumerated().map { position, row in
            var set = Sample.replicaSet("web-\(row.image)", replicas: row.replicas)
            set["metadata"]["uid"] = .string(row.image)
            set["metadata"]["creationTimestamp"] = .string(RFC3339.format(Int64(1_700_000_000 + position)))
            set["metadata"]["annotations"] = [
                RolloutAnnotation.revision: .string("\(position + 1)"), RolloutAnnotation.desiredReplicas: .string("\(replicas)"),
                RolloutAnnotation.maxReplicas: .string("\(replicas + surge)"),
            ]
            set["spec"]["template"] = Sample.template("web", image: row.image)
            set["status"] = ["replicas": JSON(row.existing), "readyReplicas": JSON(row.available), "availableReplicas": JSON(row.available)]
            return CachedObject(set)
        }
        return DeploymentFacts(deployment: deployment, sets: sets)
    }

    /// The plan in words: `web-b 1->2`, `create web 3`, `delete web-a`, `annotate`.
    static func words(_ facts: DeploymentFacts, oldPodsRemain: Bool = false) -> [String] {
        DeploymentPlan(facts, oldPodsRemain: oldPodsRemain).actions.map { action in
            switch action {
            case .create(let set): "create \(set["spec"]["replicas"].int!)"
            case .update(let set, let from, let to): from == to ? "note \(set.metadataName)" : "\(set.metadataName) \(from)->\(to)"
            case .delete(let set): "delete \(set.key.name)"
            case .annotate: "annotate"
            }
        }
    }

    @Test(arguments: [
        // replicas, surge, unavailable, expected
        (10, "25%", "25%", 3, 2), (4, "25%", "25%", 1, 1), (1, "25%", "25%", 1, 0), (3, "0", "0", 0, 1), (10, "0%", "0%", 0, 1), (0, "25%", "25%", 0, 1),
    ])
    func `surge rounds up, unavailability down, never both zero`(
        replicas: Int, surge: String, unavailable: String, expectedSurge: Int, expectedUnavailable: Int
    ) {
        func value(_ text: String) -> JSON { Int(text).map { JSON($0) } ?? .string(text) }
        let bounds = DeploymentFacts.bounds(["maxSurge": value(surge), "maxUnavailable": value(unavailable)], replicas: replicas)
        #expect(bounds == (expectedSurge, expectedUnavailable))
    }

    @Test(arguments: [
        // replicas 3, surge 1, unavailable 0, image b. Old rows first.
        ([], ["create 3"]),
        ([Row("a", 3, 3, 3)], ["create 1"]),
        ([Row("a", 3, 3, 3), Row("b", 1, 1, 0)], []),
        ([Row("a", 3, 3, 3), Row("b", 1, 1, 1)], ["web-a 3->2"]),
        // The set was told to shrink but still holds three pods: no room yet.
        ([Row("a", 2, 3, 3), Row("b", 1, 1, 1)], []),
        ([Row("a", 2, 2, 2), Row("b", 1, 1, 1)], ["web-b 1->2"]),
        ([Row("a", 1, 1, 1), Row("b", 3, 3, 3)], ["web-a 1->0"]),
        ([Row("a", 0, 0, 0), Row("b", 3, 3, 3)], []),
        // Broken old pods go first and all at once.
        ([Row("a", 3, 3, 1), Row("b", 1, 1, 1)], ["web-a 3->2"]),
        ([Row("x", 2, 2, 0), Row("a", 1, 1, 1), Row("b", 1, 1, 1)], ["web-x 2->1"]),
    ])
    func `a rolling update takes one bounded step`(rows: [Row], expected: [String]) {
        let deployment = Sample.deployment("web", replicas: 3, image: "b", surge: 1, unavailable: 0)
        #expect(Self.words(Self.facts(deployment, rows)) == expected)
    }

    @Test func `old pods that never got ready make way up to what may be unavailable`() {
        let deployment = Sample.deployment("web", replicas: 4, image: "b", surge: 1, unavailable: 2)
        #expect(Self.words(Self.facts(deployment, [Row("a", 4, 4, 0), Row("b", 1, 1, 0)])) == ["web-a 4->2"])
    }

    @Test func `recreate stops all old pods and waits for their end`() {
        let deployment = Sample.deployment("web", replicas: 3, image: "b", strategy: "Recreate")
        #expect(Self.words(Self.facts(deployment, [Row("a", 3, 3, 3)]), oldPodsRemain: true) == ["web-a 3->0"])
        #expect(Self.words(Self.facts(deployment, [Row("a", 0, 0, 0)]), oldPodsRemain: true) == [])
        #expect(Self.words(Self.facts(deployment, [Row("a", 0, 0, 0)])) == ["create 3"])
    }

    @Test func `a rollback renumbers the old set and remembers its numbers`() throws {
        let deployment = Sample.deployment("web", replicas: 3, image: "a", surge: 1, unavailable: 0)
        let plan = DeploymentPlan(Self.facts(deployment, [Row("a", 0, 0, 0), Row("b", 3, 3, 3)]), oldPodsRemain: false)
        guard case .update(let set, 0, 0) = try #require(plan.actions.first) else {
            Issue.record("no note: \(plan.actions)")
            return
        }
        #expect(set.annotations[RolloutAnnotation.revision] == "3")
        #expect(set.annotations[RolloutAnnotation.revisionHistory] == "1")
    }

    @Test func `the Deployment carries the revision of its set`() {
        var deployment = Sample.deployment("web", replicas: 1, image: "a")
        deployment["metadata"]["annotations"] = ["kubernetes.io/change-cause": "why"]
        let facts = Self.facts(deployment, [Row("a", 1, 1, 1)])
        var older = facts.deployment
        older["metadata"]["annotations"] = [:]
        #expect(Self.words(DeploymentFacts(deployment: older, sets: facts.all.map(\.object))) == ["annotate"])
    }

    @Test func `annotations go to the set, but not the bookkeeping`() throws {
        var deployment = Sample.deployment("web", replicas: 1, image: "a")
        deployment["metadata"]["annotations"] = [
            "kubernetes.io/change-cause": "why", "kubectl.kubernetes.io/last-applied-configuration": "{}", RolloutAnnotation.revision: "7",
        ]
        guard case .create(let set) = try #require(DeploymentPlan(DeploymentFacts(deployment: deployment, sets: []), oldPodsRemain: false).actions.first) else {
            Issue.record("no set is made")
            return
        }
        #expect(
            set.annotations == [
                "kubernetes.io/change-cause": "why", RolloutAnnotation.revision: "1", RolloutAnnotation.desiredReplicas: "1",
                RolloutAnnotation.maxReplicas: "2",
            ])
        let hash = try #require(set.labels["pod-template-hash"])
        #expect(set.metadataName == "web-\(hash)")
        #expect(set["spec"]["selector"]["matchLabels"]["pod-template-hash"].string == hash)
        #expect(set["spec"]["template"]["metadata"]["labels"]["pod-template-hash"].string == hash)
    }

    @Test func `a paused Deployment scales but does not roll`() {
        var deployment = Sample.deployment("web", replicas: 5, image: "b", surge: 1, unavailable: 0)
        deployment["spec"]["paused"] = true
        #expect(Self.words(Self.facts(deployment, [Row("a", 3, 3, 3)], desired: 3)) == ["web-a 3->5"])
        #expect(Self.words(Self.facts(deployment, [Row("a", 5, 5, 5)])) == [])
    }

    @Test func `scaling amid a rollout keeps its proportions`() {
        // 10 + 2: eight old, four new. To 20 + 4: growth of 12 is shared two to one.
        let deployment = Sample.deployment("web", replicas: 20, image: "b", surge: "20%", unavailable: 0)
        #expect(Self.words(Self.facts(deployment, [Row("a", 8, 8, 8), Row("b", 4, 4, 2)], desired: 10)) == ["web-a 8->16", "web-b 4->8"])
        let smaller = Sample.deployment("web", replicas: 5, image: "b", surge: "20%", unavailable: 0)
        #expect(Self.words(Self.facts(smaller, [Row("a", 8, 8, 8), Row("b", 4, 4, 2)], desired: 10)) == ["web-a 8->4", "web-b 4->2"])
        let none = Sample.deployment("web", replicas: 0, image: "b", surge: "20%", unavailable: 0)
        #expect(Self.words(Self.facts(none, [Row("a", 8, 8, 8), Row("b", 4, 4, 2)], desired: 10)) == ["web-a 8->0", "web-b 4->0"])
    }

    @Test func `history beyond the limit goes once the rollout is complete`() {
        var deployment = Sample.deployment("web", replicas: 1, image: "d", surge: 1, unavailable: 0)
        deployment["spec"]["revisionHistoryLimit"] = 1
        let old = [Row("a", 0, 0, 0), Row("b", 0, 0, 0), Row("c", 0, 0, 0)]
        #expect(Self.words(Self.facts(deployment, old + [Row("d", 1, 1, 0)])) == [])
        #expect(Self.words(Self.facts(deployment, old + [Row("d", 1, 1, 1)])) == ["delete web-a", "delete web-b"])
    }

    @Test func `status and conditions follow a rollout, its deadline, and its end`() throws {
        var deployment = Sample.deployment("web", replicas: 2, image: "a", surge: 1, unavailable: 0)
        func next(_ rows: [Row], now: Int64) -> (Int64?, JSON) {
            let (updated, lookAt) = DeploymentStatus.updated(Self.facts(deployment, rows), now: now)
            deployment = updated
            return (lookAt, updated.condition("Progressing") ?? .null)
        }
        var (lookAt, progress) = next([Row("a", 2, 2, 0)], now: 1000)
        #expect(progress["reason"].string == "NewReplicaSetCreated")
        #expect(lookAt == 1601)
        #expect(deployment.condition("Available")?["reason"].string == "MinimumReplicasUnavailable")
        #expect(deployment["status"]["unavailableReplicas"].int == 2)
        (lookAt, progress) = next([Row("a", 2, 2, 1)], now: 1100)
        #expect(progress["reason"].string == "ReplicaSetUpdated")
        #expect(lookAt == 1701)
        (lookAt, progress) = next([Row("a", 2, 2, 1)], now: 1700)
        #expect(progress["reason"].string == "ReplicaSetUpdated")
        (lookAt, progress) = next([Row("a", 2, 2, 1)], now: 1701)
        #expect(progress["reason"].string == "ProgressDeadlineExceeded" && progress["status"].string == "False")
        #expect(lookAt == nil)
        (lookAt, progress) = next([Row("a", 2, 2, 2)], now: 1800)
        #expect(progress["reason"].string == "NewReplicaSetAvailable" && progress["status"].string == "True")
        #expect(deployment.condition("Available")?["status"].string == "True")
        #expect(lookAt == nil)
        // A pod that is replaced does not start a rollout.
        (lookAt, progress) = next([Row("a", 2, 2, 1)], now: 9000)
        #expect(progress["reason"].string == "NewReplicaSetAvailable")
        // An unchanged world leaves an unchanged status.
        let before = deployment
        _ = next([Row("a", 2, 2, 1)], now: 9999)
        #expect(deployment["status"] == before["status"])
    }
}
