import JSON
import Objects

/// What a ReplicaSet needs next, as a function of its pods and the time.
package struct ReplicaSetPlan: Sendable {
    /// Pods that match, have no controller, and become ours.
    package var adopt: [CachedObject] = []
    /// Pods of ours that no longer match, and are let go.
    package var release: [CachedObject] = []
    package var createCount = 0
    /// In the order in which they go.
    package var delete: [CachedObject] = []
    /// Pods that count, after adoption and release and before creation and deletion.
    package var active: [CachedObject] = []
    /// When a ready pod becomes available by time alone.
    package var availableAt: Int64?

    /// At most this many pods are created or deleted in one step.
    package static let burst = 500

    /// - Parameters:
    ///   - owned: all pods with this set as their controller, finished and terminating ones included.
    ///   - candidates: pods of the namespace without a controller.
    ///   - now: seconds since 1970.
    package init(set: JSON, selector: LabelSelector, owned: [CachedObject], candidates: [CachedObject], now: Int64) {
        let isGoing = set.isBeingDeleted
        var pods: [CachedObject] = []
        for pod in owned {
            if selector.matches(pod.labels) {
                pods.append(pod)
            } else if !isGoing {
                release.append(pod)
            }
        }
        if !isGoing {
            adopt = candidates.filter { $0.controller == nil && !$0.isTerminating && !$0.json.isTerminal && selector.matches($0.labels) }
            adopt.sort { $0.key < $1.key }
            pods += adopt
        }
        active = pods.filter { !$0.isTerminating && !$0.json.isTerminal }
        let minReadySeconds = set["spec"]["minReadySeconds"].int ?? 0
        if minReadySeconds > 0 {
            availableAt =
                active.compactMap { pod in
                    guard let ready = pod.json.condition("Ready"), ready["status"].string == "True",
                        let since = ready["lastTransitionTime"].string.flatMap(RFC3339.parse)
                    else { return nil }
                    let date = since + Int64(minReadySeconds)
                    return date > now ? date : nil
                }.min()
        }
        guard !isGoing else { return }
        let wanted = set["spec"]["replicas"].int ?? 1
        if active.count < wanted {
            createCount = min(wanted - active.count, Self.burst)
        } else if active.count > wanted {
            delete = Array(Self.deletionOrder(active).prefix(min(active.count - wanted, Self.burst)))
        }
    }

    /// Those that are missed least first: unassigned, Pending, not ready, cheap by annotation, doubled up on a
    /// node, ready for a shorter time, more restarts, younger.
    /// (The order that Kubernetes documents for ReplicaSets; contracts/kubernetes.md section 5.)
    package static func deletionOrder(_ pods: [CachedObject]) -> [CachedObject] {
        var crowd: [String: Int] = [:]
        for pod in pods { crowd[pod.node ?? "", default: 0] += 1 }
        let ranked: [(pod: CachedObject, rank: DeletionRank)] = pods.map { pod in
            (pod, DeletionRank(pod, neighbours: pod.node.flatMap { crowd[$0] } ?? 0))
        }
        return ranked.sorted { left, right in left.rank == right.rank ? left.pod.key < right.pod.key : left.rank < right.rank }.map(\.pod)
    }

    /// The pod to create: the template with us as its controller. The API server makes the name.
    package static func pod(for set: JSON) -> JSON {
        let template = set["spec"]["template"]
        // Kubernetes cuts the prefix so that the random ending fits.
        var metadata: JSON = ["generateName": .string(set.metadataName + "-"), "namespace": .string(set.namespace)]
        for field in ["labels", "annotations", "finalizers"] where !template["metadata"][field].isNull {
            metadata[field] = template["metadata"][field]
        }
        metadata["ownerReferences"] = [set.ownerReference()]
        return ["apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]]
    }

    /// The set with its status as these pods make it. `failure` is the text of a creation or deletion that failed.
    package static func withStatus(
        _ set: JSON, active: [CachedObject], failure: (reason: String, message: String)?, now: Int64
    ) -> JSON {
        let templateLabels = set["spec"]["template"]["metadata"]["labels"].stringMap
        let minReadySeconds = set["spec"]["minReadySeconds"].int ?? 0
        var result = set
        var status: JSON = ["replicas": JSON(active.count)]
        func put(_ name: String, _ count: Int) { if count > 0 { status[name] = JSON(count) } }
        put("fullyLabeledReplicas", active.count { pod in templateLabels.allSatisfy { pod.labels[$0.key] == $0.value } })
        put("readyReplicas", active.count { $0.json.isReady })
        put("availableReplicas", active.count { $0.json.isAvailable(minReadySeconds: minReadySeconds, now: now) })
        status["observedGeneration"] = JSON(set.generation)
        if let conditions = set["status"]["conditions"].array, !conditions.isEmpty { status["conditions"] = .array(conditions) }
        result["status"] = status
        if let failure {
            result.setCondition("ReplicaFailure", status: "True", reason: failure.reason, message: failure.message, now: now)
        } else {
            result.removeCondition("ReplicaFailure")
            if result["status"]["conditions"].elements.isEmpty { result["status"].remove("conditions") }
        }
        return result
    }
}

/// What makes one pod go before another. Smaller goes first.
private struct DeletionRank: Comparable {
    let fields: [Int64]

    init(_ pod: CachedObject, neighbours: Int) {
        let condition = pod.json.condition("Ready") ?? .null
        let isReady = condition["status"].string == "True"
        let readySince = isReady ? condition["lastTransitionTime"].string.flatMap(RFC3339.parse) ?? 0 : 0
        let phase: Int64 =
            switch pod.json.podPhase {
            case "Pending", "": 0
            case "Running": 2
            default: 1
            }
        let cost = pod.json["metadata"]["annotations"]["controller.kubernetes.io/pod-deletion-cost"].string.flatMap(Int64.init) ?? 0
        let restarts = pod.json["status"]["containerStatuses"].elements.map { Int64($0["restartCount"].int ?? 0) }.max() ?? 0
        fields = [
            pod.node == nil ? 0 : 1, phase, isReady ? 1 : 0, cost, Int64(-neighbours),
            -readySince, -restarts, -(pod.json.creationTimestamp ?? 0),
        ]
    }

    static func < (left: DeletionRank, right: DeletionRank) -> Bool { left.fields.lexicographicallyPrecedes(right.fields) }
}
