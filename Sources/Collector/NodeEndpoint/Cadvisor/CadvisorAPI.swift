import HTTP
import JSON
import NodeStats
import Runtime
import Telemetry

/// cAdvisor's REST interface under `/api/` (contracts/metrics.md 2.1): which version and type of request it is, and the
/// codes and texts of what goes wrong. Nothing is changed by it, so GET and POST do the same.
struct CadvisorAPI: Sendable {
    /// What goes wrong is 500 with a text, whatever it is; only a path without a version or a type is 400.
    struct Failure: Error {
        var text: String
        init(_ text: String) { self.text = text }
    }

    enum Version: String, CaseIterable, Sendable {
        case v1_0 = "v1.0"
        case v1_1 = "v1.1"
        case v1_2 = "v1.2"
        case v1_3 = "v1.3"
        case v2_0 = "v2.0"
        case v2_1 = "v2.1"

        /// Sorted, as the error message lists them.
        var types: [String] {
            let version1 = ["containers", "machine"]
            let version2 = ["appmetrics", "attributes", "events", "machine", "ps", "spec", "stats", "storage", "summary", "version"]
            switch self {
            case .v1_0: return version1
            case .v1_1: return (version1 + ["subcontainers"]).sorted()
            case .v1_2: return (version1 + ["subcontainers", "docker"]).sorted()
            case .v1_3: return (version1 + ["subcontainers", "docker", "events"]).sorted()
            case .v2_0: return version2
            case .v2_1: return (version2 + ["machinestats"]).sorted()
            }
        }
    }

    let readings: any NodeReadings
    let events: any EventSource
    let options: NodeEndpoint.Options
    let files: any FileSystem

    func register(on router: inout HTTPRouter) {
        router.on("GET POST", "/api") { _, _ in Self.versions }
        router.on("GET POST", "/api/{version}") { request, names in await answer(request, names["version"] ?? "", "", []) }
        router.on("GET POST", "/api/{version}/{type}") { request, names in await answer(request, names["version"] ?? "", names["type"] ?? "", []) }
        router.on("GET POST", "/api/{version}/{type}/{rest...}") { request, names in
            await answer(request, names["version"] ?? "", names["type"] ?? "", (names["rest"] ?? "").split(separator: "/").map(String.init))
        }
    }

    private static let versions = HTTPResponse.text(
        "Supported API versions: " + Version.allCases.map(\.rawValue).joined(separator: ",") + "\n", status: 400)

    private func answer(_ request: HTTPRequest, _ version: String, _ type: String, _ rest: [String]) async -> HTTPResponse {
        guard let known = Version(rawValue: version) else { return .text("unsupported API version \(Self.quoted(version))\n", status: 500) }
        guard !type.isEmpty else {
            return .text("Supported request types: \(Self.quoted(known.types.joined(separator: ",")))\n", status: 400)
        }
        do {
            guard known.types.contains(type) else { throw Failure("unknown request type \(Self.quoted(type))") }
            if type == "events" { return try await eventsAnswer(request, rest) }
            switch known {
            case .v1_0, .v1_1, .v1_2, .v1_3: return .json(try await version1(request, type, rest))
            case .v2_0, .v2_1: return .json(try await version2(request, type, rest, known))
            }
        } catch let failure as Failure {
            return .text(failure.text + "\n", status: 500)
        } catch {
            return .text("\(error)\n", status: 500)
        }
    }

    // MARK: Version 1

    private func version1(_ request: HTTPRequest, _ type: String, _ rest: [String]) async throws -> JSON {
        if type == "machine" { return MachineDocument.document(of: await readings.snapshot(maximumAge: nil)) }
        var wanted: StatsRequest
        do { wanted = try StatsRequest(body: request.body) } catch { throw Failure(error.text) }
        let path = CgroupPath.normalized(rest.joined(separator: "/"))
        wanted.path = path
        let snapshot = await readings.snapshot(maximumAge: nil)
        switch type {
        case "containers":
            guard let row = snapshot.row(at: path) else {
                throw Failure("failed to get container \(Self.quoted(path)) with error: unknown container \(Self.quoted(path))")
            }
            return await ContainerInfo.document(of: row, in: snapshot, readings, wanted)
        case "subcontainers":
            guard let own = snapshot.row(at: path) else {
                throw Failure("failed to get subcontainers for container \(Self.quoted(path)) with error: unknown container \(Self.quoted(path))")
            }
            var all: [JSON] = []
            for row in [own] + snapshot.rows(below: path) { all.append(await ContainerInfo.document(of: row, in: snapshot, readings, wanted)) }
            return .array(all)
        default: return try await docker(rest, snapshot, wanted)
        }
    }

    /// A container by its runtime's name or id, or all of them. Ours, Podman's and CRI's are as good as Docker's.
    private func docker(_ rest: [String], _ snapshot: NodeSnapshot, _ wanted: StatsRequest) async throws -> JSON {
        let rows: [NodeSnapshot.Row]
        switch rest.count {
        case 0: rows = snapshot.rows.filter { Self.isContainer($0.reference) }
        case 1:
            do { rows = [try Self.named(rest[0], runtime: nil, in: snapshot)] } catch {
                throw Failure("failed to get Docker container \(Self.quoted(rest[0])) with error: \(error.text)")
            }
        default: throw Failure("unknown request for Docker container [\(rest.joined(separator: " "))]")
        }
        var map = JSONObject()
        for row in rows { map[row.reference.cgroupPath] = await ContainerInfo.document(of: row, in: snapshot, readings, wanted) }
        return .object(map)
    }

    // MARK: Finding containers

    static func isContainer(_ reference: ContainerReference) -> Bool {
        !reference.containerID.isEmpty || (!reference.name.isEmpty && reference.runtime != "systemd")
    }

    /// By name, alias, whole id, or a beginning of the id that only one container has.
    static func named(_ name: String, runtime: String?, in snapshot: NodeSnapshot) throws(Failure) -> NodeSnapshot.Row {
        let rows = snapshot.rows.filter { isContainer($0.reference) && (runtime == nil || $0.reference.runtime == runtime) }
        let space = runtime ?? "docker"
        if let exact = rows.first(where: { $0.reference.name == name || $0.reference.containerID == name || $0.reference.aliases.contains(name) }) {
            return exact
        }
        let starting = name.isEmpty ? [] : rows.filter { $0.reference.containerID.hasPrefix(name) || $0.reference.name.hasPrefix(name) }
        guard let first = starting.first else { throw Failure("unable to find container \(quoted(name)) in \(quoted(space)) namespace") }
        guard starting.count == 1 else { throw Failure("unable to find container in \(quoted(space)) namespace. Container \(quoted(name)) is not unique") }
        return first
    }

    /// A text in quotation marks, its own escaped, as an error message shows it.
    static func quoted(_ text: String) -> String { JSON.string(text).description }
}
