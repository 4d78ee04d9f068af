import JSON
import NodeStats
import Telemetry

/// cAdvisor's `ContainerInfo` of API version 1 (contracts/metrics.md 2.2): who it is, what may be used, what was used.
enum ContainerInfo {
    /// One container with its past from the ring; the newest row alone where there is no ring.
    static func document(of row: NodeSnapshot.Row, in snapshot: NodeSnapshot, _ readings: any NodeReadings, _ request: StatsRequest) async -> JSON {
        let past = await readings.history(
            of: row.reference.cgroupPath, from: request.start, through: request.end, limit: request.count < 0 ? .max : request.count)
        return document(of: row, in: snapshot, past: past)
    }

    static func document(of row: NodeSnapshot.Row, in snapshot: NodeSnapshot, past: [NodeSnapshot.Row]) -> JSON {
        var info = reference(row.reference)
        let path = row.reference.cgroupPath
        let children = snapshot.rows.filter { CgroupPath.parent($0.reference.cgroupPath) == path }
        info.append(("subcontainers", Document.list(children.map { ["name": .string($0.reference.cgroupPath)] })))
        info.append(("spec", spec(row)))
        info.append(("stats", Document.list(past.map { ContainerStats.version1($0, in: snapshot) })))
        return Document.object(info)
    }

    /// Which container it is; the last three only where a runtime has named it.
    static func reference(_ reference: ContainerReference) -> [(String, JSON)] {
        [
            ("id", reference.containerID.isEmpty ? .null : .string(reference.containerID)), ("name", .string(reference.cgroupPath)),
            ("aliases", aliases(reference)), ("namespace", reference.runtime.isEmpty ? .null : .string(reference.runtime)),
        ]
    }

    static func aliases(_ reference: ContainerReference) -> JSON {
        var all: [String] = []
        for alias in [reference.name] + reference.aliases + [reference.containerID] where !alias.isEmpty && !all.contains(alias) { all.append(alias) }
        return Document.list(all.map { .string($0) })
    }

    /// `ContainerSpec`; version 2 has the aliases and the namespace inside it.
    static func spec(_ row: NodeSnapshot.Row, version2: Bool = false) -> JSON {
        let reference = row.reference
        let limits = row.limits
        let sample = row.sample
        var members: [(String, JSON)] = [
            ("creation_time", Document.time(row.created)),
            ("start_time", Document.time(row.started)),
        ]
        if version2 {
            members.append(("aliases", aliases(reference)))
            members.append(("namespace", reference.runtime.isEmpty ? .null : .string(reference.runtime)))
        }
        members += [
            ("labels", Document.strings(labels(reference))), ("envs", Document.strings(reference.environment)),
            ("has_cpu", .bool(sample.cpuUsage != nil)),
            (
                "cpu",
                Document.object([
                    ("limit", Document.count(limits.shares ?? 1024)), ("max_limit", 0), ("mask", limits.cpuMask.isEmpty ? .null : .string(limits.cpuMask)),
                    ("quota", Document.number(limits.quota)), ("period", Document.number(limits.period)),
                ])
            ),
            ("has_memory", .bool(sample.memoryUsage != nil)),
            (
                "memory",
                Document.object([
                    ("limit", unlimited(limits.memory)), ("reservation", Document.number(limits.memoryReservation)), ("swap_limit", unlimited(limits.swap)),
                ])
            ),
            ("has_hugetlb", .bool(!sample.hugePages.isEmpty)), ("has_network", .bool(row.network != nil)),
            ("has_processes", .bool(sample.processes != nil || sample.threads != nil)),
            ("processes", Document.object([("limit", Document.number(limits.threads))])),
            ("has_filesystem", .bool(!row.fileSystems.isEmpty || reference.cgroupPath == "/")), ("has_diskio", .bool(!sample.devices.isEmpty)),
            ("has_custom_metrics", false), ("image", reference.image.isEmpty ? .null : .string(reference.image)),
        ]
        return Document.object(members)
    }

    /// The labels that a kubelet's runtime would have, and those of the container that the allow-list let through.
    private static func labels(_ reference: ContainerReference) -> [(name: String, value: String)] {
        var labels = reference.containerLabels
        func add(_ name: String, _ value: String) {
            if !value.isEmpty, !labels.contains(where: { $0.name == name }) { labels.append((name, value)) }
        }
        add("io.kubernetes.container.name", reference.container)
        add("io.kubernetes.pod.name", reference.pod)
        add("io.kubernetes.pod.namespace", reference.namespace)
        add("io.kubernetes.pod.uid", reference.podUID)
        return labels
    }

    /// Go's clients read an unsigned number of 64 bits; "no limit" is the largest that a signed one holds.
    private static func unlimited(_ limit: UInt64?) -> JSON { .integer(limit.map { Int64(clamping: $0) } ?? .max) }
}
