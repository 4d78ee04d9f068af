import Synchronization

/// An object's state at one revision. Shared by all readers, so what is worked out from it is worked out once.
public final class StoredObject: Sendable {
    public let key: String
    public let value: [UInt8]
    /// The revision in which the key came to be.
    public let createRevision: Int64
    /// The revision of this state.
    public let modRevision: Int64
    /// Milliseconds since 1970 at which the object is to go; nil for never.
    public let expires: Int64?

    private let slot = AtomicLazyReference<Attachment>()

    public init(key: String, value: [UInt8], createRevision: Int64, modRevision: Int64, expires: Int64? = nil) {
        self.key = key
        self.value = value
        self.createRevision = createRevision
        self.modRevision = modRevision
        self.expires = expires
    }

    /// What a reader derived from this state (its decoded form), made by the first who asks.
    /// Two that ask at once may both make it; both get the one that was kept.
    public func attachment<Value: Sendable>(_ make: (StoredObject) -> Value) -> Value {
        if let kept = slot.load(), let value = kept.value as? Value { return value }
        let made = make(self)
        // An attachment of another type is left alone; the caller has its own value.
        return slot.storeIfNil(Attachment(made)).value as? Value ?? made
    }

    func attach(_ value: any Sendable) { _ = slot.storeIfNil(Attachment(value)) }

    /// This state under the revision of its deletion.
    func deleted(at revision: Int64) -> StoredObject {
        StoredObject(key: key, value: value, createRevision: createRevision, modRevision: revision, expires: expires)
    }

    private final class Attachment: Sendable {
        let value: any Sendable
        init(_ value: any Sendable) { self.value = value }
    }
}
