import Telemetry

/// Takes up the pending time of alerts from before a restart, from the series `ALERTS_FOR_STATE` (contracts/metrics.md
/// 4.6). Pure.
public struct AlertRestoration: Sendable, Hashable {
    /// After a longer outage nothing is known of the time between.
    public var outageTolerance = Duration.seconds(3600)
    /// A restored alert waits at least this long before it fires, and shorter ones are not restored.
    public var gracePeriod = Duration.seconds(600)

    public init() {}

    /// The time from which the alert counts as active, given what was stored: since when it was active, and when that was
    /// last written. Nil leaves the alert as it is.
    public func activeAt(storedActiveAt: Timestamp, lastWritten: Timestamp, hold: Duration, now: Timestamp) -> Timestamp? {
        guard hold >= gracePeriod, now - lastWritten <= outageTolerance else { return nil }
        let remaining = hold - (lastWritten - storedActiveAt)
        if remaining <= .zero { return storedActiveAt }
        if remaining < gracePeriod { return now + gracePeriod - hold }
        // The outage does not count as time for which the expression held.
        return storedActiveAt + (now - lastWritten)
    }
}

extension AlertStates {
    /// Moves the active alerts' begin to what was stored of them.
    public mutating func restore(
        _ stored: [(labels: Labels, activeAt: Timestamp, lastWritten: Timestamp)], hold: Duration, by restoration: AlertRestoration, now: Timestamp
    ) {
        for entry in stored {
            guard var alert = alerts[entry.labels], alert.state != .inactive,
                let active = restoration.activeAt(storedActiveAt: entry.activeAt, lastWritten: entry.lastWritten, hold: hold, now: now)
            else { continue }
            alert.activeAt = active
            alerts[entry.labels] = alert
        }
    }
}
