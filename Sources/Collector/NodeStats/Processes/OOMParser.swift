/// Puts the kernel's lines about one OOM kill together. The lines are those of Linux 4.x to 6.x:
///
///     NAME invoked oom-killer: gfp_mask=..., order=0, oom_score_adj=0
///     Task in /victim killed as a result of limit of /limited               (before 5.0)
///     oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=...,mems_allowed=0,oom_memcg=/limited,task_memcg=/victim,task=NAME,pid=N,uid=0   (from 5.0)
///     Tasks in /limited are going to be killed due to memory.oom.group set  (then a `Killed process` for each)
///     Memory cgroup out of memory: Killed process N (NAME) total-vm:...     (`Kill process` before 5.0, a plan and not yet a deed)
///     Killed process N (NAME) total-vm:...                                  (before 5.0)
///
/// The victim's paths and name may hold anything, commas and parentheses included.
struct OOMParser {
    enum Event: Hashable {
        /// A cgroup (`/` for the machine) ran out of memory.
        case outOfMemory(path: String, asker: String, constraint: String)
        /// A process was killed for it.
        case kill(Kill)
    }

    struct Kill: Hashable {
        /// The cgroup of the process; empty if the kernel did not tell.
        var victim: String
        /// The cgroup whose limit was met; `/` for the machine's memory.
        var limited: String
        var pid: Int32
        var process: String
        var constraint: String
    }

    private var asker = ""
    /// What the lines up to now said about the kill that is going on.
    private var victim = ""
    private var limited = ""
    private var constraint = ""
    /// The process that the `oom-kill:` line named: its `Killed process` lines (two, if its group is killed) tell nothing new.
    private var named: Int32?

    init() {}

    mutating func take(_ line: String) -> [Event] {
        if let range = line.firstRange(" invoked oom-killer:") {
            self = OOMParser()
            asker = String(line[..<range])
            return []
        }
        if line.hasPrefix("oom-kill:constraint=") { return takeSummary(line) }
        if line.hasPrefix("Task in ") { return takeOldSummary(line) }
        if line.hasPrefix("Tasks in "), let end = line.firstRange(" are going to be killed due to memory.oom.group set") {
            limited = String(line[..<end].dropFirst(9))
            if victim.isEmpty { victim = limited }
            return []
        }
        return takeKilled(line)
    }

    private mutating func takeSummary(_ line: String) -> [Event] {
        let rest = line.dropFirst(20)
        constraint = String(rest.prefix { $0 != "," })
        // From the right: uid and pid are numbers, the name is the kernel's 15 bytes, the paths are whatever they are.
        guard let uid = line.lastRange(",uid="), let pid = line[..<uid].lastRange(",pid="), let task = line[..<pid].lastRange(",task="),
            let group = line[..<task].firstRange(",task_memcg="), let number = Int32(line[pid..<uid].dropFirst(5))
        else { return [] }
        victim = String(line[group..<task].dropFirst(12))
        if let start = line[..<group].firstRange(",oom_memcg=") {
            limited = String(line[start..<group].dropFirst(11))
        } else {
            limited = "/"
        }
        named = number
        let process = String(line[task..<pid].dropFirst(6))
        return [
            .outOfMemory(path: limited, asker: asker, constraint: constraint),
            .kill(Kill(victim: victim, limited: limited, pid: number, process: process, constraint: constraint)),
        ]
    }

    private mutating func takeOldSummary(_ line: String) -> [Event] {
        guard let middle = line.firstRange(" killed as a result of limit of ") else { return [] }
        victim = String(line[..<middle].dropFirst(8))
        limited = String(line[middle...].dropFirst(32))
        constraint = "CONSTRAINT_MEMCG"
        return [.outOfMemory(path: limited, asker: asker, constraint: constraint)]
    }

    /// `Killed process N (NAME) total-vm:`, alone or after `Memory cgroup out of memory: ` or `Out of memory: `; 4.x may put
    /// `, UID M,` or nothing between. Before 5.0 the machine's own shortage has no summary.
    private mutating func takeKilled(_ line: String) -> [Event] {
        var rest = line[...]
        let isMachines = line.hasPrefix("Out of memory: ")
        for prefix in ["Memory cgroup out of memory: ", "Out of memory (oom_kill_allocating_task): ", "Out of memory: "] where rest.hasPrefix(prefix) {
            rest = rest.dropFirst(prefix.count)
        }
        guard rest.hasPrefix("Killed process ") else {
            if isMachines, rest.hasPrefix("Kill process "), victim.isEmpty {
                limited = "/"
                return [.outOfMemory(path: "/", asker: asker, constraint: constraint)]
            }
            return []
        }
        rest = rest.dropFirst(15)
        let digits = rest.prefix { $0.isNumber }
        guard let pid = Int32(digits), let open = rest.firstIndex(of: "(") else { return [] }
        let tail = rest.lastRange(" total-vm:") ?? rest.endIndex
        guard let close = rest[..<tail].lastIndex(of: ")"), open < close else { return [] }
        if named == pid { return [] }
        if limited.isEmpty { limited = "/" }
        let process = String(rest[rest.index(after: open)..<close])
        return [.kill(Kill(victim: victim, limited: limited, pid: pid, process: process, constraint: constraint))]
    }
}

extension StringProtocol {
    /// Where the text first starts.
    fileprivate func firstRange(_ text: String) -> Index? {
        var position = startIndex
        while position < endIndex {
            if self[position...].hasPrefix(text) { return position }
            formIndex(after: &position)
        }
        return nil
    }

    /// Where the text last starts.
    fileprivate func lastRange(_ text: String) -> Index? {
        var position = endIndex
        while position > startIndex {
            formIndex(before: &position)
            if self[position...].hasPrefix(text) { return position }
        }
        return nil
    }
}
