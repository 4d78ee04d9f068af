import JSON
import Objects
import Testing

@Suite struct MetaTests {
    @Test func `conditions move their time only with their status`() {
        var pod = webPod
        func ready() -> JSON { pod.condition("Ready") ?? .null }
        let isNew = pod.setCondition("Ready", status: "False", reason: "Starting", now: 0)
        #expect(isNew && ready()["lastTransitionTime"] == "1970-01-01T00:00:00Z")
        let hasNewReason = pod.setCondition("Ready", status: "False", reason: "Waiting", now: 100)
        #expect(hasNewReason && ready()["lastTransitionTime"] == "1970-01-01T00:00:00Z")
        let isRepeated = pod.setCondition("Ready", status: "False", reason: "Waiting", now: 150)
        #expect(!isRepeated)
        let hasTurned = pod.setCondition("Ready", status: "True", now: 200)
        #expect(hasTurned && ready()["lastTransitionTime"] == "1970-01-01T00:03:20Z")
        #expect(ready()["reason"].isNull)
        #expect(pod.isReady)
        #expect(!pod.isAvailable(minReadySeconds: 10, now: 205))
        #expect(pod.isAvailable(minReadySeconds: 10, now: 210))
        let isRemoved = pod.removeCondition("Ready")
        let isRemovedAgain = pod.removeCondition("Ready")
        #expect(isRemoved && !isRemovedAgain)
    }

    @Test func `owners`() {
        let owner: JSON = ["apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": ["name": "web-1", "uid": "u"]]
        let pod = webPod.setting("metadata.ownerReferences", [owner.ownerReference()])
        #expect(pod.controllerOwner?["uid"] == "u")
        #expect(pod.controllerOwner?["blockOwnerDeletion"] == true)
        #expect(webPod.controllerOwner == nil)
        #expect(webPod.namespacedName == "default/web")
    }

    @Test(arguments: [
        (#"[{}]"#, QoSClass.bestEffort), (#"[{"resources":{"requests":{"cpu":"1"}}}]"#, .burstable),
        (#"[{"resources":{"limits":{"cpu":"1","memory":"1Gi"}}}]"#, .guaranteed),
        (#"[{"resources":{"limits":{"cpu":"1","memory":"1Gi"},"requests":{"cpu":"1000m","memory":"1024Mi"}}}]"#, .guaranteed),
        (#"[{"resources":{"limits":{"cpu":"1","memory":"1Gi"},"requests":{"cpu":"500m"}}}]"#, .burstable),
        (#"[{"resources":{"limits":{"cpu":"1","memory":"1Gi"}}},{}]"#, .burstable), (#"[{"resources":{"limits":{"cpu":"0"}}}]"#, .bestEffort),
    ])
    func `quality of service`(containers: String, expected: QoSClass) throws {
        #expect(QoSClass(pod: ["spec": ["containers": try json(containers)]]) == expected)
    }

    @Test func `a pod's requests`() throws {
        let pod = try json(
            #"{"spec":{"containers":[{"resources":{"requests":{"cpu":"100m","memory":"64Mi","gpu.example/x":"1"}}},{"resources":{"requests":{"cpu":"200m"}}}],"initContainers":[{"resources":{"requests":{"cpu":"1"}}},{"restartPolicy":"Always","resources":{"requests":{"cpu":"50m"}}},{"resources":{"requests":{"memory":"1Gi"}}}],"overhead":{"cpu":"10m"}}}"#
        )
        let requests = PodResources(requestsOf: pod)
        #expect(requests.milliCPU == 1010)
        #expect(requests.memoryBytes == 1 << 30)
        #expect(requests.extended == ["gpu.example/x": 1])
        #expect(PodResources(limitsOf: pod).milliCPU == 0)
    }
}
