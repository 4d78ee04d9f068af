import HTTP
import Logging
import NodeStats
import Runtime
import TestKit
import Testing

@testable import Discovery

/// Docker's and Podman's owner against servers that speak as they do.
@Suite(.timeLimit(.minutes(1))) struct EngineOwnerTests {
    static let id = CgroupIdentityTests.id
    static let path = "/system.slice/docker-\(id).scope"

    /// A running owner of a fake engine.
    struct Setup: Sendable {
        let place = TemporaryDirectory("owner")
        let engine: FakeEngine
        let owner: RuntimeOwner
        let metrics = MetricRegistry()

        init(
            labels: AllowList = AllowList(), environment: AllowList = AllowList(), timeout: Duration = .seconds(5),
            bounds change: (inout EngineClient.Bounds) -> Void = { _ in }, limits changeLimits: (inout OwnerPlan.Limits) -> Void = { _ in }
        ) {
            engine = FakeEngine(path: place.file("d.sock"))
            var (bounds, limits) = (EngineClient.Bounds(), OwnerPlan.Limits())
            bounds.timeout = timeout
            limits.reconnect = Backoff(first: .milliseconds(20), limit: .milliseconds(50))
            limits.unknownAgain = Backoff(first: .milliseconds(20), limit: .milliseconds(50))
            change(&bounds)
            changeLimits(&limits)
            let client = EngineClient(socket: engine.path, labels: labels, environment: environment, bounds: bounds)
            owner = RuntimeOwner(
                name: "docker", runtime: "docker", endpoint: engine.path, client: client,
                processes: ProcessCgroup(fileSystem: HostFileSystem(), procDirectory: place.path), limits: limits, metrics: metrics,
                logger: Logger(label: "test"))
            engine.set("/_ping", .json("OK", fields: "Api-Version: 1.41\r\n"))
            engine.set("/version", .json(#"{"Version":"20.10.24","ApiVersion":"1.41"}"#))
            engine.set("/containers/json", .json("[]"))
            engine.set("/events", .stream)
        }

        func show(_ document: String) { show(EngineOwnerTests.id, document) }
        func show(_ id: String, _ document: String) { engine.set("/containers/\(id)/json", .json(document)) }

        func reference(_ path: String = EngineOwnerTests.path) -> ContainerReference? {
            owner.reference(for: path, identity: CgroupIdentity(path: path))
        }

        func running(_ body: @Sendable (Setup) async throws -> Void) async throws {
            let server = try await engine.start()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await owner.run() }
                do {
                    try await body(self)
                } catch {
                    group.cancelAll()
                    await engine.stop(server)
                    throw error
                }
                group.cancelAll()
                await engine.stop(server)
            }
        }

        func errors(_ reason: DiscoveryError.Reason) -> UInt64 {
            metrics.counter("binnacle_discovery_errors_total", "", ["owner": "docker", "reason": reason.rawValue]).value
        }
    }

    private static func list(_ name: String = "web", status: String = "Up 5 minutes") -> String {
        #"[{"Id":"\#(id)","Names":["/\#(name)"],"Image":"nginx:1.27","State":"running","Status":"\#(status)"}]"#
    }

    @Test func `a container that runs already is known with all that is told of it`() async throws {
        let setup = Setup(labels: AllowList(["com.example.*"]), environment: AllowList(["REGION"]))
        setup.engine.set("/containers/json", .json(Self.list()))
        setup.show(EngineFixtures.docker20)
        try await setup.running { setup in
            try await soon { setup.reference() != nil }
            let reference = try #require(setup.reference())
            #expect(reference.cgroupPath == Self.path)
            #expect(reference.name == "web")
            #expect(reference.aliases == ["web", Self.id])
            #expect(reference.image == "nginx:1.27")
            #expect(reference.runtime == "docker")
            #expect(reference.containerID == Self.id)
            #expect(reference.containerLabels.map { "\($0.name)=\($0.value)" } == ["com.example.team=shop"])
            #expect(reference.environment.map { "\($0.name)=\($0.value)" } == ["REGION=eu"])
            #expect(reference.restarts == 3)
            #expect(reference.health == 1)
            #expect(reference.cpuLimit == 1500)
            #expect(reference.memoryLimit == 256 << 20)
            #expect(reference.networkPID == 4242)
            #expect(!reference.sharesNodeNetwork)
            #expect(reference.started == 1_790_000_000_123_456_789)
            #expect(reference.created == 1_789_999_999_000_000_000)
            #expect(reference.logDirectory == "/var/lib/docker/containers/\(Self.id)")
            #expect(reference.writableLayer == "/var/lib/docker/overlay2/abc/diff")
            #expect(setup.owner.status.state == .connected)
            #expect(setup.owner.status.version == "20.10.24")
            #expect(setup.owner.status.containers == 1)
        }
    }

    @Test func `a cgroup that is seen before its container is told gets its labels when they come`() async throws {
        let setup = Setup()
        try await setup.running { setup in
            #expect(setup.reference() == nil)
            try await soon { setup.owner.status.unknown == 1 && setup.engine.requests("/containers/\(Self.id)/json") >= 2 }
            setup.show(EngineFixtures.docker20)
            try await soon { setup.reference()?.name == "web" }
            #expect(setup.owner.status.unknown == 0)
        }
    }

    @Test func `events tell of starts, renames, health and ends`() async throws {
        let setup = Setup()
        try await setup.running { setup in
            try await soon { setup.engine.openStreams == 1 }
            setup.show(EngineFixtures.docker20)
            let event = #"{"status":"start","id":"\#(Self.id)","Type":"container","Action":"start","Actor":{"ID":"\#(Self.id)","Attributes":{}},"time":1}"#
            // In pieces, as a stream may bring it.
            setup.engine.push(String(event.prefix(40)))
            setup.engine.push(String(event.dropFirst(40)) + "\n")
            try await soon { setup.reference()?.name == "web" }
            let before = setup.owner.generation
            setup.show(EngineFixtures.docker20.replacing("\"/web\"", with: "\"/shop\"").replacing("\"healthy\"", with: "\"unhealthy\""))
            setup.engine.push(event.replacing("start", with: "health_status: unhealthy") + "\n")
            try await soon { setup.reference()?.name == "shop" }
            #expect(setup.reference()?.health == 0)
            #expect(setup.owner.generation != before)
            setup.engine.set("/containers/\(Self.id)/json", .status(404))
            setup.engine.push(event.replacing("start", with: "die") + "\n")
            try await soon { setup.owner.status.containers == 0 }
            #expect(setup.reference() == nil)
        }
    }

    @Test func `an engine that starts after us is found, and what it knew stays while it is away`() async throws {
        let setup = Setup()
        setup.engine.set("/containers/json", .json(Self.list()))
        setup.show(EngineFixtures.docker20)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await setup.owner.run() }
            #expect(setup.reference() == nil)
            try await soon { setup.errors(.unreachable) >= 2 }
            #expect(setup.owner.status.state == .absent)
            let server = try await setup.engine.start()
            try await soon { setup.reference() != nil }
            await setup.engine.stop(server)
            try await soon { setup.errors(.broken) + setup.errors(.unreachable) >= 3 }
            #expect(setup.reference()?.name == "web")
            setup.engine.set("/containers/json", .json("[]"))
            let again = try await setup.engine.start()
            // The stream is opened again, and with it comes a list, which knows nothing of the container.
            try await soon { setup.owner.status.containers == 0 }
            group.cancelAll()
            await setup.engine.stop(again)
        }
    }

    @Test func `Podman is recognised behind either socket, and its pods have their rows`() async throws {
        let setup = Setup()
        let pod = CgroupIdentityTests.other
        let infra = String(repeating: "c", count: 64)
        setup.engine.set("/_ping", .json("OK", fields: "Libpod-API-Version: 4.3.1\r\n"))
        setup.engine.set(
            "/v4.3.1/libpod/containers/json",
            .json(#"[{"Id":"\#(Self.id)","Names":["web"],"State":"running","StartedAt":1},{"Id":"\#(infra)","State":"running"}]"#))
        setup.engine.set("/v4.3.1/libpod/containers/\(Self.id)/json", .json(EngineFixtures.podman4(pod: pod, infra: infra)))
        setup.engine.set("/v4.3.1/libpod/containers/\(infra)/json", .json(EngineFixtures.podman4Infra(id: infra, pod: pod)))
        setup.engine.set("/v4.3.1/libpod/pods/\(pod)/json", .json(#"{"Id":"\#(pod)","Name":"shop"}"#))
        try await setup.running { setup in
            let path = "/machine.slice/machine-libpod_pod_\(pod).slice/libpod-\(Self.id).scope"
            try await soon { setup.reference(path) != nil && setup.owner.status.containers == 2 }
            #expect(setup.owner.status.runtime == "podman")
            let reference = try #require(setup.reference(path))
            #expect(reference.name == "web")
            #expect(reference.image == "docker.io/library/busybox:latest")
            #expect(reference.pod == "shop")
            #expect(reference.podUID == pod)
            #expect(reference.health == -1)
            #expect(reference.networkPID == 0)
            #expect(reference.writableLayer == "/var/lib/containers/storage/overlay/abc/diff")
            #expect(reference.logDirectory == "/var/lib/containers/storage/overlay-containers/x/userdata")
            let row = try #require(setup.reference("/machine.slice/machine-libpod_pod_\(pod).slice"))
            #expect(row.pod == "shop" && row.name == "" && row.container == "" && row.networkPID == 99)
            // Its own path was told by the runtime; with it the list has the pod's row.
            let paths = Set(setup.owner.containers().map(\.cgroupPath))
            #expect(paths.contains(path) && paths.contains("/machine.slice/machine-libpod_pod_\(pod).slice"))
        }
    }

    @Test func `a pod of a kubelet that uses Docker is known by its labels`() async throws {
        let setup = Setup()
        let (pause, uid) = (CgroupIdentityTests.other, CgroupIdentityTests.uid)
        setup.engine.set("/containers/json", .json(#"[{"Id":"\#(Self.id)","State":"running"},{"Id":"\#(pause)","State":"running"}]"#))
        setup.show(EngineFixtures.dockerInPod(id: Self.id, name: "app", uid: uid, pid: 10))
        setup.show(pause, EngineFixtures.dockerInPod(id: pause, name: "POD", uid: uid, pid: 9))
        try await setup.running { setup in
            let parent = "/kubepods/burstable/pod\(uid)"
            try await soon { setup.owner.status.containers == 2 }
            let app = try #require(setup.reference("\(parent)/\(Self.id)"))
            #expect(app.container == "app" && app.pod == "web-0" && app.namespace == "shop" && app.podUID == uid && app.networkPID == 0 && app.restarts == 4)
            let sandbox = try #require(setup.reference("\(parent)/\(pause)"))
            #expect(sandbox.container == "" && sandbox.pod == "web-0" && sandbox.image == "registry.k8s.io/pause:3.9" && sandbox.networkPID == 0)
            let row = try #require(setup.reference(parent))
            #expect(row.container == "" && row.name == "" && row.image == "" && row.pod == "web-0" && row.networkPID == 9)
        }
    }
}
