import Runtime
import TestKit

/// What an instance may have left on the machine: nothing.
enum Leftovers {
    /// Everything that names the data directory or the instance's bridge, and pods' cgroups.
    static func of(_ instance: Instance) async throws -> [String] {
        let files = HostFileSystem()
        var found: [String] = []
        var isAlone = true
        for pid in try files.list("/proc") where pid.utf8.allSatisfy({ (48...57).contains($0) }) {
            let line = ((try? files.text("/proc/\(pid)/cmdline")) ?? "").replacing("\0", with: " ")
            if line.contains(instance.directory.path) { found.append("process \(pid): \(line)") }
            if line.contains("binnacle up") || line.contains("binnacle-pause") { isAlone = false }
        }
        let mounts = (try? files.text("/proc/self/mounts")) ?? ""
        found += mounts.split(separator: "\n").filter { $0.contains(instance.directory.path) }.map { "mount \($0)" }
        for link in ["binnacle\(instance.offset)"] where files.exists("/sys/class/net/\(link)") { found.append("interface \(link)") }
        for table in ["nat", "filter"] {
            let rules = try await Program.run(["iptables-save", "-t", table])
            found += rules.output.split(separator: "\n").filter { $0.contains("binnacle\(instance.offset)") }.map { "rule \($0)" }
        }
        // Another copy on a developer's machine rightly has its pods' cgroups.
        if isAlone { found += cgroups().map { "cgroup \($0)" } }
        return found
    }

    private static func cgroups() -> [String] {
        let files = HostFileSystem()
        let mounts = ((try? files.text("/proc/self/mountinfo")) ?? "").split(separator: "\n").filter { $0.contains(" - cgroup") }
        return mounts.compactMap { line -> String? in
            let point = line.split(separator: " ")[4]
            return files.exists("\(point)/kubepods") ? "\(point)/kubepods" : nil
        }
    }
}
