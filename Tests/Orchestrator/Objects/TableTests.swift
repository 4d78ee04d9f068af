import JSON
import Objects
import Testing

@Suite struct TableTests {
    static let now: Int64 = 1_764_000_330

    @Test func `every kind has a cell for each column`() throws {
        for kind in KindRegistry.standard.kinds {
            let object: JSON = ["metadata": ["name": "x", "creationTimestamp": .string(RFC3339.format(Self.now - 330))]]
            #expect(kind.cells(object, now: Self.now).count == kind.columns.count, "\(kind.kind)")
        }
    }

    @Test(arguments: [
        (#"{"phase":"Pending"}"#, "0/1", "Pending", "0"),
        (#"{"phase":"Pending","containerStatuses":[{"name":"c","state":{"waiting":{"reason":"ContainerCreating"}}}]}"#, "0/1", "ContainerCreating", "0"),
        (#"{"phase":"Running","containerStatuses":[{"name":"c","ready":true,"restartCount":0,"state":{"running":{}}}]}"#, "1/1", "Running", "0"),
        (
            #"{"phase":"Running","containerStatuses":[{"name":"c","restartCount":3,"state":{"waiting":{"reason":"CrashLoopBackOff"}},"lastState":{"terminated":{"exitCode":1,"finishedAt":"2025-11-24T16:00:30Z"}}}]}"#,
            "0/1", "CrashLoopBackOff", "3 (5m ago)"
        ),
        (#"{"phase":"Succeeded","containerStatuses":[{"name":"c","state":{"terminated":{"exitCode":0,"reason":"Completed"}}}]}"#, "0/1", "Completed", "0"),
        (#"{"phase":"Failed","containerStatuses":[{"name":"c","state":{"terminated":{"exitCode":3}}}]}"#, "0/1", "ExitCode:3", "0"),
        (#"{"phase":"Failed","containerStatuses":[{"name":"c","state":{"terminated":{"exitCode":137,"signal":9}}}]}"#, "0/1", "Signal:9", "0"),
        (#"{"phase":"Failed","reason":"Evicted"}"#, "0/1", "Evicted", "0"),
        (#"{"phase":"Pending","conditions":[{"type":"PodScheduled","status":"False","reason":"SchedulingGated"}]}"#, "0/1", "SchedulingGated", "0"),
    ])
    func `a pod's line`(status: String, ready: String, word: String, restarts: String) throws {
        let pod = webPod.setting("status", try json(status)).setting("metadata.creationTimestamp", .string(RFC3339.format(Self.now - 330)))
        let cells = try kind("Pod").cells(pod, now: Self.now)
        #expect(cells[0] == "web")
        #expect(cells[1].string == ready)
        #expect(cells[2].string == word)
        #expect(cells[3].string == restarts)
        #expect(cells[4] == "5m30s")
        #expect(cells[5...] == ["<none>", "<none>", "<none>", "<none>"])
    }

    @Test(arguments: [
        (#"[{"name":"i","state":{"waiting":{"reason":"PodInitializing"}}}]"#, "Init:0/2"),
        (#"[{"name":"i","state":{"terminated":{"exitCode":0}}},{"name":"j","state":{"running":{}}}]"#, "Init:1/2"),
        (#"[{"name":"i","state":{"terminated":{"exitCode":2}}}]"#, "Init:ExitCode:2"),
        (#"[{"name":"i","state":{"terminated":{"exitCode":1,"reason":"Error"}}}]"#, "Init:Error"),
        (#"[{"name":"i","state":{"waiting":{"reason":"ImagePullBackOff"}}}]"#, "Init:ImagePullBackOff"),
    ])
    func `a pod that initialises`(statuses: String, word: String) throws {
        let pod = try webPod.setting("spec.initContainers", [["name": "i"], ["name": "j"]]).setting(
            "status", ["phase": "Pending", "initContainerStatuses": json(statuses)])
        #expect(PodSummary(pod).status == word)
    }

    @Test func `sidecars count and deletion shows`() throws {
        let status = try json(
            #"{"phase":"Running","initContainerStatuses":[{"name":"s","started":true,"ready":true,"restartCount":2,"state":{"running":{}}}],"containerStatuses":[{"name":"c","ready":true,"restartCount":1,"state":{"running":{}}}]}"#
        )
        let pod = webPod.setting("spec.initContainers", [["name": "s", "restartPolicy": "Always"]]).setting("status", status)
        let summary = PodSummary(pod)
        #expect(summary.ready == 2 && summary.total == 2 && summary.restarts == 3)
        #expect(summary.status == "Running")
        #expect(PodSummary(pod.setting("metadata.deletionTimestamp", "2026-01-01T00:00:00Z")).status == "Terminating")
        #expect(PodSummary(pod.setting("metadata.deletionTimestamp", "2026-01-01T00:00:00Z").setting("status.reason", "NodeLost")).status == "Unknown")
    }

    @Test func `services, endpoints, nodes and workloads`() throws {
        let service = try json(
            #"{"metadata":{"name":"web"},"spec":{"type":"NodePort","clusterIP":"10.0.0.1","ports":[{"port":80,"nodePort":30080,"protocol":"TCP"},{"port":53,"protocol":"UDP"}],"selector":{"app":"web"}}}"#
        )
        #expect(try kind("Service").cells(service, now: 0) == ["web", "NodePort", "10.0.0.1", "<none>", "80:30080/TCP,53/UDP", "<unknown>", "app=web"])
        #expect(try kind("Service").cells(service.setting("spec.type", "LoadBalancer"), now: 0)[3] == "<pending>")
        let endpoints = try json(
            #"{"metadata":{"name":"web"},"subsets":[{"addresses":[{"ip":"1.1.1.1"},{"ip":"1.1.1.2"},{"ip":"1.1.1.3"},{"ip":"1.1.1.4"}],"ports":[{"port":80}]}]}"#
        )
        #expect(try kind("Endpoints").cells(endpoints, now: 0)[1] == "1.1.1.1:80,1.1.1.2:80,1.1.1.3:80 + 1 more...")
        #expect(try kind("Endpoints").cells(["metadata": ["name": "x"]], now: 0)[1] == "<none>")
        let node = try json(
            #"{"metadata":{"name":"n1","labels":{"node-role.kubernetes.io/worker":"","node-role.kubernetes.io/control-plane":""}},"spec":{"unschedulable":true},"status":{"conditions":[{"type":"Ready","status":"True"}],"nodeInfo":{"kubeletVersion":"v1.33.0"},"addresses":[{"type":"InternalIP","address":"10.1.1.1"}]}}"#
        )
        #expect(
            try kind("Node").cells(node, now: 0)
                == [
                    "n1", "Ready,SchedulingDisabled", "control-plane,worker", "<unknown>", "v1.33.0", "10.1.1.1", "<none>", "<unknown>", "<unknown>",
                    "<unknown>",
                ])
        #expect(
            try kind("Deployment", "apps/v1").cells(
                webDeployment.setting("spec.replicas", 3).setting("status", ["readyReplicas": 2, "updatedReplicas": 3, "availableReplicas": 1]), now: 0)
                == ["web", "2/3", 3, 1, "<unknown>", "c", "nginx", "app=web"])
    }

    @Test func `events show what, when and who`() throws {
        let event = try json(
            #"{"metadata":{"name":"web.1"},"involvedObject":{"kind":"Pod","name":"web","fieldPath":"spec.containers{c}"},"reason":"BackOff","type":"Warning","message":"Back-off\n","count":4,"firstTimestamp":"2025-11-24T16:00:30Z","lastTimestamp":"2025-11-24T16:05:00Z","source":{"component":"kubelet","host":"n1"}}"#
        )
        #expect(
            try kind("Event").cells(event, now: Self.now)
                == ["30s", "Warning", "BackOff", "pod/web", "spec.containers{c}", "kubelet, n1", "Back-off", "5m", 4, "web.1"])
    }
}
