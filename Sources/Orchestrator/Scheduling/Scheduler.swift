import JSON
import Objects

/// Chooses a node for a pod. Pure: all it knows is in its arguments, and equal arguments give equal answers.
public enum Scheduler {
    public enum Decision: Hashable, Sendable {
        case node(String)
        /// The message of the PodScheduled condition and of the FailedScheduling event.
        case unschedulable(String)
    }

    /// - Complexity: O(nodes × (taints + ports + affinity terms)).
    public static func schedule(_ pod: PodInfo, nodes: [NodeInfo]) -> Decision {
        guard !nodes.isEmpty else { return .unschedulable("no nodes available to schedule pods") }
        var fitting: [NodeInfo] = []
        var refusals: [String: Int] = [:]
        for node in nodes {
            let reasons = Filters.reasons(pod, node)
            if reasons.isEmpty { fitting.append(node) }
            for reason in reasons { refusals[reason, default: 0] += 1 }
        }
        guard !fitting.isEmpty else { return .unschedulable(message(refusals, nodes: nodes.count)) }
        return .node(best(fitting, Scores.totals(pod, fitting)))
    }

    public static func schedule(pod: JSON, nodes: [NodeInfo]) -> Decision { schedule(PodInfo(pod), nodes: nodes) }

    /// Why a bound pod may not run on its node, as the kubelet asks before it starts it; empty if it may.
    public static func refusals(_ pod: PodInfo, by node: NodeInfo) -> [String] { Filters.reasons(pod, node) }

    /// `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable.`
    static func message(_ refusals: [String: Int], nodes: Int) -> String {
        "0/\(nodes) nodes are available: " + refusals.map { "\($0.value) \($0.key)" }.sorted().joined(separator: ", ") + "."
    }

    /// The greatest total; then the fewest pods; then the first name. Kubernetes draws lots, but then no test can tell.
    private static func best(_ nodes: [NodeInfo], _ totals: [Int]) -> String {
        var best = 0
        for index in nodes.indices.dropFirst() {
            let (left, right) = (nodes[index], nodes[best])
            if (-totals[index], left.podCount, left.name) < (-totals[best], right.podCount, right.name) { best = index }
        }
        return nodes[best].name
    }
}
