import Runtime

/// The time of day and a way to wait for a later one; tests bring a clock that they move.
public protocol Timekeeper: WallClock {
    /// Throws `CancellationError` when the task is cancelled.
    func sleep(_ duration: Duration) async throws
}

/// The machine's clock.
public struct SystemTimekeeper: Timekeeper {
    private let clock = SystemClock()
    public init() {}
    public var nanoseconds: Int64 { clock.nanoseconds }
    public func sleep(_ duration: Duration) async throws { try await Task.sleep(for: duration) }
}

extension Int64 {
    /// One second in the unit that the kubelet's times have: nanoseconds.
    static let second: Int64 = 1_000_000_000
    /// Seconds since 1970 of a time in nanoseconds, cut off.
    var wholeSeconds: Int64 { self / .second }
}

extension Duration {
    /// The duration in nanoseconds, cut towards zero.
    var nanosecondCount: Int64 { components.seconds * .second + components.attoseconds / .second }
}
