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
