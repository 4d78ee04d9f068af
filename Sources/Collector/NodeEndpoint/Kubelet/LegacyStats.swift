import HTTP
import JSON
import NodeStats
import Telemetry

/// What a client wants of a container's past: cAdvisor's `ContainerInfoRequest`, and the kubelet's `StatsRequest`, which has
/// a name and `subcontainers` besides.
struct StatsRequest: Sendable, Equatable {
    var path = "/"
    /// The newest so many; negative is all.
    var count = 60
    var start: Timestamp?
    var end: Timestamp?
    var includesSubcontainers = false

    init() {}

    /// Reads the body, all of whose members are optional; an empty body is all defaults. Throws what Go's decoder would find.
    init(body: [UInt8]) throws(Malformed) {
        guard body.contains(where: { $0 > 0x20 }) else { return }
        guard let document = try? JSON.parse(body) else { throw Malformed(text: "unable to decode the json value: it is no JSON") }
        guard document.object != nil else { throw Malformed(text: "unable to decode the json value: it is \(document.typeName), expected an object") }
        if let name = try Self.member(document, "containerName", "a string", \.string) { path = CgroupPath.normalized(name) }
        if let number = try Self.member(document, "num_stats", "an integer", \.int) { count = number == 0 ? 60 : number }
        start = try Self.time(document, "start")
        end = try Self.time(document, "end")
        includesSubcontainers = try Self.member(document, "subcontainers", "a boolean", \.bool) ?? false
    }

    struct Malformed: Error { var text: String }

    private static func member<Value>(_ document: JSON, _ key: String, _ expected: String, _ read: (JSON) -> Value?) throws(Malformed) -> Value? {
        let value = document[key]
        if value.isNull { return nil }
        guard let read = read(value) else {
            throw Malformed(text: "unable to decode the json value: \(key) is \(value.typeName), expected \(expected)")
        }
        return read
    }

    /// Go's zero time means that no time was given.
    private static func time(_ document: JSON, _ key: String) throws(Malformed) -> Timestamp? {
        guard let text = try member(document, key, "a string", \.string) else { return nil }
        guard let time = CivilTime.parse(text) else {
            throw Malformed(text: "unable to decode the json value: \(key) is \"\(text)\", expected a time such as 2026-11-24T08:00:00Z")
        }
        return time.year <= 1 ? nil : time.timestamp
    }
}

/// The kubelet's old `/stats` (contracts/metrics.md 1.7), gone upstream; Heapster asks `/stats/container/`.
struct LegacyStats: Sendable {
    let readings: any NodeReadings

    func register(on router: inout HTTPRouter) {
        router.on("GET POST", "/stats") { request, _ in
            await answer(request) { stats in
                try await info(of: "/", stats)
            }
        }
        router.on("GET POST", "/stats/container") { request, _ in
            await answer(request) { stats in
                let snapshot = await readings.snapshot(maximumAge: nil)
                guard let own = snapshot.row(at: stats.path) else { throw Unknown() }
                let rows = stats.includesSubcontainers ? [own] + snapshot.rows(below: stats.path) : [own]
                var map = JSONObject()
                for row in rows { map[row.reference.cgroupPath] = await ContainerInfo.document(of: row, in: snapshot, readings, stats) }
                return .object(map)
            }
        }
        router.on("GET POST", "/stats/{pod}/{container}") { request, names in
            await answer(request) { stats in
                try await info(ofPod: names["pod"] ?? "", namespace: "default", uid: nil, container: names["container"] ?? "", stats)
            }
        }
        router.on("GET POST", "/stats/{namespace}/{pod}/{uid}/{container}") { request, names in
            await answer(request) { stats in
                try await info(
                    ofPod: names["pod"] ?? "", namespace: names["namespace"] ?? "", uid: names["uid"], container: names["container"] ?? "", stats)
            }
        }
    }

    private struct Unknown: Error {}

    private func answer(_ request: HTTPRequest, _ work: (StatsRequest) async throws -> JSON) async -> HTTPResponse {
        do {
            return .json(try await work(try StatsRequest(body: request.body)))
        } catch let error as StatsRequest.Malformed {
            return .text("Internal Error: \(error.text)\n", status: 500)
        } catch {
            return .text("404 page not found\n", status: 404)
        }
    }

    private func info(of path: String, _ stats: StatsRequest) async throws -> JSON {
        let snapshot = await readings.snapshot(maximumAge: nil)
        guard let row = snapshot.row(at: path) else { throw Unknown() }
        return await ContainerInfo.document(of: row, in: snapshot, readings, stats)
    }

    private func info(ofPod pod: String, namespace: String, uid: String?, container: String, _ stats: StatsRequest) async throws -> JSON {
        let snapshot = await readings.snapshot(maximumAge: nil)
        let row = snapshot.rows.first { row in
            let reference = row.reference
            return reference.pod == pod && reference.namespace == namespace && reference.container == container
                && (uid.map { $0 == reference.podUID } ?? true)
        }
        guard let row else { throw Unknown() }
        return await ContainerInfo.document(of: row, in: snapshot, readings, stats)
    }
}

extension NodeSnapshot {
    func row(at path: String) -> Row? { rows.first { $0.reference.cgroupPath == path } }
    /// All cgroups below one, by path.
    func rows(below path: String) -> [Row] { rows.filter { CgroupPath.isBelow($0.reference.cgroupPath, path) } }
}
