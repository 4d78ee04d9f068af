import JSON

/// Lenses on a Pod.
extension JSON {
    /// `status.phase`; empty for a pod that the API server has not seen.
    public var podPhase: String { self["status"]["phase"].string ?? "" }
    /// Whether the pod has ended for good.
    public var isTerminal: Bool { podPhase == "Succeeded" || podPhase == "Failed" }
    public var isReady: Bool { isConditionTrue("Ready") }
    /// Whether the pod counts for nobody's replicas any more.
    public var isActive: Bool { !isTerminal && !isBeingDeleted }
    /// Whether the pod is being stopped.
    public var isTerminating: Bool { isBeingDeleted && !isTerminal }
    /// `spec.nodeName`; empty if no node has been chosen.
    public var nodeName: String { self["spec"]["nodeName"].string ?? "" }

    /// Whether the pod has been ready for `minReadySeconds`. `now` in seconds since 1970.
    public func isAvailable(minReadySeconds: Int, now: Int64) -> Bool {
        guard let condition = condition("Ready"), condition["status"].string == "True" else { return false }
        guard minReadySeconds > 0 else { return true }
        guard let since = condition["lastTransitionTime"].string.flatMap(RFC3339.parse) else { return false }
        return since + Int64(minReadySeconds) <= now
    }
}
