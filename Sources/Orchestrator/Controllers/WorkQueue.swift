import Runtime

/// Which keys a controller still has to look at, and when.
///
/// A key is held once however often it is added, is never worked on by two workers at a time, and
/// comes back after a growing delay when its work failed. Pure: time is a duration since any fixed
/// moment, handed in. Adding and taking are O(1) but for promoting delayed keys, which is O(delayed).
package struct WorkQueue {
    /// Keys that wait for a worker, oldest first; `head` is the first that is not taken yet.
    private var ready: [ObjectKey] = []
    private var head = 0
    /// The keys in `ready[head...]`.
    private var queued: Set<ObjectKey> = []
    private var delayed: [ObjectKey: Duration] = [:]
    private var earliestDelayed: Duration?
    private var working: Set<ObjectKey> = []
    /// Added while a worker had them: they are queued again when it is done.
    private var dirty: Set<ObjectKey> = []
    private var backoffs: [ObjectKey: Backoff] = [:]

    package let capacity: Int
    private let backoff: Backoff
    /// True once a key was refused because the queue was full. The owner then adds every key anew
    /// when the queue has drained: work is level-based, so nothing is lost but time.
    package private(set) var hasOverflowed = false

    package init(capacity: Int = 100_000, backoff: Backoff = Backoff(first: .milliseconds(5), limit: .seconds(30))) {
        self.capacity = capacity
        self.backoff = backoff
    }

    /// Keys that wait, for a worker or for their time.
    package var depth: Int { queued.count + delayed.count }
    package var workingCount: Int { working.count }
    package var isIdle: Bool { queued.isEmpty && working.isEmpty }
    /// When the next delayed key is due; nil if none is.
    package var nextDue: Duration? { earliestDelayed }
    /// True if `take` would return a key now.
    package func hasWork(now: Duration) -> Bool { !queued.isEmpty || earliestDelayed.map { $0 <= now } ?? false }

    package mutating func add(_ key: ObjectKey) {
        if working.contains(key) {
            dirty.insert(key)
            return
        }
        guard !queued.contains(key) else { return }
        guard depth < capacity || delayed[key] != nil else {
            hasOverflowed = true
            return
        }
        if delayed.removeValue(forKey: key) != nil { recomputeEarliest() }
        queued.insert(key)
        ready.append(key)
    }

    /// The key becomes ready at `due`, or earlier if something else adds it.
    package mutating func add(_ key: ObjectKey, at due: Duration) {
        guard !queued.contains(key) else { return }
        if let known = delayed[key], known <= due { return }
        guard depth < capacity || delayed[key] != nil else {
            hasOverflowed = true
            return
        }
        delayed[key] = due
        earliestDelayed = min(earliestDelayed ?? due, due)
    }

    /// The next key to work on. The caller reports its end with `finish`.
    package mutating func take(now: Duration) -> ObjectKey? {
        promote(now: now)
        guard head < ready.count else { return nil }
        let key = ready[head]
        head += 1
        if head == ready.count {
            ready.removeAll(keepingCapacity: true)
            head = 0
        } else if head > 1024, head * 2 > ready.count {
            ready.removeFirst(head)
            head = 0
        }
        queued.remove(key)
        working.insert(key)
        return key
    }

    package enum Outcome: Sendable {
        case done
        case again(after: Duration)
        case failed
    }

    package mutating func finish(_ key: ObjectKey, _ outcome: Outcome, now: Duration) {
        working.remove(key)
        let isDirty = dirty.remove(key) != nil
        switch outcome {
        case .done: backoffs[key] = nil
        case .again(let delay):
            backoffs[key] = nil
            if !isDirty { add(key, at: now + delay) }
        case .failed:
            // The delay holds even if the world changed meanwhile: a failing key must not spin.
            add(key, at: now + backoffs[key, default: backoff].next())
            return
        }
        if isDirty { add(key) }
    }

    package mutating func clearOverflow() { hasOverflowed = false }

    private mutating func promote(now: Duration) {
        guard let earliest = earliestDelayed, earliest <= now else { return }
        let due = delayed.filter { $0.value <= now }.sorted { ($0.value, $0.key) < ($1.value, $1.key) }
        for (key, _) in due {
            // A key that a worker has keeps its date and is marked instead.
            delayed[key] = nil
            if working.contains(key) {
                dirty.insert(key)
            } else if queued.insert(key).inserted {
                ready.append(key)
            }
        }
        recomputeEarliest()
    }

    private mutating func recomputeEarliest() { earliestDelayed = delayed.values.min() }
}
