import Glibc
import Runtime

/// Sums the open files and sockets of a cgroup's processes.
///
/// Since Linux 6.2 one stat(2) tells how many files a process has open. Counting sockets reads a link for each of them; so
/// a process's sockets are counted again when that number has changed and three rounds have passed, and every thirtieth round
/// otherwise.
struct DescriptorTotals {
    private struct Process {
        var files: UInt64 = 0
        var sockets: UInt64 = 0
        /// The round of the last listing; 0 before the first.
        var listed = 0
        /// Open files at that listing.
        var filesListed: UInt64 = 0
        /// The pass in which it was asked last.
        var pass = 0
        /// It did not let itself be asked.
        var isClosed = false
        /// Rounds for which it is taken to have no open files: a kernel thread has none as long as it lives.
        var rest = 0
        /// Its `/proc/PID/fd`, which answers for this process only: the next one with its number is another directory.
        var folder: HostFile?
    }
    private var processes: [Int32: Process] = [:]
    private var limits: (process: Int32, round: Int, soft: Int64, hard: Int64)?
    private var pass = 1

    var openCount: Int { processes.values.count { $0.folder != nil } }

    static let roundsBetweenListings = 30
    /// Where the number of open files keeps changing.
    static let roundsBetweenChanges = 3
    static let roundsWithoutFiles = 10
    static let roundsBetweenLimits = 60
    /// Entries that one listing looks at; a process with more open files has its sockets counted as far as that.
    static let listingLimit = 100_000

    /// Asks each process once a pass, which goes on in the next round where the budget ended. Returns the sums, nil before
    /// all processes have been asked once or if none lets itself be, and whether the pass is complete.
    mutating func read(
        _ list: [Int32], root: String, round: Int, budget: inout TaskBudget, buffer: inout [UInt8]
    ) -> (sums: CgroupSample.Descriptors?, isComplete: Bool) {
        var sums = CgroupSample.Descriptors()
        var (isComplete, isKnown, isOpen) = (true, true, list.isEmpty)
        for pid in list {
            var process = processes[pid] ?? Process()
            if process.pass != pass {
                if budget.files > 0 {
                    ask(pid, &process, root, round, &budget)
                } else {
                    isComplete = false
                }
            }
            if process.pass == 0 { isKnown = false }
            if process.pass != 0, !process.isClosed { isOpen = true }
            sums.files += process.files
            sums.sockets += process.sockets
        }
        if isComplete {
            if processes.count > list.count { processes = processes.filter { $0.value.pass == pass } }
            pass += 1
        }
        guard isKnown, isOpen else { return (nil, isComplete) }
        if let first = list.first { readLimits(first, root, round, &budget, &buffer) }
        if let limits {
            sums.softLimit = limits.soft
            sums.hardLimit = limits.hard
        }
        return (sums, isComplete)
    }

    private mutating func ask(_ pid: Int32, _ process: inout Process, _ root: String, _ round: Int, _ budget: inout TaskBudget) {
        process.pass = pass
        if process.rest > 0 {
            process.rest -= 1
            processes[pid] = process
            return
        }
        budget.files -= 1
        var folder = process.folder
        var files = folder.flatMap(DescriptorCount.files)
        // Before Linux 6.2 the directory of a process that has ended looks like an empty one.
        if files ?? 0 == 0 {
            if process.folder != nil { budget.folders += 1 }
            folder = try? HostFile("\(root)/proc/\(pid)/fd", flags: O_RDONLY | O_DIRECTORY)
            files = folder.flatMap(DescriptorCount.files)
            process.folder = files ?? 0 > 0 && budget.folders > 0 ? folder : nil
            if process.folder != nil { budget.folders -= 1 }
        }
        process.isClosed = files == nil
        if files == 0 { process.rest = Self.roundsWithoutFiles }
        let age = round - process.listed
        let isStale =
            process.listed == 0 || age >= Self.roundsBetweenListings
            // The number that the sockets were counted at, not that of the pass before.
            || (process.filesListed != files && (age >= Self.roundsBetweenChanges || process.filesListed == 0))
        process.files = files ?? 0
        if files ?? 0 == 0 { process.sockets = 0 }
        // A listing runs to its end; what it takes beyond the budget is missing in the rounds after.
        if let folder, files ?? 0 > 0, isStale, budget.links > 0, let found = DescriptorCount.list(folder, looking: true, limit: Self.listingLimit) {
            budget.links -= Int(found.files)
            process.sockets = found.sockets
            process.listed = round
            process.filesListed = files ?? 0
        }
        processes[pid] = process
    }

    private mutating func readLimits(_ pid: Int32, _ root: String, _ round: Int, _ budget: inout TaskBudget, _ buffer: inout [UInt8]) {
        if let limits, limits.process == pid, round - limits.round < Self.roundsBetweenLimits { return }
        budget.files -= 1
        guard let file = try? HostFile("\(root)/proc/\(pid)/limits", flags: O_RDONLY), let count = file.readWhole(into: &buffer),
            let found = DescriptorCount.limits(buffer, count: count)
        else { return }
        limits = (pid, round, found.soft, found.hard)
    }
}
