import NodeStats

/// Names the cgroups of systemd's units from their paths; there is nothing to ask and nothing to wait for.
///
/// A scope or slice that a container runtime has made is left to that runtime, also while the runtime is silent:
/// what is named today by its unit and tomorrow by its container would be two sets of series.
public struct SystemdOwner: Owner {
    /// Lets the unit's properties through as labels: `systemd.kind`, `systemd.slice`, `systemd.user`, `systemd.session`.
    let labels: AllowList

    public init(labels: AllowList = AllowList()) { self.labels = labels }

    public var name: String { "systemd" }
    public var status: OwnerStatus { OwnerStatus(owner: name, runtime: name, endpoint: "cgroup paths", state: .connected) }
    public var generation: UInt64 { 0 }

    public func reference(for path: String, identity: CgroupIdentity) -> ContainerReference? {
        guard identity.subject == .other, let unit = SystemdUnit(path: path) else { return nil }
        var reference = ContainerReference(cgroupPath: path, name: unit.name)
        reference.runtime = name
        if unit.readableName != unit.name { reference.aliases = [unit.readableName] }
        var pairs: [(key: String, value: String)] = [("systemd.kind", unit.kind.rawValue), ("systemd.slice", unit.slice)]
        if let user = unit.user { pairs.append(("systemd.user", "\(user)")) }
        if let session = unit.session { pairs.append(("systemd.session", session)) }
        reference.containerLabels = labels.select(pairs)
        return reference
    }

    public func containers() -> [ContainerReference] { [] }
    public func run() async {}
}
