import Runtime
import Synchronization

/// The newest events of containers, for those who ask later and those who listen.
///
/// Bounded by kind, so that a container that restarts each second does not push out the one OOM kill that explains it.
public final class EventLog: Sendable {
    public struct Limits: Sendable {
        /// Events kept of each kind.
        public var perKind = 1_000
        /// Nanoseconds after which an event is forgotten.
        public var age: Int64 = 24 * 3600 * 1_000_000_000
        /// Listeners at once.
        public var subscribers = 64
        public init() {}
    }

    /// Which events; all conditions must hold.
    public struct Query: Sendable {
        /// Nanoseconds since 1970, both ends included; nil is no bound.
        public var from: Int64?
        public var through: Int64?
        public var kinds: Set<ContainerEvent.Kind> = Set(ContainerEvent.Kind.allCases)
        /// The cgroup's path.
        public var path = "/"
        /// Those of cgroups below `path` as well.
        public var includesSubcontainers = true
        /// The newest so many; negative is all.
        public var limit = -1
        public init() {}

        public func matches(_ event: ContainerEvent) -> Bool {
            if let from, event.time < from { return false }
            if let through, event.time > through { return false }
            guard kinds.contains(event.kind) else { return false }
            if event.path == path { return true }
            guard includesSubcontainers else { return false }
            if path == "/" { return true }
            let below = path.hasSuffix("/") ? path : path + "/"
            return event.path.hasPrefix(below)
        }
    }

    private struct Subscriber {
        var query: Query
        var continuation: AsyncStream<ContainerEvent>.Continuation
    }
    private struct State {
        /// By kind, sorted by time.
        var events: [ContainerEvent.Kind: [ContainerEvent]] = [:]
        var subscribers: [Int: Subscriber] = [:]
        var nextID = 0
    }

    private let limits: Limits
    private let state = Mutex(State())
    private let total: [ContainerEvent.Kind: Counter]
    private let forgotten: Counter
    private let undelivered: Counter
    private let refused: Counter

    public init(limits: Limits = Limits(), metrics: MetricRegistry) {
        self.limits = limits
        total = Dictionary(
            uniqueKeysWithValues: ContainerEvent.Kind.allCases.map {
                ($0, metrics.counter("binnacle_collector_events_total", "Events of containers.", ["kind": $0.rawValue]))
            })
        forgotten = metrics.counter(
            "binnacle_collector_events_forgotten_total", "Events of containers that made room for newer ones before they were too old.")
        undelivered = metrics.counter(
            "binnacle_collector_events_undelivered_total", "Events that a listener did not get, since it was too slow.")
        refused = metrics.counter("binnacle_collector_event_listeners_refused_total", "Listeners for events beyond the limit.")
    }

    /// Keeps the event and hands it to the listeners.
    public func append(_ event: ContainerEvent) {
        total[event.kind]?.increment()
        state.withLock { state in
            var events = state.events[event.kind] ?? []
            state.events[event.kind] = nil
            // Nearly always the newest: the kernel's log and the walk of the tree may be a round apart.
            let position = events.lastIndex { $0.time <= event.time }.map { $0 + 1 } ?? 0
            events.insert(event, at: position)
            let oldest = event.time - limits.age
            if let first = events.firstIndex(where: { $0.time >= oldest }), first > 0 { events.removeFirst(first) }
            if events.count > limits.perKind {
                // By an eighth at a time: removing the first of an array moves all others.
                let surplus = max(events.count - limits.perKind, limits.perKind / 8)
                events.removeFirst(surplus)
                forgotten.increment(by: UInt64(surplus))
            }
            state.events[event.kind] = events
            for subscriber in state.subscribers.values where subscriber.query.matches(event) {
                if case .dropped = subscriber.continuation.yield(event) { undelivered.increment() }
            }
        }
    }

    /// The events that match, oldest first.
    public func events(_ query: Query) -> [ContainerEvent] {
        let kept = state.withLock { $0.events }
        var found = query.kinds.flatMap { kind in (kept[kind] ?? []).filter(query.matches) }
        found.sort { ($0.time, $0.path) < ($1.time, $1.path) }
        return query.limit >= 0 ? found.suffix(query.limit) : found
    }

    /// Events from now on; nil if there are too many listeners. A listener that lags `buffer` events behind loses the
    /// newer ones, which is counted. It ends when the stream is let go, or with `finish`.
    public func subscribe(_ query: Query, buffer: Int = 256) -> AsyncStream<ContainerEvent>? {
        let (stream, continuation) = AsyncStream.makeStream(of: ContainerEvent.self, bufferingPolicy: .bufferingOldest(buffer))
        let id: Int? = state.withLock { state in
            guard state.subscribers.count < limits.subscribers else { return nil }
            state.nextID += 1
            state.subscribers[state.nextID] = Subscriber(query: query, continuation: continuation)
            return state.nextID
        }
        guard let id else {
            refused.increment()
            return nil
        }
        // The removed subscriber is let go after the lock: it may hold the stream's last reference.
        continuation.onTermination = { [weak self] _ in _ = self?.state.withLock { $0.subscribers.removeValue(forKey: id) } }
        return stream
    }

    /// Ends all listeners' streams.
    public func finish() {
        let all = state.withLock { state in
            let all = Array(state.subscribers.values)
            state.subscribers = [:]
            return all
        }
        for subscriber in all { subscriber.continuation.finish() }
    }

    /// Listeners now.
    public var subscriberCount: Int { state.withLock { $0.subscribers.count } }
}
