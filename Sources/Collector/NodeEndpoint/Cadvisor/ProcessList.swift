import JSON
import NodeStats
import Runtime
import Telemetry

/// A container's processes as version 2's `ps` lists them, read from /proc when asked.
struct ProcessList {
    let files: any FileSystem
    let root: String
    let mounts: CgroupMounts

    /// A list that is longer is cut there: a page of more helps nobody, and each entry is five reads.
    static let limit = 4096

    /// Of the cgroup itself; of `/` every process of the machine.
    func processes(of path: String, machine: MachineInfo, now: Timestamp) -> [JSON] {
        let pids = path == "/" ? ((try? files.list(root + "/proc")) ?? []).compactMap { Int32($0) }.sorted() : pids(of: path)
        let users = userNames()
        return pids.prefix(Self.limit).compactMap { process($0, path: path == "/" ? nil : path, users: users, machine: machine, now: now) }
    }

    private func pids(of path: String) -> [Int32] {
        guard let directory = mounts.directory(controller: "cpu", path: path) ?? mounts.directory(controller: "memory", path: path),
            let text = try? files.text(directory.path + "/cgroup.procs")
        else { return [] }
        return text.split(separator: "\n").compactMap { Int32($0) }
    }

    private func userNames() -> [Substring: Substring] {
        var names: [Substring: Substring] = [:]
        for line in ((try? files.text(root + "/etc/passwd")) ?? "").split(separator: "\n") {
            let fields = line.split(separator: ":", omittingEmptySubsequences: false)
            if fields.count > 2, names[fields[2]] == nil { names[fields[2]] = fields[0] }
        }
        return names
    }

    /// Nil if the process has ended meanwhile.
    private func process(_ pid: Int32, path: String?, users: [Substring: Substring], machine: MachineInfo, now: Timestamp) -> JSON? {
        let base = "\(root)/proc/\(pid)"
        guard let stat = try? files.text(base + "/stat"), let open = stat.firstIndex(of: "("), let close = stat.lastIndex(of: ")") else { return nil }
        // From field 3 of proc(5) on: 0 state, 1 parent, 11 and 12 ticks of CPU time, 19 start, 20 and 21 memory, 36 the last CPU.
        let fields = stat[stat.index(after: close)...].split(separator: " ")
        guard fields.count > 36 else { return nil }
        func number(_ index: Int) -> Double { Double(fields[index]) ?? 0 }
        let status = (try? files.text(base + "/status")) ?? ""
        let uid = status.split(separator: "\n").first { $0.hasPrefix("Uid:") }?.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first ?? "0"
        let cpuSeconds = (number(11) + number(12)) / 100
        let started = Double(machine.bootTime) + number(19) / 100
        let elapsed = max(0.01, now.seconds - started)
        let resident = number(21) * 4096
        let begun = CivilTime(secondsSinceEpoch: Int64(started))
        let isToday = now.seconds - started < 86_400
        let cgroup = path ?? (try? files.text(base + "/cgroup")).flatMap { Self.cgroup($0) } ?? "/"
        return [
            "user": .string(users[uid].map(String.init) ?? String(uid)), "pid": .integer(Int64(pid)), "parent_pid": .integer(Int64(number(1))),
            "start_time": .string(isToday ? Self.clock(begun.hour, begun.minute) : "\(Self.months[begun.month - 1])\(Self.two(begun.day))"),
            "percent_cpu": .number((cpuSeconds / elapsed * 1000).rounded() / 10),
            "percent_mem": .number(machine.memoryBytes == 0 ? 0 : (resident / Double(machine.memoryBytes) * 1000).rounded() / 10),
            "rss": .integer(Int64(resident)), "virtual_size": .integer(Int64(number(20))), "status": .string(String(fields[0])),
            "running_time": .string(Self.clock(Int(cpuSeconds) / 3600, Int(cpuSeconds) / 60 % 60) + ":" + Self.two(Int(cpuSeconds) % 60)),
            "cgroup_path": .string(cgroup), "cmd": .string(String(stat[stat.index(after: open)..<close])),
            "fd_count": JSON(((try? files.list(base + "/fd")) ?? []).count), "psr": .integer(Int64(number(36))),
        ]
    }

    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    private static func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    private static func clock(_ hours: Int, _ minutes: Int) -> String { two(hours) + ":" + two(minutes) }

    /// The path of `/proc/PID/cgroup`: of the CPU controller, else of the unified hierarchy.
    static func cgroup(_ text: String) -> String? {
        let lines = text.split(separator: "\n").map { $0.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false) }.filter { $0.count == 3 }
        let line = lines.first { $0[1].split(separator: ",").contains("cpu") } ?? lines.first { $0[1].isEmpty }
        return line.map { String($0[2]) }
    }
}

extension CadvisorAPI {
    /// `/dev/disk/by-uuid/UUID` leads to `../../sda1`.
    static func device(ofUUID uuid: String, root: String) -> String? {
        // A name that could leave the directory is none.
        guard !uuid.contains("/"), uuid != "..", let target = linkTarget("\(root)/dev/disk/by-uuid/\(uuid)") else { return nil }
        return "/dev/" + CgroupPath.lastPart(target)
    }
}
