import Logging
import NodeStats
import Runtime
import TestKit
import Testing

@testable import Discovery

/// containerd's own interface.
@Suite(.timeLimit(.minutes(1))) struct ContainerdOwnerTests {
    static let id = CgroupIdentityTests.id

    /// `web` in `default`, Docker's container in `moby`.
    @Sendable static func answer(_ call: FakeGRPC.Call) -> FakeGRPC.Reply {
        let message = CRIFixtures.message
        let method = call.method.split(separator: "/").last ?? ""
        switch (call.method.contains("Namespaces"), method) {
        case (true, _):
            return .message(
                message { list in
                    for name in ["moby", "default", "k8s.io", "bad name\n", ""] { list.add(1, message: message { $0.add(1, name) }) }
                })
        case (_, "Version"): return .message(message { $0.add(1, "2.0.1") })
        case (_, "Subscribe"): return .stream
        case (_, "List"):
            let id = call.namespace == "default" ? "web" : call.namespace == "moby" ? Self.id : ""
            guard !id.isEmpty else { return .message([]) }
            return .message(message { $0.add(1, message: task(id, status: 2)) })
        case (_, "Mounts"):
            return .message(
                message {
                    $0.add(
                        1,
                        message: message {
                            $0.add(4, "index=off"); $0.add(4, "upperdir=/var/lib/c/fs"); $0.add(4, "lowerdir=/l")
                        })
                })
        case (_, "Get"):
            let isHere = call.namespace == "default" && call.message.contains("web") || call.namespace == "moby" && call.message.contains(Self.id)
            guard isHere else { return .status(5, "not found") }
            let id = call.namespace == "default" ? "web" : Self.id
            if call.method.contains("Tasks") { return .message(message { $0.add(1, message: task(id, status: 2)) }) }
            let spec =
                #"{"process":{"env":["REGION=eu","PASSWORD=x"]},"linux":{"cgroupsPath":"/\#(call.namespace)/\#(id)","namespaces":[{"type":"pid"}],"resources":{"cpu":{"quota":20000,"period":100000},"memory":{"limit":1048576}}}}"#
            let container = message { container in
                container.add(1, id)
                container.add(
                    2,
                    message: message {
                        $0.add(1, "nerdctl/name"); $0.add(2, "shop")
                    })
                container.add(3, "docker.io/library/app:1")
                container.add(
                    5,
                    message: message {
                        $0.add(1, "types.containerd.io/opencontainers/runtime-spec/1/Spec"); $0.add(2, spec)
                    })
                container.add(6, "overlayfs")
                container.add(7, id)
                container.add(
                    8,
                    message: message {
                        $0.add(1, 1_790_000_000); $0.add(2, 5)
                    })
            }
            return .message(message { $0.add(1, message: container) })
        default: return .status(12, "unknown")
        }
    }

    static func task(_ id: String, status: UInt64) -> [UInt8] {
        CRIFixtures.message {
            $0.add(2, id)
            $0.add(3, 55)
            $0.add(4, status)
        }
    }

    static func event(_ namespace: String, _ topic: String, _ container: String, process: String = "") -> [UInt8] {
        let message = CRIFixtures.message
        let body = message {
            $0.add(1, container); $0.add(2, process)
        }
        return message {
            $0.add(2, namespace); $0.add(3, topic);
            $0.add(
                4,
                message: message {
                    $0.add(1, "type"); $0.add(2, message: body)
                })
        }
    }

    @Test func `containers of each namespace are known by path or id, and events are followed`() async throws {
        let place = TemporaryDirectory("containerd")
        let server = FakeGRPC(path: place.file("c.sock"))
        server.set(Self.answer)
        let dockerAnswers = LockedValue(false)
        var limits = OwnerPlan.Limits()
        limits.listEvery = .milliseconds(200)
        let owner = RuntimeOwner(
            name: "containerd", runtime: "containerd", endpoint: server.path,
            client: ContainerdClient(socket: server.path, labels: AllowList(), environment: AllowList(["REGION"])) { namespace in
                namespace == "moby" && dockerAnswers.withLock { $0 }
            },
            processes: ProcessCgroup(fileSystem: HostFileSystem(), procDirectory: place.path), limits: limits, metrics: MetricRegistry(),
            logger: Logger(label: "test"))
        let listener = try await server.start()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await owner.run() }
            func reference(_ path: String) -> ContainerReference? { owner.reference(for: path, identity: CgroupIdentity(path: path)) }
            try await soon { owner.status.containers == 2 }
            let web = try #require(reference("/default/web"))
            #expect(web.name == "shop" && web.aliases == ["web"] && web.image == "docker.io/library/app:1" && web.containerID == "web")
            #expect(web.cpuLimit == 200 && web.memoryLimit == 1 << 20 && web.environmentText == ["REGION=eu"] && web.writableLayer == "/var/lib/c/fs")
            #expect(web.created == 1_790_000_000_000_000_005 && web.networkPID == 55 && web.sharesNodeNetwork)
            #expect(reference("/system.slice/docker-\(Self.id).scope")?.containerID == Self.id)
            #expect(owner.status.version == "2.0.1")
            // The end of an exec is not the container's, nor is a namesake's in another namespace.
            server.push(Self.event("default", "/tasks/exit", "web", process: "exec-1"))
            server.push(Self.event("other", "/tasks/delete", "web"))
            server.push(Self.event("default", "/tasks/exit", "nobody", process: "nobody"))
            #expect(reference("/default/web") != nil)
            // Docker answers now, and tells more of its own.
            dockerAnswers.withLock { $0 = true }
            try await soon { owner.status.containers == 1 }
            #expect(reference("/default/web") != nil)
            // No request went out with a namespace that is none.
            #expect(server.seen.allSatisfy { ["", "default", "moby", "k8s.io"].contains($0.namespace) })
            group.cancelAll()
            await server.stop(listener)
        }
    }

    @Test(arguments: [
        ("/tasks/start", "", "changed"), ("/tasks/exit", "web", "removed"), ("/tasks/exit", "exec", "nil"), ("/tasks/delete", "", "removed"),
        ("/tasks/oom", "", "nil"),
    ])
    func `an event means what its topic says`(topic: String, process: String, expected: String) throws {
        let change = try ContainerdMessages.event(Self.event("default", topic, "web", process: process))?.change
        let shown =
            switch change {
            case .changed(let id): id == "web" ? "changed" : id
            case .removed(let id): id == "web" ? "removed" : id
            case .everything: "everything"
            case nil: "nil"
            }
        #expect(shown == expected)
    }
}
