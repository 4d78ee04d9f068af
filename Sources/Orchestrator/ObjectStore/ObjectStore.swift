/// Where Kubernetes objects live: a map from key to bytes with one revision counter over all of it, in etcd's shape.
///
/// Each accepted write takes the next revision, so a revision names a state of the whole store; the API shows
/// it as `resourceVersion`. `SQLiteObjectStore` is the embedded implementation; an etcd client fits the same
/// protocol (create is a transaction on MOD == 0, update and delete on MOD == revision, a time to live is a lease).
///
/// Keys are ASCII paths such as `pods/default/web`; the part before the first `/` groups what is listed together.
public protocol ObjectStore: Sendable {
    /// The revision of the newest acknowledged write.
    func currentRevision() async throws(StoreError) -> Int64

    /// The newest state of `key`; nil if it is not there.
    func get(_ key: String) async throws(StoreError) -> StoredObject?

    /// The objects whose key starts with `prefix`, in the order of their keys.
    ///
    /// - Parameters:
    ///   - prefix: holds at least one `/`.
    ///   - last: where the page before ended; nil for the first page.
    ///   - limit: at most so many; nil for all.
    ///   - revision: the state at that revision; nil for the newest. `StoreError.compacted` if it is no longer kept.
    func list(prefix: String, after last: String?, limit: Int?, at revision: Int64?) async throws(StoreError) -> StoredList

    /// Carries out one conditional write and returns once it is durable. For a deletion the result is the last
    /// state with the deletion's revision.
    @discardableResult
    func commit(_ write: StoreWrite) async throws(StoreError) -> StoredObject

    /// All changes under `prefix` after `revision`, in order, without a gap, each once.
    func watch(prefix: String, after revision: Int64) async throws(StoreError) -> StoreWatch

    /// Forgets states before `revision` that a newer one replaced. Reads and watches from before it then fail
    /// with `StoreError.compacted`.
    func compact(to revision: Int64) async throws(StoreError)
}

extension ObjectStore {
    public func list(prefix: String) async throws(StoreError) -> StoredList {
        try await list(prefix: prefix, after: nil, limit: nil, at: nil)
    }
}

/// A write and the state that it expects to find.
public struct StoreWrite: Sendable {
    public enum Expectation: Hashable, Sendable {
        /// The key must not be there.
        case absent
        /// The key's newest write must have this revision.
        case revision(Int64)
    }

    public var key: String
    public var expected: Expectation
    /// Nil deletes.
    public var value: [UInt8]?
    /// How long from now the object lives; nil for ever.
    public var timeToLive: Duration?
    /// Makes what `StoredObject.attachment` holds, from the write's revision: a caller that has the decoded
    /// form at hand saves every reader the decoding. Called on the writer's thread, so it must be quick.
    public var attachment: (@Sendable (_ revision: Int64) -> any Sendable)?

    public init(
        key: String, expected: Expectation, value: [UInt8]?, timeToLive: Duration? = nil,
        attachment: (@Sendable (_ revision: Int64) -> any Sendable)? = nil
    ) {
        self.key = key
        self.expected = expected
        self.value = value
        self.timeToLive = timeToLive
        self.attachment = attachment
    }

    public static func create(_ key: String, _ value: [UInt8], timeToLive: Duration? = nil) -> StoreWrite {
        StoreWrite(key: key, expected: .absent, value: value, timeToLive: timeToLive)
    }
    public static func update(_ key: String, at revision: Int64, _ value: [UInt8], timeToLive: Duration? = nil) -> StoreWrite {
        StoreWrite(key: key, expected: .revision(revision), value: value, timeToLive: timeToLive)
    }
    public static func delete(_ key: String, at revision: Int64) -> StoreWrite {
        StoreWrite(key: key, expected: .revision(revision), value: nil)
    }
}

public struct StoredList: Sendable {
    public var objects: [StoredObject]
    /// The revision of the state that was listed.
    public var revision: Int64
    /// How many objects follow the last one; zero when the list is whole.
    public var remaining: Int

    public init(objects: [StoredObject], revision: Int64, remaining: Int) {
        self.objects = objects
        self.revision = revision
        self.remaining = remaining
    }
}

/// One change, as a watch tells it.
public struct StoreEvent: Sendable {
    public var revision: Int64
    public var isDeletion: Bool
    /// The new state; for a deletion the last state, whose `modRevision` is the deletion's revision.
    public var object: StoredObject
    /// The state before; nil for a creation.
    public var previous: StoredObject?

    public init(revision: Int64, isDeletion: Bool, object: StoredObject, previous: StoredObject?) {
        self.revision = revision
        self.isDeletion = isDeletion
        self.object = object
        self.previous = previous
    }
}
