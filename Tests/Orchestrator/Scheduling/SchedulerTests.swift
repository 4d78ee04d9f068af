import JSON
import Objects
import Scheduling
import Testing

private func node(_ name: String, cpu: String = "4", memory: String = "8Gi", pods: Int = 110, labels: JSON = [:], spec: JSON = [:]) -> JSON {
    [
        "metadata": ["name": .string(name), "labels": labels], "spec": spec,
        "status": ["allocatable": ["cpu": .string(cpu), "memory": .string(memory), "pods": .string(String(pods))]],
    ]
}

private func pod(cpu: String? = nil, memory: String? = nil, _ spec: JSON = [:]) -> JSON {
    var requests: JSON = [:]
    if let cpu { requests["cpu"] = .string(cpu) }
    if let memory { requests["memory"] = .string(memory) }
    var spec = spec
    if spec["containers"].isNull { spec["containers"] = [["name": "c", "image": "x", "resources": ["requests": requests]]] }
    return ["metadata": ["name": "p", "namespace": "default"], "spec": spec]
}

private func decide(_ pod: JSON, _ nodes: [JSON]) -> Scheduler.Decision { Scheduler.schedule(pod: pod, nodes: nodes.map { NodeInfo(node: $0) }) }

@Suite struct SchedulerTests {
    @Test(arguments: [
        (pod(cpu: "5"), "0/1 nodes are available: 1 Insufficient cpu."),
        (pod(cpu: "5", memory: "9Gi"), "0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory."),
        (pod(["nodeName": "other"]), "0/1 nodes are available: 1 node(s) didn't match the requested node name."),
        (pod(["nodeSelector": ["disk": "tape"]]), "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."),
        (
            pod(["containers": [["name": "c", "resources": ["requests": ["example.com/gpu": "1"]]]]]),
            "0/1 nodes are available: 1 Insufficient example.com/gpu."
        ),
    ])
    func `says what is missing`(pod: JSON, message: String) {
        #expect(decide(pod, [node("a", labels: ["disk": "ssd"])]) == .unschedulable(message))
    }

