import Glibc
import Runtime
import Synchronization

/// Keeps the sizes of directories - writable layers, pods' logs, volumes - up to date in the background, within a share of
/// a core, and gives the newest answer without waiting.
///
/// One thread goes over the directories, the longest unmeasured first. If a file system does not answer, the thread is
/// left to it, the directories of that mount are marked as hung, and another thread goes on with the rest.
public final class DiskUsage: Sendable {
    public struct Configuration: Sendable {
        /// Share of a core; 0.003 is 0.3 %.
        public var cpuShare = 0.003
        /// Nanoseconds of CPU time that may be used at once after a rest: what makes the first answers quick.
        public var burst: Int64 = 20_000_000
        /// Nanoseconds between two passes over a directory.
        public var interval: Int64 = 30_000_000_000
        /// Nanoseconds after which a call to a file system is held to be hung.
        public var timeout: Int64 = 5_000_000_000
        /// Threads that may wait for hung file systems at once; with more, nothing is measured until one returns.
        public var hungLimit = 8
        /// Directories (with all below them) that are measured; more are refused and counted.
        public var targetLimit = 20_000
        /// Directories that are remembered, over all targets: 200 bytes each. Targets beyond it are walked afresh each time.
        public var directoryLimit = 100_000
        public init() {}
    }

    public struct Measurement: Hashable, Sendable {
        /// Allocated bytes, as du(1) counts them.
        public var bytes: UInt64
        /// Files and directories; hard links once.
        public var files: UInt64
        /// Nanoseconds since 1970 at the end of the pass.
        public var time: Int64
        /// Nothing had to be left out.
        public var isExact: Bool
        /// The file system does not answer now: the numbers are those of `time`.
        public var isHung: Bool
    }

    struct Target: Sendable {
        var mountPoint: String
        var tree: DirectoryTree?
        var size: DirectoryTree.Size?
        var measured: Int64 = 0
        /// Steady nanoseconds at which the next pass is due; the smallest goes first.
        var due: Int64 = 0
        /// The worker that has it now.
        var worker: Int?
    }
    struct State: Sendable {
        var targets: [String: Target] = [:]
        var hungMounts: Set<String> = []
        var remembered = 0
        /// The worker that may go on; others end as soon as they come back.
        var worker = 0
        var isRunning = false
        /// Workers that were left behind and are still there.
        var lost = 0
        var isStopped = false
        /// The path that the worker is in a call for and since when (steady); nil while it sleeps or chooses.
        var call: (path: String, since: Int64)?
    }

    let configuration: Configuration
    let clock: any WallClock
    let state = Mutex(State())
    let meters: DiskUsageMetrics
    let open: @Sendable (String) -> (any DirectorySource)?

    public convenience init(configuration: Configuration = Configuration(), clock: any WallClock, metrics: MetricRegistry) {
        self.init(configuration: configuration, clock: clock, metrics: metrics) { DirectoryLister($0) }
    }

    /// `open` is the file system, or what a test puts in its place.
    init(
        configuration: Configuration, clock: any WallClock, metrics: MetricRegistry, open: @escaping @Sendable (String) -> (any DirectorySource)?
    ) {
        self.configuration = configuration
        self.clock = clock
        self.open = open
        meters = DiskUsageMetrics(metrics)
        metrics.gauge("binnacle_collector_disk_usage_targets", "Directories whose size is measured.") { [weak self] in
            Double(self?.state.withLock { $0.targets.count } ?? 0)
        }
        metrics.gauge("binnacle_collector_disk_usage_directories", "Directories that are remembered between two passes.") { [weak self] in
            Double(self?.state.withLock { $0.remembered } ?? 0)
        }
        metrics.gauge("binnacle_collector_disk_usage_hung_mounts", "Mounts that do not answer, whose directories are not measured.") { [weak self] in
            Double(self?.state.withLock { $0.hungMounts.count } ?? 0)
        }
    }

    /// Says which directories are of interest from now on; to be called each round, cheap when nothing changed.
    /// `mounts` tells which share a mount, without asking the file system.
    public func watch(_ paths: Set<String>, mounts: MountTable) {
        state.withLock { state in
            for (path, target) in state.targets where !paths.contains(path) && target.worker == nil {
                state.remembered -= target.tree?.directoryCount ?? 0
                state.targets[path] = nil
            }
            for path in paths where state.targets[path] == nil {
                guard state.targets.count < configuration.targetLimit else {
                    meters.refused.increment()
                    continue
                }
                state.targets[path] = Target(mountPoint: mounts.mount(holding: path)?.point ?? "/")
            }
        }
        checkWorker()
    }

    /// The newest size; nil before the first pass has ended, and if the directory cannot be read.
    public func measurement(of path: String) -> Measurement? {
        state.withLock { state in
            guard let target = state.targets[path], let size = target.size else { return nil }
            return Measurement(
                bytes: size.bytes, files: size.files, time: target.measured, isExact: size.isExact, isHung: state.hungMounts.contains(target.mountPoint))
        }
    }

    /// Ends the thread, after the directory it is at.
    public func stop() { state.withLock { $0.isStopped = true } }

    /// Starts a thread if there is none, and leaves one behind that hangs. Called each round by `watch`.
    private func checkWorker() {
        let now = BackgroundThread.steadyTime
        let worker: Int? = state.withLock { state in
            guard !state.isStopped else { return nil }
            if state.isRunning, let call = state.call, now - call.since > configuration.timeout {
                if let point = state.targets[call.path]?.mountPoint { state.hungMounts.insert(point) }
                // From here on it is not the worker any more, whatever it does when it comes back.
                state.worker += 1
                state.lost += 1
                state.isRunning = false
                state.call = nil
                meters.hung.increment()
            }
            guard !state.isRunning, state.lost < configuration.hungLimit, !state.targets.isEmpty else { return nil }
            state.worker += 1
            state.isRunning = true
            return state.worker
        }
        guard let worker else { return }
        let isRunning = BackgroundThread.start { [self] in DiskUsageWorker(usage: self, number: worker).run() }
        if !isRunning { state.withLock { $0.isRunning = false } }
    }
}

/// What the walks cost and could not do.
struct DiskUsageMetrics: Sendable {
    let entries: Counter
    let directories: Counter
    let passes: Counter
    let cpu: Gauge
    let hung: Counter
    let refused: Counter

    init(_ metrics: MetricRegistry) {
        entries = metrics.counter("binnacle_collector_disk_usage_entries_total", "Files and directories that were looked at to measure sizes.")
        directories = metrics.counter("binnacle_collector_disk_usage_listings_total", "Directories that were listed to measure sizes.")
        passes = metrics.counter("binnacle_collector_disk_usage_passes_total", "Directory trees that were measured.")
        cpu = metrics.gauge("binnacle_collector_disk_usage_cpu_seconds", "CPU time used to measure sizes since the start, in seconds.")
        hung = metrics.counter("binnacle_collector_disk_usage_hung_total", "Times that a file system did not answer.")
        refused = metrics.counter("binnacle_collector_disk_usage_refused_total", "Directories beyond the limit, which are not measured.")
    }
}
