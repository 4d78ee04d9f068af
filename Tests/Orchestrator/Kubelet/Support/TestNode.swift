import ContainerRuntime
import JSON
import Objects
import Runtime
import TestKit
import Testing

@testable import Kubelet

extension ManualClock: Timekeeper {
    public func sleep(_ duration: Duration) async throws {
        let start: Instant = now
        try await sleep(until: start.advanced(by: duration))
    }
}

/// A node whose API server, runtime, network and clock belong to the test.
final class TestNode: Sendable {
    let client: FakeClient
    let clock: ManualClock
    let runtime: FakeRuntime
    let transport = FakeTransport()
    let directory: TemporaryDirectory
    let metrics = MetricRegistry()
    let service: KubeletService

    init(client: FakeClient = FakeClient(), runtime: FakeRuntime? = nil, clock: ManualClock = ManualClock(), directory: TemporaryDirectory? = nil) {
        self.client = client
        self.clock = clock
        self.runtime = runtime ?? FakeRuntime(time: clock)
        self.directory = directory ?? TemporaryDirectory("kubelet")
        let configuration = KubeletConfiguration(
            nodeName: "n1", nodeAddress: "192.0.2.1", version: "v1.33.0", rootDirectory: self.directory.file("kubelet"),
            logDirectory: self.directory.file("logs"))
        service = KubeletService(
            configuration: configuration, client: client, runtime: self.runtime, transport: transport, metrics: metrics, time: clock)
    }

    /// Runs the kubelet for as long as `body` runs.
    func run(_ body: () async throws -> Void) async throws {
        let service = service
        let task = Task { try await service.run() }
        defer { task.cancel() }
        do {
            try await body()
        } catch {
            task.cancel()
            _ = try? await task.value
            throw error
        }
        task.cancel()
        try await task.value
    }

    func create(_ pod: JSON) async throws { _ = try await client.create(.pods, namespace: pod.namespace, pod) }
    func pod(_ name: String) -> JSON { client.object(.pods, "default", name) ?? .null }
    func state(_ pod: String, _ container: Int = 0) -> JSON { self.pod(pod)["status"]["containerStatuses"][container] }

    /// Waits for `condition` without letting time pass on the node's clock.
    func eventually(_ what: String, sourceLocation: SourceLocation = #_sourceLocation, _ condition: () async -> Bool) async throws {
        let limit = ContinuousClock.now + .seconds(120)
        while ContinuousClock.now < limit {
            if await condition() { return }
            await Task.yield()
        }
        Issue.record("never came true: \(what); calls: \(runtime.calls)", sourceLocation: sourceLocation)
        throw CancellationError()
    }

    /// Lets time pass in steps until `condition` holds.
    func passing(
        _ what: String, step: Duration = .milliseconds(500), sourceLocation: SourceLocation = #_sourceLocation, _ condition: () async -> Bool
    ) async throws {
        let limit = ContinuousClock.now + .seconds(120)
        while ContinuousClock.now < limit {
            for _ in 0..<50 {
                if await condition() { return }
                await Task.yield()
            }
            clock.advance(by: step)
        }
        Issue.record("never came true: \(what); calls: \(runtime.calls)", sourceLocation: sourceLocation)
        throw CancellationError()
    }
}

/// A pod as the API server would store it.
func makePod(
    _ name: String, uid: String? = nil, restartPolicy: String = "Always", containers: [JSON] = [["name": "c"]], initContainers: [JSON] = [],
    with changes: (inout JSON) -> Void = { _ in }
) -> JSON {
    func filled(_ container: JSON) -> JSON {
        var container = container
        if container["image"].isNull { container["image"] = "host" }
        if container["command"].isNull { container["command"] = ["run"] }
        return container
    }
    var pod: JSON = [
        "apiVersion": "v1", "kind": "Pod",
        "metadata": ["name": .string(name), "namespace": "default", "uid": .string(uid ?? "uid-of-\(name)")],
        "spec": [
            "nodeName": "n1", "restartPolicy": .string(restartPolicy), "terminationGracePeriodSeconds": 30,
            "containers": .array(containers.map(filled)),
        ],
    ]
    if !initContainers.isEmpty { pod["spec"]["initContainers"] = .array(initContainers.map(filled)) }
    changes(&pod)
    return pod
}
