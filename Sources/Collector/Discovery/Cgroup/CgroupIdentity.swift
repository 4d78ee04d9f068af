/// What the path of a cgroup alone tells about its owner: the runtime's id of a container, or the uid of a pod.
///
/// Each runtime names its cgroups by one of two drivers, and the two look like this (ID has 64 hexadecimal digits):
///
/// | runtime | cgroupfs | systemd |
/// |---|---|---|
/// | Docker | `/docker/ID` | `/system.slice/docker-ID.scope` |
/// | Podman | `/libpod_parent/libpod-ID` | `/machine.slice/libpod-ID.scope`, `…/user@1000.service/user.slice/libpod-ID.scope` |
/// | containerd, CRI | `/kubepods/burstable/podUID/ID` | `/kubepods.slice/…/kubepods-burstable-podUID.slice/cri-containerd-ID.scope` |
/// | CRI-O | `/kubepods/burstable/podUID/crio-ID` | `/kubepods.slice/…/crio-ID.scope` |
/// | nerdctl | `/default/ID` | `/system.slice/nerdctl-ID.scope` |
/// | pods | `/kubepods[/burstable]/podUID` | `/kubepods.slice/[…/]kubepods[-burstable]-podU_I_D.slice` |
/// | Podman's pods | `/libpod_parent/ID` | `/machine.slice/machine-libpod_pod_ID.slice` |
///
/// A kubelet may put a path of its own before `kubepods` (kind: `/kubelet/kubepods`, `kubelet-kubepods-pod….slice`).
/// Containers whose ids are names, as `ctr run` makes them, have no pattern; their owner knows them by the whole path.
public struct CgroupIdentity: Hashable, Sendable {
    /// What the cgroup is.
    public enum Subject: Hashable, Sendable {
        case container(id: String)
        /// A pod's own cgroup, above those of its containers.
        case pod(uid: String)
        /// A cgroup that was made inside a container's: by an init system, or by a runtime that runs there.
        case inside(id: String)
        /// A monitor that a runtime runs beside a container: conmon.
        case monitor
        case other
    }

    public var subject: Subject
    /// The runtime, if the path gives it away: `docker`, `podman`, `containerd`, `crio`.
    public var runtime: String?

    /// Looks at a path relative to the controller's root, such as the `id` label holds. Linear in its length.
    public init(path: String) {
        subject = .other
        var parent: Substring = ""
        for component in path.split(separator: "/") {
            defer { parent = component }
            if let uid = Self.podUID(component, parent: parent) {
                (subject, runtime) = (.pod(uid: uid), Self.isPodmanPod(component) || parent == "libpod_parent" ? "podman" : nil)
            } else if let (id, name) = Self.container(component, parent: parent) {
                (subject, runtime) = (.container(id: id), name)
            } else if Self.isMonitor(component) {
                subject = .monitor
            } else if case .container(let id) = subject {
                subject = .inside(id: id)
            } else if case .inside = subject {
                continue
            } else if subject != .monitor {
                subject = .other
            }
        }
    }

    /// The prefixes that scopes and groups have before the id, and whose they are.
    private static let prefixes: [(text: String, runtime: String)] = [
        ("docker-", "docker"), ("libpod-", "podman"), ("cri-containerd-", "containerd"), ("crio-", "crio"), ("nerdctl-", "containerd"),
    ]

    private static func container(_ component: Substring, parent: Substring) -> (id: String, runtime: String?)? {
        var rest = component
        if rest.hasSuffix(".scope") { rest.removeLast(6) }
        // kube with containerd and the cgroupfs driver under systemd's path syntax: `SLICE:cri-containerd:ID`.
        if let colon = rest.lastIndex(of: ":") {
            let id = rest[rest.index(after: colon)...]
            guard isContainerID(id) else { return nil }
            return (String(id), rest.contains("cri-containerd") ? "containerd" : nil)
        }
        for (prefix, runtime) in prefixes where rest.hasPrefix(prefix) {
            let id = rest.dropFirst(prefix.utf8.count)
            return isContainerID(id) ? (String(id), runtime) : nil
        }
        guard isContainerID(rest) else { return nil }
        return (String(rest), parent == "docker" ? "docker" : nil)
    }

    private static func isMonitor(_ component: Substring) -> Bool {
        component.hasPrefix("libpod-conmon-") || component.hasPrefix("crio-conmon-") || component == "conmon"
    }

    /// Podman's ids of pods are as long as those of containers.
    private static func podUID(_ component: Substring, parent: Substring) -> String? {
        if isPodmanPod(component) {
            return component.range(after: "libpod_pod_").flatMap { isContainerID($0.dropLast(6)) ? String($0.dropLast(6)) : nil }
        }
        if parent == "libpod_parent", isContainerID(component) { return String(component) }
        var rest = component
        if rest.hasSuffix(".slice") {
            // Slices repeat the names above them: kubepods-burstable-pod0a_1b.slice; `_` stands for `-`.
            rest = rest.dropLast(6)
            guard rest.contains("kubepods"), let uid = rest.range(after: "-pod") else { return nil }
            let text = String(uid.map { $0 == "_" ? "-" : $0 })
            return isPodUID(text[...]) ? text : nil
        }
        guard rest.hasPrefix("pod") else { return nil }
        rest = rest.dropFirst(3)
        return isPodUID(rest) ? String(rest) : nil
    }

    private static func isPodmanPod(_ component: Substring) -> Bool { component.hasSuffix(".slice") && component.contains("libpod_pod_") }

    static func isContainerID(_ text: some StringProtocol) -> Bool { text.utf8.count == 64 && text.utf8.allSatisfy(isHexadecimal) }

    /// A UUID, or the hash of 32 digits that a static pod has.
    private static func isPodUID(_ text: Substring) -> Bool {
        switch text.utf8.count {
        case 32: text.utf8.allSatisfy(isHexadecimal)
        case 36: text.utf8.enumerated().allSatisfy { [8, 13, 18, 23].contains($0) ? $1 == UInt8(ascii: "-") : isHexadecimal($1) }
        default: false
        }
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }
}

extension Substring {
    /// What follows the last occurrence of `mark`.
    fileprivate func range(after mark: String) -> Substring? {
        let (text, mark) = (Array(utf8), Array(mark.utf8))
        guard text.count >= mark.count else { return nil }
        for start in stride(from: text.count - mark.count, through: 0, by: -1) where text[start..<start + mark.count].elementsEqual(mark) {
            return self[utf8.index(startIndex, offsetBy: start + mark.count)...]
        }
        return nil
    }
}
