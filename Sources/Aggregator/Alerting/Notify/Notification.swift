import Telemetry

/// One word to one receiver about one group of alerts.
public struct Notification: Sendable, Hashable {
    public var receiver: String
    /// Names the group among all: the route's place and the group's labels.
    public var groupKey: String
    public var groupLabels: Labels
    /// Firing ones first, then those that have ended.
    public var alerts: [Alert]

    public init(receiver: String, groupKey: String, groupLabels: Labels, alerts: [Alert]) {
        self.receiver = receiver
        self.groupKey = groupKey
        self.groupLabels = groupLabels
        self.alerts = alerts
    }

    public var firing: [Alert] { alerts.filter { $0.state == .firing } }
    public var isFiring: Bool { alerts.contains { $0.state == .firing } }
    /// Without the alerts that have ended.
    public var withoutResolved: Notification? {
        let firing = firing
        guard !firing.isEmpty else { return nil }
        var copy = self
        copy.alerts = firing
        return copy
    }

    /// Labels and annotations that all alerts share.
    public var commonLabels: [String: String] { Self.common(alerts.map(\.labels.dictionary)) }
    public var commonAnnotations: [String: String] { Self.common(alerts.map(\.annotations)) }

    private static func common(_ maps: [[String: String]]) -> [String: String] {
        guard let first = maps.first else { return [:] }
        return maps.dropFirst().reduce(first) { common, map in common.filter { map[$0.key] == $0.value } }
    }
}
