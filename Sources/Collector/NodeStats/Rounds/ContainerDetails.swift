import Runtime

/// What of a container is not in its cgroup's files: its network, its tasks, kills by name, and room on disk.
///
/// Not Sendable: the collector owns it. A round is `begin`, `read` for each cgroup, `end`.
final class ContainerDetails {
    private let networks: NetworkNamespaces
    private let tasks: TaskReader
    private let kills: OOMWatcher
    private let fileSystems: ContainerFileSystems
    private let sets: Set<MetricSet>
    private let needsTasks: Bool
    private let needsNetwork: Bool
    /// Whose namespace each is: the first cgroup of the round that shows it.
    private var namespaces: [UInt64: String] = [:]

    init(root: String, mounts: CgroupMounts, sets: Set<MetricSet>, clock: any WallClock, events: EventLog, metrics: MetricRegistry) {
        self.sets = sets
        needsTasks = !sets.isDisjoint(with: [.schedstat, .cpuLoad, .process, .referencedMemory])
        needsNetwork = !sets.isDisjoint(with: [.network, .tcp, .udp, .advancedTCP])
        var network = NetworkNamespaces.Configuration()
        network.root = root
        network.sets = sets
        networks = NetworkNamespaces(configuration: network, metrics: metrics)
        var task = TaskReader.Configuration()
        task.root = root
        task.sets = sets
        tasks = TaskReader(mounts: mounts, configuration: task, metrics: metrics)
        // A recorded tree's kernel is not this one.
        kills = OOMWatcher(path: root.isEmpty ? "/dev/kmsg" : "\(root)/dev/kmsg", clock: clock, events: events, metrics: metrics)
        fileSystems = ContainerFileSystems(
            usage: DiskUsage(clock: clock, metrics: metrics), probe: FileSystemProbe(metrics: metrics), mountReader: MountTableReader(root: root),
            root: root)
    }

    deinit { fileSystems.usage.stop() }

    func begin(_ references: [ContainerReference], monotonic: Int64) {
        networks.beginRound()
        tasks.beginRound(time: monotonic)
        kills.beginRound()
        fileSystems.beginRound(references, now: monotonic)
        namespaces.removeAll(keepingCapacity: true)
        if networks.nodeNamespace != 0 { namespaces[networks.nodeNamespace] = "/" }
    }

    /// On v1 a cgroup counts the kills of its own processes alone, so a pod's row is given those of its containers too,
    /// over their restarts. For when all cgroups of the round were read.
    func podKills(of reference: ContainerReference) -> UInt64 { kills.total(ofPod: reference.podUID) }

    func end() {
        networks.endRound()
        tasks.endRound()
        kills.endRound()
    }

    /// Adds to the newest reading of `entry` what is not in its files.
    func read(_ entry: ContainerEntry, isIdle: Bool) {
        guard entry.current != nil else { return }
        let processes = entry.reader.processes
        // In place: a reading is some kilobytes.
        if needsTasks, !processes.isEmpty || entry.previous?.schedule != nil || entry.previous?.load != nil {
            let reading = tasks.read(entry.path, processes: processes, isIdle: isIdle)
            entry.current?.schedule = reading.schedule
            entry.current?.load = reading.load
            entry.current?.descriptors = reading.descriptors
            entry.current?.referencedBytes = reading.referencedBytes
        }
        // A cgroup that died with its only process has no count left to read: its owner's kills are shown all the same.
        if let counted = entry.current?.oomKills {
            entry.current?.oomKills = kills.record(path: entry.path, owner: OOMWatcher.owner(of: entry.reference), counted: counted)
        } else if entry.isOwned {
            entry.current?.oomKills = kills.record(path: entry.path, owner: OOMWatcher.owner(of: entry.reference), counted: nil)
        }
        readNetwork(entry, processes)
    }

    /// A pod's own row has its network, and a container that is no pod's has its own; the containers of a pod share one.
    private func readNetwork(_ entry: ContainerEntry, _ processes: [Int32]) {
        entry.network = nil
        guard needsNetwork, entry.path != "/" else { return }
        let reference = entry.reference
        let reading: NetworkNamespaces.Reading?
        if reference.networkPID > 0 {
            reading = networks.reading(for: entry.path, processes: CollectionOfOne(reference.networkPID))
        } else if entry.isOwned, reference.pod.isEmpty, !reference.containerID.isEmpty {
            reading = networks.reading(for: entry.path, processes: processes)
        } else {
            return
        }
        guard let reading else { return }
        entry.network = reading.counters
        let first = namespaces[reading.namespace]
        if first == nil { namespaces[reading.namespace] = entry.path }
        entry.reference.sharesNodeNetwork = reference.sharesNodeNetwork || reading.isNodes || (first != nil && first != entry.path)
    }

    /// The network of the machine, for the root's row.
    func nodeNetwork() -> NetworkReading? { networks.nodeReading()?.counters }

    /// Puts sizes into a row; they cost nothing to ask for.
    func addSizes(to row: inout NodeSnapshot.Row) {
        row.logBytes = fileSystems.logBytes(of: row.reference)
        row.writableLayer = fileSystems.writableLayer(of: row.reference)
        row.fileSystems = fileSystems.fileSystems(of: row.reference)
        row.volumes = fileSystems.volumes(of: row.reference)
    }
}

extension ContainerFileSystem {
    /// One of the machine's file systems, for the root's row.
    init(_ usage: FileSystemUsage) {
        self.init(
            device: usage.device, type: usage.type, capacity: usage.size, available: usage.available, inodes: usage.files, inodesFree: usage.filesFree,
            usage: usage.used, layerBytes: nil, layerFiles: nil, isHung: false, measured: 0)
    }
}
