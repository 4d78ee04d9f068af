import Alerting
import JSON
import PromQL
import QueryAPI
import Telemetry

/// The rules as Prometheus' API shows them.
struct RulesView: RulesProvider {
    let manager: RuleRunner
    let dispatcher: AlertDispatcher

    func groups(_ filter: RulesFilter) async throws -> (groups: [JSON], nextToken: String?) {
        let interval = await manager.defaultInterval
        var shown: [(token: String, document: JSON)] = []
        for state in await manager.groups {
            let group = state.group
            guard filter.groups.isEmpty || filter.groups.contains(group.name), filter.files.isEmpty || filter.files.contains(group.file) else { continue }
            let document = RulesDocument.group(state, defaultInterval: interval, showsAlerts: !filter.leavesAlertsOut) { includes($0, group, filter) }
            // A group without rules is shown unless rules were asked for.
            if document["rules"].elements.isEmpty, !group.rules.isEmpty { continue }
            shown.append(("\(group.file);\(group.name)", document))
        }
        if !filter.groupToken.isEmpty {
            guard let position = shown.firstIndex(where: { $0.token == filter.groupToken }) else {
                throw QueryError(.badData, "invalid parameter \"group_next_token\": there is no such group any more; start again without it")
            }
            shown.removeFirst(position + 1)
        }
        guard filter.groupLimit > 0, shown.count > filter.groupLimit else { return (shown.map(\.document), nil) }
        let page = shown.prefix(filter.groupLimit)
        return (page.map(\.document), page.last?.token)
    }

    private func includes(_ rule: Rule, _ group: RuleGroup, _ filter: RulesFilter) -> Bool {
        let isAlert = if case .alerting = rule.kind { true } else { false }
        if let kind = filter.kind, (kind == .alert) != isAlert { return false }
        if !filter.names.isEmpty, !filter.names.contains(rule.name) { return false }
        let labels = Labels(group.labels.merging(rule.labels) { $1 })
        return filter.matchers.isEmpty || filter.matchers.contains { set in set.allSatisfy { $0.accepts(labels) } }
    }

    func alerts() async -> [JSON] { await manager.activeAlerts.map(RulesDocument.alert) }

    func alertmanagers() async -> (active: [String], dropped: [String]) {
        (await dispatcher.alertmanagers.map { "\($0)/api/v2/alerts" }, [])
    }
}

extension AlertService {
    /// What the HTTP API shows of it.
    nonisolated var providers: PrometheusProviders {
        var providers = PrometheusProviders()
        providers.rules = RulesView(manager: manager, dispatcher: dispatcher)
        return providers
    }
}
