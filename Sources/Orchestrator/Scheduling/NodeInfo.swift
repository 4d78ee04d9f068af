import JSON
import Objects

/// A node and what its pods already ask of it.
public struct NodeInfo: Sendable {
    /// How many pods a node takes that does not say.
    public static let defaultPodLimit: Int64 = 110

    public let name: String
    let labels: [String: String]
    let taints: [Taint]
    let isUnschedulable: Bool
    let allocatable: PodResources
    let podLimit: Int64
    public private(set) var podCount: Int64 = 0
    public private(set) var requested = PodResources()
    private(set) var scoredRequested = PodResources()
    private(set) var hostPorts: [HostPort] = []

    /// - Parameter pods: those bound to the node that have not ended.
    public init(node: JSON, pods: [PodInfo] = []) {
        name = node.metadataName
        labels = node.labels
        taints = node["spec"]["taints"].elements.compactMap(Taint.init)
        isUnschedulable = node["spec"]["unschedulable"].bool == true
        let status = node["status"]
        var list = status["allocatable"].isNull ? status["capacity"] : status["allocatable"]
        let limit = list.remove("pods")
        allocatable = PodResources(list: list)
        podLimit = limit?.string.flatMap { Quantity($0)?.value } ?? Self.defaultPodLimit
        for pod in pods { add(pod) }
    }

    /// Counts a pod that has been bound here.
    public mutating func add(_ pod: PodInfo) {
        podCount += 1
        requested.add(pod.requests)
        scoredRequested.add(pod.scoredRequests)
        hostPorts += pod.hostPorts
    }
}
