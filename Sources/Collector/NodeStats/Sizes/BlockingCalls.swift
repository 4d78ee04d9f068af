import Runtime
import Synchronization

/// Makes calls that may hang, each on a thread of its own, and gives the newest answers without waiting.
///
/// A call that hangs keeps its thread until the kernel lets it go; no second one is made for the same key meanwhile, and
/// no more than `threadLimit` threads are there at once, over all keys.
public final class BlockingCalls<Value: Sendable>: Sendable {
    private struct Entry {
        var value: Value?
        /// Steady nanoseconds of the last answer and of the start of the call that is going on.
        var answered: Int64 = 0
        var started: Int64?
        var asked: Int64 = 0
    }
    private struct State {
        var entries: [String: Entry] = [:]
        var threads = 0
    }

    /// What is known about a key.
    public struct Answer: Sendable {
        /// The newest answer; nil before the first.
        public var value: Value?
        /// Steady nanoseconds since that answer.
        public var age: Int64
        /// The call that is going on takes longer than the time-out.
        public var isHung: Bool
    }

    private let threadLimit: Int
    private let timeout: Int64
    private let state = Mutex(State())
    private let call: @Sendable (String) -> Value
    private let refused: Counter

    /// `name` labels the metrics; `timeout` is in nanoseconds; `call` is made on a thread of its own.
    public init(
        name: String, threadLimit: Int = 8, timeout: Int64 = 5_000_000_000, metrics: MetricRegistry, call: @escaping @Sendable (String) -> Value
    ) {
        self.threadLimit = threadLimit
        self.timeout = timeout
        self.call = call
        refused = metrics.counter(
            "binnacle_collector_blocking_calls_refused_total", "Calls that were not made, since as many threads as allowed wait already.", ["kind": name])
        metrics.gauge("binnacle_collector_blocking_calls_hung", "Calls to the kernel that take longer than their time-out.", ["kind": name]) { [weak self] in
            Double(self?.hungCount ?? 0)
        }
    }

    /// The newest answer for the key; asks anew in the background if that is older than `age` (nanoseconds). `now` is steady.
    public func answer(_ key: String, noOlderThan age: Int64, now: Int64) -> Answer {
        let (answer, isDue): (Answer, Bool) = state.withLock { state in
            var entry = state.entries[key] ?? Entry()
            entry.asked = now
            let isHung = entry.started.map { now - $0 > timeout } ?? false
            let answer = Answer(value: entry.value, age: entry.value == nil ? .max : now - entry.answered, isHung: isHung)
            var isDue = entry.started == nil && (entry.value == nil || now - entry.answered > age)
            if isDue, state.threads >= threadLimit {
                isDue = false
                refused.increment()
            }
            if isDue {
                entry.started = now
                state.threads += 1
            }
            state.entries[key] = entry
            return (answer, isDue)
        }
        if isDue {
            let isRunning = BackgroundThread.start { [self] in
                let value = call(key)
                finish(key, value)
            }
            if !isRunning { finish(key, nil) }
        }
        return answer
    }

    /// Forgets the keys that nobody has asked for since `time` (steady nanoseconds) and that are not being asked.
    public func forget(notAskedSince time: Int64) {
        state.withLock { state in state.entries = state.entries.filter { $0.value.asked >= time || $0.value.started != nil } }
    }

    /// Calls that take longer than the time-out now.
    public var hungCount: Int {
        let now = BackgroundThread.steadyTime
        return state.withLock { state in state.entries.values.count { $0.started.map { now - $0 > timeout } ?? false } }
    }

    private func finish(_ key: String, _ value: Value?) {
        let now = BackgroundThread.steadyTime
        state.withLock { state in
            state.threads -= 1
            var entry = state.entries[key] ?? Entry()
            entry.started = nil
            if let value {
                entry.value = value
                entry.answered = now
            }
            state.entries[key] = entry
        }
    }
}
