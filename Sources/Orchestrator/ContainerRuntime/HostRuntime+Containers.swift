import CShims
import Glibc
import JSON
import Runtime

/// Starting, stopping and entering containers.
extension HostRuntime {
    public func startContainer(_ config: ContainerConfig, sandbox id: String) async throws(RuntimeError) -> ContainerStatus {
        guard let sandbox = sandboxesByID[id] else { throw .unknownSandbox(id) }
        guard config.image == "host" || config.image.hasPrefix("host:") else { throw .unknownImage(config.image) }
        try Names.check(config.name, "container name")
        guard let program = config.command.first, !program.isEmpty else {
            throw .start("container \(config.name) has no command: image \"host\" brings none, so write one in `command`")
        }
        for mount in config.mounts {
            try Names.checkPath(mount.source, "volume's source")
            try Names.checkPath(mount.target, "mount path")
        }
        let began = ContinuousClock.now
        let container = Names.identifier()
        let logDirectory = "\(sandbox.status.config.logDirectory)/\(config.name)"
        var status = ContainerStatus(
            id: container, sandboxID: id, config: config, pid: 0, started: clock.nanoseconds, state: .running,
            logPath: "\(logDirectory)/\(config.restartCount).log", cgroupPath: "\(sandbox.status.config.cgroupPath)/\(container)")
        do {
            try files.makeDirectory(logDirectory, mode: 0o755)
            try makeFiles(status)
            try cgroups.make(status.cgroupPath, limits: config.limits)
            save(status)
            let answer = try await ask(id, startRequest(status, sandbox.status.config))
            status.pid = Int32(truncatingIfNeeded: answer.number("pid") ?? 0)
            status.started = answer.number("started") ?? status.started
        } catch {
            removeFiles(status)
            throw error is FileError ? .failed("\(error)") : .start("container \(config.name): \(error)")
        }
        // The sandbox may have been removed, and the exit of a short program may have come, since we asked.
        guard sandboxesByID[id] != nil else { throw .unknownSandbox(id) }
        sandboxesByID[id]?.containers[container] = Container(status: status)
        save(status)
        startSeconds.observe(ContinuousClock.now - began)
        if let record = try? files.read("\(directory(id))/containers/\(container)/exit") { recordExit(container, in: id, Message(bytes: record)) }
        return sandboxesByID[id]?.containers[container]?.status ?? status
    }

    /// The container's directory: where its root is put together, and the file for its last words, which any user may write.
    private func makeFiles(_ status: ContainerStatus) throws(FileError) {
        let directory = "\(directory(status.sandboxID))/containers/\(status.id)"
        for part in ["", "/root", "/layer", "/layer/upper", "/layer/work"] {
            guard unsafe mkdir("\(directory)\(part)", part == "/layer/upper" ? 0o755 : 0o700) == 0 else { throw FileError("make the directory", "\(directory)\(part)") }
        }
        try files.write("\(directory)/termination-log", [])
        guard unsafe chmod("\(directory)/termination-log", 0o666) == 0 else { throw FileError("open to all", "\(directory)/termination-log") }
    }

    private func removeFiles(_ status: ContainerStatus) {
        cgroups.remove(status.cgroupPath)
        _ = unsafe binnacle_remove_tree("\(directory(status.sandboxID))/containers/\(status.id)")
    }

    private func startRequest(_ status: ContainerStatus, _ sandbox: SandboxConfig) -> Message {
        let config = status.config, sandboxDirectory = directory(status.sandboxID)
        let directory = "\(sandboxDirectory)/containers/\(status.id)"
        var request = Message([("do", "start"), ("id", status.id), ("directory", directory), ("log", status.logPath)])
        request.put("log-bytes", config.logFileBytes)
        request.put("log-files", config.logFileLimit)
        request.put("pid-namespace", processNamespace(sandbox))
        if let file = cgroups.killFile(status.cgroupPath) { request.put("kill-file", file) }
        if let group = cgroups.directories(status.cgroupPath).first { request.put("procs-file", "\(group)/cgroup.procs") }
        describeProcess(&request, status)
        guard findings.root != .host else { return request }
        for path in MountInfo.carried(MountInfo.parse((try? files.text("/proc/self/mountinfo")) ?? "")) { request.putBind("carry", path, path, isReadOnly: true) }
        for path in configuration.hiddenPaths + [configuration.stateDirectory] { request.put("hide", path) }
        for (hierarchy, group) in zip(cgroups.hierarchies, cgroups.directories(status.cgroupPath)) {
            let name = hierarchy.path.split(separator: "/").last.map(String.init) ?? ""
            request.putBind("view", group, cgroups.hierarchies.count == 1 ? "/sys/fs/cgroup" : "/sys/fs/cgroup/\(name)", isReadOnly: true)
        }
        for name in ["hosts", "hostname", "resolv.conf"] { request.putBind("file", "\(sandboxDirectory)/\(name)", "/etc/\(name)", isReadOnly: false) }
        if Names.isPath(config.terminationMessagePath) {
            request.putBind("file", "\(directory)/termination-log", config.terminationMessagePath, isReadOnly: false)
        }
        for mount in config.mounts { request.putBind("bind", mount.source, mount.target, isReadOnly: mount.isReadOnly) }
        return request
    }

