import Objects

/// How well each node that will do suits a pod: 0 to 100 from each rule, weighted as in Kubernetes' default profile.
enum Scores {
    /// The totals in the order of `nodes`.
    static func totals(_ pod: PodInfo, _ nodes: [NodeInfo]) -> [Int] {
        let wishes = normalised(nodes.map { pod.affinity.wishes(name: $0.name, labels: $0.labels) }, isCost: false)
        let dislikes = normalised(
            nodes.map { node in node.taints.count { $0.effect == .preferNoSchedule && !pod.tolerations.tolerate($0) } }, isCost: true)
        return nodes.indices.map { index in
            leastAllocated(pod, nodes[index]) + balanced(pod, nodes[index]) + 2 * wishes[index] + 3 * dislikes[index]
        }
    }

    /// The free share of CPU and memory after the pod, averaged.
    /// (Kubernetes noderesources/least_allocated.go: mean of (allocatable - requested) / allocatable * 100.)
    static func leastAllocated(_ pod: PodInfo, _ node: NodeInfo) -> Int {
        var after = node.scoredRequested
        after.add(pod.scoredRequests)
        // In floating point: amounts may be as great as 64 bits allow, and a hundred times that must not trap.
        func free(_ requested: Int64, _ allocatable: Int64) -> Int? {
            guard allocatable > 0 else { return nil }
            return requested > allocatable ? 0 : Int(Double(allocatable - requested) / Double(allocatable) * 100)
        }
        let shares = [
            free(after.milliCPU, node.allocatable.milliCPU), free(after.memoryBytes, node.allocatable.memoryBytes),
        ].compactMap { $0 }
        return shares.isEmpty ? 0 : shares.reduce(0, +) / shares.count
    }

    /// How even CPU and memory are used after the pod: 100 less half the distance of the two shares.
    /// (Kubernetes noderesources/balanced_allocation.go: the standard deviation of the shares, which for two is that.)
    static func balanced(_ pod: PodInfo, _ node: NodeInfo) -> Int {
        func share(_ requested: Int64, _ allocatable: Int64) -> Double? {
            allocatable > 0 ? min(Double(requested) / Double(allocatable), 1) : nil
        }
        var after = node.requested
        after.add(pod.requests)
        guard let cpu = share(after.milliCPU, node.allocatable.milliCPU), let memory = share(after.memoryBytes, node.allocatable.memoryBytes)
        else { return 100 }
        return Int((1 - abs(cpu - memory) / 2) * 100)
    }

    /// Stretched so that the greatest is 100; turned round if little is good.
    private static func normalised(_ values: [Int], isCost: Bool) -> [Int] {
        guard let greatest = values.max(), greatest > 0 else { return values.map { _ in isCost ? 100 : 0 } }
        return values.map { isCost ? 100 - $0 * 100 / greatest : $0 * 100 / greatest }
    }
}
