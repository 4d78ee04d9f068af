import Glibc
import InternetAddresses
import Runtime
import Synchronization
import TestKit
import Testing

@testable import ContainerRuntime

/// The program binnacle-pause for tests, built from the sources that lie beside: a slice of the package does not build it.
enum PauseProgram {
    static let path: String = {
        let root = #filePath.split(separator: "/").dropLast(4).map { "/\($0)" }.joined()
        let shims = "\(root)/Sources/CShims/Shims", output = "/tmp/binnacle-pause-\(getpid())"
        let compilers: [String] = ["/usr/bin/cc", "/usr/bin/gcc", "/usr/bin/clang", "/opt/swift/usr/bin/clang"]
        let compiler = compilers.first { HostFileSystem().exists($0) } ?? "cc"
        let sources = try! HostFileSystem().list(shims).filter { $0.hasSuffix(".c") }.map { "\(shims)/\($0)" }
        let result = Command.run([compiler, "-D_GNU_SOURCE", "-O1", "-w", "-I\(shims)/include", "-o", output, "\(root)/Sources/App/pause/main.c"] + sources)
        precondition(result.status == 0, "cannot build binnacle-pause: \(String(decoding: result.output, as: UTF8.self))")
        _ = atexit { unsafe unlink("/tmp/binnacle-pause-\(getpid())") }
        return output
    }()
}

/// One runtime in a directory of its own, with a bridge and ranges that no other test uses; `close` leaves nothing.
final class Machine: Sendable {
    private static let counter = Mutex<UInt32>(UInt32(getpid()) & 0x3f)

    let directory: TemporaryDirectory
    let configuration: HostRuntimeConfiguration
    let number: UInt32

    init(_ name: String, change: (inout HostRuntimeConfiguration) -> Void = { _ in }) {
        directory = TemporaryDirectory(name)
        number = Self.counter.withLock { counter in
            counter = (counter + 1) % 120
            return counter
        }
        var configuration = HostRuntimeConfiguration(stateDirectory: directory.file("runtime"), helperCommand: [PauseProgram.path])
        configuration.bridge = "bt\(getpid() % 100_000)x\(number)"
        configuration.podRange = IPv4Network("10.\(100 + number).0.0/24")!
        configuration.loopbackRange = IPv4Network("127.\(100 + number).0.0/24")!
        change(&configuration)
        self.configuration = configuration
    }

    func open() async throws -> HostRuntime { try await HostRuntime.open(configuration) }

    func sandbox(_ name: String = "pod", limits: ResourceLimits = ResourceLimits(), hostNetwork: Bool = false) -> SandboxConfig {
        let uid = "\(name)-\(getpid())-\(number)"
        return SandboxConfig(
            namespace: "default", name: name, uid: uid, hostname: name, cgroupPath: "/kubepods/besteffort/pod\(uid)", limits: limits,
            hostNetwork: hostNetwork, logDirectory: directory.file("logs/default_\(name)_\(uid)"), annotations: ["a": "b"])
    }

    func container(_ name: String = "main", _ command: [String], change: (inout ContainerConfig) -> Void = { _ in }) -> ContainerConfig {
        var config = ContainerConfig(
            name: name, restartCount: 0, image: "host", command: command, environment: ["A=1"], limits: ResourceLimits(), oomScoreAdjustment: 0)
        change(&config)
        return config
    }

    func shell(_ script: String, change: (inout ContainerConfig) -> Void = { _ in }) -> ContainerConfig {
        container("main", ["/bin/sh", "-c", script], change: change)
    }

