import ContainerRuntime
import JSON
import Objects
import Testing

@testable import Kubelet

/// Builds situations from short texts: `run`, `exit0`, `exit1`, `-` for never started.
func situation(
    _ pod: JSON, sandbox: String? = "s1", isSandboxReady: Bool = true, containers states: [String: String] = [:], in sandboxOfContainers: String? = nil,
    finishedAgo: Int64 = 0, volumes: Bool = true, now: Int64 = 10_000
) -> PodSituation {
    let now = now * Int64.second
    var history = PodHistory(pod: pod, now: now)
    for (name, state) in states {
        var instance = ContainerInstance(
            id: "id-\(name)", sandboxID: sandboxOfContainers ?? sandbox ?? "", restartCount: 0, started: now - 100 * .second, image: "host")
        if state.hasPrefix("exit") {
            let code = Int(state.dropFirst(4)) ?? 0
            instance.exit = .init(code: code, signal: nil, reason: code == 0 ? "Completed" : "Error", message: "", finished: now - finishedAgo * .second)
        }
        history.containers[name, default: ContainerHistory()].current = instance
    }
    let status = sandbox.map { id in
        SandboxStatus(
            id: id,
            config: SandboxConfig(
                namespace: "default", name: pod.metadataName, uid: pod.uid, hostname: "h", cgroupPath: "/kubepods/x", limits: ResourceLimits(),
                hostNetwork: false, logDirectory: "/logs"),
            isReady: isSandboxReady, address: "10.88.0.2", pid: 1, created: 0, containers: [])
    }
    history.address = status?.address ?? ""
    return PodSituation(spec: PodSpec(pod), history: history, sandbox: status, areVolumesReady: volumes, now: now)
}

extension PodAction {
    /// As tables name it.
    var text: String {
        switch self {
        case .setUpVolumes: "volumes"
        case .runSandbox: "sandbox"
        case .removeSandbox(let id, _): "remove \(id)"
        case .start(let name): "start \(name)"
        case .stop(let name, _, _, _, _): "stop \(name)"
        case .prune(let id): "prune \(id)"
        case .fail(let reason): "fail \(reason.reason)"
        case .end(let phase): "end \(phase)"
        case .tearDown: "tear down"
        case .leave: "leave"
        }
    }
}

