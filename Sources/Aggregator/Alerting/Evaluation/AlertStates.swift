import Telemetry

/// The alerts of one rule, and how they go on from one evaluation to the next. Pure: the result and the time are given.
public struct AlertStates: Sendable, Hashable {
    /// How long an alert that has ended is remembered, so that every receiver hears of it.
    static let resolvedRetention = Duration.seconds(15 * 60)

    /// By labels; those that have ended stay for `resolvedRetention`.
    public internal(set) var alerts: [Labels: Alert] = [:]

    public init() {}

    /// An element of the result whose labels and annotations have been expanded.
    public struct Hit: Sendable, Hashable {
        public var labels: Labels
        public var annotations: [String: String]
        public var value: Double
        public init(labels: Labels, annotations: [String: String], value: Double) {
            self.labels = labels
            self.annotations = annotations
            self.value = value
        }
    }

    public enum Problem: Error, Sendable, Hashable, CustomStringConvertible {
        case duplicate(Labels)
        case limit(Int, count: Int)

        public var description: String {
            switch self {
            case .duplicate(let labels): "vector contains metrics with the same labelset after applying alert labels: \(labels)"
            case .limit(let limit, let count): "exceeded limit of \(limit) with \(count) alerts"
            }
        }
    }

    /// Goes on by one evaluation at `now`. With two hits of the same labels nothing changes; over `limit` (0: none) all
    /// alerts are dropped, as Prometheus does.
    public mutating func advance(_ hits: [Hit], rule: AlertRule, limit: Int, now: Timestamp) throws(Problem) {
        var seen: Set<Labels> = []
        for hit in hits where !seen.insert(hit.labels).inserted { throw .duplicate(hit.labels) }
        for hit in hits {
            if var known = alerts[hit.labels], known.state != .inactive {
                known.value = hit.value
                known.annotations = hit.annotations
                alerts[hit.labels] = known
            } else {
                alerts[hit.labels] = Alert(labels: hit.labels, annotations: hit.annotations, value: hit.value, activeAt: now)
            }
        }
        for (labels, alert) in alerts { alerts[labels] = Self.next(alert, holds: seen.contains(labels), rule: rule, now: now) }
        let active = alerts.values.count { $0.state != .inactive }
        if limit > 0, active > limit {
            alerts = [:]
            throw .limit(limit, count: active)
        }
    }

    /// The alert after this evaluation; nil is forgotten.
    private static func next(_ alert: Alert, holds: Bool, rule: AlertRule, now: Timestamp) -> Alert? {
        var alert = alert
        if holds {
            alert.keepFiringSince = nil
            if alert.state == .pending, now - alert.activeAt >= rule.hold {
                alert.state = .firing
                alert.firedAt = now
            }
            return alert
        }
        switch alert.state {
        case .pending: return nil
        case .firing:
            if rule.keepFiring > .zero {
                let since = alert.keepFiringSince ?? now
                alert.keepFiringSince = since
                if now - since < rule.keepFiring { return alert }
            }
            alert.state = .inactive
            alert.resolvedAt = now
            return alert
        case .inactive:
            guard let resolved = alert.resolvedAt, now - resolved <= resolvedRetention else { return nil }
            return alert
        }
    }

    /// The series `ALERTS` and `ALERTS_FOR_STATE` of the alerts that are active.
    public var samples: [RuleSample] {
        active.flatMap { alert -> [RuleSample] in
            let plain = alert.labels.dictionary
            var state = plain
            state["alertstate"] = alert.state.rawValue
            return [
                RuleSample(labels: Labels(name: "ALERTS", state), value: 1),
                RuleSample(labels: Labels(name: "ALERTS_FOR_STATE", plain), value: (alert.activeAt.seconds).rounded(.down)),
            ]
        }
    }

    /// Pending and firing ones, sorted by labels.
    public var active: [Alert] { alerts.values.filter { $0.state != .inactive }.sorted { $0.labels < $1.labels } }

    /// The rule's own state: that of its gravest alert.
    public var state: Alert.State {
        alerts.values.contains { $0.state == .firing } ? .firing : alerts.values.contains { $0.state == .pending } ? .pending : .inactive
    }

    /// What must be told now: firing ones each `resendDelay`, ended ones once they were told to be firing and each
    /// `resendDelay` while remembered. Marks them as sent.
    public mutating func takeDue(now: Timestamp, resendDelay: Duration, interval: Duration) -> [Alert] {
        var due: [Alert] = []
        for (labels, alert) in alerts where alert.state != .pending {
            // An alert that has ended since it was last told of is told of at once.
            let hasEnded = alert.resolvedAt.map { resolved in alert.lastSentAt.map { resolved > $0 } ?? true } ?? false
            guard hasEnded || alert.lastSentAt.map({ now - $0 >= resendDelay }) ?? true else { continue }
            var told = alert
            told.lastSentAt = now
            // Four evaluations or resends may be missed before a receiver takes the alert for ended.
            told.validUntil = now + max(interval, resendDelay) * 4
            alerts[labels] = told
            due.append(told)
        }
        return due.sorted { $0.labels < $1.labels }
    }
}
