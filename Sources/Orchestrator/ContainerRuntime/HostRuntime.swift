import CShims
import Glibc
import InternetAddresses
import JSON
import Runtime

/// Runs commands of the host's file system as pods: real namespaces, cgroups and a network, as far as this
/// machine's rights go. docs/decisions/sandbox.md tells how and why.
///
/// The actor keeps a picture of all sandboxes, which supervisors keep up to date through their sockets. Its thread is
/// its own (`Reactor`), because nearly all it does is blocking system calls.
public final actor HostRuntime: ContainerRuntime {
    struct Sandbox {
        var status: SandboxStatus
        var containers: [String: Container] = [:]
        /// The socket to the supervisor; -1 once it is gone.
        var channel: Int32 = -1
        var received: [UInt8] = []
        /// Host's end of the veth pair, if the pod has one.
        var link: String?
        /// Of the bridge's range, if it is from there.
        var address: IPv4Address?
    }
    struct Container {
        var status: ContainerStatus
        /// Memory kills counted before we sent SIGKILL ourselves: only later ones can have ended the container.
        var killsBefore: Int?
    }
    typealias Answer = Result<Message, RuntimeError>

    public nonisolated let abilities: RuntimeAbilities
    public nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe reactor.asUnownedSerialExecutor() }

    nonisolated let configuration: HostRuntimeConfiguration
    nonisolated let findings: AbilityFindings
    nonisolated let cgroups: CgroupTree
    nonisolated let network: PodNetwork?
    nonisolated let hub: EventHub
    nonisolated let reactor: Reactor
    nonisolated let files = HostFileSystem()
    nonisolated let clock = SystemClock()
    nonisolated let startSeconds: Histogram

    var sandboxesByID: [String: Sandbox] = [:]
    /// Sandbox of each supervisor's socket.
    var sandboxOfChannel: [Int32: String] = [:]
    var pool: AddressPool
    var loopbackPool: AddressPool
    /// Requests that wait for a supervisor's answer, by sequence number, with the sandbox asked.
    var pending: [Int64: (sandbox: String, continuation: CheckedContinuation<Answer, Never>)] = [:]
    /// Callers that wait for the end of a container or a supervisor, by its id. Resumed with false when their time is over.
    var waiters: [String: [Int64: CheckedContinuation<Bool, Never>]] = [:]
    var sequence: Int64 = 0

    /// Finds what this machine allows, sets up the network, cleans up after dead sandboxes and takes up living ones.
    /// Throws if the state directory or the helper program cannot be used; anything else that is missing is told in `abilities`.
    public static func open(_ configuration: HostRuntimeConfiguration) async throws(RuntimeError) -> HostRuntime {
        let runtime = try HostRuntime(configuration)
        await runtime.begin()
        return runtime
    }

    private init(_ configuration: HostRuntimeConfiguration) throws(RuntimeError) {
        try Names.checkPath(configuration.stateDirectory, "state directory")
        let files = HostFileSystem()
        do {
            try files.makeDirectory("\(configuration.stateDirectory)/sandboxes", mode: 0o700)
        } catch { throw .failed("\(error); choose another data directory or mend its rights") }
        guard let helper = configuration.helperCommand.first, unsafe access(configuration.helperCommand.last ?? helper, X_OK) == 0 else {
            throw .failed(
                "cannot run \(configuration.helperCommand.last ?? "binnacle-pause"): \(errnoText(errno)); put binnacle-pause beside the program binnacle")
        }
        let mountInfo = (try? files.text("/proc/self/mountinfo")) ?? ""
        let excluded = Set(["cpu", "memory", "pids"].filter { configuration.disabling.contains(Ability(rawValue: $0)!) })
        let cgroups = CgroupTree(mountInfo: mountInfo, excluding: excluded)
        var findings = try Self.probe(configuration, cgroups)
        var network: PodNetwork?
        if findings.hasPodNetwork {
            let candidate = PodNetwork(configuration)
            do {
                if let problem = try candidate.install(filtering: findings.has(.packetFilter)) { findings.missing[.packetFilter] = problem }
                network = candidate
            } catch { findings.missing[.virtualLinks] = "\(error)" }
        }
        self.configuration = configuration
        self.findings = findings
        self.cgroups = cgroups
        self.network = network
        let resting = (try? files.read("\(configuration.stateDirectory)/addresses.json")).flatMap { try? JSON.parse($0) }
        pool = AddressPool(
            range: configuration.podRange, resting: resting?.elements.compactMap { $0.int.map { IPv4Address(bits: UInt32(truncatingIfNeeded: $0)) } } ?? [])
        loopbackPool = AddressPool(range: configuration.loopbackRange)
        hub = EventHub(metrics: configuration.metrics)
        reactor = Reactor()
        startSeconds = configuration.metrics.histogram(
            "binnacle_runtime_start_duration_seconds", "Time from a request to start a container until its program runs.", bounds: MetricRegistry.durationBounds
        )
        abilities = RuntimeAbilities(
            name: "host", version: configuration.version,
            hasNamespaces: findings.has([.mountNamespace, .processNamespace, .hostnameNamespace, .messageNamespace]), hasPodNetwork: network != nil,
            hasWritableLayers: findings.root == .layer || findings.root == .memory, cgroupControllers: cgroups.enforced, missing: findings.sentences)
    }

    deinit { reactor.stop() }

    /// Asks the helper to try everything once, in an empty directory of the state directory.
    private static func probe(_ configuration: HostRuntimeConfiguration, _ cgroups: CgroupTree) throws(RuntimeError) -> AbilityFindings {
        let directory = "\(configuration.stateDirectory)/probe-\(getpid())-\(Names.identifier().prefix(8))"
        guard unsafe mkdir(directory, 0o700) == 0 else { throw .failed("cannot make the directory \(directory): \(errnoText(errno))") }
        defer { _ = unsafe binnacle_remove_tree(directory) }
        let result = Command.run(configuration.helperCommand + ["probe", directory], errors: false)
        guard result.status == 0 else {
            throw .failed(
                "\(configuration.helperCommand.joined(separator: " ")) failed with status \(result.status): \(String(decoding: result.output, as: UTF8.self))")
        }
        let answers = Message(bytes: result.output)
        var findings = AbilityFindings()
        for ability in Ability.allCases {
            if configuration.disabling.contains(ability) {
                findings.missing[ability] = "disabled"
            } else if let code = answers.number(ability.rawValue), code != 0 {
                findings.missing[ability] = errnoText(Int32(truncatingIfNeeded: code))
            }
        }
        for ability in [Ability.cpuLimits, .memoryLimits, .processLimits]
        where !cgroups.enforced.contains(ability.rawValue) && findings.missing[ability] == nil {
            findings.missing[ability] = "not mounted or not writable"
        }
        return findings
    }

    private func begin() async {
        reactor.onReadable { [weak self] descriptor in self?.assumeIsolated { $0.read(descriptor) } }
        configuration.metrics.gauge("binnacle_runtime_sandboxes", "Sandboxes that the runtime keeps.").value = 0
        await adopt()
    }

    // MARK: What callers see

    public nonisolated func events() -> AsyncStream<RuntimeEvent> { hub.stream() }

    public func sandboxes() -> [SandboxStatus] {
        sandboxesByID.values.map(Self.shown).sorted { ($0.created, $0.id) < ($1.created, $1.id) }
    }

    static func shown(_ sandbox: Sandbox) -> SandboxStatus {
        var status = sandbox.status
        status.containers = sandbox.containers.values.map(\.status).sorted { ($0.started, $0.id) < ($1.started, $1.id) }
        return status
    }

    /// Lets go of all sandboxes, or removes them first. Sandboxes that stay go on without Binnacle.
    public func shutdown(removingSandboxes: Bool) async {
        if removingSandboxes { for id in sandboxesByID.keys { try? await removeSandbox(id: id) } }
        for id in sandboxesByID.keys { disconnect(id) }
        hub.finish()
    }

    /// Removes everything that this runtime has made on the machine: sandboxes, bridge, rules, cgroups. Log files stay.
    public func teardown() async {
        await shutdown(removingSandboxes: true)
        network?.remove()
        cgroups.removeEmpty(["/kubepods/burstable", "/kubepods/besteffort", "/kubepods"])
    }

    // MARK: Waiting

    /// Waits until `id` has ended; false if that took longer.
    func wait(for id: String, atMost limit: Duration) async -> Bool {
        sequence += 1
        let key = sequence
        let timer = Task { [weak self] in
            try? await Task.sleep(for: limit)
            if !Task.isCancelled { await self?.expire(id, key) }
        }
        defer { timer.cancel() }
        return await withCheckedContinuation { waiters[id, default: [:]][key] = $0 }
    }

    private func expire(_ id: String, _ key: Int64) {
        waiters[id]?.removeValue(forKey: key)?.resume(returning: false)
    }

    func ended(_ id: String) {
        for waiter in (waiters.removeValue(forKey: id) ?? [:]).values { waiter.resume(returning: true) }
    }
}
