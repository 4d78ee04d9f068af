import JSON
import PromQL
import Telemetry

/// What is sent over HTTP: Alertmanager's API v2 and its webhook (contracts/metrics.md 4.6).
public enum AlertPayload {
    /// The body of `POST /api/v2/alerts`.
    public static func alertmanager(_ alerts: [Alert], policy: NotificationPolicy, queries: [String: String] = [:]) -> JSON {
        .array(
            alerts.map { alert in
                let end = alert.resolvedAt ?? alert.validUntil ?? alert.activeAt
                return [
                    "labels": strings(withExternalLabels(alert.labels.dictionary, policy)), "annotations": strings(alert.annotations),
                    "startsAt": time(alert.firedAt ?? alert.activeAt), "endsAt": time(end),
                    "generatorURL": .string(generatorURL(alert, policy, queries)),
                ]
            })
    }

    /// The body of a webhook, version 4.
    public static func webhook(_ word: Notification, policy: NotificationPolicy, queries: [String: String] = [:]) -> JSON {
        [
            "receiver": .string(word.receiver), "status": word.isFiring ? "firing" : "resolved",
            "alerts": .array(
                word.alerts.map { alert in
                    let labels = withExternalLabels(alert.labels.dictionary, policy)
                    return [
                        "status": alert.state == .firing ? "firing" : "resolved", "labels": strings(labels), "annotations": strings(alert.annotations),
                        "startsAt": time(alert.firedAt ?? alert.activeAt),
                        // A time that has not come is Go's zero.
                        "endsAt": alert.state == .firing ? "0001-01-01T00:00:00Z" : time(alert.resolvedAt ?? alert.activeAt),
                        "generatorURL": .string(generatorURL(alert, policy, queries)), "fingerprint": .string(fingerprint(labels)),
                    ]
                }),
            "groupLabels": strings(word.groupLabels.dictionary), "commonLabels": strings(word.commonLabels),
            "commonAnnotations": strings(word.commonAnnotations), "externalURL": .string(policy.externalURL), "version": "4",
            "groupKey": .string(word.groupKey), "truncatedAlerts": 0,
        ]
    }

    static func withExternalLabels(_ labels: [String: String], _ policy: NotificationPolicy) -> [String: String] {
        labels.merging(policy.externalLabels) { own, _ in own }
    }

    /// FNV-1a over the sorted labels, as Prometheus' common library has it.
    static func fingerprint(_ labels: [String: String]) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        func add(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        for (name, value) in labels.sorted(by: { $0.key < $1.key }) {
            name.utf8.forEach(add)
            add(0xFF)
            value.utf8.forEach(add)
            add(0xFF)
        }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    private static func generatorURL(_ alert: Alert, _ policy: NotificationPolicy, _ queries: [String: String]) -> String {
        guard let query = queries[alert.labels["alertname"]] else { return policy.externalURL }
        return "\(policy.externalURL)/graph?g0.expr=\(HumanText.percentEncoded(query))&g0.tab=1"
    }

    private static func strings(_ map: [String: String]) -> JSON {
        .object(JSONObject(map.sorted { $0.key < $1.key }.map { ($0.key, JSON.string($0.value)) }))
    }

    private static func time(_ timestamp: Timestamp) -> JSON { .string(CivilTime(timestamp).rfc3339(fractionDigits: 3)) }
}
