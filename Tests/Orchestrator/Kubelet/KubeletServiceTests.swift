import ContainerRuntime
import Exposition
import HTTP
import JSON
import Objects
import Runtime
import Synchronization
import TestKit
import Testing

@testable import Kubelet

struct KubeletServiceTests {
    @Test func `a pod runs, and its status says so`() async throws {
        let node = TestNode()
        try await node.run {
            try await node.create(makePod("web"))
            try await node.eventually("Running and Ready") { node.pod("web").podPhase == "Running" && node.pod("web").isReady }
            let status = node.pod("web")["status"]
            #expect(status["podIP"].string?.hasPrefix("10.88.0.") == true)
            #expect(status["hostIP"] == "192.0.2.1")
            #expect(status["startTime"].string != nil)
            #expect(node.state("web")["restartCount"] == 0)
            #expect(node.state("web")["containerID"].string == "host://\(node.runtime.id("c")!)")
            try await node.eventually("the event Started") { node.client.events(about: "web").contains { $0.message == "Started container c" } }
            let facts = await node.service.runningPods()
            #expect(facts.map(\.name) == ["web"] && facts[0].containers.map(\.name) == ["c"])
            #expect(await node.service.podList()["items"].elements.map(\.podPhase) == ["Running"])
        }
        // No timer is in the way: the whole start happened without the clock moving.
        #expect(node.clock.nanoseconds == 1_700_000_000 * Int64.second)
    }

    @Test func `the node registers ready, with a lease`() async throws {
        let node = TestNode()
        try await node.run {
            try await node.eventually("Ready") { node.client.object(.nodes, "", "n1")?.isConditionTrue("Ready") == true }
            try await node.eventually("lease") { node.client.object(.leases, "kube-node-lease", "n1") != nil }
            let first = node.client.object(.leases, "kube-node-lease", "n1")!
            try await node.passing("renewed") { node.client.object(.leases, "kube-node-lease", "n1") != first }
            let object = node.client.object(.nodes, "", "n1")!
            #expect(object.labels["kubernetes.io/hostname"] == "n1" && object.labels["kubernetes.io/os"] == "linux")
            #expect(object["status"]["capacity"]["pods"] == "110")
            #expect(object["status"]["nodeInfo"]["containerRuntimeVersion"] == "host://1")
        }
    }

    @Test func `an API server that comes late is waited for`() async throws {
        let node = TestNode()
        node.client.state.withLock { $0.isDown = true }
        try await node.run {
            try await node.passing("a few tries") { node.clock.nanoseconds > 1_700_000_002 * Int64.second }
            node.client.state.withLock { $0.isDown = false }
            try await node.create(makePod("web"))
            try await node.passing("running") { node.pod("web").isReady }
        }
    }