    private func processNamespace(_ sandbox: SandboxConfig) -> String {
        guard findings.has(.processNamespace) else { return "host" }
        let isShared = configuration.processNamespace == .perPod || sandbox.annotations[SandboxConfig.shareProcessNamespaceKey] == "true"
        return isShared ? "pod" : "container"
    }

    /// What a container's program and a command run in it have in common.
    private func describeProcess(_ request: inout Message, _ status: ContainerStatus) {
        let config = status.config
        request.put("root", findings.root.rawValue)
        for group in cgroups.directories(status.cgroupPath) { request.put("cgroup", "\(group)/cgroup.procs") }
        request.put("oom-score-adj", max(-1000, min(1000, config.oomScoreAdjustment)))
        if let user = config.userID {
            request.put("user", user)
            request.put("group", config.groupID ?? Self.primaryGroup(of: user, in: (try? files.text("/etc/passwd")) ?? ""))
        } else if let group = config.groupID {
            request.put("group", group)
        }
        if let directory = config.workingDirectory, !directory.isEmpty { request.put("cwd", directory) }
        if config.annotations[ContainerConfig.privilegedKey] == "true" { request.put("privileged", 1) }
        if config.annotations[ContainerConfig.noNewPrivilegesKey] == "true" { request.put("no-new-privileges", 1) }
        if !config.environment.contains(where: { $0.hasPrefix("PATH=") }) {
            request.put("environment", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        }
        for variable in config.environment { request.put("environment", variable) }
        for argument in config.command where request["do"] == "start" { request.put("argument", argument) }
    }

    /// The group of a user in a text of /etc/passwd's form; 0, as in Kubernetes, if it does not know the user.
    static func primaryGroup(of user: Int, in passwd: String) -> Int {
        for line in passwd.split(separator: "\n") {
            let fields = line.split(separator: ":", omittingEmptySubsequences: false)
            if fields.count >= 4, Int(fields[2]) == user { return Int(fields[3]) ?? 0 }
        }
        return 0
    }

    // MARK: Stopping

    /// The sandbox of a container.
    private func sandbox(of container: String) throws(RuntimeError) -> String {
        guard let found = sandboxesByID.first(where: { $0.value.containers[container] != nil }) else { throw .unknownContainer(container) }
        return found.key
    }

    public func stopContainer(id: String, signal: Int32 = SIGTERM, gracePeriod: Duration) async throws(RuntimeError) {
        let sandbox = try sandbox(of: id)
        if !isRunning(id, in: sandbox) { return }
        if gracePeriod > .zero {
            var request = Message([("do", "signal"), ("id", id)])
            request.put("number", signal)
            _ = try? await ask(sandbox, request)
            if !isRunning(id, in: sandbox) { return }
            if await wait(for: id, atMost: gracePeriod) { return }
        }
        guard isRunning(id, in: sandbox), let status = sandboxesByID[sandbox]?.containers[id]?.status else { return }
        sandboxesByID[sandbox]?.containers[id]?.killsBefore = cgroups.memoryKills(status.cgroupPath)
        _ = try? await ask(sandbox, Message([("do", "signal"), ("id", id), ("number", "9"), ("all", "1")]))
        if !isRunning(id, in: sandbox) { return }
        if await wait(for: id, atMost: .seconds(15)) { return }
        throw .failed("container \(status.config.name) did not end within 15 s of SIGKILL: a process of it hangs in the kernel, perhaps on a dead network file system")
    }

    private func isRunning(_ container: String, in sandbox: String) -> Bool { sandboxesByID[sandbox]?.containers[container]?.status.state == .running }

    public func removeContainer(id: String) async throws(RuntimeError) {
        let sandbox = try sandbox(of: id)
        guard let status = sandboxesByID[sandbox]?.containers[id]?.status else { return }
        guard status.state != .running else { throw .failed("container \(status.config.name) still runs: stop it before it is removed") }
        sandboxesByID[sandbox]?.containers[id] = nil
        removeFiles(status)
    }

    // MARK: Commands

    public func execute(container id: String, command: [String], timeout: Duration) async throws(RuntimeError) -> ExecResult {
        let sandbox = try sandbox(of: id)
        guard let status = sandboxesByID[sandbox]?.containers[id]?.status, status.state == .running else {
            throw .start("cannot run a command in container \(id.prefix(12)): it does not run")
        }
        var request = Message([("do", "execute"), ("id", id)])
        let milliseconds = max(1, timeout.components.seconds * 1000 + timeout.components.attoseconds / 1_000_000_000_000_000)
        request.put("timeout", milliseconds)
        describeProcess(&request, status)
        for argument in command { request.put("argument", argument) }
        let answer: Message
        do { answer = try await ask(sandbox, request, atMost: timeout + .seconds(10)) } catch { throw .start("\(error)") }
        return ExecResult(
            exitCode: Int(answer.number("code") ?? -1), output: Self.bytes(hexadecimal: answer["output"] ?? ""), timedOut: answer.number("timed-out") == 1)
    }

    static func bytes(hexadecimal text: String) -> [UInt8] {
        let digits = text.utf8.map { $0 < 58 ? $0 &- 48 : $0 &- 87 }
        return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] & 15 }
    }
}

extension Message {
    mutating func putBind(_ prefix: String, _ source: String, _ target: String, isReadOnly: Bool) {
        put("\(prefix)-source", source)
        put("\(prefix)-target", target)
        put("\(prefix)-mode", isReadOnly ? "ro" : "rw")
    }
}
