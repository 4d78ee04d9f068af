import Logging
import NodeStats
import Runtime
import Synchronization
import TestKit
import Testing

@testable import Discovery

/// Many owners as one source.
@Suite(.timeLimit(.minutes(1))) struct OwnersTests {
    /// An owner that knows what it is told.
    final class Known: Owner {
        let name: String
        private let known = Mutex<[String: String]>([:])
        private let changes = Mutex<UInt64>(0)
        private let begun = Mutex(false)
        init(_ name: String, _ paths: [String: String] = [:]) {
            self.name = name
            known.withLock { $0 = paths }
        }
        func set(_ path: String, _ name: String?) {
            known.withLock { $0[path] = name }
            changes.withLock { $0 += 1 }
        }
        var hasBegun: Bool { begun.withLock { $0 } }
        func reference(for path: String, identity: CgroupIdentity) -> ContainerReference? {
            known.withLock { $0[path] }.map { ContainerReference(cgroupPath: path, name: $0) }
        }
        func containers() -> [ContainerReference] { known.withLock { $0 }.map { ContainerReference(cgroupPath: $0.key, name: $0.value) } }
        var generation: UInt64 { changes.withLock { $0 } }
        var status: OwnerStatus { OwnerStatus(owner: name, runtime: name, endpoint: "/run/\(name).sock", state: .connected) }
        func run() async { begun.withLock { $0 = true } }
    }

    struct Kubelet: ContainerSource {
        var paths: [String]
        func containers() async -> [ContainerReference] { paths.map { ContainerReference(cgroupPath: $0, name: "ours") } }
    }

    @Test func `the first who knows a cgroup is its owner`() async {
        let (docker, containerd) = (Known("docker", ["/a": "web"]), Known("containerd", ["/a": "id", "/b": "other", "/pod": "theirs"]))
        let owners = Owners([docker, containerd, SystemdOwner()], kubelet: Kubelet(paths: ["/pod"]))
        let found = await owners.owners(of: ["/a", "/b", "/c", "/system.slice/ssh.service"])
        #expect(found.map { "\($0.cgroupPath) \($0.name)" } == ["/a web", "/b other", "/system.slice/ssh.service ssh.service"])
        let all = await owners.containers()
        #expect(all.map { "\($0.cgroupPath) \($0.name)" }.sorted() == ["/a web", "/b other", "/pod ours"])
    }

    @Test func `what an owner learns later is told then`() async {
        let docker = Known("docker")
        let owners = Owners([docker, SystemdOwner()])
        let path = "/system.slice/docker-\(CgroupIdentityTests.id).scope"
        #expect(await owners.containers().isEmpty)
        #expect(await owners.owners(of: [path]).isEmpty)
        docker.set(path, "web")
        #expect(await owners.owners(of: [path]).map(\.name) == ["web"])
        #expect(await owners.containers().map(\.name) == ["web"])
        docker.set(path, "shop")
        #expect(await owners.containers().map(\.name) == ["shop"])
        docker.set(path, nil)
        #expect(await owners.containers().isEmpty)
    }

    @Test func `owners who come later are asked before systemd, and run`() async throws {
        let newcomer = Known("podman-1000", ["/u": "web"])
        let owners = Owners([Known("docker"), SystemdOwner()], rescanEvery: .milliseconds(10)) { known in
            known.contains("/run/podman-1000.sock") ? [] : [newcomer]
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await owners.run() }
            try await soon { newcomer.hasBegun }
            #expect(owners.statuses.map(\.owner) == ["docker", "podman-1000", "systemd"])
            #expect(owners.reference(for: "/u")?.name == "web")
            group.cancelAll()
        }
    }

    @Test func `the usual owners are there without any runtime, and users' engines are found`() async throws {
        let place = TemporaryDirectory("owners")
        let files = HostFileSystem()
        for directory in ["user", "user/1000", "user/1000/podman", "user/notanumber", "user/1001"] {
            try files.makeDirectory(place.file(directory), mode: 0o755)
        }
        for file in ["user/1000/podman/podman.sock", "user/1001/docker.sock", "user/notanumber/docker.sock"] { try files.write(place.file(file), []) }
        var configuration = Owners.Configuration()
        configuration.docker = [place.file("a.sock"), place.file("b.sock")]
        (configuration.podman, configuration.crio, configuration.containerd) = ([place.file("p.sock")], [place.file("crio.sock")], [place.file("c.sock")])
        configuration.userDirectories = [place.file("user")]
        let owners = Owners.standard(configuration, fileSystem: files, metrics: MetricRegistry(), logger: Logger(label: "test"))
        #expect(owners.statuses.map(\.owner) == ["docker", "docker-2", "podman", "crio", "containerd-cri", "containerd", "systemd"])
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await owners.run() }
            _ = try? await soon { owners.statuses.count == 9 }
            #expect(owners.statuses.map(\.owner).suffix(3) == ["podman-1000", "docker-1001", "systemd"])
            _ = try? await soon { owners.statuses[0].state == .absent && owners.statuses[0].problem.contains("a.sock") }
            group.cancelAll()
        }
    }
}