    @Test func `a container that ends is restarted, with back-off the second time`() async throws {
        let node = TestNode()
        try await node.run {
            try await node.create(makePod("web"))
            try await node.eventually("running") { node.pod("web").isReady }
            node.runtime.exit(id: node.runtime.id("c")!, code: 1, message: "first")
            try await node.eventually("restarted") { node.state("web")["restartCount"] == 1 && node.pod("web").isReady }
            #expect(node.state("web")["lastState"]["terminated"]["message"] == "first")
            #expect(node.state("web")["lastState"]["terminated"]["exitCode"] == 1)
            node.runtime.exit(id: node.runtime.id("c")!, code: 137, signal: 9, outOfMemory: true)
            try await node.eventually("CrashLoopBackOff") { node.state("web")["state"]["waiting"]["reason"] == "CrashLoopBackOff" }
            #expect(
                node.state("web")["state"]["waiting"]["message"]
                    == "back-off 10s restarting failed container=c pod=web_default(uid-of-web)")
            #expect(node.state("web")["lastState"]["terminated"]["reason"] == "OOMKilled")
            #expect(node.pod("web").podPhase == "Running" && !node.pod("web").isReady)
            try await node.passing("restarted again") { node.state("web")["restartCount"] == 2 && node.pod("web").isReady }
            #expect(node.runtime.calls.filter { $0.hasPrefix("start") } == ["start c#0", "start c#1", "start c#2"])
            try await node.eventually("old instance forgotten") { node.runtime.calls.contains { $0.hasPrefix("forget") } }
            try await node.eventually("event") {
                node.client.events(about: "web").contains { $0.message == "Back-off restarting failed container c in pod web_default(uid-of-web)" }
            }
        }
    }

    @Test func `a deletion ends with the object's removal`() async throws {
        let node = TestNode()
        try await node.run {
            try await node.create(makePod("web") { $0["spec"]["volumes"] = [["name": "v", "emptyDir": [:]]] })
            try await node.eventually("running") { node.pod("web").isReady }
            let volume = node.directory.file("kubelet/pods/uid-of-web/volumes/v")
            #expect(HostFileSystem().exists(volume))
            try await node.client.delete(.pods, namespace: "default", name: "web", gracePeriodSeconds: nil, uid: nil, propagation: nil)
            try await node.eventually("gone") { node.pod("web").isNull }
            #expect(node.runtime.state.withLock { $0.sandboxes.isEmpty })
            #expect(!HostFileSystem().exists(volume))
            try await node.eventually("Killing") { node.client.events(about: "web").contains { $0.reason == "Killing" } }
            let last = node.client.state.withLock { $0.changes.last { $0.resource == .pods }!.event.object }
            #expect(last.podPhase == "Failed")
            #expect(last["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 143)
        }
    }

    @Test func `a stubborn container is killed at the end of its grace, sooner after a second deletion`() async throws {
        let node = TestNode()
        node.runtime.state.withLock { _ = $0.stubborn.insert("c") }
        try await node.run {
            try await node.create(makePod("web"))
            try await node.eventually("running") { node.pod("web").isReady }
            let begun = node.clock.nanoseconds
            try await node.client.delete(.pods, namespace: "default", name: "web", gracePeriodSeconds: 1000, uid: nil, propagation: nil)
            try await node.eventually("stop") { node.runtime.calls.contains { $0.hasPrefix("stop") } }
            try await node.client.delete(.pods, namespace: "default", name: "web", gracePeriodSeconds: 3, uid: nil, propagation: nil)
            try await node.eventually("second stop") { node.runtime.calls.count { $0.hasPrefix("stop") } == 2 }
            try await node.passing("gone") { node.pod("web").isNull }
            #expect(node.clock.nanoseconds - begun < 60 * Int64.second)
        }
    }

    @Test func `a force-deleted pod is cleaned up too`() async throws {
        let node = TestNode()
        try await node.run {
            try await node.create(makePod("web"))
            try await node.eventually("running") { node.pod("web").isReady }
            try await node.client.delete(.pods, namespace: "default", name: "web", gracePeriodSeconds: 0, uid: nil, propagation: nil)
            try await node.eventually("sandbox gone") { node.runtime.state.withLock { $0.sandboxes.isEmpty } }
        }
    }

    @Test func `init containers run in order, then the pod's own; a job ends`() async throws {
        let node = TestNode()
        node.runtime.state.withLock { $0.endsAtOnce = ["i": [1, 0], "j": [0], "c": [0]] }
        try await node.run {
            try await node.create(makePod("job", restartPolicy: "OnFailure", initContainers: [["name": "i"], ["name": "j"]]))
            try await node.eventually("Succeeded") { node.pod("job").podPhase == "Succeeded" }
            #expect(node.runtime.calls.filter { $0.hasPrefix("start") } == ["start i#0", "start i#1", "start j#0", "start c#0"])
            #expect(node.pod("job").condition("Ready")?["reason"] == "PodCompleted")
            #expect(node.pod("job")["status"]["initContainerStatuses"][0]["restartCount"] == 1)
            try await node.eventually("sandbox given back") { node.runtime.state.withLock { $0.sandboxes.isEmpty } }
            // Terminal phases never change.
            try await node.passing("an hour") { node.clock.nanoseconds > 1_700_000_060 * Int64.second }
            #expect(node.pod("job").podPhase == "Succeeded")
            #expect(node.state("job")["state"]["terminated"]["reason"] == "Completed")
        }
    }

    @Test func `a failing liveness probe restarts, a failing readiness probe takes out of service`() async throws {
        let node = TestNode()
        let container: JSON = [
            "name": "c", "livenessProbe": ["httpGet": ["path": "/live", "port": 8080], "periodSeconds": 1, "failureThreshold": 2],
            "readinessProbe": ["tcpSocket": ["port": "web"], "periodSeconds": 1, "failureThreshold": 1],
            "ports": [["name": "web", "containerPort": 80]],
        ]
        try await node.run {
            try await node.create(makePod("web", containers: [container]))
            try await node.passing("ready") { node.pod("web").isReady }
            let address = node.pod("web")["status"]["podIP"].string!
            #expect(node.transport.asked.withLock { $0.contains("http://\(address):8080/live") && $0.contains("tcp://\(address):80") })
            node.transport.answers.withLock { $0["tcp"] = .failure("connection refused") }
            try await node.passing("not ready") { !node.pod("web").isReady }
            #expect(node.pod("web").condition("Ready")?["message"] == "containers with unready status: [c]")
            #expect(node.state("web")["restartCount"] == 0)
            node.transport.answers.withLock {
                $0["tcp"] = nil
                $0["/live"] = .http(status: 500)
            }
            try await node.passing("restarted") { node.state("web")["restartCount"] == 1 }
            node.transport.answers.withLock { $0 = [:] }
            try await node.passing("ready again") { node.pod("web").isReady }
            let events = node.client.events(about: "web")
            #expect(events.contains { $0.message == "Liveness probe failed: HTTP probe failed with statuscode: 500" && $0.count >= 2 })
            #expect(events.contains { $0.message == "Readiness probe failed: connection refused" })
            #expect(events.contains { $0.reason == "Killing" && $0.message == "Container c failed liveness probe, will be restarted" })
            let families = node.service.probeMetrics.collect()
            #expect(families.first { $0.name == "prober_probe_total" }?.samples.contains { $0.labels.contains { $0.value == "failed" } } == true)
        }
    }

    @Test func `the other probes wait for the startup probe`() async throws {
        let node = TestNode()
        let container: JSON = [
            "name": "c", "startupProbe": ["exec": ["command": ["up"]], "periodSeconds": 1, "failureThreshold": 100],
            "livenessProbe": ["httpGet": ["path": "/live", "port": 80], "periodSeconds": 1, "failureThreshold": 1],
        ]
        node.runtime.state.withLock { $0.commands["up"] = ExecResult(exitCode: 1, output: Array("not yet".utf8), timedOut: false) }
        node.transport.answers.withLock { $0["/live"] = .failure("no") }
        try await node.run {
            try await node.create(makePod("web", containers: [container]))
            try await node.passing("asked thrice") { node.runtime.calls.count { $0 == "exec up" } > 3 }
            #expect(node.transport.asked.withLock { $0.isEmpty })
            #expect(node.state("web")["started"] == false)
            node.runtime.state.withLock { $0.commands["up"] = nil }
            try await node.passing("liveness is asked") { node.transport.asked.withLock { !$0.isEmpty } }
        }
    }

    @Test func `a missing ConfigMap is waited for`() async throws {
        let node = TestNode()
        let variable: JSON = ["name": "MODE", "valueFrom": ["configMapKeyRef": ["name": "settings", "key": "mode"]]]
        try await node.run {
            try await node.create(makePod("web", containers: [["name": "c", "env": [variable]]]))
            try await node.eventually("waits") { node.state("web")["state"]["waiting"]["reason"] == "CreateContainerConfigError" }
            #expect(node.state("web")["state"]["waiting"]["message"] == "configmap \"settings\" not found")
            let map: JSON = ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "settings"], "data": ["mode": "dark"]]
            _ = try await node.client.create(.configMaps, namespace: "default", map)
            // The watch wakes the pod: no time passes.
            try await node.eventually("runs") { node.pod("web").isReady }
            #expect(node.runtime.state.withLock { $0.configs.last!.environment.contains("MODE=dark") })
        }
    }

    @Test func `a changed ConfigMap reaches the volume`() async throws {
        let node = TestNode()
        try await node.run {
            let map: JSON = ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "settings"], "data": ["mode": "dark"]]
            var stored = try await node.client.create(.configMaps, namespace: "default", map)
            let pod = makePod("web", containers: [["name": "c", "volumeMounts": [["name": "v", "mountPath": "/etc/settings"]]]]) {
                $0["spec"]["volumes"] = [["name": "v", "configMap": ["name": "settings"]]]
            }
            try await node.create(pod)
            try await node.eventually("runs") { node.pod("web").isReady }
            let file = node.directory.file("kubelet/pods/uid-of-web/volumes/v/mode")
            #expect(try HostFileSystem().text(file) == "dark")
            let mount = node.runtime.state.withLock { $0.configs.last!.mounts }
            #expect(mount == [.init(source: node.directory.file("kubelet/pods/uid-of-web/volumes/v"), target: "/etc/settings", isReadOnly: true)])
            stored["data"]["mode"] = "light"
            _ = try await node.client.update(.configMaps, namespace: "default", stored)
            try await node.eventually("updated") { (try? HostFileSystem().text(file)) == "light" }
        }
    }

    @Test func `an unknown image waits in ImagePullBackOff`() async throws {
        let node = TestNode()
        try await node.run {
            try await node.create(makePod("web", containers: [["name": "c", "image": "nginx"]]))
            try await node.eventually("ErrImagePull") { node.state("web")["state"]["waiting"]["reason"] == "ErrImagePull" }
            await #expect(throws: StatusError.self) {
                try await node.service.logs(namespace: "default", pod: "web", container: nil, options: LogOptions(), writer: CollectedBody())
            }
            try await node.passing("ImagePullBackOff") { node.state("web")["state"]["waiting"]["reason"] == "ImagePullBackOff" }
            #expect(node.pod("web").podPhase == "Pending")
        }
    }

    @Test func `a program that cannot be started counts as an end with 128`() async throws {
        let node = TestNode()
        node.runtime.state.withLock { $0.startErrors["c"] = [.start("exec: \"nope\": not found"), .start("exec: \"nope\": not found")] }
        try await node.run {
            try await node.create(makePod("web"))
            try await node.eventually("CrashLoopBackOff") { node.state("web")["state"]["waiting"]["reason"] == "CrashLoopBackOff" }
            #expect(node.state("web")["lastState"]["terminated"]["exitCode"] == 128)
            #expect(node.state("web")["lastState"]["terminated"]["reason"] == "StartError")
            try await node.passing("runs in the end") { node.pod("web").isReady }
            #expect(node.state("web")["restartCount"] == 2)
        }
    }

    @Test func `a lost sandbox is replaced`() async throws {
        let node = TestNode()
        try await node.run {
            try await node.create(makePod("web"))
            try await node.eventually("running") { node.pod("web").isReady }
            let old = node.runtime.state.withLock { $0.sandboxes.keys.first! }
            node.runtime.loseSandbox(old)
            try await node.eventually("restarted") { node.state("web")["restartCount"] == 1 && node.pod("web").isReady }
            #expect(node.runtime.state.withLock { Array($0.sandboxes.keys) } != [old])
            try await node.eventually("event") { node.client.events(about: "web").contains { $0.reason == "SandboxChanged" } }
        }
    }

    @Test func `a kubelet that comes back takes running pods over without a restart`() async throws {
        let first = TestNode()
        try await first.run {
            for name in ["stays", "dies", "goes"] { try await first.create(makePod(name, containers: [["name": .string(name)]])) }
            try await first.eventually("all run") { ["stays", "dies", "goes"].allSatisfy { first.pod($0).isReady } }
        }
        let stays = first.runtime.id("stays")
        first.runtime.exit(id: first.runtime.id("dies")!, code: 3, silently: true)
        try await first.client.delete(.pods, namespace: "default", name: "goes", gracePeriodSeconds: 0, uid: nil, propagation: nil)
        let before = first.runtime.calls.count
        let second = TestNode(client: first.client, runtime: first.runtime, clock: first.clock, directory: first.directory)
        try await second.run {
            try await second.eventually("the dead one is restarted") { second.state("dies")["restartCount"] == 1 && second.pod("dies").isReady }
            #expect(second.state("dies")["lastState"]["terminated"]["exitCode"] == 3)
            try await second.eventually("the stranger is removed") { second.runtime.id("goes") == nil }
            #expect(second.runtime.id("stays") == stays)
            #expect(second.state("stays")["restartCount"] == 0 && second.pod("stays").isReady)
            #expect(!second.runtime.calls[before...].contains { $0.hasPrefix("start stays") || $0.hasPrefix("sandbox") })
        }
    }

    @Test func `a shutdown stops the pods, and the next kubelet restarts them`() async throws {
        let first = TestNode()
        try await first.run {
            try await first.create(makePod("web"))
            try await first.eventually("running") { first.pod("web").isReady }
            await first.service.stopAllPods(within: .seconds(10))
            #expect(first.runtime.state.withLock { $0.sandboxes.isEmpty })
            #expect(!first.pod("web").isNull && !first.pod("web").isTerminal)
            #expect(first.state("web")["state"]["terminated"]["exitCode"] == 143)
        }
        let second = TestNode(client: first.client, runtime: first.runtime, clock: first.clock, directory: first.directory)
        try await second.run {
            try await second.eventually("runs again") { second.pod("web").isReady && second.state("web")["restartCount"] == 1 }
        }
    }

    @Test func `conflicts and expired watches are got over`() async throws {
        let node = TestNode()
        node.client.state.withLock { $0.conflicts = 3 }
        try await node.run {
            try await node.create(makePod("one"))
            try await node.eventually("running") { node.pod("one").isReady }
            node.client.expireWatches(.pods)
            try await node.create(makePod("two"))
            try await node.passing("the second runs") { node.pod("two").isReady }
        }
    }

    @Test func `hooks run around a container's life`() async throws {
        let node = TestNode()
        let container: JSON = [
            "name": "c", "lifecycle": ["postStart": ["exec": ["command": ["warm"]]], "preStop": ["exec": ["command": ["drain"]]]],
        ]
        try await node.run {
            try await node.create(makePod("web", containers: [container]))
            try await node.eventually("running") { node.pod("web").isReady }
            try await node.client.delete(.pods, namespace: "default", name: "web", gracePeriodSeconds: nil, uid: nil, propagation: nil)
            try await node.eventually("gone") { node.pod("web").isNull }
            let calls = node.runtime.calls.map { $0.hasPrefix("stop") ? "stop" : $0 }
            #expect(calls.contains("exec warm"))
            #expect(calls.firstIndex(of: "exec drain")! < calls.firstIndex(of: "stop")!)
        }
    }

    @Test func `a failing postStart hook kills the container`() async throws {
        let node = TestNode()
        node.runtime.state.withLock { $0.commands["warm"] = ExecResult(exitCode: 1, output: [], timedOut: false) }
        try await node.run {
            try await node.create(makePod("web", containers: [["name": "c", "lifecycle": ["postStart": ["exec": ["command": ["warm"]]]]]]))
            try await node.eventually("back-off") { node.state("web")["state"]["waiting"]["reason"] == "CrashLoopBackOff" }
            try await node.eventually("event") { node.client.events(about: "web").contains { $0.reason == "FailedPostStartHook" } }
        }
    }

    @Test func `a deadline fails the pod and kills what runs`() async throws {
        let node = TestNode()
        try await node.run {
            try await node.create(makePod("web") { $0["spec"]["activeDeadlineSeconds"] = 5 })
            try await node.eventually("running") { node.pod("web").isReady }
            try await node.passing("failed") { node.pod("web").podPhase == "Failed" }
            #expect(node.pod("web")["status"]["reason"] == "DeadlineExceeded")
            try await node.eventually("sandbox gone") { node.runtime.state.withLock { $0.sandboxes.isEmpty } }
        }
    }

    @Test func `unsupported volumes and a failing sandbox are told`() async throws {
        let node = TestNode()
        node.runtime.state.withLock { $0.sandboxErrors = 1 }
        try await node.run {
            try await node.create(makePod("web") { $0["spec"]["volumes"] = [["name": "v", "nfs": ["server": "x", "path": "/"]]] })
            try await node.eventually("told") { Set(node.client.events(about: "web").map(\.reason)).isSuperset(of: ["FailedMount", "FailedCreatePodSandBox"]) }
            try await node.passing("tried again") { node.runtime.calls.count { $0 == "sandbox web" } == 2 }
            #expect(node.state("web")["state"]["waiting"]["reason"] == "ContainerCreating")
        }
    }
}
