import HTTP
import JSON
import NodeEndpoint
import Runtime
import Synchronization
import Telemetry
import TestKit

@testable import NodeStats

/// A node that was never there: each field of each reading has a number of its own, so that two that were swapped are seen.
struct Fixture: NodeReadings {
    var snapshot: NodeSnapshot
    var past: [String: [NodeSnapshot.Row]] = [:]
    let sets = Set(MetricSet.allCases)

    static let start = Timestamp(milliseconds: 1_700_000_000_000)

    func snapshot(maximumAge: Duration?) async -> NodeSnapshot { snapshot }
    func history(of path: String, from: Timestamp?, through: Timestamp?, limit: Int) async -> [NodeSnapshot.Row] {
        let rows = (past[path] ?? []).filter { row in
            let time = Timestamp(milliseconds: row.sample.time / 1_000_000)
            return time >= from ?? Timestamp(milliseconds: .min) && time <= through ?? Timestamp(milliseconds: .max)
        }
        return Array(rows.suffix(limit))
    }

    init() {
        let tree = TemporaryDirectory("node")
        let files = HostFileSystem()
        for (path, text) in [
            ("proc/stat", "cpu  0 0 0 0\ncpu0 100 0 50 1000 10 0 0 0\ncpu1 200 0 60 900 20 0 0 0\nbtime 1699990000\n"),
            ("proc/meminfo", "MemTotal: 4096000 kB\nMemFree: 1000000 kB\nInactive(file): 96000 kB\nSwapTotal: 2048 kB\nSwapFree: 1024 kB\n"),
            ("proc/sys/kernel/random/boot_id", "b-1\n"), ("proc/sys/kernel/osrelease", "6.1.0\n"), ("sys/class/dmi/id/product_uuid", "u-1\n"),
            ("etc/machine-id", "m-1\n"), ("etc/os-release", "PRETTY_NAME=\"Debian\"\n"),
        ] {
            let full = tree.file(path)
            try? files.makeDirectory(String(full[..<(full.lastIndex(of: "/") ?? full.endIndex)]), mode: 0o700)
            try? files.write(full, Array(text.utf8))
        }
        let machine = MachineInfo(fileSystem: files, root: tree.path)
        var node = NodeSample()
        node.memory = [
            ("MemTotal_bytes", 4_194_304_000), ("MemFree_bytes", 1_024_000_000), ("Inactive_file_bytes", 98_304_000), ("SwapTotal_bytes", 2_097_152),
            ("SwapFree_bytes", 1_048_576),
        ]
        node.load = [0.5, 0.25, 0.125]
        var eth0 = NetworkCounters(interface: "eth0")
        (eth0.receivedBytes, eth0.receivedPackets, eth0.receiveErrors, eth0.receiveDrops) = (101, 102, 103, 104)
        (eth0.transmittedBytes, eth0.transmittedPackets, eth0.transmitErrors, eth0.transmitDrops) = (105, 106, 107, 108)
        node.network = [eth0]
        let room = FileSystemUsage(
            device: "/dev/sda1", mountPoint: "/", type: "ext4", size: 1_000_000, free: 400_000, available: 300_000, files: 1000, filesFree: 900)
        node.fileSystems = [room]
        snapshot = NodeSnapshot(
            timestamp: Self.start, machine: machine, nodeName: "n1", node: node, rootFileSystem: room, rows: [], vanished: 3)
        snapshot.rows = [
            row(ContainerReference(cgroupPath: "/")), row(ContainerReference(cgroupPath: "/kubepods")), row(Self.pod), row(Self.container), row(Self.docker),
        ]
        snapshot.rows[2].volumes = [.init(name: "data", claim: "claim-1", usage: room), .init(name: "cache", claim: "", usage: room)]
        snapshot.rows[2].network = network(eth0)
        snapshot.rows[0].network = network(eth0)
        snapshot.rows.sort { $0.reference.cgroupPath < $1.reference.cgroupPath }
        for row in snapshot.rows { past[row.reference.cgroupPath] = history(of: row) }
    }

