import JSON

/// One change that a watch saw.
public struct WatchEvent: Sendable {
    public enum Kind: String, Sendable {
        case added = "ADDED"
        case modified = "MODIFIED"
        /// The object is its last state, with the resourceVersion of the deletion.
        case deleted = "DELETED"
        case bookmark = "BOOKMARK"
    }
    public var kind: Kind
    public var object: JSON
    public init(_ kind: Kind, _ object: JSON) {
        self.kind = kind
        self.object = object
    }
}

public struct ObjectList: Sendable {
    public var items: [JSON]
    /// Where a watch goes on without a gap.
    public var resourceVersion: String
    public init(items: [JSON], resourceVersion: String) {
        self.items = items
        self.resourceVersion = resourceVersion
    }
}

/// How the controllers, the scheduler, the kubelet and the proxy read and change objects.
///
/// The API server implements it in its own process, with the same defaults, validation, conflicts and
/// errors as over HTTP. Objects are whole documents with `apiVersion`, `kind` and `metadata`.
public protocol ObjectClient: Sendable {
    func get(_ resource: Resource, namespace: String?, name: String) async throws(StatusError) -> JSON
    /// All namespaces if `namespace` is nil. Selectors in the API's own syntax (`app=web,tier!=x`, `spec.nodeName=a`).
    func list(_ resource: Resource, namespace: String?, labelSelector: String?, fieldSelector: String?) async throws(StatusError) -> ObjectList
    /// Changes after `resourceVersion`. Ends by throwing a `StatusError` of code 410 when that is too old: list again.
    func watch(_ resource: Resource, namespace: String?, after resourceVersion: String) -> AsyncThrowingStream<WatchEvent, any Error>
    /// Returns the stored object, with its defaults, uid and resourceVersion.
    func create(_ resource: Resource, namespace: String?, _ object: JSON) async throws(StatusError) -> JSON
    /// Replaces all but the status. A `metadata.resourceVersion` that is not the stored one is a 409.
    func update(_ resource: Resource, namespace: String?, _ object: JSON) async throws(StatusError) -> JSON
    /// Replaces the status alone.
    func updateStatus(_ resource: Resource, namespace: String?, _ object: JSON) async throws(StatusError) -> JSON
    /// - Parameters:
    ///   - gracePeriodSeconds: nil for the object's own; 0 removes at once (what a kubelet says when all is stopped).
    ///   - uid: refuse with 409 unless the object has this uid.
    ///   - propagation: `Background`, `Foreground` or `Orphan`.
    func delete(_ resource: Resource, namespace: String?, name: String, gracePeriodSeconds: Int?, uid: String?, propagation: String?) async throws(StatusError)
    /// `POST pods/NAME/binding`: sets `spec.nodeName` once.
    func bind(pod name: String, namespace: String, toNode node: String) async throws(StatusError)
}
