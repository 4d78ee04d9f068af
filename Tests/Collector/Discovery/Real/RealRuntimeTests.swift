import Glibc
import NodeStats
import Runtime
import Serving
import TestKit
import Testing

@testable import Discovery

/// The real daemons, with containers that the tests start. `scripts/fetch-container-runtimes` brings them.
@Suite(.enabled(if: RealRuntimes.areHere), .serialized, .timeLimit(.minutes(4))) struct RealRuntimeTests {
    @Test func `Podman: a container appears with name, image and labels, and goes`() async throws {
        let machine = RealRuntimes()
        try await machine.makeImage()
        let tools = RealRuntimes.tools
        let files = HostFileSystem()
        try files.makeDirectory("\(machine.path)/home", mode: 0o755)
        for directory in [".config", ".config/containers"] { try files.makeDirectory("\(machine.path)/home/\(directory)", mode: 0o755) }
        try files.write("\(machine.path)/home/.config/containers/policy.json", Array(#"{"default":[{"type":"insecureAcceptAnything"}]}"#.utf8))
        try files.write("\(machine.path)/containers.conf", Array("[engine.runtimes]\nrunc=[\"\(tools)/usr/sbin/runc\"]\n".utf8))
        try files.write(
            "\(machine.path)/storage.conf", Array("[storage]\ndriver=\"vfs\"\nrunroot=\"\(machine.path)/run\"\ngraphroot=\"\(machine.path)/root\"\n".utf8))
        let environment = [
            "HOME": "\(machine.path)/home", "CONTAINERS_CONF": "\(machine.path)/containers.conf", "CONTAINERS_STORAGE_CONF": "\(machine.path)/storage.conf",
        ]
        let podman = [
            "podman", "--root", "\(machine.path)/root", "--runroot", "\(machine.path)/run", "--tmpdir", "\(machine.path)/tmp", "--cgroup-manager", "cgroupfs",
            "--runtime", "\(tools)/usr/sbin/runc", "--runtime-flag", "root=\(machine.path)/runc", "--conmon", "\(tools)/usr/bin/conmon", "--storage-driver",
            "vfs", "--events-backend", "file",
        ]
        let socket = "\(machine.path)/p.sock"
        // Everything is done by the service, in its `/run`.
        let service = try machine.daemon(podman + ["system", "service", "--time", "0", "unix://\(socket)"], environment: environment)
        let remote = ["env", "podman", "--remote", "--url", "unix://\(socket)"]
        // The raised limit of open files that Podman sets otherwise may not be allowed here.
        let run =
            remote + [
                "run", "-d", "--network", "none", "--ulimit", "nofile=1000:1000", "--ulimit", "nproc=500:500", "--cgroup-parent", "/\(machine.group)",
                "--label",
                "com.example.team=shop", "--label", "secret=x", "--env", "REGION=eu", "--memory", "64m",
            ]
        let outcome: Result<Void, any Error> = await catching {
            try await soon { unsafe access(socket, F_OK) == 0 }
            try await machine.run(remote + ["import", "rootfs.tar", "localhost/box:1"], environment: environment)
            let first = try await machine.run(run + ["--name", "web", "localhost/box:1", "/bin/sleep", "600"], environment: environment)
            try await machine.withOwners({ $0.podman = [socket] }) { owners in
                let path = "/\(machine.group)/libpod-\(first.trimmed)"
                try await soon { owners.reference(for: path)?.name == "web" }
                let reference = try #require(owners.reference(for: path))
                #expect(reference.image == "localhost/box:1")
                #expect(reference.runtime == "podman")
                #expect(reference.labelText == ["com.example.team=shop"])
                #expect(reference.environmentText == ["REGION=eu"])
                #expect(reference.memoryLimit == 64 << 20)
                #expect(reference.health == -1)
                #expect(reference.started > 1_700_000_000_000_000_000)
                #expect(reference.networkPID > 0)
                #expect(await owners.containers().map(\.cgroupPath).contains(path))
                // One that starts now is told by an event, and its end as well.
                let second = try await machine.run(run + ["--name", "late", "localhost/box:1", "/bin/sleep", "600"], environment: environment)
                let late = "/\(machine.group)/libpod-\(second.trimmed)"
                try await soon { await owners.containers().contains { $0.cgroupPath == late && $0.name == "late" } }
                try await machine.run(remote + ["rm", "-f", "-t", "0", "late"], environment: environment)
                try await soon { await !owners.containers().contains { $0.cgroupPath == late } }
                #expect(owners.statuses.first?.version == "4.3.1")
            }
        }
        _ = try? await machine.run(remote + ["rm", "-f", "-a", "-t", "0"], environment: environment)
        try await machine.stop(service)
        try await machine.removeGroups()
        try outcome.get()
    }

    @Test func `Docker: a container appears with name, image and labels, also by containerd while Docker is left out`() async throws {
        let machine = RealRuntimes()
        try await machine.makeImage()
        try HostFileSystem().write("\(machine.path)/daemon.json", Array("{}".utf8))
        let socket = "\(machine.path)/d.sock"
        let daemon = try machine.daemon([
            "dockerd", "--data-root", "\(machine.path)/data", "--exec-root", "\(machine.path)/exec", "--pidfile", "\(machine.path)/pid", "-H",
            "unix://\(socket)",
            "--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--storage-driver", "vfs", "--cgroup-parent", "/\(machine.group)",
            "--config-file", "\(machine.path)/daemon.json",
        ])
        let docker = ["docker", "-H", "unix://\(socket)"]
        let metrics = MetricRegistry()
        let outcome: Result<Void, any Error> = await catching {
            // The owner is there before the daemon is.
            try await machine.withOwners({ $0.docker = [socket] }, metrics: metrics) { owners in
                try await soon { owners.statuses[0].state == .connected }
                try await machine.run(docker + ["load", "-i", "image.tar"])
                let run =
                    docker + [
                        "run", "-d", "--network", "none", "--label", "com.example.team=shop", "-e", "REGION=eu", "-e", "PASSWORD=x", "--memory", "64m",
                        "--cpus", "0.5",
                    ]
                let id = try await machine.run(run + ["--name", "web", "localhost/box:1"]).trimmed
                let path = "/\(machine.group)/\(id)"
                try await soon { owners.reference(for: path)?.name == "web" }
                let reference = try #require(owners.reference(for: path))
                #expect(reference.image == "localhost/box:1" && reference.runtime == "docker" && reference.containerID == id)
                #expect(reference.labelText == ["com.example.team=shop"] && reference.environmentText == ["REGION=eu"])
                #expect(reference.memoryLimit == 64 << 20 && reference.cpuLimit == 500 && reference.health == -1)
                #expect(reference.logDirectory == "\(machine.path)/data/containers/\(id)")
                try await soon { await owners.containers().contains { $0.cgroupPath == path && $0.networkPID > 0 } }
                try await machine.run(docker + ["rename", "web", "shop"])
                try await soon { owners.reference(for: path)?.name == "shop" }
                try await machine.run(docker + ["restart", "-t", "0", "shop"])
                let before = reference.started
                try await soon { (owners.reference(for: path)?.started ?? 0) > before }
                // containerd knows it too, in Docker's namespace, if nobody tells more.
                let inner = "\(machine.path)/exec/containerd/containerd.sock"
                try await machine.withOwners({ $0.containerd = [inner] }) { owners in
                    try await soon { owners.reference(for: path)?.runtime == "containerd" }
                    #expect(owners.reference(for: path)?.containerID == id)
                    // Docker's containerd has no CRI.
                    try await soon { owners.statuses[0].problem.contains("no CRI") }
                }
                try await machine.run(docker + ["rm", "-f", "shop"])
                try await soon { await !owners.containers().contains { $0.cgroupPath == path } }
            }
        }
        _ = try? await machine.run(["sh", "-c", "docker -H unix://\(socket) ps -aq | xargs -r docker -H unix://\(socket) rm -f"])
        try await machine.stop(daemon)
        try await machine.removeGroups()
        if case .failure = outcome { print(machine.log) }
        try outcome.get()
    }

    @Test func `containerd: a container of ctr by its own interface, a pod by the CRI`() async throws {
        let machine = RealRuntimes()
        try await machine.makeImage()
        let (tools, socket) = (RealRuntimes.tools, "\(machine.path)/c.sock")
        let configuration = """
            version = 2
            root = "\(machine.path)/root"
            state = "\(machine.path)/state"
            [grpc]
              address = "\(socket)"
            [plugins."io.containerd.internal.v1.opt"]
              path = "\(machine.path)/opt"
            [plugins."io.containerd.grpc.v1.cri"]
              sandbox_image = "localhost/box:1"
              disable_apparmor = true
              restrict_oom_score_adj = true
              [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
                runtime_type = "io.containerd.runc.v2"
                [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
                  BinaryName = "\(tools)/usr/sbin/runc"
            """
        try HostFileSystem().write("\(machine.path)/config.toml", Array(configuration.utf8))
        let daemon = try machine.daemon(["containerd", "-c", "\(machine.path)/config.toml"])
        let ctr = ["ctr", "-a", socket, "-n", machine.group]
        let cri = CRIDriver(socket: socket)
        let outcome: Result<Void, any Error> = await catching {
            try await machine.withOwners({ $0.containerd = [socket] }) { owners in
                try await soon { owners.statuses[0].state == .connected && owners.statuses[1].state == .connected }
                #expect(owners.statuses[0].version == "1.6.20~ds1")
                try await machine.run(ctr + ["image", "import", "image.tar"])
                try await machine.run(
                    ctr + [
                        "run", "-d", "--fifo-dir", "\(machine.path)/fifo", "--label", "com.example.team=shop", "--env", "REGION=eu", "--memory-limit",
                        "67108864", "localhost/box:1", "web",
                    ])
                let path = "/\(machine.group)/web"
                try await soon { owners.reference(for: path)?.runtime == "containerd" }
                let reference = try #require(owners.reference(for: path))
                #expect(reference.name == "web" && reference.image == "localhost/box:1" && reference.memoryLimit == 64 << 20)
                #expect(reference.labelText == ["com.example.team=shop"] && reference.environmentText == ["REGION=eu"])
                #expect(reference.writableLayer.hasPrefix("\(machine.path)/root/") && reference.writableLayer.hasSuffix("/fs"))
                #expect(reference.created > 1_700_000_000_000_000_000)
                try await machine.run([
                    "sh", "-c",
                    "\(ctr.joined(separator: " ")) task kill -s KILL web; sleep 0.2; \(ctr.joined(separator: " ")) task rm web; \(ctr.joined(separator: " ")) c rm web",
                ])
                try await soon { await !owners.containers().contains { $0.cgroupPath == path } }

                try await machine.run(["ctr", "-a", socket, "-n", "k8s.io", "image", "import", "image.tar"])
                let uid = CgroupIdentityTests.uid
                let parent = "/\(machine.group)/pod\(uid)"
                let sandbox = try await cri.runSandbox(name: "web-0", namespace: "shop", uid: uid, cgroupParent: parent, logDirectory: "\(machine.path)/logs")
                let container = try await cri.runContainer(sandbox: sandbox, name: "app", image: "localhost/box:1")
                try await soon { owners.reference(for: "\(parent)/\(container)")?.container == "app" && owners.reference(for: parent)?.pod == "web-0" }
                let app = try #require(owners.reference(for: "\(parent)/\(container)"))
                #expect(app.pod == "web-0" && app.namespace == "shop" && app.podUID == uid && app.restarts == 2 && app.runtime == "containerd")
                #expect(app.image == "localhost/box:1" && app.logDirectory == "\(machine.path)/logs/app")
                #expect(app.cpuRequest == 250 && app.cpuLimit == 500 && app.memoryLimit == 64 << 20)
                #expect(app.environmentText == ["REGION=eu"] && app.labelText == ["com.example.team=shop"])
                #expect(app.started > 1_700_000_000_000_000_000 && app.writableLayer.hasPrefix("\(machine.path)/root/"))
                let pause = try #require(owners.reference(for: "\(parent)/\(sandbox)"))
                #expect(pause.container == "" && pause.pod == "web-0" && pause.image == "localhost/box:1" && pause.networkPID == 0)
                let row = try #require(owners.reference(for: parent))
                #expect(row.name == "" && row.podUID == uid && row.networkPID > 0 && row.sharesNodeNetwork)
                let paths = await owners.containers().map(\.cgroupPath)
                #expect(Set(paths) == [parent, "\(parent)/\(container)", "\(parent)/\(sandbox)"] && paths.count == 3)
                try await cri.removeSandbox(sandbox)
                try await soon { await owners.containers().isEmpty }
            }
        }
        try? await cri.removeAll()
        try await machine.stop(daemon)
        try await machine.removeGroups()
        if case .failure = outcome { print(machine.log) }
        try outcome.get()
    }
}

/// So that what was started is stopped also when a test fails.
private func catching(_ body: () async throws -> Void) async -> Result<Void, any Error> {
    do {
        try await body()
        return .success(())
    } catch {
        return .failure(error)
    }
}

extension String {
    var trimmed: String { String(split(whereSeparator: \.isWhitespace).last ?? "") }
}
