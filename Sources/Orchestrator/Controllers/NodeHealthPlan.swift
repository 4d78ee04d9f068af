import JSON
import Objects

/// What a node's silence means for the node and its pods, as functions of the time since its last sign of life.
package enum NodeHealthPlan {
    /// A kubelet renews its lease every ten seconds; four missed in a row are a dead node.
    package static let silenceLimit: Int64 = 40

    private static let unreachable = "node.kubernetes.io/unreachable"
    private static let notReady = "node.kubernetes.io/not-ready"

    /// The node with the conditions that its silence calls for; equal to `node` if it is heard.
    package static func withConditions(_ node: JSON, silentFor seconds: Int64, now: Int64) -> JSON {
        guard seconds > silenceLimit else { return node }
        var result = node
        for type in ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"] {
            let known = node.condition(type)
            guard known?["status"].string != "Unknown" else { continue }
            let heartbeat = known?["lastHeartbeatTime"] ?? node["metadata"]["creationTimestamp"]
            result.setCondition(
                type, status: "Unknown", reason: known == nil ? "NodeStatusNeverUpdated" : "NodeStatusUnknown",
                message: known == nil ? "Kubelet never posted node status." : "Kubelet stopped posting node status.", now: now,
                extra: ["lastHeartbeatTime": heartbeat])
        }
        return result
    }

    /// The node with the taints that its Ready condition calls for.
    package static func withTaints(_ node: JSON, now: Int64) -> JSON {
        let key: String? =
            switch node.condition("Ready")?["status"].string {
            case "True": nil
            case "False": notReady
            default: unreachable
            }
        let old = node["spec"]["taints"].elements
        var taints = old.filter { taint in ![unreachable, notReady].contains(taint["key"].string ?? "") || taint["key"].string == key }
        if let key {
            for effect in ["NoSchedule", "NoExecute"] where !taints.contains(where: { $0["key"].string == key && $0["effect"].string == effect }) {
                taints.append(["key": .string(key), "effect": .string(effect), "timeAdded": .string(RFC3339.format(now))])
            }
        }
        guard taints != old else { return node }
        var result = node
        if taints.isEmpty { result["spec"].remove("taints") } else { result["spec"]["taints"] = .array(taints) }
        return result
    }

    /// When a pod must leave a node with these taints: nil for never, a moment in the past for now.
    package static func evictionTime(of pod: JSON, taints: [JSON]) -> Int64? {
        var earliest: Int64?
        for taint in taints where taint["effect"].string == "NoExecute" {
            let since = taint["timeAdded"].string.flatMap(RFC3339.parse) ?? 0
            let tolerating = pod["spec"]["tolerations"].elements.filter { tolerates($0, taint) }
            if tolerating.isEmpty {
                earliest = min(earliest ?? since, since)
                continue
            }
            // The shortest limit among those that tolerate it; one without a limit does not lengthen it.
            guard let seconds = tolerating.compactMap({ $0["tolerationSeconds"].int }).min() else { continue }
            let time = since + Int64(max(0, seconds))
            earliest = min(earliest ?? time, time)
        }
        return earliest
    }

    private static func tolerates(_ toleration: JSON, _ taint: JSON) -> Bool {
        if let effect = toleration["effect"].string, !effect.isEmpty, effect != taint["effect"].string { return false }
        let key = toleration["key"].string ?? ""
        if toleration["operator"].string == "Exists" { return key.isEmpty || key == taint["key"].string }
        return key == taint["key"].string && (toleration["value"].string ?? "") == (taint["value"].string ?? "")
    }
}
