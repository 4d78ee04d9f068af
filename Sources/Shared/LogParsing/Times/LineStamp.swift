public import Telemetry

/// A time stamp as it stands in a line: a date and time of day, and what the line says of its zone.
public struct LineStamp: Hashable, Sendable {
    /// The parts as written. The year is 0 if the form has none.
    public var civil: CivilTime
    /// Seconds east of Greenwich, if the line tells.
    public var offset: Int?

    public init(civil: CivilTime, offset: Int?) {
        self.civil = civil
        self.offset = offset
    }

    /// A stamp that counts from 1970, in nanoseconds.
    public init(nanoseconds: Int64) {
        civil = CivilTime(nanosecondsSinceEpoch: nanoseconds)
        offset = 0
    }

    /// Nanoseconds since 1970. `zone` is for stamps that tell none; `near` is when the line was read or written, which chooses
    /// between the two hours of a clock that is set back, and the year of a form without one: that which puts the stamp
    /// between 358 days before and 7 days after.
    public func nanoseconds(zone: ZoneRules = .utc, near: Int64) -> Int64 {
        guard civil.year == 0 else { return resolved(civil, zone, near) }
        let day: Int64 = 86_400_000_000_000
        let year = CivilTime(nanosecondsSinceEpoch: near).year
        var best: Int64?
        for candidate in [year, year - 1, year + 1] {
            var dated = civil
            dated.year = candidate
            let time = resolved(dated, zone, near)
            if time >= near - 358 * day, time <= near + 7 * day { return time }
            if best == nil { best = time }
        }
        return best ?? near
    }

    private func resolved(_ civil: CivilTime, _ zone: ZoneRules, _ near: Int64) -> Int64 {
        // Years far away would overflow 64 bits of nanoseconds.
        guard (1678...2261).contains(civil.year) else { return near }
        let local = civil.secondsSinceEpoch
        let seconds = offset.map { local - Int64($0) } ?? zone.instant(local: local, near: near.floorDivided(by: 1_000_000_000))
        return seconds * 1_000_000_000 + Int64(civil.nanosecond)
    }
}
