import Glibc
import Telemetry

/// The time of day, as a seam: cores take it as a value, shells read it here, tests bring their own.
public protocol WallClock: Sendable {
    /// Nanoseconds since 1970.
    var nanoseconds: Int64 { get }
}

extension WallClock {
    public var now: Timestamp { Timestamp(milliseconds: nanoseconds / 1_000_000) }
}

/// The machine's clock (CLOCK_REALTIME).
public struct SystemClock: WallClock {
    public init() {}
    public var nanoseconds: Int64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
