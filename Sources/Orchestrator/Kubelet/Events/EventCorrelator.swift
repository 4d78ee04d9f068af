import JSON
import Objects

/// Something worth telling the users of an object.
public struct ClusterEvent: Hashable, Sendable {
    public enum Kind: String, Sendable { case normal = "Normal", warning = "Warning" }
    /// `involvedObject`: apiVersion, kind, namespace, name, uid, perhaps fieldPath.
    public var object: JSON
    public var kind: Kind
    /// One CamelCase word.
    public var reason: String
    public var message: String
    /// Nanoseconds since 1970.
    public var time: Int64

    public init(object: JSON, kind: Kind, reason: String, message: String, time: Int64) {
        self.object = object
        self.kind = kind
        self.reason = reason
        self.message = message
        self.time = time
    }
}

/// Decides what becomes of an event: a new object, one more count of an old one, or nothing.
///
/// The rules are client-go's: equal events within the last 4096 kinds are counted in one object; more than ten that
/// differ only by message within ten minutes become one combined event; and a bucket of 25 tokens that regains one
/// every five minutes, for each object, keeps one pod from flooding the store.
struct EventCorrelator {
    enum Decision: Hashable {
        /// Write it under a new name; it is the first of `key`.
        case create(message: String, key: Key)
        /// Count it in the object that `key` was created as.
        case count(message: String, key: Key)
        case drop
    }
    struct Key: Hashable, Sendable {
        var object: JSON
        var kind: ClusterEvent.Kind
        var reason: String
        /// Nil for a combined event.
        var message: String?
    }

    static let similarLimit = 10
    static let similarWindow: Int64 = 600 * .second
    static let burst = 25.0
    static let refill: Int64 = 300 * .second
    static let capacity = 4096

    private struct Similar { var messages: Set<String>, last: Int64 }
    private struct Bucket { var tokens: Double, filled: Int64 }
    private var known = RecentlyUsed<Key, Int64>(capacity: capacity)
    private var similar = RecentlyUsed<Key, Similar>(capacity: capacity)
    private var buckets = RecentlyUsed<JSON, Bucket>(capacity: capacity)

    mutating func decide(_ event: ClusterEvent) -> Decision {
        let kindOnly = Key(object: event.object, kind: event.kind, reason: event.reason, message: nil)
        var group = similar[kindOnly] ?? Similar(messages: [], last: event.time)
        if event.time - group.last > Self.similarWindow { group.messages = [] }
        group.last = event.time
        if group.messages.count <= Self.similarLimit { group.messages.insert(event.message) }
        let isCombined = group.messages.count > Self.similarLimit
        similar[kindOnly] = group

        guard takeToken(event) else { return .drop }
        let key = isCombined ? kindOnly : Key(object: event.object, kind: event.kind, reason: event.reason, message: event.message)
        let message = isCombined ? "(combined from similar events): \(event.message)" : event.message
        defer { known[key] = event.time }
        return known[key] == nil ? .create(message: message, key: key) : .count(message: message, key: key)
    }

    private mutating func takeToken(_ event: ClusterEvent) -> Bool {
        var bucket = buckets[event.object] ?? Bucket(tokens: Self.burst, filled: event.time)
        bucket.tokens = min(Self.burst, bucket.tokens + Double(event.time - bucket.filled) / Double(Self.refill))
        bucket.filled = event.time
        defer { buckets[event.object] = bucket }
        guard bucket.tokens >= 1 else { return false }
        bucket.tokens -= 1
        return true
    }
}

/// A bounded dictionary that forgets what was not used for longest. Forgetting halves it, so its cost is spread.
struct RecentlyUsed<Key: Hashable, Value> {
    private var entries: [Key: (value: Value, use: UInt64)] = [:]
    private var clock: UInt64 = 0
    let capacity: Int

    init(capacity: Int) { self.capacity = capacity }

    var count: Int { entries.count }

    subscript(key: Key) -> Value? {
        mutating get {
            guard let entry = entries[key] else { return nil }
            clock += 1
            entries[key]?.use = clock
            return entry.value
        }
        set {
            guard let newValue else {
                entries[key] = nil
                return
            }
            clock += 1
            entries[key] = (newValue, clock)
            guard entries.count > capacity else { return }
            let limit = entries.values.map(\.use).sorted()[entries.count / 2]
            entries = entries.filter { $0.value.use >= limit }
        }
    }
}
