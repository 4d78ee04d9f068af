import Runtime

/// Finds the cgroup of a container by its first process, for runtimes that do not say the path.
struct ProcessCgroup: Sendable {
    let fileSystem: any FileSystem
    /// `/proc`, or where the host's is mounted.
    let procDirectory: String

    /// The container's cgroup path; nil if the process has gone or its path does not hold the id.
    ///
    /// The process may sit deeper (an init system in the container, crun's `container` group): the path is cut after
    /// the component that names the container. Demanding the id also refuses a pid that somebody else has got since.
    func path(pid: Int32, id: String) -> String? {
        guard pid > 0, !id.isEmpty, let text = try? fileSystem.text("\(procDirectory)/\(pid)/cgroup") else { return nil }
        return Self.path(in: text, id: id)
    }

    /// The lines are `HIERARCHY:CONTROLLERS:PATH` (cgroups(7)).
    static func path(in text: String, id: String) -> String? {
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            // systemd's own hierarchy (v1) mirrors the tree without being measured.
            guard fields.count == 3, fields[2].hasPrefix("/"), !fields[2].hasPrefix("/../"), fields[1] != "name=systemd" else { continue }
            var path = ""
            for component in fields[2].split(separator: "/") {
                path += "/" + component
                if names(component, id) { return path }
            }
        }
        return nil
    }

    /// `ID`, `PREFIX-ID`, `ID.scope`, `PREFIX-ID.scope`, `SLICE:PREFIX:ID`.
    private static func names(_ component: Substring, _ id: String) -> Bool {
        let rest = component.hasSuffix(".scope") ? component.dropLast(6) : component
        guard rest.hasSuffix(id) else { return false }
        let before = rest.dropLast(id.count).last
        return before == nil || before == "-" || before == ":"
    }

    /// The writable layer of the overlay that is the process's root; nil if it is none, or the runtime mounted it by a
    /// relative path. (mountinfo(5): the fields after ` - ` are type, source, options.)
    func writableLayer(pid: Int32) -> String? {
        guard pid > 0, let text = try? fileSystem.text("\(procDirectory)/\(pid)/mountinfo") else { return nil }
        return Self.writableLayer(inMountinfo: text)
    }

    static func writableLayer(inMountinfo text: String) -> String? {
        for line in text.split(separator: "\n") {
            let halves = line.split(separator: " - ", maxSplits: 1)
            guard halves.count == 2 else { continue }
            let (before, after) = (halves[0].split(separator: " "), halves[1].split(separator: " "))
            guard before.count >= 5, before[4] == "/", after.count >= 3 else { continue }
            guard after[0] == "overlay" else { return nil }
            let option = after[2].split(separator: ",").first { $0.hasPrefix("upperdir=") }
            return option.flatMap { $0.dropFirst(9).hasPrefix("/") ? String($0.dropFirst(9)) : nil }
        }
        return nil
    }
}
