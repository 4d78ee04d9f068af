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

    /// Reads `/proc/self/mountinfo` (columns as in proc(5)); `prefix` is put before each mount point, for recorded trees.
    public init(mountinfo: String, prefix: String = "") {
        for line in mountinfo.split(separator: "\n") {
            let halves = line.split(separator: " - ", maxSplits: 1)
            guard halves.count == 2 else { continue }
            let before = halves[0].split(separator: " ")
            let after = halves[1].split(separator: " ", omittingEmptySubsequences: false)
            guard before.count >= 6, after.count >= 3 else { continue }
            let point = prefix + Self.unescape(before[4])
            switch after[0] {
            case "cgroup2":
                if v2 == nil { v2 = point }
            case "cgroup":
                for option in after[2].split(separator: ",") where option != "rw" && option != "ro" && !option.hasPrefix("name=") {
                    // Bind mounts of one hierarchy appear later; the first is the machine's own.
                    if v1[String(option)] == nil { v1[String(option)] = point }
                }
            default: continue
            }
        }
    }

    /// Octal escapes of mountinfo: `\040` is a space.
    private static func unescape(_ text: Substring) -> String {
        guard text.contains("\\") else { return String(text) }
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\\"), rest.count >= 3, let code = UInt8(String(decoding: rest.prefix(3), as: UTF8.self), radix: 8) {
                bytes.append(code)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
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
