import Glibc
import Logging
import Runtime
import Telemetry

/// Where the Collector's samples go. Returns when they are durable.
public protocol SampleSink: Sendable {
    func append(_ frames: [SampleFrame]) async throws
}

/// Measures the node and its containers once a second, on the second.
public actor NodeCollector {
    private let configuration: Configuration
    private let source: any ContainerSource
    private let clock: any WallClock
    private let logger: Logger
    private let metrics: CollectorMetrics
    public nonisolated let machine: MachineInfo
    public nonisolated let mounts: CgroupMounts
    /// What happened to containers: made, gone, killed.
    public nonisolated let events: EventLog
    /// The sets of metrics that are on.
    public nonisolated let sets: Set<MetricSet>
    private let layout: CgroupLayout
    private let nodeReader: NodeReader
    private let files: FilePool
    private let hintReader: HostHintReader
    private let tree: CgroupTree
    private let table: ContainerTable
    private let rings: ReadingRings
    private var hints: HostHints?
    private let details: ContainerDetails
    private var builder: FrameBuilder
    private var schedule: RoundSchedule
    private var budget: CPUBudget
    private var plan: DeliveryPlan
    private var round = 0
    private var latest: NodeSnapshot?
    private var vanished: UInt64 = 0
    private var cpuSeconds = 0.0
    /// A round is under way: it waits for the owners' answers, in which another must not begin.
    private var isMeasuring = false

    public init(
        configuration: Configuration, source: any ContainerSource, fileSystem: any FileSystem, clock: any WallClock, metrics registry: MetricRegistry,
        logger: Logger
    ) {
        self.configuration = configuration
        self.source = source
        self.clock = clock
        self.logger = logger
        let root = configuration.root
        let metrics = CollectorMetrics(registry)
        self.metrics = metrics
        sets = configuration.sets
        let events = EventLog(metrics: registry)
        self.events = events
        machine = MachineInfo(fileSystem: fileSystem, root: root)
        let mounts = CgroupMounts(mountinfo: MountTable.paths(root: root).lazy.compactMap { try? fileSystem.text($0) }.first ?? "", prefix: root)
        self.mounts = mounts
        nodeReader = NodeReader(root: root, options: configuration.node, metrics: registry)
        let sizes = ((try? fileSystem.list("\(root)/sys/kernel/mm/hugepages")) ?? []).compactMap(CgroupLayout.hugePageName)
        let layout = CgroupLayout(mounts: mounts, root: root, hugePageSizes: sizes)
        self.layout = layout
        let skips = SkipCounts(metrics: registry)
        files = FilePool(descriptorLimit: configuration.descriptorLimit ?? FilePool.standardDescriptorLimit(), skips: skips)
        hintReader = HostHintReader(root: root, files: files)
        let context = CgroupContext(
            layout: layout, files: files, devices: DeviceNames(root: root),
            memoryStat: MemoryStat(version: layout.memoryVersion, keepsParts: configuration.sets.contains(.memoryParts)), sets: configuration.sets,
            resctrl: configuration.sets.contains(.resctrl) ? ResctrlReader(root: root, fileSystem: fileSystem) : nil,
            perf: configuration.sets.contains(.perf) && root.isEmpty ? PerfEvents(mounts: mounts, cpus: machine.cores) : nil)
        // A recorded tree does not change.
        tree = CgroupTree(layout: layout, limit: configuration.cgroupLimit, watches: root.isEmpty, skips: skips)
        table = ContainerTable(context: context, filter: configuration.filter)
        rings = ReadingRings(
            span: configuration.historySpan.wholeMilliseconds * 1_000_000, byteLimit: configuration.historyBytes, metrics: registry)
        details = ContainerDetails(root: root, mounts: mounts, sets: configuration.sets, clock: clock, events: events, metrics: registry)
        builder = FrameBuilder(nodeName: configuration.nodeName, sets: configuration.sets)
        let interval = max(1, configuration.interval.wholeMilliseconds)
        schedule = RoundSchedule(interval: interval)
        budget = CPUBudget(share: configuration.cpuBudget, base: interval)
        plan = DeliveryPlan(interval: max(interval, configuration.deliveryInterval.wholeMilliseconds))
        metrics.budget.value = configuration.cpuBudget
        metrics.interval.value = Double(interval) / 1000
        metrics.descriptorLimit.value = Double(files.descriptorLimit)
    }

    /// How often rounds are made by now: as configured, or less often by the CPU budget.
    public var interval: Duration { .milliseconds(budget.interval) }

    /// The newest round; a first one is made if there is none yet.
    public func snapshot() async -> NodeSnapshot { await snapshot(maximumAge: nil) }

    /// The newest round if it is no older than `maximumAge`, else one that is made now; nil takes the newest whatever its age.
    public func snapshot(maximumAge: Duration?) async -> NodeSnapshot {
        if let latest, maximumAge.map({ clock.now - latest.timestamp <= $0 }) ?? true { return latest }
        return await measure(at: clock.now)
    }

    /// The readings of one cgroup in the last ten minutes, oldest first: the newest `limit` of those between the two
    /// moments, both included; nil is no bound. Empty if the cgroup is not known.
    public func history(of path: String, from: Timestamp?, through: Timestamp?, limit: Int) -> [NodeSnapshot.Row] {
        guard let entry = table.entries[path] else { return [] }
        let readings = rings.readings(
            path, from: from.map { $0.milliseconds.nanosecondsSaturating } ?? .min,
            // Up to the end of the millisecond.
            through: through.map { $0.milliseconds.nanosecondsSaturating &+ 999_999 } ?? .max, limit: limit)
        return readings.map { reading, previous in
            var row = row(of: entry, sample: reading.sample, previous: previous?.sample)
            row.network = reading.network
            return row
        }
    }

    /// Measures each interval, aligned to it, and hands the frames to the sink, which may lag behind.
    public func run(sink: any SampleSink) async throws {
        let (rounds, deliver) = AsyncStream.makeStream(of: [SampleFrame].self, bufferingPolicy: .bufferingNewest(configuration.pendingLimit))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await self.deliver(rounds, to: sink) }
            while !Task.isCancelled {
                let step = nextStep(monotonic: ThreadTime.monotonicNanoseconds / 1_000_000)
                do { try await Task.sleep(for: .milliseconds(step.wait)) } catch { break }
                let snapshot = await measure(at: Timestamp(milliseconds: step.due))
                guard configuration.delivers else { continue }
                let frames = frames(for: snapshot)
                if !frames.isEmpty, case .dropped = deliver.yield(frames) { metrics.droppedRounds.increment() }
            }
            deliver.finish()
            events.finish()
            try await group.waitForAll()
        }
    }

    /// When the next round is due. Milliseconds.
    func nextStep(monotonic: Int64) -> RoundSchedule.Step {
        schedule.interval = budget.interval
        let step = schedule.next(wall: clock.now.milliseconds, monotonic: monotonic)
        if step.late > 0 { metrics.lateRounds.increment(by: step.late) }
        if step.jump != 0 {
            metrics.clockJumps.increment()
            logger.notice("the clock was set", metadata: ["milliseconds": "\(step.jump)"])
            // A rate over the jump would be wrong by as much.
            for entry in table.entries.values { entry.current = nil }
        }
        return step
    }

    private nonisolated func deliver(_ rounds: AsyncStream<[SampleFrame]>, to sink: any SampleSink) async {
        for await frames in rounds {
            do {
                try await sink.append(frames)
            } catch {
                // The store says what is wrong and counts it; the node is measured all the same.
                metrics.droppedRounds.increment()
                logger.warning("samples were not stored", metadata: ["error": "\(error)", "samples": "\(frames.reduce(0) { $0 + $1.values.count })"])
            }
        }
    }

    /// What of a round goes to the sink.
    func frames(for snapshot: NodeSnapshot) -> [SampleFrame] {
        let troubled = snapshot.rows.filter { DeliveryPlan.isTroubled($0.sample, previous: $0.previous) }.map(\.reference.cgroupPath)
        let due = snapshot.timestamp.milliseconds
        let decision = plan.decide(at: due, troubled: troubled)
        var frames: [SampleFrame] = []
        for (path, from) in decision.bursts where from < due {
            let earlier = history(of: path, from: Timestamp(milliseconds: from + budget.interval), through: Timestamp(milliseconds: due - 1), limit: 120)
            frames += builder.frames(for: earlier, interval: budget.interval)
        }
        return frames
            + builder.frames(for: snapshot, includesNode: decision.isRegular) {
                decision.isRegular || decision.bursts[$0.reference.cgroupPath] != nil
            }
    }

    // MARK: - A round

    /// Reads everything once.
    func measure(at timestamp: Timestamp) async -> NodeSnapshot {
        // Whoever asks for a fresh reading in the middle of a round is given that round.
        if isMeasuring, let latest { return latest }
        isMeasuring = true
        defer { isMeasuring = false }
        let told = await source.containers()
        var cpu = ThreadTime()
        if configuration.walksTree { tree.update(monotonic: ThreadTime.monotonicNanoseconds) }
        let asked = table.pathsToAsk(of: tree.paths, round: round)
        cpu.pause()
        let answers = asked.isEmpty ? [] : await source.owners(of: asked)
        cpu.resume()
        let start = ContinuousClock.now
        table.setOwners(told: told, asked: asked, answers: answers)
        for path in table.update(found: tree.paths, told: told) { depart(path) }
        let before = (read: files.filesRead, opened: files.filesOpened)
        var rows = readRows(told: told)
        let node = nodeReader.sample()
        if let root = rows.firstIndex(where: { $0.reference.cgroupPath == "/" }) {
            rows[root].network = details.nodeNetwork()
            if rows[root].network == nil, !node.network.isEmpty {
                rows[root].network = NetworkReading()
                rows[root].network?.interfaces = node.network
            }
            // One device may be mounted in many places; the first is the one that says what it is.
            var seen: Set<String> = []
            rows[root].fileSystems = node.fileSystems.filter { seen.insert($0.device).inserted }.map(ContainerFileSystem.init)
        }
        for row in rows { rings.append(Reading(sample: row.sample, network: row.network), path: row.reference.cgroupPath) }
        rings.trim()
        let snapshot = NodeSnapshot(
            timestamp: timestamp, machine: machine, nodeName: configuration.nodeName, node: node,
            rootFileSystem: FileSystemUsage.of(path: configuration.dataDirectory), rows: rows, vanished: vanished)
        latest = snapshot
        round += 1
        cpu.pause()
        note(cpu.seconds, ContinuousClock.now - start, files: files.filesRead - before.read, opened: files.filesOpened - before.opened, rows.count)
        return snapshot
    }

    private func readRows(told: [ContainerReference]) -> [NodeSnapshot.Row] {
        let now = hintReader.read()
        let unchanged = now.unchanged(since: hints)
        hints = now
        let toldPaths = Set(told.map(\.cgroupPath))
        let entries = table.sorted
        details.begin(entries.map(\.reference), monotonic: ThreadTime.monotonicNanoseconds)
        var rows: [NodeSnapshot.Row] = []
        rows.reserveCapacity(entries.count)
        for entry in entries {
            guard let sample = read(entry, now, unchanged) else {
                // Those that are shown in any case need not be there; a container is missed.
                if entry.hasBeenRead || toldPaths.contains(entry.path) { countVanished() }
                tree.forget(entry.path)
                depart(entry.path)
                continue
            }
            let isIdle = entry.current?.cpuUsage == sample.cpuUsage
            entry.previous = entry.current
            entry.current = sample
            details.read(entry, isIdle: isIdle)
            if !entry.hasBeenRead {
                entry.hasBeenRead = true
                if round > 0 { tell(.containerCreation, entry.path) }
            }
            rows.append(row(of: entry, sample: entry.current ?? sample, previous: entry.previous))
        }
        if layout.memoryVersion == 1 { addPodKills(to: &rows) }
        addInnerLimits(to: &rows)
        details.end()
        return rows
    }

    /// Pods come before their containers, so their sums wait for the end of the round.
    private func addPodKills(to rows: inout [NodeSnapshot.Row]) {
        for index in rows.indices where !rows[index].reference.podUID.isEmpty && rows[index].reference.container.isEmpty {
            let kills = details.podKills(of: rows[index].reference)
            guard kills > 0 else { continue }
            rows[index].sample.oomKills = (rows[index].sample.oomKills ?? 0) + kills
            table.entries[rows[index].reference.cgroupPath]?.current?.oomKills = rows[index].sample.oomKills
        }
    }

    /// crun makes a cgroup `container` inside the one that its engine names on cgroup v2, and may set the limits of the
    /// container there alone. The rows are in the order of their paths.
    private func addInnerLimits(to rows: inout [NodeSnapshot.Row]) {
        guard layout.memoryVersion == 2 else { return }
        for index in rows.indices.dropLast() where !rows[index].reference.containerID.isEmpty {
            let inner = rows[index + 1]
            guard inner.reference.cgroupPath.hasSuffix("/container"),
                inner.reference.cgroupPath == rows[index].reference.cgroupPath + "/container"
            else { continue }
            rows[index].limits = rows[index].limits.filled(from: inner.limits)
        }
    }

    /// A cgroup that was removed and made anew under its old path between two rounds is another one.
    private func read(_ entry: ContainerEntry, _ hints: HostHints, _ unchanged: HostHints.Unchanged) -> CgroupSample? {
        if let sample = entry.reader.read(time: clock.nanoseconds, hints: hints, unchanged: unchanged) { return sample }
        guard entry.hasBeenRead else { return nil }
        let reader = CgroupReader(path: entry.path, context: entry.reader.context)
        guard let sample = reader.read(time: clock.nanoseconds, hints: hints, unchanged: unchanged) else { return nil }
        tell(.containerDeletion, entry.path)
        countVanished()
        entry.reader = reader
        entry.current = nil
        entry.hasBeenRead = false
        return sample
    }

    private func row(of entry: ContainerEntry, sample: CgroupSample, previous: CgroupSample?) -> NodeSnapshot.Row {
        var row = NodeSnapshot.Row(
            reference: entry.reference, sample: sample, previous: previous, limits: entry.reader.limits, network: entry.network, labels: entry.labels)
        row.cgroupCreated = entry.reader.created
        details.addSizes(to: &row)
        return row
    }

    /// A cgroup has gone.
    private func depart(_ path: String) {
        if table.entries[path]?.hasBeenRead == true { tell(.containerDeletion, path) }
        table.remove(path)
        rings.forget(path)
    }

    private func tell(_ kind: ContainerEvent.Kind, _ path: String) {
        events.append(ContainerEvent(path: path, time: clock.nanoseconds, kind: kind))
    }

    private func countVanished() {
        vanished += 1
        metrics.vanished.increment()
    }

    private func note(_ cpu: Double, _ duration: Duration, files read: UInt64, opened: UInt64, _ cgroups: Int) {
        cpuSeconds += cpu
        metrics.roundDuration.observe(duration)
        metrics.cpuSeconds.value = cpuSeconds
        metrics.roundCPU.value = cpu
        metrics.filesRead.value = Double(read)
        metrics.filesOpened.value = Double(opened)
        metrics.descriptors.value = Double(files.openDescriptors)
        metrics.descriptorLimit.value = Double(files.descriptorLimit)
        metrics.cgroups.value = Double(cgroups)
        metrics.cgroupsBeyondLimit.value = Double(tree.beyondLimit)
        metrics.historyBytes.value = Double(rings.byteCount)
        metrics.historyContainers.value = Double(rings.count)
        metrics.treeWalks.value = Double(tree.walks)
        let last = budget.interval
        let interval = budget.record(cpu, at: ThreadTime.monotonicNanoseconds / 1_000_000)
        guard interval != last else { return }
        metrics.interval.value = Double(interval) / 1000
        logger.notice(
            "measuring \(interval > last ? "less" : "more") often to keep to the CPU budget",
            metadata: ["interval": "\(interval) ms", "budget": "\(configuration.cpuBudget) of a core", "round": "\(cpu) CPU seconds"])
    }
}

extension Int64 {
    /// Milliseconds as nanoseconds, as far as those go.
    fileprivate var nanosecondsSaturating: Int64 {
        let (product, overflow) = multipliedReportingOverflow(by: 1_000_000)
        return overflow ? (self > 0 ? .max - 1_000_000 : .min) : product
    }
}
