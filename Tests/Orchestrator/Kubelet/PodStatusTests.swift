import ContainerRuntime
import JSON
import Objects
import Testing

@testable import Kubelet

struct PodStatusTests {
    private let surroundings = StatusSurroundings(runtimeName: "host", hostAddress: "192.0.2.1")

    private func status(_ facts: PodSituation, previous: JSON = .null) -> JSON { facts.status(in: surroundings, previous: previous) }

    private func condition(_ status: JSON, _ type: String) -> String {
        let condition = (["status": status] as JSON).condition(type) ?? .null
        return "\(condition["status"].string ?? "-") \(condition["reason"].string ?? "")"
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var policy = "Always"
        var containers = ["c"]
        var initial: [String] = []
        var states: [String: String] = [:]
        var sandbox: String? = "s1"
        var terminal: String? = nil
        var phase: String
        /// PodReadyToStartContainers, Initialized, Ready.
        var conditions: [String]
        /// Of the first container.
        var state: String
    }

    @Test(arguments: [
        Case(
            testDescription: "new", sandbox: nil, phase: "Pending", conditions: ["False ", "True ", "False ContainersNotReady"],
            state: "waiting ContainerCreating"),
        Case(
            testDescription: "initialising", initial: ["i"], states: ["i": "run"], phase: "Pending",
            conditions: ["True ", "False ContainersNotInitialized", "False ContainersNotReady"], state: "waiting PodInitializing"),
        Case(
            testDescription: "initialised", initial: ["i"], states: ["i": "exit0"], phase: "Pending",
            conditions: ["True ", "True ", "False ContainersNotReady"], state: "waiting ContainerCreating"),
        Case(
            testDescription: "half started", containers: ["c", "d"], states: ["c": "run"], phase: "Pending",
            conditions: ["True ", "True ", "False ContainersNotReady"], state: "running "),
        Case(testDescription: "running", states: ["c": "run"], phase: "Running", conditions: ["True ", "True ", "True "], state: "running "),
        Case(
            testDescription: "ended, to be restarted", states: ["c": "exit1"], phase: "Running",
            conditions: ["True ", "True ", "False ContainersNotReady"], state: "terminated Error"),
        Case(
            testDescription: "succeeded", policy: "Never", states: ["c": "exit0"], sandbox: nil, terminal: "Succeeded", phase: "Succeeded",
            conditions: ["False ", "True PodCompleted", "False PodCompleted"], state: "terminated Completed"),
        Case(
            testDescription: "failed", policy: "Never", states: ["c": "exit9"], sandbox: nil, terminal: "Failed", phase: "Failed",
            conditions: ["False ", "True ", "False PodFailed"], state: "terminated Error"),
    ])
    func `phases, conditions and states`(test: Case) {
        let pod = makePod(
            "p", restartPolicy: test.policy, containers: test.containers.map { ["name": .string($0)] },
            initContainers: test.initial.map { ["name": .string($0)] })
        var facts = situation(pod, sandbox: test.sandbox, containers: test.states)
        facts.history.terminalPhase = test.terminal
        let status = status(facts)
        #expect(status["phase"].string == test.phase)
        #expect(["PodReadyToStartContainers", "Initialized", "Ready"].map { condition(status, $0) } == test.conditions)
        let state = status["containerStatuses"][0]["state"].members.first { _ in true }
        #expect("\(state?.key ?? "") \(state?.value["reason"].string ?? "")" == test.state)
        #expect(condition(status, "PodScheduled") == "True ")
    }

    @Test func `a container in back-off shows its end as the last state`() {
        var facts = situation(makePod("p"), containers: ["c": "exit1"], finishedAgo: 1)
        facts.history.containers["c"]?.restartBackoff = RestartBackoff(delay: 80 * .second, raised: facts.now)
        let container = status(facts)["containerStatuses"][0]
        #expect(container["state"]["waiting"]["reason"] == "CrashLoopBackOff")
        #expect(container["state"]["waiting"]["message"] == "back-off 1m20s restarting failed container=c pod=p_default(uid-of-p)")
        #expect(container["lastState"]["terminated"]["exitCode"] == 1)
        #expect(container["ready"] == false && container["started"] == false)
    }

    @Test func `a pod that ends shows how its containers ended, not what they waited for`() {
        var facts = situation(makePod("p"), containers: ["c": "exit1"], finishedAgo: 1)
        facts.history.containers["c"]?.restartBackoff = RestartBackoff(delay: 80 * .second, raised: facts.now)
        facts.intent = .delete(isGone: false)
        #expect(status(facts)["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 1)
    }

