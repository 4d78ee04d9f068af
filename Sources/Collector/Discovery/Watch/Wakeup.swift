import Synchronization

/// Lets one task sleep until a time, or until another calls `wake()`. A wake that finds nobody asleep is kept, once.
final class Wakeup: Sendable {
    private struct State {
        var isPending = false
        /// The timer of the present sleep has ended, perhaps before the sleeper lay down.
        var isExpired = false
        var sleeper: CheckedContinuation<Void, Never>?
    }
    private let state = Mutex(State())

    func wake() { signal(fromTimer: false) }

    private func signal(fromTimer: Bool) {
        let sleeper = state.withLock { state -> CheckedContinuation<Void, Never>? in
            if fromTimer { state.isExpired = true } else if state.sleeper == nil { state.isPending = true }
            defer { state.sleeper = nil }
            return state.sleeper
        }
        sleeper?.resume()
    }

    /// Returns at a wake, after `limit`, or when the task is cancelled.
    func sleep(atMost limit: Duration) async {
        state.withLock { $0.isExpired = false }
        await withTaskGroup(of: Void.self) { group in
            // The timer also ends the sleep when the task is cancelled: then its own sleep throws at once.
            group.addTask {
                try? await Task.sleep(for: limit)
                self.signal(fromTimer: true)
            }
            await withCheckedContinuation { continuation in
                let isAwake = state.withLock { state in
                    if state.isPending || state.isExpired {
                        state.isPending = false
                        return true
                    }
                    state.sleeper = continuation
                    return false
                }
                if isAwake { continuation.resume() }
            }
            group.cancelAll()
        }
    }
}