    static var pod: ContainerReference {
        ContainerReference(cgroupPath: "/kubepods/pod1", pod: "web", namespace: "shop", podUID: "uid-1", started: 1_699_999_000_000_000_000)
    }
    static var container: ContainerReference {
        var reference = ContainerReference(
            cgroupPath: "/kubepods/pod1/c1", name: "c1", image: "nginx:1", container: "nginx", pod: "web", namespace: "shop", podUID: "uid-1",
            started: 1_699_999_001_000_000_000)
        reference.runtime = "binnacle"
        reference.containerLabels = [("app", "web")]
        return reference
    }
    /// A name that would break out of HTML, JSON, a label and an address.
    static let evilName = "<script>alert(\"1\")</script>\n'&\\"
    static var docker: ContainerReference {
        var reference = ContainerReference(cgroupPath: "/docker/0123456789abcdef", name: evilName, image: "busybox", started: 1_699_999_002_000_000_000)
        reference.runtime = "docker"
        reference.containerID = "0123456789abcdef"
        reference.created = 1_699_998_000_000_000_000
        reference.health = 1
        return reference
    }

    private func network(_ counters: NetworkCounters) -> NetworkReading {
        var reading = NetworkReading()
        reading.interfaces = [counters]
        reading.tcp = Array(1...11)
        reading.tcp6 = Array(21...31)
        reading.udp = .init()
        reading.udp?.listen = 41
        reading.udp?.receiveQueued = 43
        reading.advanced = [("RtoAlgorithm", 1), ("MaxConn", -1), ("TCPTimeouts", 9)]
        return reading
    }

    /// Every reading, numbered from 1001.
    private func row(_ reference: ContainerReference) -> NodeSnapshot.Row {
        var sample = CgroupSample()
        sample.time = Self.start.milliseconds * 1_000_000
        var next: UInt64 = 1000
        func number() -> UInt64 {
            next += 1
            return next
        }
        for field in [
            \CgroupSample.cpuUsage, \.cpuUser, \.cpuSystem, \.periods, \.throttledPeriods, \.throttledTime, \.burstPeriods, \.burstTime, \.memoryUsage,
            \.memoryPeak, \.memoryCache, \.memoryRSS, \.memoryMapped, \.memorySwap, \.memoryKernel, \.inactiveFile, \.activeFile, \.fileDirty,
            \.fileWriteback, \.pageFaults, \.majorPageFaults, \.ownPageFaults, \.ownMajorPageFaults, \.pagesScanned, \.pagesStolen, \.refaultsFile,
            \.refaultsAnonymous, \.memoryFailures, \.highEvents, \.maxEvents, \.oomKills, \.memoryMigrate, \.referencedBytes, \.processes, \.threads,
        ] { sample[keyPath: field] = number() }
        sample.memoryUsage = 5000
        sample.cpuUsageByCPU = [number(), number()]
        sample.schedule = .init()
        (sample.schedule!.runTime, sample.schedule!.queueTime, sample.schedule!.runPeriods) = (number(), number(), number())
        sample.load = .init()
        (sample.load!.sleeping, sample.load!.running, sample.load!.stopped) = (number(), number(), number())
        (sample.load!.uninterruptible, sample.load!.ioWaiting, sample.load!.average, sample.load!.uninterruptibleAverage) =
            (number(), number(), number(), number())
        var numa = CgroupSample.NUMANode(node: 0)
        (numa.file, numa.anonymous, numa.unevictable) = (number(), number(), number())
        (numa.hierarchyFile, numa.hierarchyAnonymous, numa.hierarchyUnevictable) = (number(), number(), number())
        sample.numa = [numa]
        var pages = CgroupSample.HugePages(size: "2MB")
        (pages.usage, pages.peak, pages.failures) = (number(), number(), number())
        sample.hugePages = [pages]
        sample.descriptors = .init()
        (sample.descriptors!.files, sample.descriptors!.sockets, sample.descriptors!.softLimit) = (number(), number(), 1024)
        var device = CgroupSample.DeviceIO(major: 8, minor: 16, name: "/dev/sdb")
        (device.readBytes, device.writeBytes, device.discardBytes, device.reads, device.writes) = (number(), number(), number(), number(), number())
        (device.sectors, device.ioTime, device.costUsage, device.costWait) = (number(), number(), number(), number())
        device.queued = [.init("Read", number()), .init("Total", number())]
        sample.devices = [device]
        var pressure = CgroupSample.Pressure()
        (pressure.some.average10, pressure.some.average60, pressure.some.total) = (1.5, 0.25, number())
        (pressure.full.average300, pressure.full.total) = (0.5, number())
        (sample.cpuPressure, sample.memoryPressure, sample.ioPressure) = (pressure, pressure, pressure)
        sample.perfEvents = [.init(name: "cycles", cpu: 1, value: number(), scaling: 0.5)]
        var domain = CgroupSample.ResctrlDomain(node: "0")
        (domain.bandwidthTotal, domain.bandwidthLocal, domain.cacheOccupancy) = (number(), number(), number())
        sample.resctrl = [domain]
        var limits = CgroupLimits()
        (limits.shares, limits.quota, limits.period, limits.memory, limits.threads) = (512, 50_000, 100_000, 10_000, 99)
        limits.cpuMask = "0-1"
        var row = NodeSnapshot.Row(reference: reference, sample: sample, previous: nil, limits: limits, network: nil, logBytes: nil, writableLayer: nil)
        row.previous = before(sample, seconds: 1)
        if !reference.container.isEmpty || reference.runtime == "docker" {
            row.logBytes = 2001
            row.writableLayer = (bytes: 2002, files: 2003)
            row.fileSystems = [
                ContainerFileSystem(
                    device: "/dev/sda1", type: "ext4", capacity: 1_000_000, available: 300_000, inodes: 1000, inodesFree: 900, usage: 4003,
                    layerBytes: 2002, layerFiles: 2003, isHung: false, measured: 0)
            ]
        }
        return row
    }

