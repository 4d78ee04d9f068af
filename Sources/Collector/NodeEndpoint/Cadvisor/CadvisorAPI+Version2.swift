import HTTP
import JSON
import NodeStats
import Telemetry

extension CadvisorAPI {
    func version2(_ request: HTTPRequest, _ type: String, _ rest: [String], _ version: Version) async throws -> JSON {
        let wanted = try RequestOptions(request)
        let snapshot = await readings.snapshot(maximumAge: wanted.maximumAge)
        let path = CgroupPath.normalized(rest.joined(separator: "/"))
        switch type {
        case "version": return .string(options.version)
        case "attributes": return MachineDocument.attributes(of: snapshot, version: options.version)
        case "machine": return MachineDocument.document(of: snapshot)
        case "machinestats": return try await machineStats(snapshot, wanted)
        case "stats":
            return try await map(path, rest, wanted, snapshot) { row in
                // The root is the machine, which has a request of its own in 2.1.
                if version == .v2_1, row.reference.cgroupPath == "/" { return .none }
                return .some(await stats(row, snapshot, wanted, version))
            }
        case "spec": return try await map(path, rest, wanted, snapshot) { row in ContainerInfo.spec(row, version2: true) }
        case "summary":
            return try await map(path, rest, wanted, snapshot) { row in
                let past = await readings.history(of: row.reference.cgroupPath, from: nil, through: nil, limit: .max)
                return DerivedStats.document(past.isEmpty ? [row.sample] : past.map(\.sample), now: snapshot.timestamp)
            }
        case "appmetrics": return try await map(path, rest, wanted, snapshot) { _ in [:] }
        case "storage": return try storage(request, snapshot)
        default: return try await processes(rest, wanted, snapshot)
        }
    }

    /// The containers that the request names, and what there is to say of each.
    private func map(
        _ path: String, _ rest: [String], _ wanted: RequestOptions, _ snapshot: NodeSnapshot, _ document: (NodeSnapshot.Row) async -> JSON?
    ) async throws -> JSON {
        var result = JSONObject()
        for row in try Self.rows(path, rest, wanted, snapshot) {
            if let document = await document(row) { result[row.reference.cgroupPath] = document }
        }
        return .object(result)
    }

    static func rows(_ path: String, _ rest: [String], _ wanted: RequestOptions, _ snapshot: NodeSnapshot) throws(Failure) -> [NodeSnapshot.Row] {
        switch wanted.type {
        case .name:
            guard let row = snapshot.row(at: path) else { throw Failure("unknown container \(quoted(path))") }
            return wanted.isRecursive ? [row] + snapshot.rows(below: path) : [row]
        case .docker, .podman:
            let runtime = wanted.type.rawValue
            guard wanted.isRecursive else { return [try named(rest.joined(separator: "/"), runtime: runtime, in: snapshot)] }
            guard path == "/" else { throw Failure("invalid request for \(runtime) container \(quoted(path)) with subcontainers") }
            return snapshot.rows.filter { isContainer($0.reference) && $0.reference.runtime == runtime }
        }
    }

    private func stats(_ row: NodeSnapshot.Row, _ snapshot: NodeSnapshot, _ wanted: RequestOptions, _ version: Version) async -> JSON {
        let past = await pairs(of: row.reference.cgroupPath, wanted)
        if version == .v2_0 { return .array(past.map { ContainerStats.deprecated($0.row, in: snapshot, previous: $0.previous) }) }
        return Document.object([
            ("spec", ContainerInfo.spec(row, version2: true)),
            ("stats", Document.list(past.map { ContainerStats.version2($0.row, in: snapshot, previous: $0.previous) })),
        ])
    }

    /// The newest rows with the sample before each, which rates need: one more row than asked for is read.
    private func pairs(of path: String, _ wanted: RequestOptions) async -> [(row: NodeSnapshot.Row, previous: CgroupSample?)] {
        guard wanted.limit > 0 else { return [] }
        let limit = wanted.limit == .max ? .max : wanted.limit + 1
        let past = await readings.history(of: path, from: nil, through: nil, limit: limit)
        let all = past.indices.map { (row: past[$0], previous: $0 > 0 ? past[$0 - 1].sample : past[$0].previous) }
        return Array(all.suffix(wanted.limit))
    }

    private func machineStats(_ snapshot: NodeSnapshot, _ wanted: RequestOptions) async throws -> JSON {
        guard snapshot.row(at: "/") != nil else { throw Failure("unknown container \"/\"") }
        let fileSystems = FileSystemStats.machineVersion2(snapshot)
        return .array(
            await pairs(of: "/", wanted).map { pair in
                let sample = pair.row.sample
                return Document.object([
                    ("timestamp", Document.time(sample.time)), ("cpu", ContainerStats.cpu(sample)),
                    ("cpu_inst", ContainerStats.rates(sample, since: pair.previous)),
                    ("diskio", sample.devices.isEmpty ? .null : DiskIOStats.document(sample)), ("memory", MemoryStats.document(sample)),
                    ("network", pair.row.network.map { NetworkStats.version2($0) } ?? .null), ("filesystem", fileSystems),
                    ("load_stats", ContainerStats.tasks(sample)),
                ])
            })
    }

    private func storage(_ request: HTTPRequest, _ snapshot: NodeSnapshot) throws -> JSON {
        if let uuid = request.parameter("uuid"), !uuid.isEmpty {
            // The name that udev gives a file system's UUID is a link to its device.
            let device = Self.device(ofUUID: uuid, root: options.root)
            guard let device, let index = snapshot.node.fileSystems.firstIndex(where: { $0.device == device }) else {
                throw Failure("cannot find device for file system UUID \(Self.quoted(uuid))")
            }
            var only = snapshot
            only.node.fileSystems = [snapshot.node.fileSystems[index]]
            return MachineDocument.storage(only, label: nil).first ?? .null
        }
        let label = request.parameter("label").flatMap { $0.isEmpty ? nil : $0 }
        return .array(MachineDocument.storage(snapshot, label: label))
    }

    private func processes(_ rest: [String], _ wanted: RequestOptions, _ snapshot: NodeSnapshot) async throws -> JSON {
        var single = wanted
        single.isRecursive = false
        let path = CgroupPath.normalized(rest.joined(separator: "/"))
        do {
            let row = try Self.rows(path, rest, single, snapshot)[0]
            let list = ProcessList(files: files, root: options.root, mounts: options.mounts ?? CgroupMounts())
            return .array(list.processes(of: row.reference.cgroupPath, machine: snapshot.machine, now: snapshot.timestamp))
        } catch {
            throw Failure("process listing failed: \(error.text)")
        }
    }
}
