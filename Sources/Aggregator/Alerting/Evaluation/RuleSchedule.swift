import Telemetry

/// When a group runs: each interval, at an offset that its name decides, so that groups do not all run at once and each
/// keeps its moment over a restart. Pure.
public struct RuleSchedule: Sendable, Hashable {
    public let interval: Duration
    /// Within the interval.
    public let offset: Duration

    public init(group: RuleGroup, defaultInterval: Duration) {
        interval = group.interval ?? defaultInterval
        // FNV-1a of file and name.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in "\(group.file);\(group.name)".utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        offset = .milliseconds(Int64(hash % UInt64(max(1, interval.wholeMilliseconds))))
    }

    /// The first moment after `now`.
    public func next(after now: Timestamp) -> Timestamp {
        let (step, shift) = (max(1, interval.wholeMilliseconds), offset.wholeMilliseconds)
        let (quotient, rest) = (now.milliseconds - shift).quotientAndRemainder(dividingBy: step)
        return Timestamp(milliseconds: (rest < 0 ? quotient : quotient + 1) * step + shift)
    }

    /// Moments in (`last`, `now`] beyond the first: evaluations that are skipped because one took too long.
    public func missed(after last: Timestamp, through now: Timestamp) -> UInt64 {
        let elapsed = now.milliseconds - last.milliseconds
        return elapsed <= 0 ? 0 : UInt64(elapsed / max(1, interval.wholeMilliseconds))
    }
}
