import Runtime
import Synchronization

/// Remembers what was stored of late by a key, so that a retry is known for one. Bounded in number and in time; what is
/// forgotten because of the number is counted.
final class RecentKeys: Sendable {
    enum Verdict: Hashable, Sendable {
        /// Never seen, as far as is remembered. It now counts as being stored until `finish` says how that ended.
        case new
        /// Another request is storing the same at this moment.
        case underway
        /// Stored; with the check value that was given then.
        case stored(check: UInt64)
    }

    private struct Entry {
        var check: UInt64
        var time: Int64
        var isStored: Bool
    }

    private struct State {
        var entries: [BodyHash: Entry] = [:]
        /// Keys by the time of their coming; those that have gone from `entries` are skipped.
        var order: [(key: BodyHash, time: Int64)] = []
        var first = 0
    }

    private let state = Mutex(State())
    private let capacity: Int
    private let window: Int64
    private let forgotten: Counter

    /// - Parameter what: names the keys in metrics, such as `push`.
    init(capacity: Int, window: Duration, what: String, metrics: MetricRegistry) {
        self.capacity = capacity
        self.window = window.components.seconds * 1_000_000_000
        forgotten = metrics.counter(
            "binnacle_log_ingest_remembered_forgotten_total", "Remembered retries' keys that were forgotten early, at the bound of that memory.",
            ["kind": what])
        metrics.gauge("binnacle_log_ingest_remembered", "Keys that are remembered to know retries.", ["kind": what]) { [weak self] in
            Double(self?.count ?? 0)
        }
        metrics.gauge("binnacle_log_ingest_remembered_limit", "The bound of that.", ["kind": what]) { Double(capacity) }
    }

    var count: Int { state.withLock { $0.entries.count } }

    /// - Parameter check: what `stored` gives back to a later call.
    func begin(_ key: BodyHash, check: UInt64 = 0, now: Int64) -> Verdict {
        state.withLock { state in
            expire(&state, now: now)
            if let known = state.entries[key] { return known.isStored ? .stored(check: known.check) : .underway }
            if state.entries.count >= capacity { forgetOldest(&state) }
            state.entries[key] = Entry(check: check, time: now, isStored: false)
            state.order.append((key, now))
            return .new
        }
    }

    /// Gives a stored key another check value; it counts as being stored until `finish`.
    func replace(_ key: BodyHash, check: UInt64) {
        state.withLock { state in
            state.entries[key]?.check = check
            state.entries[key]?.isStored = false
        }
    }

    /// Ends what `begin` began: remembered if it is durable, otherwise forgotten, for it will come again.
    func finish(_ key: BodyHash, isStored: Bool) {
        state.withLock { state in
            if isStored { state.entries[key]?.isStored = true } else { state.entries[key] = nil }
        }
    }

    private func expire(_ state: inout State, now: Int64) {
        while state.first < state.order.count, now - state.order[state.first].time > window { dropFirst(&state) }
        if state.first > 1024, state.first * 2 > state.order.count {
            state.order.removeFirst(state.first)
            state.first = 0
        }
    }

    private func forgetOldest(_ state: inout State) {
        let before = state.entries.count
        while state.first < state.order.count, state.entries.count == before { dropFirst(&state) }
        if state.entries.count < before { forgotten.increment() }
    }

    private func dropFirst(_ state: inout State) {
        let (key, time) = state.order[state.first]
        state.first += 1
        // A key that was forgotten and came again has a place of its own later on.
        if state.entries[key]?.time == time { state.entries[key] = nil }
    }
}
