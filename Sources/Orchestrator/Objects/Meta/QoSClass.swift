import JSON

/// How the kubelet treats a pod when memory runs short.
public enum QoSClass: String, Sendable {
    case guaranteed = "Guaranteed"
    case burstable = "Burstable"
    case bestEffort = "BestEffort"

    /// From a pod's spec. A request that is missing counts as its limit, as defaulting makes it.
    public init(pod: JSON) {
        var hasAny = false
        var isGuaranteed = true
        for list in ["containers", "initContainers"] {
            for container in pod["spec"][list].elements {
                let (limits, requests) = (container["resources"]["limits"], container["resources"]["requests"])
                for name in ["cpu", "memory"] {
                    let limit = Self.amount(limits[name])
                    let request = Self.amount(requests[name]) ?? limit
                    if limit != nil || request != nil { hasAny = true }
                    if limit == nil || limit != request { isGuaranteed = false }
                }
            }
        }
        self = !hasAny ? .bestEffort : isGuaranteed ? .guaranteed : .burstable
    }

    /// Zero counts as nothing.
    private static func amount(_ value: JSON) -> Quantity? {
        guard let text = value.string, let quantity = Quantity(text), quantity != .zero else { return nil }
        return quantity
    }
}
