import Synchronization

/// One waits, others wake it. Waking before the wait counts: the next wait returns at once.
final class WakeSignal: Sendable {
    private enum State {
        case idle, woken
        case waiting(CheckedContinuation<Void, Never>)
    }

    private let state = Mutex(State.idle)

    func wake() {
        let sleeper = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard case .waiting(let sleeper) = state else {
                state = .woken
                return nil
            }
            state = .idle
            return sleeper
        }
        sleeper?.resume()
    }

    /// Returns when woken or cancelled, or after `limit`; nil is no limit. One task may wait at a time.
    func wait(atMost limit: Duration?) async {
        await withTaskGroup(of: Void.self) { tasks in
            if let limit {
                tasks.addTask {
                    do { try await Task.sleep(for: limit) } catch { return }
                    self.wake()
                }
            }
            await wait()
            tasks.cancelAll()
        }
    }

    private func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { sleeper in
                let isWoken = state.withLock { state in
                    guard case .woken = state else {
                        state = .waiting(sleeper)
                        return false
                    }
                    state = .idle
                    return true
                }
                if isWoken { sleeper.resume() }
            }
        } onCancel: {
            wake()
        }
    }
}
