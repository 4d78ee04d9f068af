/// Delays that double from `first` to `limit`, as Kubernetes' back-offs do.
public struct Backoff: Hashable, Sendable {
    public var first: Duration
    public var limit: Duration
    public private(set) var failures = 0

    public init(first: Duration, limit: Duration) {
        self.first = first
        self.limit = limit
    }

    /// The delay after one more failure.
    public mutating func next() -> Duration {
        var delay = first
        // Stops at the limit, so that no number of failures overflows.
        for _ in 0..<failures where delay < limit { delay *= 2 }
        failures += 1
        return min(delay, limit)
    }

    public mutating func reset() { failures = 0 }
}
