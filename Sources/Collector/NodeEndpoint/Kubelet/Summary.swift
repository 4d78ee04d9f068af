import JSON
import NodeStats
import Telemetry

/// `/stats/summary`, whose tree is in contracts/metrics.md 1.6. Optional fields are left out, never null.
///
/// `userDefinedMetrics` and `accelerators` are absent: nothing here has any.
enum Summary {
    static func document(of snapshot: NodeSnapshot, onlyCPUAndMemory reduced: Bool) -> JSON {
        // One pass, so that a thousand pods cost no million comparisons.
        var containers: [String: [NodeSnapshot.Row]] = [:]
        for row in snapshot.rows where !row.reference.container.isEmpty { containers[row.reference.podUID, default: []].append(row) }
        let pods = snapshot.rows.filter { !$0.reference.pod.isEmpty && $0.reference.container.isEmpty }
        let known = Set(pods.map(\.reference.podUID))
        // A runtime that tells of containers and not of their pod's own cgroup still has pods.
        let orphans = containers.filter { !$0.key.isEmpty && !known.contains($0.key) }.sorted { $0.key < $1.key }
        return [
            "node": node(snapshot, reduced),
            "pods": .array(
                pods.map { pod(of: $0.reference, row: $0, containers[$0.reference.podUID] ?? [], snapshot, reduced) }
                    + orphans.map { pod(of: $0.value[0].reference, row: nil, $0.value, snapshot, reduced) }),
        ]
    }

    // MARK: The node

    private static func node(_ snapshot: NodeSnapshot, _ reduced: Bool) -> JSON {
        let time = text(snapshot.timestamp)
        let capacity = snapshot.machine.memoryBytes
        let root = SummaryNode.root(snapshot)
        let workingSet = SummaryNode.workingSet(snapshot)
        var node: [(String, JSON)] = [
            ("nodeName", .string(snapshot.nodeName)), ("systemContainers", Document.list(systemContainers(snapshot, reduced))),
            ("startTime", text(boot(snapshot))),
            (
                "cpu",
                Document.object([
                    ("time", time), ("usageNanoCores", Document.number(root?.usageNanoCores)),
                    ("usageCoreNanoSeconds", Document.number(SummaryNode.cpuUsage(snapshot))), ("psi", ContainerStats.pressure(root?.sample.cpuPressure)),
                ])
            ),
            (
                "memory",
                Document.object([
                    ("time", time), ("availableBytes", Document.number(workingSet.map { capacity - min(capacity, $0) })),
                    ("usageBytes", Document.number(SummaryNode.usage(snapshot))), ("workingSetBytes", Document.number(workingSet)),
                    ("rssBytes", Document.number(root?.sample.memoryRSS)), ("pageFaults", Document.number(root?.sample.pageFaults)),
                    ("majorPageFaults", Document.number(root?.sample.majorPageFaults)), ("psi", ContainerStats.pressure(root?.sample.memoryPressure)),
                ])
            ),
        ]
        guard !reduced else { return Document.object(node) }
        let fileSystem = snapshot.rootFileSystem.map { SummaryVolume.room($0, time: time, used: $0.used, inodesUsed: nil) } ?? .null
        node += [
            ("io", io(root?.sample, time)), ("network", network(snapshot.node.network, snapshot.timestamp)), ("fs", fileSystem),
            ("runtime", fileSystem.isNull ? .null : ["imageFs": fileSystem, "containerFs": fileSystem]), ("rlimit", rlimit(snapshot, time)),
            ("swap", swap(SummaryNode.swap(snapshot), time)),
        ]
        return Document.object(node)
    }

    /// Processes of the machine: the most that there may be, where the root's limit says so, and those that there are.
    private static func rlimit(_ snapshot: NodeSnapshot, _ time: JSON) -> JSON {
        guard let root = SummaryNode.root(snapshot) else { return .null }
        return Document.object([
            ("time", time), ("maxpid", Document.number(root.limits.threads)), ("curproc", Document.number(root.sample.threads ?? root.sample.processes)),
        ])
    }

    /// The cgroups that hold what is no pod: `pods` is all pods together, `kubelet` this program, `runtime` what runs
    /// containers, `misc` the other system services.
    private static func systemContainers(_ snapshot: NodeSnapshot, _ reduced: Bool) -> [JSON] {
        let candidates: [(name: String, paths: [String])] = [
            ("kubelet", ["/system.slice/kubelet.service", "/system.slice/binnacle.service", "/binnacle"]),
            ("runtime", ["/system.slice/containerd.service", "/system.slice/crio.service", "/system.slice/docker.service", "/system.slice/podman.service"]),
            ("misc", ["/system.slice"]), ("pods", ["/kubepods", "/kubepods.slice"]),
        ]
        return candidates.compactMap { name, paths in
            guard let row = paths.lazy.compactMap({ snapshot.row(at: $0) }).first else { return nil }
            let started = row.started == 0 ? boot(snapshot) : Timestamp(milliseconds: row.started / 1_000_000)
            return Document.object([
                ("name", .string(name)), ("startTime", text(started)), ("cpu", cpu(row)),
                // Only the pods have a limit: all that the machine has.
                ("memory", memory(row, limit: name == "pods" ? row.limits.memory ?? snapshot.machine.memoryBytes : nil)),
                ("io", reduced ? .null : io(row.sample, time(row))), ("swap", reduced ? .null : swap(SummaryNode.swap(row, snapshot), time(row))),
            ])
        }
    }

    // MARK: Pods and containers

