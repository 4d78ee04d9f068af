import JSON

/// All kinds that are served, and the discovery documents that tell clients of them.
public struct KindRegistry: Sendable {
    public static let standard = KindRegistry(kinds: StandardKinds.stored, bodies: StandardKinds.bodies)

    /// In discovery order: of kinds with one name, clients take the first.
    public let kinds: [Kind]
    /// Kinds that are only spoken at subresources: Binding, Eviction, Scale.
    public let bodies: [Kind]

    private let byResource: [Resource: Int]

    public init(kinds: [Kind], bodies: [Kind] = []) {
        self.kinds = kinds
        self.bodies = bodies
        byResource = Dictionary(kinds.enumerated().map { ($1.resource, $0) }) { first, _ in first }
    }

    public func kind(for resource: Resource) -> Kind? { byResource[resource].map { kinds[$0] } }
    public func kind(group: String, version: String, kind: String) -> Kind? {
        (kinds + bodies).first { $0.kind == kind && $0.group == group && $0.version == version }
    }
    public func kind(group: String, version: String, resource: String) -> Kind? {
        kind(for: Resource(resource, group: group)).flatMap { $0.version == version ? $0 : nil }
    }
    /// By a document's own `apiVersion` and `kind`; subresources' bodies included.
    public func kind(apiVersion: String, kind: String) -> Kind? {
        (kinds + bodies).first { $0.kind == kind && $0.apiVersion == apiVersion }
    }
}