struct PodPlanTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var policy = "Always"
        var containers = ["c"]
        var initial: [String] = []
        var sidecars: [String] = []
        var states: [String: String] = [:]
        var sandbox: String? = "s1"
        var ready = true
        var volumes = true
        var before: String? = nil
        var expected: [String]

        var pod: JSON {
            makePod(
                "p", restartPolicy: policy, containers: containers.map { ["name": .string($0)] },
                initContainers: initial.map { ["name": .string($0)] } + sidecars.map { ["name": .string($0), "restartPolicy": "Always"] })
        }
    }

    @Test(arguments: [
        Case(testDescription: "a new pod gets volumes and a sandbox at once", sandbox: nil, volumes: false, expected: ["volumes", "sandbox"]),
        Case(testDescription: "containers wait for the volumes", volumes: false, expected: ["volumes"]),
        Case(testDescription: "then the first container", containers: ["a", "b"], expected: ["start a"]),
        Case(testDescription: "then the second", containers: ["a", "b"], states: ["a": "run"], expected: ["start b"]),
        Case(testDescription: "then nothing", containers: ["a", "b"], states: ["a": "run", "b": "run"], expected: []),
        Case(testDescription: "init containers come first", initial: ["i", "j"], expected: ["start i"]),
        Case(testDescription: "one at a time", initial: ["i", "j"], states: ["i": "run"], expected: []),
        Case(testDescription: "the next after the end of the first", initial: ["i", "j"], states: ["i": "exit0"], expected: ["start j"]),
        Case(testDescription: "then the pod's own", initial: ["i", "j"], states: ["i": "exit0", "j": "exit0"], expected: ["start c"]),
        Case(testDescription: "a failed init container is tried again", initial: ["i"], states: ["i": "exit1"], expected: ["start i"]),
        Case(testDescription: "unless the policy is Never", policy: "Never", initial: ["i"], states: ["i": "exit1"], expected: ["end Failed"]),
        Case(testDescription: "Always restarts success", states: ["c": "exit0"], expected: ["start c"]),
        Case(testDescription: "OnFailure restarts failure", policy: "OnFailure", states: ["c": "exit1"], expected: ["start c"]),
        Case(testDescription: "OnFailure ends with success", policy: "OnFailure", states: ["c": "exit0"], expected: ["end Succeeded"]),
        Case(testDescription: "Never ends with failure", policy: "Never", states: ["c": "exit3"], expected: ["end Failed"]),
        Case(
            testDescription: "an end needs all containers", policy: "Never", containers: ["a", "b"], states: ["a": "exit0", "b": "run"], expected: []),
        Case(testDescription: "a sidecar runs before the pod's own", sidecars: ["s"], expected: ["start s"]),
        Case(testDescription: "and they follow once it runs", sidecars: ["s"], states: ["s": "run"], expected: ["start c"]),
        Case(testDescription: "a sidecar is always restarted", policy: "Never", sidecars: ["s"], states: ["s": "exit0", "c": "run"], expected: ["start s"]),
        Case(
            testDescription: "a sidecar does not keep a pod from ending", policy: "Never", sidecars: ["s"], states: ["s": "run", "c": "exit0"],
            expected: ["end Succeeded"]),
        Case(testDescription: "a dead sandbox is removed", states: ["c": "run"], ready: false, expected: ["remove s1"]),
        Case(
            testDescription: "in a new sandbox everything starts anew", initial: ["i"], states: ["i": "exit0", "c": "exit137"], sandbox: "s2", before: "s1",
            expected: ["start i"]),
        Case(
            testDescription: "but what has succeeded under OnFailure stays so", policy: "OnFailure", containers: ["a", "b"],
            states: ["a": "exit0", "b": "exit137"], sandbox: "s2", before: "s1", expected: ["start b"]),
        Case(
            testDescription: "no new sandbox for a pod that has ended", policy: "Never", states: ["c": "exit137"], sandbox: nil, before: "s1",
            expected: ["end Failed"]),
    ])
    func `the next step of a pod that runs`(test: Case) {
        let situation = situation(
            test.pod, sandbox: test.sandbox, isSandboxReady: test.ready, containers: test.states, in: test.before, volumes: test.volumes)
        #expect(situation.plan().actions.map(\.text) == test.expected)
    }

    @Test func `nothing is started twice`() {
        var facts = situation(makePod("p"), sandbox: nil, volumes: false)
        facts.busy = [.volumes, .sandbox]
        #expect(facts.plan().actions.isEmpty)
        facts = situation(makePod("p", containers: [["name": "a"], ["name": "b"]]))
        facts.busy = [.start("a")]
        #expect(facts.plan().actions.isEmpty)
    }

    @Test func `a container in back-off waits, and the wake time is its restart`() {
        var facts = situation(makePod("p"), containers: ["c": "exit1"], finishedAgo: 5)
        facts.history.containers["c"]?.restartBackoff = RestartBackoff(delay: 20 * .second, raised: facts.now - 10 * .second)
        let plan = facts.plan()
        #expect(plan.actions.isEmpty)
        #expect(plan.backingOff == ["c"])
        #expect(plan.wake == facts.now + 15 * .second)
        facts.now += 15 * .second
        #expect(facts.plan().actions == [.start(container: "c")])
    }

    @Test func `a deadline that is over fails the pod`() {
        let pod = makePod("p") { $0["spec"]["activeDeadlineSeconds"] = 60 }
        var facts = situation(pod, containers: ["c": "run"])
        facts.history.started = facts.now - 59 * .second
        #expect(facts.plan().actions.isEmpty)
        #expect(facts.plan().wake == facts.now + 1 * .second)
        facts.now += .second
        #expect(facts.plan().actions.map(\.text) == ["fail DeadlineExceeded"])
    }

    @Test func `a changed image and a failed probe stop the container`() {
        var facts = situation(makePod("p", containers: [["name": "c", "image": "host2"]]), containers: ["c": "run"])
        #expect(facts.plan().actions.map(\.text) == ["stop c"])
        facts = situation(makePod("p"), containers: ["c": "run"])
        facts.history.containers["c"]?.condemned = .init(message: "Container c failed liveness probe, will be restarted", graceSeconds: 5)
        guard case .stop(_, let id, let message, let deadline, let isFirst)? = facts.plan().actions.first else {
            Issue.record("no stop")
            return
        }
        #expect(id == "id-c" && message == "Container c failed liveness probe, will be restarted" && deadline == facts.now + 5 * .second && isFirst)
        facts.stopping = [id: deadline]
        facts.now += .second
        #expect(facts.plan().actions.isEmpty)
    }

    @Test func `a deletion stops, then removes, then lets go`() {
        let pod = makePod("p", containers: [["name": "a"], ["name": "b"]], initContainers: [["name": "s", "restartPolicy": "Always"]])
        var facts = situation(pod, containers: ["a": "run", "b": "run", "s": "run"])
        facts.intent = .delete(isGone: false)
        facts.history.ending = facts.now
        #expect(facts.plan().actions.map(\.text) == ["stop a", "stop b"])
        facts.history.containers["a"]?.current?.exit = .init(code: 143, signal: 15, reason: "Error", message: "", finished: facts.now)
        facts.history.containers["b"]?.current?.exit = .init(code: 0, signal: nil, reason: "Completed", message: "", finished: facts.now)
        // The sidecar goes last.
        #expect(facts.plan().actions.map(\.text) == ["stop s"])
        facts.history.containers["s"]?.current?.exit = .init(code: 0, signal: nil, reason: "Completed", message: "", finished: facts.now)
        #expect(facts.plan().actions.map(\.text) == ["end Failed"])
        facts.history.terminalPhase = "Failed"
        #expect(facts.plan().actions.map(\.text) == ["remove s1"])
        facts.sandbox = nil
        facts.busy = [.publish]
        #expect(facts.plan().actions.isEmpty)
        facts.busy = []
        #expect(facts.plan().actions.map(\.text) == ["tear down"])
    }

    @Test(
        arguments: [
            // grace of the deletion, timestamp relative to its begin, force-removed, deadline after the begin
            (30, nil, false, 30), (0, nil, false, 1), (nil, nil, true, 1), (nil, nil, false, 30),
            // A kubelet that comes back late: the deletion began long ago.
            (30, -100, false, 1), (30, 30, false, 30), (30, 3, false, 4),
        ] as [(Int?, Int64?, Bool, Int64)])
    func `how long a deletion waits`(grace: Int?, timestamp: Int64?, isGone: Bool, expected: Int64) {
        let pod = makePod("p") { pod in
            if let grace { pod["metadata"]["deletionGracePeriodSeconds"] = JSON(grace) }
            if let timestamp { pod["metadata"]["deletionTimestamp"] = .string(RFC3339.format(10_000 + timestamp)) }
        }
        var facts = situation(pod, containers: ["c": "run"])
        facts.history.ending = facts.now
        facts.intent = .delete(isGone: isGone)
        #expect(facts.endDeadline == facts.now + expected * .second)
    }

    @Test func `a shorter grace stops again, a longer one does not`() {
        var facts = situation(makePod("p"), containers: ["c": "run"])
        facts.intent = .delete(isGone: false)
        facts.history.ending = facts.now
        facts.stopping = ["id-c": facts.now + 60 * .second]
        guard case .stop(_, _, _, let deadline, let isFirst)? = facts.plan().actions.first else {
            Issue.record("no stop")
            return
        }
        #expect(deadline == facts.now + 30 * .second && !isFirst)
        facts.stopping = ["id-c": facts.now + 2 * .second]
        #expect(facts.plan().actions.isEmpty)
    }

    @Test func `a shutdown keeps the object`() {
        var facts = situation(makePod("p"), containers: ["c": "exit143"])
        facts.intent = .shutDown(graceSeconds: 5)
        #expect(facts.plan().actions.map(\.text) == ["remove s1"])
        facts.sandbox = nil
        #expect(facts.plan().actions.map(\.text) == ["leave"])
    }

    @Test func `a pod that has ended gives its sandbox back and keeps its object`() {
        var facts = situation(makePod("p", restartPolicy: "Never"), containers: ["c": "exit0"])
        facts.history.terminalPhase = "Succeeded"
        #expect(facts.plan().actions.map(\.text) == ["remove s1"])
        facts.sandbox = nil
        #expect(facts.plan().actions.isEmpty)
    }

    @Test func `only the last two instances of a container are kept`() {
        var facts = situation(makePod("p"), containers: ["c": "run"])
        let config = ContainerConfig(
            name: "c", restartCount: 0, image: "host", command: ["x"], environment: [], limits: ResourceLimits(), oomScoreAdjustment: 0)
        let exit = ContainerStatus.State.exited(.init(code: 1, signal: nil, outOfMemory: false, finished: 0, message: ""))
        for id in ["old", "id-p", "id-c"] {
            facts.sandbox?.containers.append(
                ContainerStatus(
                    id: id, sandboxID: "s1", config: config, pid: 0, started: 0, state: id == "id-c" ? .running : exit, logPath: "", cgroupPath: ""))
        }
        facts.history.containers["c"]?.previous = ContainerInstance(id: "id-p", sandboxID: "s1", restartCount: 0, started: 0)
        #expect(facts.plan().actions.map(\.text) == ["prune old"])
    }
}
