import JSON

/// What a pod asks of a node.
public struct PodResources: Hashable, Sendable {
    public var milliCPU: Int64 = 0
    public var memoryBytes: Int64 = 0
    public var ephemeralStorageBytes: Int64 = 0
    /// All other resources by name, in whole units.
    public var extended: [String: Int64] = [:]

    public init() {}

    /// What a pod is counted with: the containers' sum (sidecars included), or what an init container needs while it runs if
    /// that is more, and the overhead of the sandbox.
    public init(requestsOf pod: JSON) {
        self.init(pod, "requests")
        add(PodResources(list: pod["spec"]["overhead"]))
    }

    /// The same over limits. Containers without a limit count nothing.
    public init(limitsOf pod: JSON) {
        self.init(pod, "limits")
        // The sandbox is not limited for itself: its overhead widens limits that are there.
        let overhead = PodResources(list: pod["spec"]["overhead"])
        var widening = PodResources()
        if milliCPU > 0 { widening.milliCPU = overhead.milliCPU }
        if memoryBytes > 0 { widening.memoryBytes = overhead.memoryBytes }
        add(widening)
    }

    private init(_ pod: JSON, _ field: String) {
        let spec = pod["spec"]
        for container in spec["containers"].elements { add(PodResources(list: container["resources"][field])) }
        var sidecars = PodResources()
        var peak = PodResources()
        for container in spec["initContainers"].elements {
            let own = PodResources(list: container["resources"][field])
            if container["restartPolicy"].string == "Always" {
                sidecars.add(own)
                add(own)
                peak.raise(to: sidecars)
            } else {
                var during = sidecars
                during.add(own)
                peak.raise(to: during)
            }
        }
        raise(to: peak)
    }

    /// A resource list: `{"cpu": "100m", "memory": "64Mi"}`.
    public init(list: JSON) {
        guard case .object(let members) = list else { return }
        for (name, value) in members {
            guard let text = value.string, let quantity = Quantity(text) else { continue }
            switch name {
            case "cpu": milliCPU = quantity.milliValue
            case "memory": memoryBytes = quantity.value
            case "ephemeral-storage": ephemeralStorageBytes = quantity.value
            default: extended[name] = quantity.value
            }
        }
    }

    /// Sums that overflow stay at the greatest number.
    public mutating func add(_ other: PodResources) {
        func sum(_ left: Int64, _ right: Int64) -> Int64 {
            let (value, overflow) = left.addingReportingOverflow(right)
            return overflow ? .max : value
        }
        milliCPU = sum(milliCPU, other.milliCPU)
        memoryBytes = sum(memoryBytes, other.memoryBytes)
        ephemeralStorageBytes = sum(ephemeralStorageBytes, other.ephemeralStorageBytes)
        for (name, value) in other.extended { extended[name] = sum(extended[name] ?? 0, value) }
    }

    private mutating func raise(to other: PodResources) {
        milliCPU = max(milliCPU, other.milliCPU)
        memoryBytes = max(memoryBytes, other.memoryBytes)
        ephemeralStorageBytes = max(ephemeralStorageBytes, other.ephemeralStorageBytes)
        for (name, value) in other.extended { extended[name] = max(extended[name] ?? 0, value) }
    }
}
