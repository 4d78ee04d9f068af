import JSON
import NodeStats
import Telemetry

/// The JSON behind the built-in page.
enum StatusDocument {
    struct Choice {
        var rows: [NodeSnapshot.Row]
        /// How many there are before the limit.
        var matching: Int
        /// Without an owner, and left out for that.
        var hidden: Int
    }

    /// Leaves out the root, and what nobody owns where somebody owns anything.
    static func choose(_ rows: [NodeSnapshot.Row], _ request: StatusRequest) -> Choice {
        let candidates = rows.filter { $0.reference.cgroupPath != "/" }
        let owned = candidates.filter { isOwned($0.reference) }
        let shown = request.showsAll || owned.isEmpty ? candidates : owned
        let needle = request.filter.lowercased()
        let matching = needle.isEmpty ? shown : shown.filter { row in words(row.reference).contains { $0.lowercased().contains(needle) } }
        let sorted: [NodeSnapshot.Row] =
            switch request.order {
            case .cpu: matching.sorted { ($0.usageNanoCores ?? 0, $1.reference.cgroupPath) > ($1.usageNanoCores ?? 0, $0.reference.cgroupPath) }
            case .memory: matching.sorted { ($0.sample.workingSet ?? 0, $1.reference.cgroupPath) > ($1.sample.workingSet ?? 0, $0.reference.cgroupPath) }
            case .name: matching.sorted { (title($0.reference), $0.reference.cgroupPath) < (title($1.reference), $1.reference.cgroupPath) }
            }
        return Choice(rows: Array(sorted.prefix(request.limit)), matching: matching.count, hidden: candidates.count - shown.count)
    }

    private static func isOwned(_ reference: ContainerReference) -> Bool {
        !reference.runtime.isEmpty || !reference.pod.isEmpty || !reference.name.isEmpty
    }

    static func title(_ reference: ContainerReference) -> String {
        for name in [reference.container, reference.name, reference.pod] where !name.isEmpty { return name }
        return reference.cgroupPath
    }

    private static func words(_ reference: ContainerReference) -> [String] {
        [reference.container, reference.name, reference.pod, reference.namespace, reference.image, reference.cgroupPath, reference.runtime]
    }

    static func document(
        _ snapshot: NodeSnapshot, _ choice: Choice, _ past: [String: [NodeSnapshot.Row]], owners: [NodeEndpoint.OwnerStatus], version: String
    ) -> JSON {
        [
            "time": .integer(snapshot.timestamp.milliseconds), "version": .string(version), "node": node(snapshot, past["/"]),
            "containers": .array(choice.rows.map { container($0, past[$0.reference.cgroupPath]) }), "matching": JSON(choice.matching),
            "hidden": JSON(choice.hidden), "vanished": Document.count(snapshot.vanished),
            "owners": .array(owners.map { ["name": .string($0.name), "ok": .bool($0.isWell), "message": .string($0.message)] }),
        ]
    }

    private static func node(_ snapshot: NodeSnapshot, _ past: [NodeSnapshot.Row]?) -> JSON {
        let machine = snapshot.machine
        let root = snapshot.row(at: "/")
        return Document.object([
            ("name", .string(snapshot.nodeName)), ("kernel", .string(machine.kernelVersion)), ("os", .string(machine.osImage)), ("cores", JSON(machine.cores)),
            ("memory", Document.count(machine.memoryBytes)), ("boot", Document.count(machine.bootTime)),
            ("load", .array(snapshot.node.load.map { .number($0) })), ("cpu", cores(root?.usageNanoCores)),
            ("used", Document.number(root?.sample.workingSet ?? SummaryNode.workingSet(snapshot))),
            (
                "disks",
                .array(
                    snapshot.fileSystemsByDevice.map {
                        ["mount": .string($0.mountPoint), "size": Document.count($0.size), "used": Document.count($0.used)]
                    })
            ),
            ("rx", Document.count(snapshot.node.network.reduce(0) { $0 &+ $1.receivedBytes })),
            ("tx", Document.count(snapshot.node.network.reduce(0) { $0 &+ $1.transmittedBytes })), ("past", past.map { self.past($0) } ?? .null),
        ])
    }

    private static func container(_ row: NodeSnapshot.Row, _ past: [NodeSnapshot.Row]?) -> JSON {
        let reference = row.reference
        let sample = row.sample
        let interfaces = row.network?.interfaces ?? []
        return Document.object([
            ("id", .string(reference.cgroupPath)), ("title", .string(title(reference))), ("pod", .string(reference.pod)),
            ("namespace", .string(reference.namespace)), ("image", .string(reference.image)), ("runtime", .string(reference.runtime)),
            ("cpu", cores(row.usageNanoCores)), ("quota", quota(row.limits)), ("memory", Document.number(sample.workingSet)),
            ("limit", Document.number(row.limits.memory)), ("tasks", Document.number(sample.threads ?? sample.processes)),
            ("ooms", sample.oomKills.flatMap { $0 == 0 ? nil : Document.count($0) } ?? .null), ("throttled", throttled(row)),
            ("rx", interfaces.isEmpty ? .null : Document.count(interfaces.reduce(0) { $0 &+ $1.receivedBytes })),
            ("tx", interfaces.isEmpty ? .null : Document.count(interfaces.reduce(0) { $0 &+ $1.transmittedBytes })),
            ("past", past.map { self.past($0) } ?? .null),
        ])
    }

    /// `[time in ms, cores, bytes]` a sample, oldest first.
    private static func past(_ rows: [NodeSnapshot.Row]) -> JSON {
        var previous: CgroupSample?
        var points: [JSON] = []
        for row in rows {
            let sample = row.sample
            defer { previous = sample }
            guard let before = previous ?? row.previous, let old = before.cpuUsage, let new = sample.cpuUsage, new >= old, sample.time > before.time else {
                continue
            }
            let rate = UInt64(Double(new - old) * 1e9 / Double(sample.time - before.time))
            points.append([.integer(sample.time / 1_000_000), cores(rate), Document.count(sample.workingSet)])
        }
        return .array(points)
    }

    /// Cores with four decimals: a tenth of a thousandth of a core is below what a second can tell.
    private static func cores(_ nano: UInt64?) -> JSON { nano.map { .number((Double($0) / 1e5).rounded() / 1e4) } ?? .null }

    private static func quota(_ limits: CgroupLimits) -> JSON {
        guard let quota = limits.quota, let period = limits.period, period > 0 else { return .null }
        return .number(Double(quota) / Double(period))
    }

    /// The share of the last second's periods that were throttled, 0 to 1; nothing without a quota or a period.
    private static func throttled(_ row: NodeSnapshot.Row) -> JSON {
        guard let now = row.sample.periods, let before = row.previous?.periods, now > before, let hit = row.sample.throttledPeriods,
            let hitBefore = row.previous?.throttledPeriods, hit >= hitBefore
        else { return .null }
        return .number((Double(hit - hitBefore) / Double(now - before) * 100).rounded() / 100)
    }
}