    /// The same a while ago: half a core's use less for each second.
    private func before(_ sample: CgroupSample, seconds: Int64) -> CgroupSample {
        var old = sample
        old.time -= seconds * 1_000_000_000
        old.cpuUsage = sample.cpuUsage.map { $0 &- UInt64(min(500, $0)) }
        return old
    }

    /// Ten minutes, a row a second; half a core all the time, memory that rises by a page a second.
    private func history(of row: NodeSnapshot.Row) -> [NodeSnapshot.Row] {
        (0..<600).map { age in
            var old = row
            let back = Int64(599 - age)
            old.sample.time -= back * 1_000_000_000
            old.sample.cpuUsage = UInt64(1_000_000_000_000 - back * 500_000_000)
            old.sample.memoryUsage = UInt64(10_000_000 - back * 4096)
            return old
        }
    }
}

/// Events of a list, and live ones as a test sends them.
final class FakeEvents: EventSource {
    let list: [ContainerEvent]
    private let listener = Mutex<(query: EventLog.Query, continuation: AsyncStream<ContainerEvent>.Continuation)?>(nil)
    init(_ list: [ContainerEvent]) { self.list = list }

    func past(_ query: EventLog.Query) async -> [ContainerEvent] {
        let matching = list.filter { query.matches($0) }
        return query.limit < 0 ? matching : Array(matching.suffix(query.limit))
    }
    func live(_ query: EventLog.Query) async -> AsyncStream<ContainerEvent>? {
        let (stream, continuation) = AsyncStream.makeStream(of: ContainerEvent.self)
        listener.withLock { $0 = (query, continuation) }
        return stream
    }
    func send(_ event: ContainerEvent) {
        listener.withLock { listener in
            if let listener, listener.query.matches(event) { listener.continuation.yield(event) }
        }
    }
    func finish() { listener.withLock { $0?.continuation.finish() } }
}

/// What a request gets, as text.
struct Answer {
    var status: Int
    var fields: HTTPFields
    var text: String
    var json: JSON { (try? JSON.parse(text)) ?? .null }
}

extension Fixture {
    func router(events: any EventSource = NoEvents(), checks: [HealthCheck] = [HealthCheck("ping") { nil }], page: Bool = true) -> HTTPRouter {
        var options = NodeEndpoint.Options()
        options.version = "1.2.3"
        options.hasStatusPage = page
        options.owners = { [.init(name: "docker", isWell: false, message: "no socket")] }
        var router = HTTPRouter()
        NodeEndpoint(readings: self, events: events, registry: MetricRegistry(), pods: nil, checks: checks, options: options).register(on: &router)
        return router
    }

    /// `target` has the query in it, not escaped.
    func get(_ target: String, method: String = "GET", body: String = "", on router: HTTPRouter? = nil) async -> Answer {
        let halves = target.split(separator: "?", maxSplits: 1).map(String.init)
        let query =
            halves.count < 2
            ? []
            : halves[1].split(separator: "&").map { pair -> (name: String, value: String) in
                let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
                return (parts[0], parts.count > 1 ? parts[1] : "")
            }
        let response = await (router ?? self.router()).respond(to: HTTPRequest(method: method, path: halves[0], query: query, body: Array(body.utf8)))
        let bytes = try? await response.wholeBody()
        return Answer(status: response.status, fields: response.fields, text: String(decoding: bytes ?? [], as: UTF8.self))
    }
}
