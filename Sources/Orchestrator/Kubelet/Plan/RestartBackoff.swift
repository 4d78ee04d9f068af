/// How long a container that ends waits before it is started again: not at all the first time, then 10 s
/// doubling to 5 minutes. Ten minutes without an end (twice the limit) forgive everything.
/// (Kubernetes' client-go flowcontrol.Backoff as the kubelet sets it.)
struct RestartBackoff: Hashable, Sendable {
    static let first: Int64 = 10 * .second

    /// Nanoseconds.
    var limit: Int64 = 300 * .second
    /// The delay that the next end meets; zero before the first restart.
    private(set) var delay: Int64 = 0
    /// When `delay` was last raised.
    private(set) var raised: Int64 = 0

    init(limit: Int64 = 300 * .second) { self.limit = limit }
    init(delay: Int64, raised: Int64, limit: Int64 = 300 * .second) {
        self.limit = limit
        self.delay = delay
        self.raised = raised
    }

    /// The earliest time for a restart of a container that ended at `finished`.
    func earliestRestart(finished: Int64) -> Int64 {
        delay == 0 || isForgiven(at: finished) ? finished : finished + delay
    }

    /// Notes a restart after an end at `finished`.
    mutating func restarted(finished: Int64, now: Int64) {
        delay = delay == 0 || isForgiven(at: finished) ? min(Self.first, limit) : min(delay * 2, limit)
        raised = now
    }

    private func isForgiven(at time: Int64) -> Bool { time - raised > 2 * limit }
}
