/// A right that the runtime uses where it has it and does without where not.
public enum Ability: String, CaseIterable, Hashable, Sendable {
    case mountNamespace = "mount"
    case processNamespace = "pid"
    case hostnameNamespace = "uts"
    case messageNamespace = "ipc"
    case networkNamespace = "net"
    /// Making bridges and veth pairs.
    case virtualLinks = "link"
    /// An overlay whose upper layer lies in the state directory.
    case overlay
    /// An overlay whose upper layer lies in memory.
    case memoryOverlay = "memory-overlay"
    /// Binding `/` read-only as a container's root.
    case bind
    case cpuLimits = "cpu"
    case memoryLimits = "memory"
    case processLimits = "pids"
    /// iptables, for what pods send beyond this machine.
    case packetFilter = "iptables"
}

/// What trying each ability once has shown.
public struct AbilityFindings: Hashable, Sendable {
    /// Why an ability is missing, by ability: an errno's text, or `disabled`.
    public var missing: [Ability: String]

    public init(missing: [Ability: String] = [:]) { self.missing = missing }

    public func has(_ ability: Ability) -> Bool { missing[ability] == nil }
    public func has(_ abilities: [Ability]) -> Bool { abilities.allSatisfy(has) }

    /// How a container's root file system is made; the words are those of the start request.
    public var root: Root {
        guard has(.mountNamespace) else { return .host }
        if has(.overlay) { return .layer }
        if has(.memoryOverlay) { return .memory }
        return has(.bind) ? .bind : .host
    }
    public enum Root: String, Sendable { case layer, memory, bind, host }

    public var hasPodNetwork: Bool { has([.networkNamespace, .virtualLinks]) }

    /// One sentence for each thing that is missing: what, why, what it costs.
    public var sentences: [String] {
        var sentences: [String] = []
        func say(_ ability: Ability, _ text: (String) -> String) {
            if let reason = missing[ability] { sentences.append(text(reason)) }
        }
        say(.mountNamespace) {
            "Containers share the host's mounts (\($0)): they see and can change its files, and volumes, termination messages and /etc/hosts are not shown to them."
        }
        if root != .host {
            if root == .memory { say(.overlay) { "Writable layers lie in memory (an overlay in the state directory: \($0)): what containers write counts as memory." } }
            if root == .bind {
                say(.overlay) { "Containers see the host's files read-only (overlay: \($0)): they can write only to /tmp, /var/tmp, /run and volumes." }
            }
        } else if has(.mountNamespace) {
            say(.bind) { "Containers work in the host's own file system (mounting: \($0)): they can change its files, and volumes are not shown to them." }
        }
        say(.processNamespace) { "Containers share the host's process ids (\($0)): they see its processes, and what a container leaves running is found by its cgroup." }
        say(.hostnameNamespace) { "Pods have the host's name (UTS namespace: \($0))." }
        say(.messageNamespace) { "Pods share the host's IPC objects (\($0))." }
        if !hasPodNetwork {
            let reason = missing[.networkNamespace] ?? missing[.virtualLinks] ?? ""
            sentences.append(
                "Pods share the host's network (\(reason)): each has a loopback address of its own, and a program that listens on all addresses takes the port from the others.")
        } else {
            say(.packetFilter) { "Pods reach each other but nothing beyond this machine (iptables: \($0))." }
        }
        say(.cpuLimits) { "CPU requests and limits are not enforced (cgroup controller cpu: \($0))." }
        say(.memoryLimits) { "Memory limits are not enforced (cgroup controller memory: \($0)): a container can take all memory." }
        say(.processLimits) { "The number of processes is not limited (cgroup controller pids: \($0))." }
        return sentences
    }
}
