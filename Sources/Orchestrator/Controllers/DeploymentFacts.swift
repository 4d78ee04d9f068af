import JSON
import Objects

/// The annotations by which a rollout remembers itself; the names are Kubernetes'.
package enum RolloutAnnotation {
    package static let revision = "deployment.kubernetes.io/revision"
    package static let revisionHistory = "deployment.kubernetes.io/revision-history"
    package static let desiredReplicas = "deployment.kubernetes.io/desired-replicas"
    package static let maxReplicas = "deployment.kubernetes.io/max-replicas"
    static let lastApplied = "kubectl.kubernetes.io/last-applied-configuration"
    /// The others of a Deployment go to its ReplicaSets, `kubernetes.io/change-cause` among them.
    static let notCopied: Set<String> = [
        revision, revisionHistory, desiredReplicas, maxReplicas, lastApplied, "deprecated.deployment.rollback.to",
    ]
    package static let templateHashLabel = "pod-template-hash"
}

/// A ReplicaSet as its Deployment sees it.
package struct RevisionSet: Sendable {
    package let object: CachedObject
    package let replicas: Int
    /// Pods there are by the set's own status.
    package let existing: Int
    package let ready: Int
    package let available: Int
    package let revision: Int
    package let created: Int64

    package init(_ object: CachedObject) {
        let json = object.json
        self.object = object
        replicas = json["spec"]["replicas"].int ?? 1
        existing = json["status"]["replicas"].int ?? 0
        ready = json["status"]["readyReplicas"].int ?? 0
        available = json["status"]["availableReplicas"].int ?? 0
        revision = json["metadata"]["annotations"][RolloutAnnotation.revision].string.flatMap(Int.init) ?? 0
        created = json.creationTimestamp ?? 0
    }

    /// Available pods that are left when the set has come down to its replicas: it gives up unready ones first.
    package var lasting: Int { min(available, replicas) }
    /// Pods that there are or will be. A set that was told to shrink still holds its pods until its status says otherwise.
    package var footprint: Int { max(replicas, existing) }
    var isSettled: Bool { (object.json["status"]["observedGeneration"].int ?? 0) >= object.json.generation }
}

/// A Deployment, its ReplicaSets sorted into new and old, and the bounds of its rollout.
package struct DeploymentFacts: Sendable {
    package let deployment: JSON
    /// Whose template is the Deployment's; the oldest if there are several.
    package let new: RevisionSet?
    /// Oldest first.
    package let old: [RevisionSet]
    package let replicas: Int
    package let maxSurge: Int
    package let maxUnavailable: Int
    package let isRecreate: Bool

    package init(deployment: JSON, sets: [CachedObject]) {
        self.deployment = deployment
        let template = Self.comparable(deployment["spec"]["template"])
        let sorted = sets.map(RevisionSet.init).sorted { ($0.created, $0.object.key) < ($1.created, $1.object.key) }
        let new = sorted.first { Self.comparable($0.object.json["spec"]["template"]) == template }
        self.new = new
        old = sorted.filter { $0.object.uid != new?.object.uid }
        replicas = deployment["spec"]["replicas"].int ?? 1
        let strategy = deployment["spec"]["strategy"]
        isRecreate = strategy["type"].string == "Recreate"
        (maxSurge, maxUnavailable) = isRecreate ? (0, 0) : Self.bounds(strategy["rollingUpdate"], replicas: replicas)
    }

    package var all: [RevisionSet] { (new.map { [$0] } ?? []) + old }
    package var isPaused: Bool { deployment["spec"]["paused"].bool ?? false }
    package var limit: Int { replicas + maxSurge }

    /// Surge rounds up and unavailability down; both zero would never move, so one may then be unavailable.
    package static func bounds(_ rollingUpdate: JSON, replicas: Int) -> (surge: Int, unavailable: Int) {
        func scaled(_ field: String, roundingUp: Bool) -> Int {
            let value = IntOrString(rollingUpdate[field]) ?? .string("25%")
            return max(0, value.scaled(total: replicas, roundingUp: roundingUp) ?? 0)
        }
        let surge = scaled("maxSurge", roundingUp: true)
        let unavailable = min(scaled("maxUnavailable", roundingUp: false), replicas)
        return surge == 0 && unavailable == 0 ? (0, 1) : (surge, unavailable)
    }

    /// The template without the label that tells the sets apart.
    static func comparable(_ template: JSON) -> JSON {
        var result = template
        if case .object = result["metadata"]["labels"] {
            result["metadata"]["labels"].remove(RolloutAnnotation.templateHashLabel)
            if result["metadata"]["labels"].members.isEmpty { result["metadata"].remove("labels") }
        }
        if result["metadata"]["creationTimestamp"].isNull { result["metadata"].remove("creationTimestamp") }
        return result
    }
}
