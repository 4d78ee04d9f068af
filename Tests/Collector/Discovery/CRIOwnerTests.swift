import Logging
import NodeStats
import Runtime
import TestKit
import Testing

@testable import Discovery

/// The CRI's owner against servers that answer as containerd and CRI-O do.
@Suite(.timeLimit(.minutes(1))) struct CRIOwnerTests {
    static let (id, sandbox, uid) = (CgroupIdentityTests.id, CgroupIdentityTests.other, CgroupIdentityTests.uid)
    static let parent = "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod\(CgroupIdentityTests.escaped).slice"

    struct Setup: Sendable {
        let place = TemporaryDirectory("cri")
        let server: FakeGRPC
        let owner: RuntimeOwner
        let metrics = MetricRegistry()

        init(timeout: Duration = .seconds(5), labels: AllowList = AllowList(), limits change: (inout OwnerPlan.Limits) -> Void = { _ in }) {
            server = FakeGRPC(path: place.file("c.sock"))
            var limits = OwnerPlan.Limits()
            limits.reconnect = Backoff(first: .milliseconds(20), limit: .milliseconds(50))
            limits.unknownAgain = Backoff(first: .milliseconds(20), limit: .milliseconds(50))
            limits.listEveryWithoutEvents = .milliseconds(100)
            change(&limits)
            let client = CRIClient(socket: server.path, labels: labels, environment: AllowList(["REGION"]), timeout: timeout)
            owner = RuntimeOwner(
                name: "cri", runtime: "containerd", endpoint: server.path, client: client,
                processes: ProcessCgroup(fileSystem: HostFileSystem(), procDirectory: place.path), limits: limits, metrics: metrics,
                logger: Logger(label: "test"))
        }

        func reference(_ path: String) -> ContainerReference? { owner.reference(for: path, identity: CgroupIdentity(path: path)) }

        func running(_ body: @Sendable (Setup) async throws -> Void) async throws {
            let listener = try await server.start()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await owner.run() }
                let result: Result<Void, any Error>
                do { result = .success(try await body(self)) } catch { result = .failure(error) }
                group.cancelAll()
                await server.stop(listener)
                try result.get()
            }
        }

        func errors(_ reason: DiscoveryError.Reason) -> UInt64 {
            metrics.counter("binnacle_discovery_errors_total", "", ["owner": "cri", "reason": reason.rawValue]).value
        }
    }

    /// A runtime with one pod of one container.
    static func answers(_ runtime: String, version: String = "v1", events: FakeGRPC.Reply = .status(12, "not implemented"))
        -> @Sendable (FakeGRPC.Call) -> FakeGRPC.Reply
    {
        { call in
            let prefix = "/runtime.\(version).RuntimeService/"
            guard call.method.hasPrefix(prefix) else { return .status(12, "unknown service runtime.v1.RuntimeService") }
            switch call.method.dropFirst(prefix.utf8.count) {
            case "Version": return .message(CRIFixtures.version(runtime))
            case "ListContainers": return .message(CRIFixtures.containers([(id, 1), (String(repeating: "e", count: 64), 2)]))
            case "ListPodSandbox": return .message(CRIFixtures.sandboxes([(sandbox, 0)]))
            case "ContainerStatus":
                return call.message.contains(id) ? .message(CRIFixtures.containerStatus(id, runtime: runtime)) : .status(5, "no such container")
            case "PodSandboxStatus": return call.message.contains(sandbox) ? .message(CRIFixtures.sandboxStatus(sandbox)) : .status(5, "no such sandbox")
            case "GetContainerEvents": return events
            default: return .status(12, "unknown method")
            }
        }
    }

    @Test(arguments: [("containerd", "cri-containerd-", "v1"), ("cri-o", "crio-", "v1"), ("containerd", "cri-containerd-", "v1alpha2")])
    func `a pod and its container are known, by whichever runtime and version`(runtime: String, prefix: String, version: String) async throws {
        let setup = Setup(labels: AllowList(["tier"]))
        setup.server.set(Self.answers(runtime, version: version))
        try await setup.running { setup in
            let path = "\(Self.parent)/\(prefix)\(Self.id).scope"
            try await soon { setup.owner.status.containers == 2 }
            let app = try #require(setup.reference(path))
            #expect(app.runtime == (runtime == "cri-o" ? "crio" : "containerd"))
            #expect(app.container == "app" && app.pod == "web-0" && app.namespace == "shop" && app.podUID == Self.uid)
            #expect(app.name == Self.id && app.image == "registry.example/app:1.2" && app.restarts == 7)
            #expect(app.logDirectory == "/var/log/pods/shop_web-0_\(Self.uid)/app")
            #expect(app.cpuRequest == 250 && app.cpuLimit == 500 && app.memoryLimit == 128 << 20)
            #expect(app.started == 1_790_000_001_000_000_000 && app.created == 1_790_000_000_000_000_000 && app.networkPID == 0)
            #expect(app.labelText == ["tier=front"] && app.environmentText == ["REGION=eu"])
            let row = try #require(setup.reference(Self.parent))
            #expect(row.pod == "web-0" && row.container == "" && row.name == "" && row.networkPID == 77 && !row.sharesNodeNetwork)
            let pause = try #require(setup.reference("\(Self.parent)/\(prefix)\(Self.sandbox).scope"))
            #expect(pause.container == "" && pause.image == "registry.k8s.io/pause:3.9" && pause.networkPID == 0 && pause.pod == "web-0")
            // The specification tells the cgroup, so the list has it too.
            #expect(Set(setup.owner.containers().map(\.cgroupPath)).isSuperset(of: [path]))
        }
    }

    @Test func `events of the CRI are followed where there are some`() async throws {
        let setup = Setup()
        let isThere = LockedValue(false)
        let id = Self.id
        setup.server.set { call in
            if call.method.hasSuffix("/ListContainers") { return .message([]) }
            if call.method.hasSuffix("/ContainerStatus"), !isThere.withLock({ $0 }) { return .status(5, "no") }
            return Self.answers("containerd", events: .stream)(call)
        }
        try await setup.running { setup in
            try await soon { setup.server.openStreams == 1 && setup.owner.status.containers == 1 }
            isThere.withLock { $0 = true }
            setup.server.push(CRIFixtures.event(id, 1))
            try await soon { setup.owner.status.containers == 2 }
            setup.server.push(CRIFixtures.event(id, 3))
            try await soon { setup.owner.status.containers == 1 }
        }
    }

    @Test func `a runtime without CRI says how to mend it`() async throws {
        let setup = Setup()
        setup.server.set { _ in .status(12, "unknown service") }
        try await setup.running { setup in
            try await soon { setup.owner.status.problem.contains("disabled_plugins") }
            #expect(setup.owner.status.state == .failing)
        }
    }

    /// What is sent in place of the answer to ListContainers, and what it is counted as.
    @Test(arguments: [
        (FakeGRPC.Reply.silence, DiscoveryError.Reason.timeout), (.endless(9 << 20), .tooLarge), (.endless(1000), .broken),
        (.raw([1, 0, 0, 0, 1, 0]), .broken), (.raw([0, 0, 0, 0, 9, 1]), .broken), (.raw([0, 255, 255, 255, 255]), .tooLarge), (.noStatus, .broken),
        (.httpStatus(502), .broken), (.httpStatus(404), .unsupported), (.status(14, "unavailable"), .broken), (.status(7, "no"), .denied),
        (.status(99, "%ff%zz"), .refused), (.message([255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255]), .malformed),
        (.message([10, 100, 1]), .malformed),
        (.message([11]), .malformed),
    ])
    func `a runtime that lies is counted, and forgiven when it behaves`(reply: FakeGRPC.Reply, reason: DiscoveryError.Reason) async throws {
        let setup = Setup(timeout: .milliseconds(500))
        let lies = LockedValue(true)
        setup.server.set { call in
            call.method.hasSuffix("/ListContainers") && lies.withLock { $0 } ? reply : Self.answers("containerd")(call)
        }
        try await setup.running { setup in
            try await soon { setup.errors(reason) >= 1 }
            lies.withLock { $0 = false }
            try await soon { setup.owner.status.containers == 2 && setup.owner.status.state == .connected }
        }
    }

    @Test func `a server that speaks no HTTP/2 is counted as broken`() async throws {
        let setup = Setup(timeout: .milliseconds(500))
        let engine = FakeEngine(path: setup.server.path)
        engine.set("*", .raw("HTTP/1.1 400 Bad Request\r\n\r\n"))
        let listener = try await engine.start()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await setup.owner.run() }
            try await soon { setup.errors(.broken) + setup.errors(.timeout) >= 2 }
            group.cancelAll()
            await engine.stop(listener)
        }
    }

    @Test func `an answer cut off at any byte makes no owner fall over`() throws {
        let (container, pod) = (CRIFixtures.containerStatus(Self.id, runtime: "containerd"), CRIFixtures.sandboxStatus(Self.sandbox))
        for (message, isSandbox) in [(container, false), (pod, true)] {
            for end in 0..<message.count {
                guard let status = try? CRIMessages.status(Array(message[..<end]), isSandbox: isSandbox) else { continue }
                _ = CRIContainer.container(status, labels: AllowList(["*"]), environment: AllowList(["*"]))
                _ = CRIContainer.sandbox(status, labels: AllowList(["*"]))
            }
        }
    }

    @Test(arguments: UInt64(1)...10) func `no bytes make a reader of messages fall over`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let sample = CRIFixtures.containerStatus(Self.id, runtime: "containerd")
        for _ in 0..<300 {
            var bytes = sample
            for _ in 0..<(1 + random.below(8)) { bytes[random.below(bytes.count)] = UInt8(random.below(256)) }
            _ = try? CRIMessages.status(bytes, isSandbox: false)
            _ = try? CRIMessages.status(bytes, isSandbox: true)
            _ = try? CRIMessages.list(bytes, stateField: 6, runningState: 1)
            _ = try? CRIMessages.event(bytes)
            _ = try? ContainerdMessages.container(bytes)
            _ = try? ContainerdMessages.tasks(bytes)
            _ = try? ContainerdMessages.event(bytes)
            _ = try? ContainerdMessages.upperDirectory(bytes)
            _ = try? ContainerdMessages.namespaces(bytes)
        }
    }
}

extension [UInt8] {
    /// The text occurs in the message.
    func contains(_ text: String) -> Bool {
        String(decoding: self, as: UTF8.self).split(separator: text, maxSplits: 1, omittingEmptySubsequences: false).count > 1
    }
}
