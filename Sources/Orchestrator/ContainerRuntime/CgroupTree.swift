import Glibc
import Runtime

/// Makes, limits, empties and removes cgroups in every tree that this machine lets us use.
public struct CgroupTree: Sendable {
    /// Trees in which a group could be made.
    public let hierarchies: [CgroupHierarchy]
    private let files = HostFileSystem()

    /// Controllers whose limits hold: those of the trees, and of these only what limits can be set for.
    public var enforced: Set<String> {
        hierarchies.reduce(into: Set<String>()) { $0.formUnion($1.controllers) }.intersection(["cpu", "memory", "pids"])
    }

    /// Tries each tree by making a group in it.
    public init(mountInfo: String, excluding: Set<String> = []) {
        let candidates = CgroupHierarchy.find(in: MountInfo.parse(mountInfo))
        let files = HostFileSystem()
        hierarchies = candidates.compactMap { candidate in
            var hierarchy = candidate
            let trial = "\(candidate.path)/binnacle-probe-\(getpid())"
            guard unsafe mkdir(trial, 0o755) == 0 else { return nil }
            defer { unsafe rmdir(trial) }
            if candidate.isUnified { hierarchy.controllers = Self.delegate(in: candidate.path, trial: trial, files) }
            hierarchy.controllers.subtract(excluding)
            return hierarchy.isUnified || !hierarchy.controllers.isEmpty ? hierarchy : nil
        }
    }

    /// Turns controllers on for groups below the root, and returns those that a new group then has.
    private static func delegate(in root: String, trial: String, _ files: HostFileSystem) -> Set<String> {
        let offered = (try? files.text("\(root)/cgroup.controllers"))?.split(whereSeparator: \.isWhitespace).map(String.init) ?? []
        for controller in offered where ["cpu", "memory", "pids", "io"].contains(controller) {
            if (try? files.write("\(root)/cgroup.subtree_control", Array("+\(controller)".utf8))) == nil, errno == EBUSY {
                // A group with processes of its own cannot hand controllers on (a container's root): move them into a leaf.
                let leaf = "\(root)/binnacle-host"
                _ = unsafe mkdir(leaf, 0o755)
                for process in (try? files.text("\(root)/cgroup.procs"))?.split(separator: "\n") ?? [] {
                    try? files.write("\(leaf)/cgroup.procs", Array(process.utf8))
                }
                try? files.write("\(root)/cgroup.subtree_control", Array("+\(controller)".utf8))
            }
        }
        return Set((try? files.text("\(trial)/cgroup.controllers"))?.split(whereSeparator: \.isWhitespace).map(String.init) ?? [])
    }

    /// Makes the group and those above it, in every tree, and sets its limits.
    public func make(_ path: String, limits: ResourceLimits) throws(RuntimeError) {
        for hierarchy in hierarchies {
            var partial = hierarchy.path
            for part in path.split(separator: "/") {
                if hierarchy.isUnified, partial != hierarchy.path {
                    for controller in hierarchy.controllers { try? files.write("\(partial)/cgroup.subtree_control", Array("+\(controller)".utf8)) }
                }
                partial += "/\(part)"
                guard unsafe mkdir(partial, 0o755) == 0 || errno == EEXIST else {
                    throw .failed("cannot make the cgroup \(partial): \(errnoText(errno))")
                }
            }
            for (file, value) in hierarchy.values(for: limits) {
                let target = "\(partial)/\(file)"
                // Swap accounting may be off: then there is nothing to limit.
                guard unsafe access(target, F_OK) == 0 else { continue }
                do { try files.write(target, Array(value.utf8)) } catch {
                    throw .failed("cannot limit the cgroup \(partial): writing \(value) to \(file) failed: \(errnoText(error.code))")
                }
            }
            // One process killed for memory takes its container with it, so that no half of it goes on.
            if hierarchy.isUnified, limits.memoryBytes != nil { try? files.write("\(partial)/memory.oom.group", Array("1".utf8)) }
        }
    }

    /// The group's directory in each tree.
    public func directories(_ path: String) -> [String] { hierarchies.map { $0.path + path } }

    /// A file that kills the whole group when written to, if this kernel has one.
    public func killFile(_ path: String) -> String? {
        guard let unified = hierarchies.first(where: \.isUnified) else { return nil }
        let file = "\(unified.path)\(path)/cgroup.kill"
        return unsafe access(file, F_OK) == 0 ? file : nil
    }

    public func memoryKills(_ path: String) -> Int {
        guard let hierarchy = hierarchies.first(where: { $0.controllers.contains("memory") }) else { return 0 }
        let file = hierarchy.isUnified ? "memory.events" : "memory.oom_control"
        return (try? files.text("\(hierarchy.path)\(path)/\(file)")).map(CgroupHierarchy.memoryKills) ?? 0
    }

    /// Kills all that is in the group and below and removes it from every tree. What is not there is no error.
    public func remove(_ path: String) {
        guard path.hasPrefix("/"), path.count > 1 else { return }
        kill(path)
        for hierarchy in hierarchies { Self.removeGroup(hierarchy.path + path) }
    }

    /// Removes the groups if nothing is in them: the parents that pods share.
    public func removeEmpty(_ paths: [String]) {
        for hierarchy in hierarchies { for path in paths { _ = unsafe rmdir(hierarchy.path + path) } }
    }

    private func kill(_ path: String) {
        if let file = killFile(path) { try? files.write(file, Array("1".utf8)) }
        guard let hierarchy = hierarchies.first(where: \.isUnified) ?? hierarchies.first else { return }
        let freezer = hierarchies.first { $0.controllers.contains("freezer") }.map { "\($0.path)\(path)/freezer.state" }
        // Frozen, nothing can fork away from us; thawed, the signals arrive.
        for _ in 0..<100 {
            let processes = Self.processes(hierarchy.path + path)
            if processes.isEmpty { return }
            if let freezer { try? files.write(freezer, Array("FROZEN".utf8)) }
            for process in processes { Glibc.kill(process, SIGKILL) }
            if let freezer { try? files.write(freezer, Array("THAWED".utf8)) }
            usleep(1000)
        }
    }

    private static func processes(_ directory: String) -> [Int32] {
        let files = HostFileSystem()
        guard let names = try? files.list(directory) else { return [] }
        var found = (try? files.text("\(directory)/cgroup.procs"))?.split(separator: "\n").compactMap { Int32($0) }.filter { $0 > 1 } ?? []
        for name in names where !name.contains(".") || isGroup("\(directory)/\(name)") { found += processes("\(directory)/\(name)") }
        return found
    }

    private static func isGroup(_ path: String) -> Bool { unsafe access("\(path)/cgroup.procs", F_OK) == 0 }

    private static func removeGroup(_ directory: String) {
        guard let names = try? HostFileSystem().list(directory) else { return }
        for name in names where isGroup("\(directory)/\(name)") { removeGroup("\(directory)/\(name)") }
        // A killed process leaves its group a moment after it has died.
        for _ in 0..<200 {
            if unsafe rmdir(directory) == 0 || errno != EBUSY { return }
            usleep(1000)
        }
    }
}
