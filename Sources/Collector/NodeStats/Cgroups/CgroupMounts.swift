/// Where the machine's cgroup controllers are: v1, v2, or hybrid, a controller at a time.
public struct CgroupMounts: Hashable, Sendable {
    /// v1: controller to the mount point of its hierarchy.
    public var v1: [String: String] = [:]
    /// The mount point of the v2 hierarchy, if there is one; in a hybrid it may hold no controllers and still give pressure files.
    public var v2: String?

    public init(v1: [String: String] = [:], v2: String? = nil) {
        self.v1 = v1
        self.v2 = v2
    }

    /// From the machine's mount table; `prefix` is put before each mount point, for recorded trees and for a container that
    /// sees the host's files there.
    public init(mountinfo: String, prefix: String = "") {
        for mount in MountTable(mountinfo: mountinfo, prefix: prefix).mounts {
            switch mount.type {
            case "cgroup2":
                if v2 == nil { v2 = mount.point }
            case "cgroup":
                for option in mount.superOptions.split(separator: ",") where option != "rw" && option != "ro" && !option.hasPrefix("name=") {
                    // Bind mounts of one hierarchy appear later; the first is the machine's own.
                    if v1[String(option)] == nil { v1[String(option)] = mount.point }
                }
            default: continue
            }
        }
    }

    /// Which hierarchy has the controller: its directory for a cgroup, and the version of its files.
    public func directory(controller: String, path: String) -> (version: Int, path: String)? {
        let suffix = path == "/" ? "" : path
        if let mount = v1[controller] { return (1, mount + suffix) }
        return v2.map { (2, $0 + suffix) }
    }

    public var description: String {
        switch (v1.isEmpty, v2) {
        case (true, nil): "none"
        case (true, _?): "v2"
        case (false, nil): "v1"
        case (false, _?): "hybrid"
        }
    }
}