    private static func pod(
        of reference: ContainerReference, row: NodeSnapshot.Row?, _ containers: [NodeSnapshot.Row], _ snapshot: NodeSnapshot, _ reduced: Bool
    ) -> JSON {
        let started: Int64 = row?.started ?? (containers.map(\.started).filter { $0 > 0 }.min() ?? 0)
        var pod: [(String, JSON)] = [
            ("podRef", ["name": .string(reference.pod), "namespace": .string(reference.namespace), "uid": .string(reference.podUID)]),
            ("startTime", text(Timestamp(milliseconds: started / 1_000_000))), ("containers", .array(containers.map { container($0, snapshot, reduced) })),
            ("cpu", row.map { cpu($0) } ?? .null), ("memory", row.map { memory($0, limit: $0.limits.memory) } ?? .null),
        ]
        guard !reduced else { return Document.object(pod) }
        pod += [
            ("io", row.map { io($0.sample, time($0)) } ?? .null), ("network", network(row?.network?.interfaces ?? [], snapshot.timestamp)),
            ("volume", Document.list((row?.volumes ?? []).map { SummaryVolume.document($0, namespace: reference.namespace, time: text(snapshot.timestamp)) })),
            ("ephemeral-storage", SummaryVolume.ephemeralStorage(row, containers, snapshot, time: text(snapshot.timestamp))),
            ("process_stats", row?.sample.threads.map { ["process_count": .integer(Int64(clamping: $0))] } ?? .null),
            ("swap", row.map { swap(SummaryNode.swap($0, snapshot), time($0)) } ?? .null),
        ]
        return Document.object(pod)
    }

    private static func container(_ row: NodeSnapshot.Row, _ snapshot: NodeSnapshot, _ reduced: Bool) -> JSON {
        var container: [(String, JSON)] = [
            ("name", .string(row.reference.container)), ("startTime", text(Timestamp(milliseconds: row.started / 1_000_000))), ("cpu", cpu(row)),
            ("memory", memory(row, limit: row.limits.memory)),
        ]
        guard !reduced else { return Document.object(container) }
        container.append(("io", io(row.sample, time(row))))
        if let room = snapshot.rootFileSystem {
            let now = text(snapshot.timestamp)
            container += [
                ("rootfs", row.writableLayer.map { SummaryVolume.room(room, time: now, used: $0.bytes, inodesUsed: $0.files) } ?? .null),
                ("logs", row.logBytes.map { SummaryVolume.room(room, time: now, used: $0, inodesUsed: nil) } ?? .null),
            ]
        }
        container.append(("swap", swap(SummaryNode.swap(row, snapshot), time(row))))
        return Document.object(container)
    }

    // MARK: Parts

    private static func cpu(_ row: NodeSnapshot.Row) -> JSON {
        Document.object([
            ("time", time(row)), ("usageNanoCores", Document.number(row.usageNanoCores)), ("usageCoreNanoSeconds", Document.number(row.sample.cpuUsage)),
            ("psi", ContainerStats.pressure(row.sample.cpuPressure)),
        ])
    }

    /// `limit` nil is none: then nothing is said of what is available.
    private static func memory(_ row: NodeSnapshot.Row, limit: UInt64?) -> JSON {
        let available = limit.flatMap { limit in row.sample.workingSet.map { limit - min(limit, $0) } }
        return Document.object([
            ("time", time(row)), ("availableBytes", Document.number(available)), ("usageBytes", Document.number(row.sample.memoryUsage)),
            ("workingSetBytes", Document.number(row.sample.workingSet)), ("rssBytes", Document.number(row.sample.memoryRSS)),
            ("pageFaults", Document.number(row.sample.pageFaults)), ("majorPageFaults", Document.number(row.sample.majorPageFaults)),
            ("psi", ContainerStats.pressure(row.sample.memoryPressure)),
        ])
    }

    private static func io(_ sample: CgroupSample?, _ time: JSON) -> JSON {
        guard let pressure = sample?.ioPressure else { return .null }
        return ["time": time, "psi": ContainerStats.pressure(pressure)]
    }

    private static func swap(_ swap: (used: UInt64, available: UInt64)?, _ time: JSON) -> JSON {
        guard let swap else { return .null }
        return ["time": time, "swapAvailableBytes": Document.count(swap.available), "swapUsageBytes": Document.count(swap.used)]
    }

    /// The top-level fields are those of `eth0`, or of the first interface where there is none.
    private static func network(_ interfaces: [NetworkCounters], _ time: Timestamp) -> JSON {
        guard let main = interfaces.first(where: { $0.interface == "eth0" }) ?? interfaces.first else { return .null }
        func fields(_ counters: NetworkCounters) -> [(String, JSON)] {
            [
                ("name", .string(counters.interface)), ("rxBytes", Document.number(counters.receivedBytes)),
                ("rxErrors", Document.number(counters.receiveErrors)), ("txBytes", Document.number(counters.transmittedBytes)),
                ("txErrors", Document.number(counters.transmitErrors)),
            ]
        }
        return .object([("time", text(time))] + fields(main) + [("interfaces", .array(interfaces.map { .object(fields($0)) }))])
    }

    private static func time(_ row: NodeSnapshot.Row) -> JSON { text(Timestamp(milliseconds: row.sample.time / 1_000_000)) }
    static func text(_ timestamp: Timestamp) -> JSON { .string(CivilTime(timestamp).rfc3339()) }
    private static func boot(_ snapshot: NodeSnapshot) -> Timestamp { Timestamp(seconds: Double(snapshot.machine.bootTime)) }
}
