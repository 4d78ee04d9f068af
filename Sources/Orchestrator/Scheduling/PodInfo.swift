import JSON
import Objects

/// What the scheduler needs to know of a pod, read out once.
public struct PodInfo: Sendable {
    public let name: String
    /// Empty unless somebody has named a node.
    public let nodeName: String
    public let requests: PodResources
    /// With 100m of CPU and 200 MiB for each container that asks for none, so that such pods spread as well
    /// (Kubernetes' defaults for scoring).
    let scoredRequests: PodResources
    let tolerations: [Toleration]
    let nodeSelector: LabelSelector
    let affinity: NodeAffinity
    let hostPorts: [HostPort]

    /// From a defaulted pod.
    public init(_ pod: JSON) {
        let spec = pod["spec"]
        name = pod.namespacedName
        nodeName = pod.nodeName
        requests = PodResources(requestsOf: pod)
        var scored = PodResources()
        for container in spec["containers"].elements {
            let own = container["resources"]["requests"]
            var counted = PodResources(list: own)
            if own["cpu"].isNull { counted.milliCPU = 100 }
            if own["memory"].isNull { counted.memoryBytes = 200 << 20 }
            scored.add(counted)
        }
        scored.milliCPU = max(scored.milliCPU, requests.milliCPU)
        scored.memoryBytes = max(scored.memoryBytes, requests.memoryBytes)
        scoredRequests = scored
        tolerations = spec["tolerations"].elements.map(Toleration.init)
        nodeSelector = LabelSelector(map: spec["nodeSelector"].stringMap)
        affinity = NodeAffinity(spec["affinity"]["nodeAffinity"])
        hostPorts = ["initContainers", "containers"].flatMap { spec[$0].elements }.flatMap { $0["ports"].elements }.compactMap(HostPort.init)
    }

    /// Whether the pod waits for its gates to go before it is scheduled.
    public static func isGated(_ pod: JSON) -> Bool { !pod["spec"]["schedulingGates"].elements.isEmpty }
}

/// A port of the node that a pod takes for itself.
struct HostPort: Hashable, Sendable {
    let number: Int
    let transport: String
    /// Empty for all addresses.
    let address: String

    init?(_ port: JSON) {
        guard let number = port["hostPort"].int, number > 0 else { return nil }
        self.number = number
        transport = port["protocol"].string ?? "TCP"
        let given = port["hostIP"].string ?? ""
        address = given == "0.0.0.0" ? "" : given
    }

    func collides(with other: HostPort) -> Bool {
        number == other.number && transport == other.transport && (address == other.address || address.isEmpty || other.address.isEmpty)
    }
}
