import Glibc
import Runtime

/// The tasks of one cgroup, over the rounds. A pass looks at each task once and may take several rounds.
final class TaskGroupReader {
    private let directory: String?
    private let version: Int
    private let root: String
    private let sets: Set<MetricSet>
    private let keepsOpen: Bool
    private let readingsPerClear: Int

    private var folder: HostFile?
    private var taskList: HostFile?
    private var schedule = ScheduleTotals()
    private var load = TaskLoad()
    private var loadTime: Int64 = 0
    /// Tasks that the pass has still to look at, the next one last, and what it found up to now.
    private var pending: [Int32] = []
    private var isInPass = false
    private var states = TaskStates()
    private var knownStates: TaskStates?
    private var descriptors = DescriptorTotals()
    private var readings = 0

    /// Rounds: of the last use, of the last time that it could spend, of the last complete look.
    var used = 0
    private(set) var lastTurn = 0
    private var lastPass = 0
    /// Set by the owner for each round; a new cgroup may always try.
    var mayRead = true
    /// It wanted to look and could not, or not to the end.
    private(set) var isPostponed = false
    /// Files that a look at all tasks takes, as far as known.
    private(set) var demand = 1
    private(set) var reading = TaskReader.Reading()

    private static let roundsBetweenIdlePasses = 10

    init(directory: String?, version: Int, root: String, sets: Set<MetricSet>, keepsOpen: Bool, readingsPerClear: Int) {
        self.directory = directory
        self.version = version
        self.root = root
        self.sets = sets
        self.keepsOpen = keepsOpen
        self.readingsPerClear = readingsPerClear
    }

    var rememberedTasks: Int { schedule.taskCount }

    func read(
        processes: [Int32], isIdle: Bool, round: Int, time: Int64, statistics: TaskStatistics?, budget: inout TaskBudget, buffer: inout [UInt8]
    ) {
        isPostponed = false
        let asksKernel = version == 1 && statistics != nil
        if sets.contains(.cpuLoad), asksKernel { knownStates = folderStates(statistics, &buffer) ?? knownStates }
        // Nothing of a cgroup that did not run can have changed.
        let isDue = !isIdle || lastPass == 0 || isInPass || round - lastPass >= Self.roundsBetweenIdlePasses
        if isDue, mayRead, budget.files > 0 {
            lastTurn = round
            let needsStates = sets.contains(.cpuLoad) && !asksKernel
            let isComplete = look(processes, needsStates: needsStates, round: round, budget: &budget, buffer: &buffer)
            if isComplete { lastPass = round }
            isPostponed = !isComplete
        } else if isDue {
            isPostponed = true
        }
        if sets.contains(.cpuLoad), let knownStates {
            reading.load = load.update(knownStates, elapsed: loadTime == 0 ? 0 : Double(time - loadTime) / 1e9)
            loadTime = time
        }
        if !keepsOpen {
            folder = nil
            taskList = nil
        }
    }

    /// Looks at what the sets need; false if the budget ended first.
    private func look(_ processes: [Int32], needsStates: Bool, round: Int, budget: inout TaskBudget, buffer: inout [UInt8]) -> Bool {
        let needsSchedule = sets.contains(.schedstat)
        var files = 0
        var isComplete = true
        if needsStates || needsSchedule {
            isComplete = pass(needsStates: needsStates, needsSchedule: needsSchedule, budget: &budget, buffer: &buffer)
            files += (needsStates ? lastTaskCount : 0) + (needsSchedule ? lastTaskCount : 0)
        }
        if sets.contains(.process) {
            files += processes.count
            let found = descriptors.read(processes, root: root, round: round, budget: &budget, buffer: &buffer)
            if let sums = found.sums { reading.descriptors = sums }
            if !found.isComplete { isComplete = false }
        }
        if sets.contains(.referencedMemory) {
            files += processes.count
            reading.referencedBytes = referenced(processes, budget: &budget, buffer: &buffer) ?? reading.referencedBytes
        }
        demand = max(1, files)
        return isComplete
    }

    private var lastTaskCount = 0

