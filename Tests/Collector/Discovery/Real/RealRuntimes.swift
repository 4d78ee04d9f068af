import Glibc
import Logging
import NodeStats
import Runtime
import Serving
import TestKit

@testable import Discovery

/// Debian's runtimes as `scripts/fetch-container-runtimes` unpacks them, run in a directory of their own, with a `/run` of
/// their own, without any network: nothing outside of it but cgroups below one of our own is touched.
final class RealRuntimes: Sendable {
    static let tools = String(#filePath.split(separator: "/").dropLast(5).reduce("") { $0 + "/" + $1 }) + "/.build-tools/runtimes"
    /// The runtimes are there, and we may start containers.
    static var areHere: Bool { unsafe access("\(tools)/complete", F_OK) == 0 && geteuid() == 0 }

    let place = TemporaryDirectory("runtime")
    /// A cgroup of our own, in each hierarchy.
    let group = "binnacle-test-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
    var path: String { place.path }
    static let environment = [
        "PATH": "\(tools)/usr/bin:\(tools)/usr/sbin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LD_LIBRARY_PATH": "\(tools)/usr/lib/x86_64-linux-gnu:\(tools)/lib/x86_64-linux-gnu",
    ]

    /// Makes `image.tar`, a docker archive of busybox called `localhost/box:1`, and the same files as `rootfs.tar`.
    func makeImage() async throws {
        let script = """
            set -e
            mkdir -p rootfs/bin && cp \(Self.tools)/bin/busybox rootfs/bin/busybox && ln -s busybox rootfs/bin/sleep && ln -s busybox rootfs/bin/sh
            tar -C rootfs -cf rootfs.tar . && sum=$(sha256sum rootfs.tar | cut -d' ' -f1)
            printf '{"architecture":"amd64","os":"linux","config":{"Cmd":["/bin/sleep","600"]},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' $sum > config.json
            printf '[{"Config":"config.json","RepoTags":["localhost/box:1"],"Layers":["rootfs.tar"]}]' > manifest.json
            tar -cf image.tar manifest.json config.json rootfs.tar
            """
        try await run(["sh", "-c", script])
    }

    /// Runs a command to its end, in our directory; throws with its output if it fails.
    @discardableResult
    func run(_ command: [String], environment: [String: String] = [:]) async throws -> String {
        let outcome = try await Program.run(command, environment: Self.environment.merging(environment) { $1 }, directory: path, seconds: 60)
        guard outcome.status == 0 else { throw Program.Failure("\(command.joined(separator: " ")): \(outcome.description)") }
        return outcome.output
    }

    /// Starts a daemon with a `/run` of its own.
    func daemon(_ command: [String], environment: [String: String] = [:]) throws -> Program.Running {
        try Program.spawn(
            ["unshare", "-m", "--propagation", "private", "sh", "-c", "mount -t tmpfs tmpfs /run && exec \"$@\"", "sh"] + command,
            output: place.file("daemon.out"), errors: place.file("daemon.err"), environment: Self.environment.merging(environment) { $1 }, directory: path)
    }

    /// Ends a daemon as an init system would.
    func stop(_ daemon: Program.Running) async throws {
        daemon.kill(SIGTERM)
        if try await !eventually(within: 20, { daemon.poll() != nil }) { daemon.kill(SIGKILL) }
        _ = daemon.wait()
    }

    /// Removes our cgroups, which are empty once the containers have gone.
    func removeGroups() async throws {
        let script = "find /sys/fs/cgroup -depth -type d -path '*/\(group)*' -exec rmdir {} + 2>/dev/null; ! find /sys/fs/cgroup -name '\(group)*' | grep -q ."
        _ = try await eventually(within: 20) { try await Program.run(["sh", "-c", script]).status == 0 }
    }

    var log: String { ((try? HostFileSystem().text(place.file("daemon.err"))) ?? "").suffix(2000).description }

    /// Runs the owners of these sockets while `body` looks at them.
    func withOwners(
        _ change: (inout Owners.Configuration) -> Void, metrics: MetricRegistry = MetricRegistry(), _ body: @Sendable (Owners) async throws -> Void
    ) async throws {
        var configuration = Owners.Configuration.none
        configuration.usesSystemd = true
        configuration.labels = AllowList(["com.example.*"])
        configuration.environment = AllowList(["REGION"])
        change(&configuration)
        let owners = Owners.standard(configuration, fileSystem: HostFileSystem(), metrics: metrics, logger: Logger(label: "test"))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await owners.run() }
            defer { group.cancelAll() }
            try await body(owners)
        }
    }
}

extension ContainerReference {
    var labelText: [String] { containerLabels.map { "\($0.name)=\($0.value)" } }
    var environmentText: [String] { environment.map { "\($0.name)=\($0.value)" } }
}
