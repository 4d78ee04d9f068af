/// Sums what the tasks of a cgroup have run and waited, and keeps the share of those that ended, so that the sums never
/// fall while tasks come and go.
struct ScheduleTotals {
    private struct Task {
        var runTime: UInt64
        var queueTime: UInt64
        var runPeriods: UInt64
        var seen: UInt32
    }

    private(set) var sum = CgroupSample.Schedule()
    private var tasks: [Int32: Task] = [:]
    private var pass: UInt32 = 0

    /// Tasks that are remembered.
    var taskCount: Int { tasks.count }

    /// A pass looks at each task of the cgroup once; it may take several rounds.
    mutating func beginPass() { pass &+= 1 }

    /// Takes in `/proc/TID/schedstat` of a task. A number that fell means that the kernel gave the task's id to another
    /// one, all of whose time is new.
    mutating func add(task: Int32, runTime: UInt64, queueTime: UInt64, runPeriods: UInt64) {
        let old = tasks[task] ?? Task(runTime: 0, queueTime: 0, runPeriods: 0, seen: 0)
        let isNew = runTime < old.runTime || runPeriods < old.runPeriods || queueTime < old.queueTime
        sum.runTime &+= isNew ? runTime : runTime - old.runTime
        sum.queueTime &+= isNew ? queueTime : queueTime - old.queueTime
        sum.runPeriods &+= isNew ? runPeriods : runPeriods - old.runPeriods
        tasks[task] = Task(runTime: runTime, queueTime: queueTime, runPeriods: runPeriods, seen: pass)
    }

    /// Forgets the tasks that the pass did not meet; their time stays in the sum.
    mutating func endPass() {
        guard tasks.contains(where: { $0.value.seen != pass }) else { return }
        tasks = tasks.filter { $0.value.seen == pass }
    }

    /// Three numbers: nanoseconds on a CPU, nanoseconds waiting for one, times it was put on one. Nil if cut short.
    static func parse(_ bytes: [UInt8], count: Int) -> (runTime: UInt64, queueTime: UInt64, runPeriods: UInt64)? {
        var offset = 0
        guard let run = ByteText.decimal(bytes, count, &offset) else { return nil }
        ByteText.skipSpaces(bytes, count, &offset)
        guard let queue = ByteText.decimal(bytes, count, &offset) else { return nil }
        ByteText.skipSpaces(bytes, count, &offset)
        guard let periods = ByteText.decimal(bytes, count, &offset) else { return nil }
        return (run, queue, periods)
    }
}