    @Test func `counts reasons over nodes`() {
        let nodes = [
            node("a", cpu: "1"), node("b", spec: ["taints": [["key": "k", "value": "v", "effect": "NoSchedule"]]]), node("c", spec: ["unschedulable": true]),
            node("d", cpu: "1"),
        ]
        #expect(
            decide(pod(cpu: "2"), nodes)
                == .unschedulable("0/4 nodes are available: 1 node(s) had untolerated taint {k: v}, 1 node(s) were unschedulable, 2 Insufficient cpu."))
        #expect(decide(pod(), []) == .unschedulable("no nodes available to schedule pods"))
    }

    @Test(
        arguments: [
            (["key": "k", "value": "v", "effect": "NoSchedule"], true), (["key": "k", "operator": "Exists"], true), (["operator": "Exists"], true),
            (["key": "k", "value": "w"], false), (["key": "k", "operator": "Exists", "effect": "NoExecute"], false),
            (["key": "other", "operator": "Exists"], false),
            (["key": "k", "operator": "Equal", "value": "v"], true),
        ] as [(JSON, Bool)])
    func `tolerations open tainted nodes`(toleration: JSON, isOpen: Bool) {
        let tainted = node("a", spec: ["taints": [["key": "k", "value": "v", "effect": "NoSchedule"]]])
        #expect((decide(pod(["tolerations": [toleration]]), [tainted]) == .node("a")) == isOpen)
    }

    @Test func `a cordoned node takes those that tolerate it`() {
        let cordoned = node("a", spec: ["unschedulable": true])
        #expect(
            decide(pod(["tolerations": [["key": "node.kubernetes.io/unschedulable", "operator": "Exists", "effect": "NoSchedule"]]]), [cordoned]) == .node("a"))
    }

    @Test(
        arguments: [
            (["key": "zone", "operator": "In", "values": ["x", "y"]], true), (["key": "zone", "operator": "NotIn", "values": ["x"]], false),
            (["key": "zone", "operator": "Exists"], true), (["key": "zone", "operator": "DoesNotExist"], false),
            (["key": "cores", "operator": "Gt", "values": ["8"]], true),
            (["key": "cores", "operator": "Lt", "values": ["8"]], false), (["key": "cores", "operator": "Gt", "values": []], false),
        ] as [(JSON, Bool)])
    func `node affinity`(expression: JSON, isMatch: Bool) {
        let nodes = [node("a", labels: ["zone": "x", "cores": "16"])]
        func wanting(_ terms: JSON) -> JSON {
            pod(["affinity": ["nodeAffinity": ["requiredDuringSchedulingIgnoredDuringExecution": ["nodeSelectorTerms": terms]]]])
        }
        #expect((decide(wanting([["matchExpressions": [expression]]]), nodes) == .node("a")) == isMatch)
        // Terms are alternatives; an empty one fits nothing.
        #expect(
            decide(wanting([["matchExpressions": [expression]], ["matchFields": [["key": "metadata.name", "operator": "In", "values": ["a"]]]]]), nodes)
                == .node("a"))
        #expect(decide(wanting([[:]]), nodes) != .node("a"))
    }

    @Test func `host ports are taken once`() {
        func taking(_ port: JSON) -> JSON { pod(["containers": [["name": "c", "ports": [port]]]]) }
        let held = NodeInfo(node: node("a"), pods: [PodInfo(taking(["hostPort": 80, "containerPort": 80, "hostIP": "10.0.0.1"]))])
        let message = Scheduler.Decision.unschedulable("0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports.")
        #expect(Scheduler.schedule(pod: taking(["hostPort": 80, "containerPort": 80]), nodes: [held]) == message)
        #expect(Scheduler.schedule(pod: taking(["hostPort": 80, "containerPort": 80, "protocol": "UDP"]), nodes: [held]) == .node("a"))
        #expect(Scheduler.schedule(pod: taking(["hostPort": 80, "containerPort": 80, "hostIP": "10.0.0.2"]), nodes: [held]) == .node("a"))
    }

    @Test func `a full node takes no more pods`() {
        var full = NodeInfo(node: node("a", pods: 1))
        full.add(PodInfo(pod()))
        #expect(Scheduler.schedule(pod: pod(), nodes: [full]) == .unschedulable("0/1 nodes are available: 1 Too many pods."))
    }

    @Test func `the emptier node is taken, then the first name`() {
        #expect(decide(pod(), [node("b"), node("a")]) == .node("a"))
        let busy = NodeInfo(node: node("a"), pods: [PodInfo(pod(cpu: "2", memory: "4Gi"))])
        #expect(Scheduler.schedule(pod: pod(cpu: "1"), nodes: [busy, NodeInfo(node: node("b"))]) == .node("b"))
        // A wish weighs more than a little more room.
        let wish: JSON = [
            "affinity": [
                "nodeAffinity": [
                    "preferredDuringSchedulingIgnoredDuringExecution": [
                        ["weight": 1, "preference": ["matchExpressions": [["key": "disk", "operator": "In", "values": ["ssd"]]]]]
                    ]
                ]
            ]
        ]
        #expect(decide(pod(wish), [node("a"), node("b", labels: ["disk": "ssd"])]) == .node("b"))
        #expect(decide(pod(), [node("a", spec: ["taints": [["key": "k", "effect": "PreferNoSchedule"]]]), node("b")]) == .node("b"))
    }

    @Test func `pods without requests spread over equal nodes`() {
        var nodes = ["a", "b", "c"].map { NodeInfo(node: node($0)) }
        var counts: [String: Int] = [:]
        for _ in 0..<30 {
            guard case .node(let name) = Scheduler.schedule(pod: pod(), nodes: nodes) else { continue }
            counts[name, default: 0] += 1
            for index in nodes.indices where nodes[index].name == name { nodes[index].add(PodInfo(pod())) }
        }
        #expect(counts == ["a": 10, "b": 10, "c": 10])
    }

    @Test func `amounts at the end of 64 bits do not trap`() {
        let huge = pod(cpu: "9223372036854775807", memory: "9223372036854775807")
        var wide = NodeInfo(node: node("a", cpu: "9223372036854775807", memory: "9223372036854775807"))
        #expect(Scheduler.schedule(pod: huge, nodes: [wide]) == .node("a"))
        wide.add(PodInfo(huge))
        wide.add(PodInfo(huge))
        #expect(Scheduler.schedule(pod: huge, nodes: [wide]) != .node("a"))
        #expect(Scheduler.schedule(pod: pod(), nodes: [wide]) == .node("a"))
    }

    @Test func `never overbooks, whatever comes`() {
        let seed = UInt64.random(in: 0 ... .max)
        var state = seed
        func draw(_ bound: UInt64) -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state >> 33) % bound
        }
        var nodes = (0..<5).map { NodeInfo(node: node("n\($0)", cpu: "\(1 + draw(4))", memory: "\(1 + draw(4))Gi", pods: 10)) }
        for _ in 0..<200 {
            let incoming = PodInfo(pod(cpu: "\(draw(1500))m", memory: "\(draw(1500))Mi"))
            guard case .node(let name) = Scheduler.schedule(incoming, nodes: nodes), let index = nodes.firstIndex(where: { $0.name == name }) else { continue }
            #expect(Scheduler.refusals(incoming, by: nodes[index]).isEmpty, "seed \(seed)")
            nodes[index].add(incoming)
        }
        for node in nodes { #expect(node.podCount <= 10 && node.requested.milliCPU <= 4000, "seed \(seed)") }
    }
}
