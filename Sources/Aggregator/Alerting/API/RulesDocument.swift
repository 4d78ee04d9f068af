import JSON
import PromQL
import Telemetry

/// What `/api/v1/rules` and `/api/v1/alerts` show (contracts/metrics.md 4.1).
public enum RulesDocument {
    /// One group with its rules; `isIncluded` chooses among them, and `showsAlerts` leaves alerts' lists out.
    public static func group(
        _ state: RuleGroupState, defaultInterval: Duration, showsAlerts: Bool = true, isIncluded: (Rule) -> Bool = { _ in true }
    ) -> JSON {
        let group = state.group
        let rules = zip(group.rules, state.rules).filter { isIncluded($0.0) }.map { rule($0.0, $0.1, group, showsAlerts) }
        return [
            "name": .string(group.name), "file": .string(group.file), "rules": .array(rules),
            "interval": .number((group.interval ?? defaultInterval).inSeconds), "limit": JSON(group.limit),
            "evaluationTime": .number(state.evaluationTime.inSeconds), "lastEvaluation": time(state.lastEvaluation),
        ]
    }

    private static func rule(_ rule: Rule, _ state: RuleGroupState.RuleState, _ group: RuleGroup, _ showsAlerts: Bool) -> JSON {
        let labels = strings(group.labels.merging(rule.labels) { $1 })
        var document: [(String, JSON)] = []
        switch rule.kind {
        case .recording:
            document = [("name", .string(rule.name)), ("query", .string(rule.query)), ("labels", labels)]
        case .alerting(let alert):
            document = [
                ("state", .string(state.alerts.state.rawValue)), ("name", .string(rule.name)), ("query", .string(rule.query)),
                ("duration", .number(alert.hold.inSeconds)), ("keepFiringFor", .number(alert.keepFiring.inSeconds)), ("labels", labels),
                ("annotations", strings(alert.annotations)), ("alerts", .array(showsAlerts ? state.alerts.active.map(self.alert) : [])),
            ]
        }
        document.append(("health", .string(state.health.rawValue)))
        if !state.lastError.isEmpty { document.append(("lastError", .string(state.lastError))) }
        document += [
            ("evaluationTime", .number(state.evaluationTime.inSeconds)), ("lastEvaluation", time(state.lastEvaluation)),
        ]
        if case .recording = rule.kind { document.append(("type", "recording")) } else { document.append(("type", "alerting")) }
        return .object(JSONObject(document))
    }

    /// One alert, its value in Go's `%e` form.
    public static func alert(_ alert: Alert) -> JSON {
        var document: [(String, JSON)] = [
            ("labels", strings(alert.labels.dictionary)), ("annotations", strings(alert.annotations)), ("state", .string(alert.state.rawValue)),
            ("activeAt", .string(CivilTime(alert.activeAt).rfc3339(fractionDigits: 3))),
        ]
        if let since = alert.keepFiringSince { document.append(("keepFiringSince", .string(CivilTime(since).rfc3339(fractionDigits: 3)))) }
        document.append(("value", .string(NumberText.scientific(alert.value))))
        return .object(JSONObject(document))
    }

    private static func strings(_ map: [String: String]) -> JSON {
        .object(JSONObject(map.sorted { $0.key < $1.key }.map { ($0.key, JSON.string($0.value)) }))
    }

    private static func time(_ time: Timestamp?) -> JSON {
        .string(time.map { CivilTime($0).rfc3339(fractionDigits: 3) } ?? "0001-01-01T00:00:00Z")
    }
}
