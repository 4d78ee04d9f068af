import JSON

/// What the API knows about one group, version and kind: how its objects are read, completed, checked,
/// patched and shown. All of it is driven by the kind's `schema` and by a small `KindBehaviour`.
public struct Kind: Sendable {
    /// A path below an object (`scale`), and the kind that is spoken there.
    public struct Subresource: Hashable, Sendable {
        public let name: String
        /// The kind of the bodies: `autoscaling/v1 Scale` for `scale`, the parent's own for `status`.
        public let group: String
        public let version: String
        public let kind: String
        public let verbs: [String]

        public init(_ name: String, group: String, version: String, kind: String, verbs: [String]) {
            self.name = name
            self.group = group
            self.version = version
            self.kind = kind
            self.verbs = verbs
        }
    }

    public let resource: Resource
    public let version: String
    public let kind: String
    public let singular: String
    public let shortNames: [String]
    /// `all` makes `kubectl get all` show the kind.
    public let categories: [String]
    public let isNamespaced: Bool
    public let verbs: [String]
    public let subresources: [Subresource]
    public let schema: Schema
    let behaviour: any KindBehaviour

    init(
        _ kind: String, _ resource: Resource, version: String = "v1", singular: String? = nil, shortNames: [String] = [],
        categories: [String] = [], isNamespaced: Bool = true, verbs: [String] = Kind.allVerbs, subresources: [Subresource] = [],
        schema: Schema, behaviour: any KindBehaviour
    ) {
        self.kind = kind
        self.resource = resource
        self.version = version
        self.singular = singular ?? kind.lowercased()
        self.shortNames = shortNames
        self.categories = categories
        self.isNamespaced = isNamespaced
        self.verbs = verbs
        self.subresources = subresources
        self.schema = schema
        self.behaviour = behaviour
    }

    /// In the order in which discovery lists them.
    public static let allVerbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]

    public var group: String { resource.group }
    /// `v1` or `apps/v1`.
    public var apiVersion: String { resource.group.isEmpty ? version : "\(resource.group)/\(version)" }
    /// `Pod` or `Deployment.apps`, as error messages name it.
    public var qualifiedName: String { resource.group.isEmpty ? kind : "\(kind).\(resource.group)" }
    public var listKind: String { kind + "List" }
    public func subresource(_ name: String) -> Subresource? { subresources.first { $0.name == name } }
    public var hasStatusSubresource: Bool { subresources.contains { $0.name == "status" } }
}

// MARK: Reading, completing and checking objects

extension Kind {
    /// Checks every member's type, drops unknown members, nulls and empty values that Go would omit, and sets
    /// `apiVersion` and `kind`.
    ///
    /// - Returns: the object, and the path of each member that the schema does not know (`spec.containers[0].imagee`).
    /// - Throws: 400 in Kubernetes' wording for a value of a wrong type, or for another `kind` or `apiVersion`.
    public func decode(_ object: JSON) throws(StatusError) -> (object: JSON, unknownFields: [String]) {
        (object, [])
    }

    /// The 400 that `fieldValidation=Strict` gives; nil if there is nothing to complain about.
    public func strictError(unknown: [String], duplicate: [String]) -> StatusError? { nil }

    /// The object with every default filled in and quantities in canonical form. Idempotent.
    public func defaulted(_ object: JSON) -> JSON { object }

    /// All that is wrong with a defaulted object; with `old`, also what may not change.
    public func validate(_ object: JSON, replacing old: JSON? = nil) -> [FieldError] { [] }

    /// Makes a decoded body ready to be defaulted, validated and stored as a new object.
    ///
    /// Sets namespace, name (from `generateName` and `nameSuffix`), uid, creationTimestamp and generation, removes what
    /// only the server may set, and empties the status of a kind with a status subresource.
    /// - Parameters:
    ///   - now: seconds since 1970.
    ///   - nameSuffix: five characters from `GeneratedName.suffix(using:)`.
    public func prepareForCreate(_ object: JSON, namespace: String?, uid: String, now: Int64, nameSuffix: String) -> JSON { object }

    /// Makes a decoded body ready to be defaulted, validated and stored in place of `old`.
    ///
    /// Keeps what only the server may set, and the status (for `subresource` nil) or all but the status and some metadata
    /// (for `status`). Raises `metadata.generation` if the spec has changed.
    public func prepareForUpdate(_ object: JSON, replacing old: JSON, subresource: String? = nil) -> JSON { object }
}

// MARK: Showing and selecting objects

extension Kind {
    /// The columns of the kind's table; `kubectl get` shows those of priority 0, `-o wide` all.
    public var columns: [Column] { behaviour.columns }

    /// One table row, a cell for each column. `now` is in seconds since 1970.
    public func cells(_ object: JSON, now: Int64) -> [JSON] { behaviour.cells(object, now: now) }

    /// Labels that a field selector may use, beside `metadata.name` and `metadata.namespace`.
    public var fieldLabels: [String] { behaviour.fieldLabels }

    /// The value of each supported field label; the empty string for a field that is not set.
    public func selectableFields(_ object: JSON) -> [String: String] {
        var fields = behaviour.selectableFields(object)
        fields["metadata.name"] = object.metadataName
        if isNamespaced { fields["metadata.namespace"] = object.namespace }
        return fields
    }

    /// Applies a strategic merge patch with all its directives.
    /// - Throws: 400 or 422 for a patch that does not fit the schema.
    public func strategicMerge(_ patch: JSON, into object: JSON) throws(StatusError) -> JSON { MergePatch.apply(patch, to: object) }
}
