import JSON
import Objects

/// The status of a Deployment, as `kubectl rollout status` and `kubectl get` read it.
package enum DeploymentStatus {
    /// The Deployment with its new status, and when the progress deadline wants a look by time alone.
    package static func updated(_ facts: DeploymentFacts, now: Int64) -> (deployment: JSON, lookAt: Int64?) {
        let old = facts.deployment
        var deployment = old
        let all = facts.all
        let available = all.reduce(0) { $0 + $1.available }
        var status: JSON = ["observedGeneration": JSON(old.generation)]
        func put(_ name: String, _ count: Int) { if count > 0 { status[name] = JSON(count) } }
        put("replicas", all.reduce(0) { $0 + $1.existing })
        put("updatedReplicas", facts.new?.existing ?? 0)
        put("readyReplicas", all.reduce(0) { $0 + $1.ready })
        put("availableReplicas", available)
        put("unavailableReplicas", max(0, all.reduce(0) { $0 + $1.replicas } - available))
        if let collisions = old["status"]["collisionCount"].int { status["collisionCount"] = JSON(collisions) }
        status["conditions"] = .array(old["status"]["conditions"].elements)
        deployment["status"] = status

        let isEnough = available >= facts.replicas - facts.maxUnavailable
        set(
            "Available", isEnough ? "True" : "False", isEnough ? "MinimumReplicasAvailable" : "MinimumReplicasUnavailable",
            isEnough ? "Deployment has minimum availability." : "Deployment does not have minimum availability.", on: &deployment, now: now)
        if let failure = all.lazy.compactMap({ $0.object.json.condition("ReplicaFailure") }).first(where: { $0["status"].string == "True" }) {
            set("ReplicaFailure", "True", failure["reason"].string ?? "", failure["message"].string ?? "", on: &deployment, now: now)
        } else {
            deployment.removeCondition("ReplicaFailure")
        }
        let lookAt = setProgress(on: &deployment, facts: facts, old: old, now: now)
        return (deployment, lookAt)
    }

    /// No rollout lasts this long: the deadline that means "none".
    private static let noDeadline = 2_147_483_647

    private static func setProgress(on deployment: inout JSON, facts: DeploymentFacts, old: JSON, now: Int64) -> Int64? {
        let deadline = facts.deployment["spec"]["progressDeadlineSeconds"].int ?? noDeadline
        guard deadline < noDeadline else {
            deployment.removeCondition("Progressing")
            return nil
        }
        let known = old.condition("Progressing")
        let reason = known?["reason"].string
        if facts.isPaused {
            if reason != "DeploymentPaused", reason != "ProgressDeadlineExceeded" {
                set("Progressing", "Unknown", "DeploymentPaused", "Deployment is paused", on: &deployment, now: now)
            }
            return nil
        }
        if reason == "DeploymentPaused" {
            set("Progressing", "Unknown", "DeploymentResumed", "Deployment is resumed", on: &deployment, now: now)
            return now + Int64(deadline) + 1
        }
        guard let new = facts.new else { return nil }
        let name = new.object.key.name
        let status = deployment["status"]
        func count(_ status: JSON, _ field: String) -> Int { status[field].int ?? 0 }
        let updated = count(status, "updatedReplicas")
        let isComplete =
            updated == facts.replicas && count(status, "replicas") == facts.replicas && count(status, "availableReplicas") == facts.replicas
            && new.replicas == facts.replicas
        if isComplete {
            set("Progressing", "True", "NewReplicaSetAvailable", "ReplicaSet \"\(name)\" has successfully progressed.", on: &deployment, now: now)
            return nil
        }
        // A rollout that was done stays done while a pod is merely replaced or the size changes.
        if reason == "NewReplicaSetAvailable", updated == count(status, "replicas"), known?["message"].string?.contains("\"\(name)\"") == true { return nil }
        let before = old["status"]
        let isMoving =
            updated > count(before, "updatedReplicas")
            || count(status, "replicas") - updated < count(before, "replicas") - count(before, "updatedReplicas")
            || count(status, "readyReplicas") > count(before, "readyReplicas")
            || count(status, "availableReplicas") > count(before, "availableReplicas")
        let isOtherSet = known.map { $0["message"].string?.contains("\"\(name)\"") != true } ?? false
        if known == nil {
            set("Progressing", "True", "NewReplicaSetCreated", "Created new replica set \"\(name)\"", on: &deployment, now: now)
        } else if isMoving || isOtherSet {
            // Every advance starts the deadline anew, so the update time moves though the text does not.
            set("Progressing", "True", "ReplicaSetUpdated", "ReplicaSet \"\(name)\" is progressing.", on: &deployment, now: now, isAdvance: true)
        }
        guard reason != "ProgressDeadlineExceeded" || isMoving || isOtherSet else { return nil }
        let since = deployment.condition("Progressing")?["lastUpdateTime"].string.flatMap(RFC3339.parse) ?? now
        guard since + Int64(deadline) < now else { return since + Int64(deadline) + 1 }
        set("Progressing", "False", "ProgressDeadlineExceeded", "ReplicaSet \"\(name)\" has timed out progressing.", on: &deployment, now: now)
        return nil
    }

    /// Keeps `lastUpdateTime` unless something changed, so that an unchanged status is not written again.
    private static func set(
        _ type: String, _ status: String, _ reason: String, _ message: String, on deployment: inout JSON, now: Int64, isAdvance: Bool = false
    ) {
        let known = deployment.condition(type)
        let isSame = known?["status"].string == status && known?["reason"].string == reason && known?["message"].string == message
        let time = isSame && !isAdvance ? known?["lastUpdateTime"] ?? .string(RFC3339.format(now)) : .string(RFC3339.format(now))
        deployment.setCondition(type, status: status, reason: reason, message: message, now: now, extra: ["lastUpdateTime": time])
    }
}