    /// Everything of this runtime that is still on the machine.
    func leftovers() -> [String] {
        let files = HostFileSystem()
        var found: [String] = []
        for line in (try? files.text("/proc/self/mounts"))?.split(separator: "\n") ?? [] where line.contains(directory.path) { found.append("mount \(line)") }
        for hierarchy in CgroupHierarchy.find(in: MountInfo.parse((try? files.text("/proc/self/mountinfo")) ?? "")) {
            for name in (try? files.list("\(hierarchy.path)/kubepods/besteffort")) ?? [] where name.hasSuffix("-\(getpid())-\(number)") {
                found.append("cgroup \(hierarchy.path) \(name)")
            }
        }
        for line in (try? files.text("/proc/net/dev"))?.split(separator: "\n") ?? [] where line.contains(configuration.bridge) { found.append("link \(line)") }
        for tool in ["iptables-nft-save", "iptables-legacy-save", "ip"] {
            guard let path = Command.find(tool) else { continue }
            let output = String(decoding: Command.run([path] + (tool == "ip" ? ["route", "show", "table", "local"] : [])).output, as: UTF8.self)
            for line in output.split(separator: "\n") {
                if line.contains(configuration.bridge) || configuration.serviceRange.map({ line.contains($0.description) }) == true {
                    found.append("\(tool) \(line)")
                }
            }
        }
        for process in (try? files.list("/proc")) ?? [] where Int(process) != nil {
            let words = (try? files.text("/proc/\(process)/cmdline")) ?? "", group = (try? files.text("/proc/\(process)/cgroup")) ?? ""
            // A dead process that its parent has not asked about yet is init's.
            if (try? files.text("/proc/\(process)/stat"))?.contains(") Z ") ?? true { continue }
            if words.contains("\(directory.path)/runtime") || group.contains("-\(getpid())-\(number)/") { found.append("process \(process) \(words)") }
        }
        for name in (try? files.list("\(configuration.stateDirectory)/sandboxes")) ?? [] { found.append("directory \(name)") }
        return found
    }

    func parent(of process: Int32) throws -> Int32? {
        try HostFileSystem().text("/proc/\(process)/status").split(separator: "\n").first { $0.hasPrefix("PPid:") }
            .flatMap { Int32($0.dropFirst(5).drop { $0 == "\t" }) }
    }

    /// Resident and proportional memory, as the kernel writes them.
    func memory(of process: Int32) throws -> String {
        try HostFileSystem().text("/proc/\(process)/smaps_rollup").split(separator: "\n").filter {
            $0.hasPrefix("Rss:") || $0.hasPrefix("Pss:") || $0.hasPrefix("Private_Dirty:")
        }
        .map { $0.split(separator: " ").joined(separator: " ") }.joined(separator: ", ")
    }

    func processes(in cgroup: String) -> Int {
        let hierarchy = CgroupHierarchy.find(in: MountInfo.parse((try? HostFileSystem().text("/proc/self/mountinfo")) ?? "")).first
        return (try? HostFileSystem().text("\(hierarchy?.path ?? "")\(cgroup)/cgroup.procs"))?.split(separator: "\n").count ?? 0
    }

    /// The text of a log without times: `stdout F text`.
    func log(_ status: ContainerStatus) throws -> [String] {
        try HostFileSystem().text(status.logPath).split(separator: "\n").map { $0.split(separator: " ", maxSplits: 1).dropFirst().joined() }
    }
}

extension HostRuntime {
    /// The container's status once it has ended.
    func exit(of id: String, within limit: Duration = .seconds(10)) async throws -> ContainerStatus.Exit {
        var status = try #require(sandboxes().flatMap(\.containers).first { $0.id == id })
        if status.state == .running {
            #expect(await wait(for: id, atMost: limit), "the container did not end")
            status = try #require(sandboxes().flatMap(\.containers).first { $0.id == id })
        }
        guard case .exited(let exit) = status.state else { throw RuntimeError.failed("still running") }
        return exit
    }
}

/// Polls until the condition holds, at most five seconds.
func eventually(_ condition: () async throws -> Bool) async rethrows -> Bool {
    for _ in 0..<500 {
        if try await condition() { return true }
        try? await Task.sleep(for: .milliseconds(10))
    }
    return false
}
