import JSON
import Objects

/// Why a node will not do, in Kubernetes' words. The first check that fails gives the reasons.
enum Filters {
    static func reasons(_ pod: PodInfo, _ node: NodeInfo) -> [String] {
        if !pod.nodeName.isEmpty, pod.nodeName != node.name { return ["node(s) didn't match the requested node name"] }
        if node.isUnschedulable, !pod.tolerations.tolerate(.unschedulable) { return ["node(s) were unschedulable"] }
        if let taint = node.taints.first(where: { $0.effect != .preferNoSchedule && !pod.tolerations.tolerate($0) }) {
            return ["node(s) had untolerated taint {\(taint.key): \(taint.value)}"]
        }
        if !pod.nodeSelector.matches(node.labels) || !pod.affinity.allows(name: node.name, labels: node.labels) {
            return ["node(s) didn't match Pod's node affinity/selector"]
        }
        if pod.hostPorts.contains(where: { port in node.hostPorts.contains { $0.collides(with: port) } }) {
            return ["node(s) didn't have free ports for the requested pod ports"]
        }
        return resources(pod.requests, node)
    }

    /// All that is short, not only the first.
    private static func resources(_ wanted: PodResources, _ node: NodeInfo) -> [String] {
        var reasons: [String] = []
        if node.podCount + 1 > node.podLimit { reasons.append("Too many pods") }
        func check(_ name: String, _ wanted: Int64, _ requested: Int64, _ allocatable: Int64) {
            // What is not asked for cannot be short, even on a node that has been overbooked.
            if wanted > 0, wanted > allocatable - requested { reasons.append("Insufficient \(name)") }
        }
        check("cpu", wanted.milliCPU, node.requested.milliCPU, node.allocatable.milliCPU)
        check("memory", wanted.memoryBytes, node.requested.memoryBytes, node.allocatable.memoryBytes)
        check("ephemeral-storage", wanted.ephemeralStorageBytes, node.requested.ephemeralStorageBytes, node.allocatable.ephemeralStorageBytes)
        for (name, amount) in wanted.extended.sorted(by: { $0.key < $1.key }) {
            check(name, amount, node.requested.extended[name] ?? 0, node.allocatable.extended[name] ?? 0)
        }
        return reasons
    }
}
