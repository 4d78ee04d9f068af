import Runtime
import Synchronization

/// Gives each listener every event. A listener that lags more than 1024 events loses the oldest; that is counted.
final class EventHub: Sendable {
    private struct State {
        var next = 0
        var listeners: [Int: AsyncStream<RuntimeEvent>.Continuation] = [:]
    }
    private let state = Mutex(State())
    private let dropped: Counter

    init(metrics: MetricRegistry) {
        dropped = metrics.counter("binnacle_runtime_events_dropped_total", "Runtime events that a slow listener did not get.")
    }

    func stream() -> AsyncStream<RuntimeEvent> {
        let (stream, continuation) = AsyncStream.makeStream(of: RuntimeEvent.self, bufferingPolicy: .bufferingNewest(1024))
        let key = state.withLock { state in
            state.next += 1
            state.listeners[state.next] = continuation
            return state.next
        }
        continuation.onTermination = { [weak self] _ in _ = self?.state.withLock { $0.listeners.removeValue(forKey: key) } }
        return stream
    }

    func send(_ event: RuntimeEvent) {
        for listener in state.withLock({ Array($0.listeners.values) }) {
            if case .dropped = listener.yield(event) { dropped.increment() }
        }
    }

    func finish() { for listener in state.withLock({ Array($0.listeners.values) }) { listener.finish() } }
}
