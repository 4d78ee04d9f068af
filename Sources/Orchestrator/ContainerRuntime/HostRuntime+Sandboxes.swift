import CShims
import Glibc
import InternetAddresses
import JSON
import Runtime

/// Making, finding again and removing sandboxes.
extension HostRuntime {
    public func runSandbox(_ config: SandboxConfig) async throws(RuntimeError) -> SandboxStatus {
        if let existing = sandboxesByID.values.first(where: { $0.status.config.uid == config.uid && $0.status.isReady }) { return Self.shown(existing) }
        try Names.check(config.namespace, "namespace")
        try Names.check(config.name, "pod name")
        try Names.check(config.uid, "pod uid")
        try Names.check(config.hostname, "host name")
        try Names.checkPath(config.cgroupPath, "cgroup path")
        try Names.checkPath(config.logDirectory, "log directory")

        let id = Names.identifier()
        var sandbox = Sandbox(
            status: SandboxStatus(id: id, config: config, isReady: true, address: configuration.nodeAddress, pid: 0, created: clock.nanoseconds, containers: [])
        )
        try assignAddress(&sandbox)
        do {
            try makeFiles(sandbox)
            try cgroups.make(config.cgroupPath, limits: config.limits)
            try cgroups.make("\(config.cgroupPath)/sandbox", limits: ResourceLimits())
            let result = Command.run(configuration.helperCommand + ["supervise", directory(id)], errors: false)
            let answer = Message(bytes: result.output)
            guard let pause = answer.number("pause") else {
                throw RuntimeError.failed(
                    "cannot start the sandbox of pod \(config.namespace)/\(config.name): \(answer["error"] ?? "the helper ended with status \(result.status)")")
            }
            sandbox.status.pid = Int32(truncatingIfNeeded: pause)
            sandboxesByID[id] = sandbox
            guard connect(id) else { throw RuntimeError.failed("cannot speak to the supervisor of pod \(config.namespace)/\(config.name)") }
        } catch {
            sandboxesByID[id] = sandbox
            cleanUp(id)
            throw error as? RuntimeError ?? .failed("\(error)")
        }
        countSandboxes()
        return sandbox.status
    }

    private func assignAddress(_ sandbox: inout Sandbox) throws(RuntimeError) {
        if sandbox.status.config.hostNetwork { return }
        if network != nil {
            guard let address = pool.allocate() else {
                throw .failed("all addresses of the pod range \(configuration.podRange) are in use: choose a larger one or run fewer pods")
            }
            sandbox.address = address
            // Interface names hold at most 15 bytes.
            sandbox.link = "bn\(sandbox.status.id.prefix(11))"
            sandbox.status.address = "\(address)"
        } else {
            guard let address = loopbackPool.allocate() else { throw .failed("all addresses of \(configuration.loopbackRange) are in use") }
            sandbox.address = address
            sandbox.status.address = "\(address)"
        }
    }

    /// The sandbox's directory: its record, the supervisor's spec, and the files that its containers see in /etc.
    private func makeFiles(_ sandbox: Sandbox) throws {
        let status = sandbox.status, config = status.config, directory = directory(status.id)
        try files.makeDirectory("\(directory)/containers", mode: 0o700)
        try files.makeDirectory("\(directory)/pause", mode: 0o700)
        try files.makeDirectory(config.logDirectory, mode: 0o755)
        var hosts = "# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::0\tip6-localnet\n"
        hosts += "fe00::0\tip6-mcastprefix\nfe00::1\tip6-allnodes\nfe00::2\tip6-allrouters\n\(status.address)\t\(config.hostname)\n"
        if config.hostNetwork { hosts = "# Kubernetes-managed hosts file (host network).\n" + ((try? files.text("/etc/hosts")) ?? "") }
        try files.write("\(directory)/hosts", Array(hosts.utf8))
        try files.write("\(directory)/hostname", Array("\(config.hostname)\n".utf8))
        // DNS policy Default: the node's. The kubelet mounts another over it for ClusterFirst.
        try files.write("\(directory)/resolv.conf", (try? files.read("/etc/resolv.conf")) ?? [])
        saveRecord(
            "\(directory)/sandbox.json",
            .object([
                ("id", JSON(status.id)), ("config", config.json), ("address", JSON(status.address)), ("created", .integer(status.created)),
                ("link", sandbox.link.map { JSON($0) } ?? .null), ("allocated", sandbox.address.map { JSON(Int($0.bits)) } ?? .null),
            ]))
        try files.write("\(directory)/spec", spec(sandbox).bytes)
    }

    private func spec(_ sandbox: Sandbox) -> Message {
        let config = sandbox.status.config
        var spec = Message()
        spec.put("directory", "\(directory(sandbox.status.id))/pause")
        spec.put("hostname", String(config.hostname.prefix(63)))
        spec.put("mount", findings.has(.mountNamespace) ? 1 : 0)
        spec.put("pid", findings.has(.processNamespace) ? 1 : 0)
        spec.put("uts", findings.has(.hostnameNamespace) && !config.hostNetwork ? 1 : 0)
        spec.put("ipc", findings.has(.messageNamespace) ? 1 : 0)
        for directory in cgroups.directories("\(config.cgroupPath)/sandbox") { spec.put("cgroup", "\(directory)/cgroup.procs") }
        guard !config.hostNetwork, let network, let address = sandbox.address, let link = sandbox.link else { return spec }
        spec.put("net", 1)
        spec.put("link", link)
        spec.put("bridge", network.bridge)
        spec.put("address", address.bits)
        spec.put("gateway", network.gateway.bits)
        spec.put("prefix", network.range.prefixLength)
        spec.put("mtu", network.mtu)
        return spec
    }

