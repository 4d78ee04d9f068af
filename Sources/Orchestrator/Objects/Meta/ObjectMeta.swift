import JSON

/// Short ways to what every object has.
extension JSON {
    public var metadata: JSON { self["metadata"] }
    /// `metadata.name`; empty if there is none.
    public var metadataName: String { self["metadata"]["name"].string ?? "" }
    /// `metadata.namespace`; empty for a cluster-scoped object.
    public var namespace: String { self["metadata"]["namespace"].string ?? "" }
    /// `NAMESPACE/NAME`, or `NAME` for a cluster-scoped object: what work queues hold.
    public var namespacedName: String { namespace.isEmpty ? metadataName : "\(namespace)/\(metadataName)" }
    public var uid: String { self["metadata"]["uid"].string ?? "" }
    public var resourceVersion: String { self["metadata"]["resourceVersion"].string ?? "" }
    public var generation: Int { self["metadata"]["generation"].int ?? 0 }
    public var labels: [String: String] { self["metadata"]["labels"].stringMap }
    public var annotations: [String: String] { self["metadata"]["annotations"].stringMap }
    /// Seconds since 1970.
    public var creationTimestamp: Int64? { self["metadata"]["creationTimestamp"].string.flatMap(RFC3339.parse) }
    /// Seconds since 1970; nil unless the object is being deleted.
    public var deletionTimestamp: Int64? { self["metadata"]["deletionTimestamp"].string.flatMap(RFC3339.parse) }
    public var isBeingDeleted: Bool { !self["metadata"]["deletionTimestamp"].isNull }
    public var finalizers: [String] { self["metadata"]["finalizers"].elements.compactMap(\.string) }
    public var ownerReferences: [JSON] { self["metadata"]["ownerReferences"].elements }
    /// The one owner reference with `controller: true`.
    public var controllerOwner: JSON? { ownerReferences.first { $0["controller"].bool == true } }

    /// A reference to this object as the controller of another.
    ///
    /// The object must carry `apiVersion`, `kind`, name and uid.
    public func ownerReference(isController: Bool = true) -> JSON {
        [
            "apiVersion": self["apiVersion"], "kind": self["kind"], "name": .string(metadataName), "uid": .string(uid),
            "controller": .bool(isController), "blockOwnerDeletion": true,
        ]
    }

    /// A reference to this object as events (`involvedObject`) and endpoints (`targetRef`) hold it.
    public func objectReference(fieldPath: String? = nil) -> JSON {
        var reference: JSON = ["kind": self["kind"]]
        if !namespace.isEmpty { reference["namespace"] = .string(namespace) }
        reference["name"] = .string(metadataName)
        reference["uid"] = .string(uid)
        reference["apiVersion"] = self["apiVersion"]
        reference["resourceVersion"] = .string(resourceVersion)
        if let fieldPath { reference["fieldPath"] = .string(fieldPath) }
        return reference
    }
}
