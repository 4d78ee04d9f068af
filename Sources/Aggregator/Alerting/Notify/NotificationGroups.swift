import Telemetry

/// Gathers alerts into groups and says which words are due. Pure: alerts and the time are given.
public struct NotificationGroups: Sendable {
    /// Groups that are kept; an alert that would need one more is counted and waits for its next resend.
    static let maximumGroups = 10_000

    private struct Group {
        var route: Route
        var labels: Labels
        var alerts: [Labels: Alert] = [:]
        /// When it is looked at next.
        var due: Timestamp
        var lastSent: Timestamp?
        /// What the receiver was told: firing and ended alerts.
        var toldFiring: Set<Labels> = []
        var toldResolved: Set<Labels> = []
    }

    public private(set) var policy: NotificationPolicy
    private var groups: [String: Group] = [:]
    /// Alerts that found no room.
    public private(set) var refused: UInt64 = 0

    public init(policy: NotificationPolicy) { self.policy = policy }

    /// The next moment at which something may be due.
    public var nextDue: Timestamp? { groups.values.map(\.due).min() }
    public var groupCount: Int { groups.count }

    /// Takes another policy. A group whose place and receiver are in it too goes on with what its receiver was told; the
    /// alerts of others form new groups as rules tell of them again.
    public mutating func load(_ policy: NotificationPolicy, at now: Timestamp) {
        let earlier = groups
        self.policy = policy
        groups = [:]
        receive(earlier.values.flatMap(\.alerts.values).filter { $0.state == .firing }, at: now)
        for (key, group) in groups {
            guard let before = earlier[key], before.route.receiver == group.route.receiver else { continue }
            groups[key]?.alerts = before.alerts
            groups[key]?.due = min(before.due, now + group.route.groupInterval)
            groups[key]?.lastSent = before.lastSent
            groups[key]?.toldFiring = before.toldFiring
            groups[key]?.toldResolved = before.toldResolved
        }
    }

    /// Takes alerts up, as a rule tells of them.
    public mutating func receive(_ alerts: [Alert], at now: Timestamp) {
        guard let root = policy.route else { return }
        for alert in alerts {
            for (route, place) in root.routes(for: alert.labels) {
                let labels = route.groupLabels(of: alert.labels)
                let key = "{\(place)}:\(labels.isEmpty ? "{}" : "\(labels)")"
                if groups[key] == nil {
                    // What has ended before anybody was told of it is no news.
                    guard alert.state == .firing else { continue }
                    guard groups.count < Self.maximumGroups else {
                        refused += 1
                        continue
                    }
                    groups[key] = Group(route: route, labels: labels, due: now + route.groupWait)
                }
                groups[key]?.alerts[alert.labels] = alert
            }
        }
    }

    /// The words that are due at `now`. An alert that nobody renewed until its `validUntil` counts as ended.
    public mutating func takeDue(at now: Timestamp) -> [Notification] {
        let firing = groups.values.flatMap { $0.alerts.values }.filter { $0.state == .firing }.map(\.labels)
        var words: [Notification] = []
        for (key, group) in groups.sorted(by: { $0.key < $1.key }) where group.due <= now {
            var group = group
            for (labels, alert) in group.alerts where alert.state == .firing && alert.validUntil.map({ $0 < now }) ?? false {
                group.alerts[labels]?.state = .inactive
                group.alerts[labels]?.resolvedAt = now
            }
            let told = group.alerts.values.filter { alert in
                !policy.silences.contains { $0.silences(alert.labels, at: now) }
                    && !policy.inhibitions.contains { $0.inhibits(alert.labels, by: firing) }
            }
            if let word = word(for: &group, key, told, at: now) { words.append(word) }
            group.alerts = group.alerts.filter { $0.value.state == .firing }
            group.due = now + group.route.groupInterval
            groups[key] = group.alerts.isEmpty ? nil : group
        }
        return words
    }

    private func word(for group: inout Group, _ key: String, _ alerts: [Alert], at now: Timestamp) -> Notification? {
        let firing = Set(alerts.filter { $0.state == .firing }.map(\.labels))
        // An end is news only of what was told to fire.
        let resolved = Set(alerts.filter { $0.state != .firing }.map(\.labels)).intersection(group.toldFiring)
        let isRepeat = group.lastSent.map { now - $0 >= group.route.repeatInterval } ?? true
        guard !firing.isSubset(of: group.toldFiring) || !resolved.isSubset(of: group.toldResolved) || !firing.isEmpty && isRepeat else { return nil }
        group.lastSent = now
        group.toldFiring = firing
        group.toldResolved = resolved
        let shown = alerts.filter { $0.state == .firing || resolved.contains($0.labels) }
        let sorted = shown.sorted { ($0.state == .firing ? 0 : 1, $0.labels) < ($1.state == .firing ? 0 : 1, $1.labels) }
        return Notification(receiver: group.route.receiver, groupKey: key, groupLabels: group.labels, alerts: sorted)
    }
}
