import HTTP
import JSON
import PromQL
import Telemetry

/// `/rules`, `/alerts` and `/alertmanagers`.
extension PrometheusAPI {
    func registerRules(on router: inout HTTPRouter) {
        on(&router, "GET", "rules") { request, _ async throws(QueryError) in
            let filter = try rulesFilter(request)
            guard let provider = providers.rules else { return .success(["groups": []]) }
            let answer = try await reading { () async throws in try await provider.groups(filter) }
            var document: [(String, JSON)] = [("groups", .array(answer.groups))]
            if let token = answer.nextToken { document.append(("groupNextToken", .string(token))) }
            return .success(.object(document))
        }
        on(&router, "GET", "alerts") { _, _ async throws(QueryError) in
            .success(["alerts": .array(await providers.rules?.alerts() ?? [])])
        }
        on(&router, "GET", "alertmanagers") { _, _ async throws(QueryError) in
            let all = await providers.rules?.alertmanagers() ?? (active: [], dropped: [])
            func list(_ addresses: [String]) -> JSON { .array(addresses.map { ["url": .string($0)] }) }
            return .success(["activeAlertmanagers": list(all.active), "droppedAlertmanagers": list(all.dropped)])
        }
    }

    func rulesFilter(_ request: HTTPRequest) throws(QueryError) -> RulesFilter {
        var filter = RulesFilter()
        if let type = request.parameter("type")?.lowercased(), !type.isEmpty {
            guard let kind = RulesFilter.Kind(rawValue: type) else {
                throw QueryError(.badData, "not supported value \"\(type)\" of type; it is alert or record")
            }
            filter.kind = kind
        }
        filter.names = request.parameters("rule_name[]")
        filter.groups = request.parameters("rule_group[]")
        filter.files = request.parameters("file[]")
        if let text = request.parameter("exclude_alerts"), !text.isEmpty {
            switch text.lowercased() {
            case "true", "1", "t": filter.leavesAlertsOut = true
            case "false", "0", "f": break
            default: throw QueryError(.badData, "error converting exclude_alerts: \"\(text)\" is neither true nor false")
            }
        }
        if !request.parameters("match[]").isEmpty { filter.matchers = try selectors(request, isRequired: true) }
        filter.groupLimit = try limit(request, "group_limit")
        filter.groupToken = request.parameter("group_next_token") ?? ""
        if !filter.groupToken.isEmpty, filter.groupLimit == 0 {
            throw QueryError(.badData, "invalid parameter \"group_limit\": it must be set if group_next_token is")
        }
        return filter
    }
}
