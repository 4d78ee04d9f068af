import Glibc
import Runtime

/// Looks at the processes and threads of cgroups: what they waited for a CPU, in which states they are, what they hold open.
///
/// This is the only part of the Collector whose cost grows with the number of threads, so it looks at a bounded number a
/// round, the longest unvisited cgroups first, and gives for the others what it found last. A cgroup that has used no CPU
/// time since cannot have changed by itself and is looked at every tenth round only.
///
/// Not Sendable: the collector's thread owns it. A round is `beginRound`, a `read` per cgroup, `endRound`.
public final class TaskReader {
    public struct Configuration: Sendable {
        /// Put before /proc, for recorded trees.
        public var root = ""
        /// Of the sets, `sched`, `cpuLoad`, `process` and `referenced_memory` are looked at.
        public var sets: Set<MetricSet> = MetricSet.standard
        /// Files of /proc a round: one for each task's state, each task's schedstat, each process's count of files.
        public var filesPerRound = 300
        /// Entries of `/proc/PID/fd` a round that are looked at to find the sockets.
        public var linksPerRound = 300
        /// Cgroups whose directory and list of tasks stay open.
        public var openGroupLimit = 2_000
        /// Processes whose directory of open files stays open.
        public var openProcessLimit = 2_000
        /// `referenced_memory`: after so many readings of a cgroup the kernel's marks are cleared; 0 is never.
        public var readingsPerClear = 0
        public init() {}
    }

    /// What a set that is off, or a kernel that does not tell, leaves nil.
    public struct Reading: Hashable, Sendable {
        public var schedule: CgroupSample.Schedule?
        public var load: CgroupSample.Load?
        public var descriptors: CgroupSample.Descriptors?
        public var referencedBytes: UInt64?
        public init() {}
    }

    private let configuration: Configuration
    private let mounts: CgroupMounts
    private let statistics: TaskStatistics?
    private var groups: [String: TaskGroupReader] = [:]
    private var round = 0
    private var time: Int64 = 0
    private var openProcesses = 0
    private var budget = TaskBudget()
    private var buffer = [UInt8](repeating: 0, count: 16 << 10)

    private let filesTotal: Counter
    private let postponedTotal: Counter
    private let remembered: Gauge

    public init(mounts: CgroupMounts, configuration: Configuration = Configuration(), metrics: MetricRegistry) {
        self.mounts = mounts
        self.configuration = configuration
        // A recorded tree's cgroups are no cgroups to the kernel.
        statistics = mounts.v1.isEmpty || !configuration.root.isEmpty ? nil : TaskStatistics()
        filesTotal = metrics.counter("binnacle_collector_task_files_total", "Files and links of /proc that were read to look at tasks.")
        postponedTotal = metrics.counter(
            "binnacle_collector_task_readings_postponed_total", "Readings of a cgroup's tasks that waited for a later round, since the budget was used up.")
        remembered = metrics.gauge("binnacle_collector_tasks_remembered", "Tasks whose time is remembered so that sums never fall.")
    }

    /// `time` is that of a clock that does not jump (CLOCK_MONOTONIC), in nanoseconds.
    public func beginRound(time: Int64) {
        round += 1
        self.time = time
        // A listing that took more than was left is paid for in the rounds after it.
        budget = TaskBudget(
            files: configuration.filesPerRound, links: configuration.linksPerRound + min(0, budget.links),
            folders: configuration.openProcessLimit - openProcesses)
        choose()
    }

    /// `processes` are the cgroup's own, as `cgroup.procs` lists them. `isIdle` says that the cgroup has used no CPU time
    /// since the last round.
    public func read(_ path: String, processes: [Int32], isIdle: Bool = false) -> Reading {
        let group = groups[path] ?? make(path)
        groups[path] = group
        group.used = round
        let before = budget
        group.read(processes: processes, isIdle: isIdle, round: round, time: time, statistics: statistics, budget: &budget, buffer: &buffer)
        filesTotal.increment(by: UInt64(max(0, before.files - budget.files + before.links - budget.links)))
        if group.isPostponed { postponedTotal.increment() }
        return group.reading
    }

    /// Forgets the cgroups that were not asked for in this round.
    public func endRound() {
        for (path, group) in groups where group.used != round { groups[path] = nil }
        openProcesses = groups.values.reduce(0) { $0 + $1.openProcesses }
        remembered.value = Double(groups.values.reduce(0) { $0 + $1.rememberedTasks })
    }

    /// Who may spend this round: all if that fits, else those who have waited longest, as many as fit, one at least.
    private func choose() {
        let demand = groups.values.reduce(0) { $0 + $1.demand }
        if demand <= budget.files {
            for group in groups.values { group.mayRead = true }
            return
        }
        var left = budget.files
        for (_, group) in groups.sorted(by: { ($0.value.lastTurn, $0.key) < ($1.value.lastTurn, $1.key) }) {
            group.mayRead = left > 0
            left -= group.demand
        }
    }

    private func make(_ path: String) -> TaskGroupReader {
        // Any v1 hierarchy would do; v2 if there is no v1 controller at all.
        let place = ["cpu", "cpuacct", "pids", "memory"].lazy.compactMap { self.mounts.directory(controller: $0, path: path) }
        let chosen = place.first { $0.version == 1 } ?? place.first
        return TaskGroupReader(
            directory: chosen?.path, version: chosen?.version ?? 0, root: configuration.root, sets: configuration.sets,
            keepsOpen: groups.count < configuration.openGroupLimit, readingsPerClear: configuration.readingsPerClear)
    }
}

/// What may still be read in this round.
struct TaskBudget {
    var files = 0
    var links = 0
    /// Directories that may still be kept open.
    var folders = 0
}