    private func pass(needsStates: Bool, needsSchedule: Bool, budget: inout TaskBudget, buffer: inout [UInt8]) -> Bool {
        if !isInPass {
            guard let tasks = listTasks(&budget, &buffer) else { return true }
            pending = tasks
            lastTaskCount = tasks.count
            isInPass = true
            states = TaskStates()
            schedule.beginPass()
        }
        while let task = pending.last, budget.files > 0 {
            pending.removeLast()
            if needsStates, let count = content("stat", of: task, &budget, &buffer), let state = TaskStates.state(buffer, count: count) {
                states.add(state)
            }
            if needsSchedule, let count = content("schedstat", of: task, &budget, &buffer),
                let values = ScheduleTotals.parse(buffer, count: count)
            {
                schedule.add(task: task, runTime: values.runTime, queueTime: values.queueTime, runPeriods: values.runPeriods)
            }
        }
        // Sums only grow, so half a pass is worth showing; counts of states are not.
        if needsSchedule { reading.schedule = schedule.sum }
        guard pending.isEmpty else { return false }
        isInPass = false
        if needsSchedule { schedule.endPass() }
        if needsStates { knownStates = states }
        return true
    }

    /// The ids of all threads of the cgroup: `tasks` in v1, `cgroup.threads` in v2.
    private func listTasks(_ budget: inout TaskBudget, _ buffer: inout [UInt8]) -> [Int32]? {
        budget.files -= 1
        return taskListText(&buffer).map { ProcessList.parse(buffer, count: $0) }
    }

    private func taskListText(_ buffer: inout [UInt8]) -> Int? {
        guard let directory else { return nil }
        if taskList == nil { taskList = try? HostFile("\(directory)/\(version == 1 ? "tasks" : "cgroup.threads")", flags: O_RDONLY) }
        let count = taskList?.readWhole(into: &buffer)
        if count == nil { taskList = nil }
        return count
    }

    /// The kernel's own count. It compares whole state words, so since Linux 6.1, where most sleepers carry a flag more
    /// (TASK_FREEZABLE), it leaves them out; they are all that is not counted otherwise.
    private func folderStates(_ statistics: TaskStatistics?, _ buffer: inout [UInt8]) -> TaskStates? {
        guard let directory, let statistics else { return nil }
        if folder == nil { folder = try? HostFile(directory, flags: O_RDONLY | O_DIRECTORY) }
        guard let folder, var states = statistics.states(of: folder.descriptor) else { return nil }
        if let count = taskListText(&buffer) {
            let tasks = UInt64(buffer[..<count].count { $0 == ByteText.newline })
            let others = states.running + states.stopped + states.uninterruptible + states.ioWaiting
            states.sleeping = max(states.sleeping, tasks - min(tasks, others))
        }
        return states
    }

    /// A task's own directory answers under its id, though /proc does not list it.
    private func content(_ name: StaticString, of task: Int32, _ budget: inout TaskBudget, _ buffer: inout [UInt8]) -> Int? {
        budget.files -= 1
        guard let file = try? HostFile("\(root)/proc/\(task)/\(name)", flags: O_RDONLY) else { return nil }
        return try? file.read(into: &buffer)
    }

    private func referenced(_ processes: [Int32], budget: inout TaskBudget, buffer: inout [UInt8]) -> UInt64? {
        var sum: UInt64?
        readings += 1
        let clears = readingsPerClear > 0 && readings % readingsPerClear == 0
        for process in processes where budget.files > 0 {
            guard let count = content("smaps_rollup", of: process, &budget, &buffer) else { continue }
            if let bytes = MemoryMapText.referenced(buffer, count: count) { sum = (sum ?? 0) &+ bytes }
            if clears, let file = try? HostFile("\(root)/proc/\(process)/clear_refs", flags: O_WRONLY) { try? file.write([UInt8(ascii: "1")]) }
        }
        return sum
    }
}

/// Lists of process or thread numbers, one a line, as cgroup files have them.
public enum ProcessList {
    /// The positive numbers; other lines are left out (0 is a process of another PID namespace).
    public static func parse(_ bytes: [UInt8], count: Int) -> [Int32] {
        var all: [Int32] = []
        var offset = 0
        while offset < count {
            if let value = ByteText.decimal(bytes, count, &offset), value > 0, let number = Int32(exactly: value) { all.append(number) }
            ByteText.skipLine(bytes, count, &offset)
        }
        return all
    }
}

enum MemoryMapText {
    /// The sum of the lines `Referenced: N kB` of smaps or smaps_rollup, in bytes; nil if there is none.
    static func referenced(_ bytes: [UInt8], count: Int) -> UInt64? {
        var sum: UInt64?
        var offset = 0
        while offset < count {
            if ByteText.starts(bytes, count, offset, "Referenced:") {
                offset += 11
                ByteText.skipSpaces(bytes, count, &offset)
                if let kilobytes = ByteText.decimal(bytes, count, &offset) { sum = (sum ?? 0) &+ kilobytes &* 1024 }
            }
            ByteText.skipLine(bytes, count, &offset)
        }
        return sum
    }
}