    public func removeSandbox(id: String) async throws(RuntimeError) {
        guard let sandbox = sandboxesByID[id] else { return }
        for container in sandbox.containers.keys { sandboxesByID[id]?.containers[container]?.killsBefore = Int.max }
        if sandbox.channel >= 0, send(Message([("do", "stop")]).framed, to: sandbox.channel) {
            sandboxesByID[id]?.status.isReady = false
            _ = await wait(for: id, atMost: .seconds(8))
        }
        cleanUp(id)
    }

    /// Removes every trace of the sandbox but its logs, whatever state it is in.
    private func cleanUp(_ id: String) {
        disconnect(id)
        guard let sandbox = sandboxesByID.removeValue(forKey: id) else { return }
        cgroups.remove(sandbox.status.config.cgroupPath)
        if let link = sandbox.link { network?.removeLink(link) }
        if let address = sandbox.address {
            pool.release(address)
            loopbackPool.release(address)
            saveRecord("\(configuration.stateDirectory)/addresses.json", .array(pool.resting.map { JSON(Int($0.bits)) }))
        }
        let code = unsafe binnacle_remove_tree(directory(id))
        if code != 0 {
            configuration.metrics.counter("binnacle_runtime_cleanup_failures_total", "Directories of ended sandboxes that could not be removed.").increment()
        }
        for container in sandbox.containers.keys { ended(container) }
        ended(id)
        countSandboxes()
    }

    private func countSandboxes() {
        configuration.metrics.gauge("binnacle_runtime_sandboxes", "Sandboxes that the runtime keeps.").value = Double(sandboxesByID.count)
    }

    // MARK: After a restart

    /// Takes up the sandboxes whose supervisors live and removes what is left of the others.
    func adopt() async {
        for id in (try? files.list("\(configuration.stateDirectory)/sandboxes")) ?? [] {
            guard Names.isPlain(id) else { continue }
            guard let sandbox = readSandbox(id) else {
                // Died before its record was written: then nothing was started yet.
                _ = unsafe binnacle_remove_tree(directory(id))
                continue
            }
            sandboxesByID[id] = sandbox
            if let address = sandbox.address {
                if sandbox.link != nil { pool.claim(address) } else { loopbackPool.claim(address) }
            }
            guard connect(id), let answer = try? await ask(id, Message([("do", "status")]), atMost: .seconds(5)) else {
                cleanUp(id)
                continue
            }
            takeUp(id, answer)
        }
        for leftover in (try? files.list(configuration.stateDirectory)) ?? [] where leftover.hasPrefix("probe-") {
            _ = unsafe binnacle_remove_tree("\(configuration.stateDirectory)/\(leftover)")
        }
        countSandboxes()
    }

    private func readSandbox(_ id: String) -> Sandbox? {
        guard let bytes = try? files.read("\(directory(id))/sandbox.json"), let json = try? JSON.parse(bytes), json["id"].string == id,
            let config = SandboxConfig(json: json["config"])
        else { return nil }
        var sandbox = Sandbox(
            status: SandboxStatus(
                id: id, config: config, isReady: true, address: json["address"].string ?? "", pid: 0, created: Int64(json["created"].int ?? 0), containers: []),
            link: json["link"].string, address: json["allocated"].int.map { IPv4Address(bits: UInt32(truncatingIfNeeded: $0)) })
        for container in (try? files.list("\(directory(id))/containers")) ?? [] {
            guard let bytes = try? files.read("\(directory(id))/containers/\(container)/container.json"), let json = try? JSON.parse(bytes),
                let status = ContainerStatus(json: json)
            else { continue }
            sandbox.containers[container] = Container(status: status)
        }
        return sandbox
    }

    private func takeUp(_ id: String, _ answer: Message) {
        let pause = answer.number("pause") ?? 0
        sandboxesByID[id]?.status.pid = Int32(truncatingIfNeeded: pause)
        sandboxesByID[id]?.status.isReady = pause > 0
        var running: [String: (pid: Int64, started: Int64)] = [:]
        var current = ""
        for (key, value) in answer.fields {
            switch key {
            case "container": current = value
            case "pid": running[current, default: (0, 0)].pid = Int64(value) ?? 0
            case "started": running[current, default: (0, 0)].started = Int64(value) ?? 0
            default: break
            }
        }
        for (container, known) in sandboxesByID[id]?.containers ?? [:] where known.status.state == .running {
            if let found = running[container] {
                sandboxesByID[id]?.containers[container]?.status.pid = Int32(truncatingIfNeeded: found.pid)
                sandboxesByID[id]?.containers[container]?.status.started = found.started
            } else if let record = try? files.read("\(directory(id))/containers/\(container)/exit") {
                recordExit(container, in: id, Message(bytes: record))
            } else {
                // Recorded but never started: Binnacle died in between.
                sandboxesByID[id]?.containers[container] = nil
                cgroups.remove(known.status.cgroupPath)
                _ = unsafe binnacle_remove_tree("\(directory(id))/containers/\(container)")
            }
        }
    }
}