    @Test func `conditions keep the time of their change, and what others wrote stays`() {
        let old: JSON = [
            "nominatedNodeName": "x",
            "conditions": [
                ["type": "PodScheduled", "status": "True", "lastTransitionTime": "2020-01-01T00:00:00Z"],
                ["type": "Ready", "status": "True", "lastTransitionTime": "2020-01-01T00:00:00Z"],
                ["type": "example.com/gate", "status": "False", "lastTransitionTime": "2020-01-01T00:00:00Z"],
            ],
        ]
        var facts = situation(makePod("p"), containers: ["c": "run"])
        let same = status(facts, previous: old)
        #expect((["status": same] as JSON).condition("Ready")?["lastTransitionTime"] == "2020-01-01T00:00:00Z")
        #expect(same["nominatedNodeName"] == "x" && condition(same, "example.com/gate") == "False ")
        facts = situation(makePod("p") { $0["spec"]["readinessGates"] = [["conditionType": "example.com/gate"]] }, containers: ["c": "run"])
        let gated = status(facts, previous: old)
        #expect(condition(gated, "Ready") == "False ReadinessGatesNotReady" && condition(gated, "ContainersReady") == "True ")
        #expect((["status": gated] as JSON).condition("Ready")?["lastTransitionTime"] == .string(RFC3339.format(10_000)))
        // The same facts give the same status: nothing is written again and again.
        #expect(status(facts, previous: gated) == gated)
    }

    @Test func `a status read back gives the same status`() {
        var facts = situation(makePod("p", containers: [["name": "a"], ["name": "b"]]), containers: ["a": "run", "b": "exit3"], finishedAgo: 7)
        facts.history.containers["b"]?.current?.exit?.message = "why"
        facts.history.containers["b"]?.current?.restartCount = 4
        let written = status(facts)
        var pod = makePod("p", containers: [["name": "a"], ["name": "b"]])
        pod["status"] = written
        facts.history = PodHistory(pod: pod, now: facts.now)
        // Only the runtime can tell in which sandbox a container ran.
        for name in ["a", "b"] { facts.history.containers[name]?.current?.sandboxID = "s1" }
        #expect(status(facts, previous: written) == written)
    }

    @Test func `quality of service and addresses`() {
        let facts = situation(makePod("p"), containers: ["c": "run"])
        let status = status(facts)
        #expect(status["qosClass"] == "BestEffort" && status["podIP"] == "10.88.0.2" && status["podIPs"] == [["ip": "10.88.0.2"]])
        #expect(status["hostIPs"] == [["ip": "192.0.2.1"]])
        let onHost = situation(makePod("p") { $0["spec"]["hostNetwork"] = true }, containers: ["c": "run"])
        #expect(self.status(onHost)["podIP"] == "192.0.2.1")
    }
}

struct PodHistoryTests {
    private func sandbox(_ containers: [(name: String, count: Int, id: String, exit: Int?)]) -> SandboxStatus {
        let config = SandboxConfig(
            namespace: "default", name: "p", uid: "u", hostname: "h", cgroupPath: "/x", limits: ResourceLimits(), hostNetwork: false, logDirectory: "/l")
        return SandboxStatus(
            id: "s1", config: config, isReady: true, address: "10.88.0.2", pid: 1, created: 0,
            containers: containers.map { container in
                ContainerStatus(
                    id: container.id, sandboxID: "s1",
                    config: ContainerConfig(
                        name: container.name, restartCount: container.count, image: "host", command: ["x"], environment: [], limits: ResourceLimits(),
                        oomScoreAdjustment: 0, annotations: [ContainerHistory.delayAnnotation: "\(40 * Int64.second)", ContainerHistory.raisedAnnotation: "5"]),
                    pid: 1, started: 0,
                    state: container.exit.map { .exited(.init(code: $0, signal: nil, outOfMemory: false, finished: 9, message: "")) } ?? .running, logPath: "",
                    cgroupPath: "")
            })
    }

    @Test func `the runtime's records of an earlier kubelet are taken over`() {
        var history = PodHistory(pod: makePod("p"), now: 0)
        let news = history.observe([sandbox([("c", 3, "new", nil), ("c", 2, "old", 7)])], running: [], now: 10)
        #expect(history["c"].current?.id == "new" && history["c"].current?.restartCount == 3)
        #expect(history["c"].previous?.exit?.code == 7)
        #expect(history["c"].restartBackoff.delay == 40 * .second)
        #expect(news == ["c"])
    }

    @Test func `an end that is known stays known`() {
        var history = PodHistory(pod: makePod("p"), now: 0)
        #expect(history.observe([sandbox([("c", 0, "a", 1)])], running: [], now: 10) == ["c"])
        history.containers["c"]?.current?.exit?.message = "from the log"
        #expect(history.observe([sandbox([("c", 0, "a", 1)])], running: [], now: 11) == [])
        #expect(history["c"].current?.exit?.message == "from the log")
    }

    @Test func `what has vanished has ended, unless it is younger than the question`() {
        var history = PodHistory(pod: makePod("p"), now: 0)
        _ = history.observe([sandbox([("c", 0, "a", nil)])], running: [], now: 10)
        #expect(history.observe([], running: [], now: 11) == [])
        #expect(history["c"].current?.isRunning == true)
        #expect(history.observe([], running: ["a"], now: 12) == ["c"])
        #expect(history["c"].current?.exit?.code == 137 && history["c"].current?.exit?.reason == "ContainerStatusUnknown")
    }

    @Test(arguments: [(5, "5s"), (59, "59s"), (60, "1m0s"), (80, "1m20s"), (300, "5m0s"), (3_725, "1h2m5s")] as [(Int, String)])
    func `durations are worded as Go words them`(seconds: Int, text: String) { #expect(Duration.seconds(seconds).goText == text) }
}
