import HTTP
import JSON
import NodeStats
import Telemetry

extension CadvisorAPI {
    /// Past events as a list, or with `stream=true` each from now on as a line of JSON of its own.
    func eventsAnswer(_ request: HTTPRequest, _ rest: [String]) async throws -> HTTPResponse {
        var query = Self.query(request)
        query.path = CgroupPath.normalized(rest.joined(separator: "/"))
        guard Self.flag(request, "stream") == true else {
            return .json(.array(await events.past(query).map(Self.document)))
        }
        query.limit = -1
        guard let stream = await events.live(query) else {
            return .text("too many listen to events already; try again later\n", status: 503)
        }
        return HTTPResponse(
            fields: ["Content-Type": "application/json"],
            body: .stream { writer in
                for await event in stream { try await writer.write(Self.document(event).bytes() + [0x0A]) }
            })
    }

    /// A parameter whose value is no boolean, number or time counts as not given, as in cAdvisor.
    static func query(_ request: HTTPRequest) -> EventLog.Query {
        var query = EventLog.Query()
        query.kinds = []
        query.limit = 10
        query.includesSubcontainers = flag(request, "subcontainers") ?? false
        let all = flag(request, "all_events") ?? false
        let names: [(String, ContainerEvent.Kind)] = [
            ("oom_events", .oom), ("oom_kill_events", .oomKill), ("creation_events", .containerCreation), ("deletion_events", .containerDeletion),
        ]
        for (name, kind) in names where all || flag(request, name) == true { query.kinds.insert(kind) }
        if let maximum = request.parameter("max_events").flatMap({ Int($0) }) { query.limit = maximum }
        query.from = request.parameter("start_time").flatMap { CivilTime.parse($0) }?.nanosecondsSinceEpoch
        query.through = request.parameter("end_time").flatMap { CivilTime.parse($0) }?.nanosecondsSinceEpoch
        return query
    }

    /// What Go's `ParseBool` takes.
    static func flag(_ request: HTTPRequest, _ name: String) -> Bool? {
        switch request.parameter(name) {
        case "1", "t", "T", "true", "TRUE", "True": true
        case "0", "f", "F", "false", "FALSE", "False": false
        default: nil
        }
    }

    static func document(_ event: ContainerEvent) -> JSON {
        let data: JSON =
            switch event.kind {
            case .oom, .oomKill:
                [
                    "oom": Document.object([
                        ("pid", .integer(Int64(event.pid))), ("process_name", .string(event.processName)),
                        ("constraint", event.constraint.isEmpty ? .null : .string(event.constraint)),
                    ])
                ]
            case .containerDeletion: ["container_deletion": ["exit_code": .integer(Int64(event.exitCode))]]
            case .containerCreation: [:]
            }
        return [
            "container_name": .string(event.path), "timestamp": Document.time(event.time), "event_type": .string(event.kind.rawValue), "event_data": data,
        ]
    }
}
