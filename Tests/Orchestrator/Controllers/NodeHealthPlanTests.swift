import JSON
import Objects
import Testing

@testable import Controllers

@Suite struct NodeHealthPlanTests {
    private let now: Int64 = 1_700_000_000

    @Test func `forty seconds of silence are borne, one more is not`() {
        let node = Sample.node("n")
        #expect(NodeHealthPlan.withConditions(node, silentFor: 40, now: now) == node)
        let silent = NodeHealthPlan.withConditions(node, silentFor: 41, now: now)
        #expect(silent.condition("Ready")?["status"].string == "Unknown")
        #expect(silent.condition("Ready")?["reason"].string == "NodeStatusUnknown")
        #expect(silent.condition("Ready")?["message"].string == "Kubelet stopped posting node status.")
        #expect(silent.condition("DiskPressure")?["reason"].string == "NodeStatusNeverUpdated")
        #expect(NodeHealthPlan.withConditions(silent, silentFor: 99, now: now + 60) == silent)
    }

    @Test func `taints come with the condition, change with it, and go with it`() {
        func keys(_ node: JSON) -> [String] { node["spec"]["taints"].elements.map { "\($0["key"].string!) \($0["effect"].string!)" } }
        var node = Sample.node("n")
        node["spec"]["taints"] = [["key": "mine", "effect": "NoSchedule"]]
        #expect(NodeHealthPlan.withTaints(node, now: now) == node)
        node.setCondition("Ready", status: "Unknown", now: now)
        node = NodeHealthPlan.withTaints(node, now: now)
        #expect(keys(node) == ["mine NoSchedule", "node.kubernetes.io/unreachable NoSchedule", "node.kubernetes.io/unreachable NoExecute"])
        #expect(NodeHealthPlan.withTaints(node, now: now + 9) == node)
        node.setCondition("Ready", status: "False", now: now)
        node = NodeHealthPlan.withTaints(node, now: now)
        #expect(keys(node) == ["mine NoSchedule", "node.kubernetes.io/not-ready NoSchedule", "node.kubernetes.io/not-ready NoExecute"])
        node.setCondition("Ready", status: "True", now: now)
        #expect(keys(NodeHealthPlan.withTaints(node, now: now)) == ["mine NoSchedule"])
    }

    @Test(arguments: [
        ([] as [JSON], Int64?.some(0)),
        ([["key": "k", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300] as JSON], Int64?.some(300)),
        ([["operator": "Exists"] as JSON], Int64?.none),
        ([["operator": "Exists"] as JSON, ["key": "k", "operator": "Exists", "tolerationSeconds": 5] as JSON], Int64?.some(5)),
        ([["key": "other", "operator": "Exists"] as JSON], Int64?.some(0)),
        ([["key": "k", "operator": "Exists", "effect": "NoSchedule"] as JSON], Int64?.some(0)),
    ])
    func `a pod leaves when its toleration runs out`(tolerations: [JSON], after: Int64?) {
        let taints: [JSON] = [["key": "k", "effect": "NoExecute", "timeAdded": .string(RFC3339.format(now))]]
        #expect(NodeHealthPlan.evictionTime(of: ["spec": ["tolerations": .array(tolerations)]], taints: taints) == after.map { now + $0 })
    }
}
