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
    public struct Configuration: Sendable {
        public var nodeName: String
        public var interval: Duration = .seconds(1)
        /// Put before /proc and /sys, for recorded trees.
        public var root = ""
        /// The file system that holds it is the node's `fs`.
        public var dataDirectory: String
        /// Rounds that wait for the sink; the oldest is dropped and counted beyond that.
        public var pendingLimit = 60
        public init(nodeName: String, dataDirectory: String) {
            self.nodeName = nodeName
            self.dataDirectory = dataDirectory
        }
    }

    private let configuration: Configuration
    private let source: any ContainerSource
    private let clock: any WallClock
    private let logger: Logger
    public nonisolated let machine: MachineInfo
    public nonisolated let mounts: CgroupMounts
    private let nodeReader: NodeReader
    private var readers: [String: CgroupReader] = [:]
    private var networkFiles: [Int32: HostFile] = [:]
    private var limits: [String: CgroupLimits] = [:]
    private var previous: [String: CgroupSample] = [:]
    private var diskUse: [String: (log: UInt64?, layer: (bytes: UInt64, files: UInt64)?)] = [:]
    private var buffer = [UInt8](repeating: 0, count: 64 << 10)
    private var builder: FrameBuilder
    private var round = 0
    private var latest: NodeSnapshot?
    private var vanished: UInt64 = 0

    private let roundDuration: Histogram
    private let vanishedTotal: Counter
    private let droppedRounds: Counter
    private let lateRounds: Counter

    public init(
        configuration: Configuration, source: any ContainerSource, fileSystem: any FileSystem, clock: any WallClock, metrics: MetricRegistry,
        logger: Logger
    ) {
        self.configuration = configuration
        self.source = source
        self.clock = clock
        self.logger = logger
        machine = MachineInfo(fileSystem: fileSystem, root: configuration.root)
        mounts = CgroupMounts(mountinfo: (try? fileSystem.text(configuration.root + "/proc/self/mountinfo")) ?? "", prefix: configuration.root)
        nodeReader = NodeReader(root: configuration.root)
        builder = FrameBuilder(nodeName: configuration.nodeName)
        roundDuration = metrics.histogram("binnacle_collector_round_duration_seconds", "Time to read everything once.")
        vanishedTotal = metrics.counter("binnacle_collector_vanished_total", "Cgroups and processes that vanished between two reads.")
        droppedRounds = metrics.counter("binnacle_collector_rounds_dropped_total", "Rounds that the store did not take in time.")
        lateRounds = metrics.counter("binnacle_collector_rounds_late_total", "Rounds that were skipped because the one before took too long.")
    }

    /// The newest round; a first one is made if there is none yet.
    public func snapshot() async -> NodeSnapshot {
        if let latest { return latest }
        return await measure(at: clock.now)
    }

    /// Measures each interval, aligned to it, and hands the frames to the sink, which may lag behind.
    public func run(sink: any SampleSink) async throws {
        let (rounds, deliver) = AsyncStream.makeStream(of: [SampleFrame].self, bufferingPolicy: .bufferingNewest(configuration.pendingLimit))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await self.deliver(rounds, to: sink) }
            let interval = configuration.interval.wholeMilliseconds
            while !Task.isCancelled {
                let now = clock.now.milliseconds
                let due = (now / interval + 1) * interval
                do { try await Task.sleep(for: .milliseconds(due - now)) } catch { break }
                let snapshot = await measure(at: Timestamp(milliseconds: due))
                if case .dropped = deliver.yield(builder.frames(for: snapshot)) { droppedRounds.increment() }
                let after = clock.now.milliseconds
                if after > due + interval { lateRounds.increment(by: UInt64((after - due) / interval)) }
            }
            deliver.finish()
            try await group.waitForAll()
        }
    }

    private nonisolated func deliver(_ rounds: AsyncStream<[SampleFrame]>, to sink: any SampleSink) async {
        for await frames in rounds {
            do {
                try await sink.append(frames)
            } catch {
                // The store says what is wrong and counts it; the node is measured all the same.
                droppedRounds.increment()
                logger.warning("samples were not stored", metadata: ["error": "\(error)", "samples": "\(frames.reduce(0) { $0 + $1.values.count })"])
            }
        }
    }

    /// Reads everything once.
    private func measure(at timestamp: Timestamp) async -> NodeSnapshot {
        let references = await source.containers()
        let start = ContinuousClock.now
        var rows: [NodeSnapshot.Row] = []
        let parents = ["/", "/kubepods", "/kubepods/burstable", "/kubepods/besteffort"].map { ContainerReference(cgroupPath: $0) }
        for reference in parents + references {
            if let row = row(for: reference) { rows.append(row) }
        }
        rows.sort { $0.reference.cgroupPath < $1.reference.cgroupPath }
        let node = nodeReader.sample(buffer: &buffer)
        if let root = rows.firstIndex(where: { $0.reference.cgroupPath == "/" }) {
            var reading = NetworkReading()
            reading.interfaces = node.network
            rows[root].network = reading
        }
        forget(allBut: Set(rows.map(\.reference.cgroupPath)), networks: Set(references.map(\.networkPID)))
        round += 1
        let snapshot = NodeSnapshot(
            timestamp: timestamp, machine: machine, nodeName: configuration.nodeName, node: node,
            rootFileSystem: FileSystemUsage.of(path: configuration.dataDirectory), rows: rows, vanished: vanished)
        latest = snapshot
        roundDuration.observe(ContinuousClock.now - start)
        return snapshot
    }

    private func row(for reference: ContainerReference) -> NodeSnapshot.Row? {
        let path = reference.cgroupPath
        let reader = readers[path] ?? CgroupReader(path: path, mounts: mounts)
        guard let sample = reader.sample(time: clock.nanoseconds, buffer: &buffer) else {
            // The classes' own cgroups come with the first pod; a container's is missed.
            if !reference.pod.isEmpty { countVanished() }
            return nil
        }
        readers[path] = reader
        // Limits change rarely, sizes on disk cost a walk.
        if limits[path] == nil || round % 10 == 0 { limits[path] = reader.limits(buffer: &buffer) }
        if !reference.logDirectory.isEmpty || !reference.writableLayer.isEmpty, diskUse[path] == nil || round % 60 == 0 {
            diskUse[path] = (
                log: reference.logDirectory.isEmpty ? nil : DirectorySize.measure(reference.logDirectory)?.bytes,
                layer: reference.writableLayer.isEmpty ? nil : DirectorySize.measure(reference.writableLayer)
            )
        }
        let row = NodeSnapshot.Row(
            reference: reference, sample: sample, previous: previous[path], limits: limits[path] ?? CgroupLimits(),
            network: reference.networkPID > 0 ? network(of: reference.networkPID) : nil, logBytes: diskUse[path]?.log,
            writableLayer: diskUse[path]?.layer)
        previous[path] = sample
        return row
    }

    private func network(of pid: Int32) -> NetworkReading? {
        if networkFiles[pid] == nil { networkFiles[pid] = try? HostFile("\(configuration.root)/proc/\(pid)/net/dev", flags: O_RDONLY) }
        guard let count = try? networkFiles[pid]?.read(into: &buffer) else {
            networkFiles[pid] = nil
            countVanished()
            return nil
        }
        var reading = NetworkReading()
        reading.interfaces = NetworkCounters.parse(String(decoding: buffer[..<count], as: UTF8.self))
        return reading
    }

    private func countVanished() {
        vanished += 1
        vanishedTotal.increment()
    }

    private func forget(allBut paths: Set<String>, networks: Set<Int32>) {
        for path in readers.keys where !paths.contains(path) {
            readers[path] = nil
            limits[path] = nil
            previous[path] = nil
            diskUse[path] = nil
        }
        for pid in networkFiles.keys where !networks.contains(pid) { networkFiles[pid] = nil }
    }
}
