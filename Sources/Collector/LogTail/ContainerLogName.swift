/// A container's log directory, `NAMESPACE_POD_UID/CONTAINER`. Names of namespaces and pods hold no `_`.
struct ContainerLogDirectory: Hashable, Sendable {
    var namespace: String
    var pod: String
    var uid: String
    var container: String

    /// nil if the pod directory's name has not three parts.
    init?(podDirectory: String, container: String) {
        let parts = podDirectory.split(separator: "_", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 3, parts.allSatisfy({ !$0.isEmpty }), !container.isEmpty else { return nil }
        (namespace, pod, uid) = (parts[0], parts[1], parts[2])
        self.container = container
    }

    /// Below the root.
    var path: String { "\(namespace)_\(pod)_\(uid)/\(container)" }
}

/// A log file's name: `N.log`, or once rotated `N.log.YYYYMMDD-HHMMSS`, perhaps with `.gz`.
struct ContainerLogName: Hashable, Sendable, Comparable {
    /// How often the container had been restarted.
    var restart: Int
    /// When the file was rotated; nil of the one that is written.
    var rotated: String?
    var isCompressed: Bool

    init?(_ name: String) {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard parts.count >= 2, let restart = Int(parts[0]), restart >= 0, "\(restart)" == parts[0], parts[1] == "log" else { return nil }
        self.restart = restart
        isCompressed = false
        guard parts.count > 2 else { return }
        let stamp = Array(parts[2].utf8)
        guard stamp.count == 15, stamp[8] == UInt8(ascii: "-"), stamp.enumerated().allSatisfy({ $0 == 8 || $1 &- 48 < 10 }) else { return nil }
        rotated = parts[2]
        if parts.count == 4, parts[3] == "gz" {
            isCompressed = true
        } else if parts.count > 3 {
            // The kubelet's `.tmp` while it compresses.
            return nil
        }
    }

    /// Oldest first: by run, rotated files by their stamp, then the one that is written.
    static func < (left: ContainerLogName, right: ContainerLogName) -> Bool {
        if left.restart != right.restart { return left.restart < right.restart }
        switch (left.rotated, right.rotated) {
        case (let a?, let b?): return a < b
        case (.some, nil): return true
        case (nil, _): return false
        }
    }
}
