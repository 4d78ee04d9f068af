import JSON

/// All kinds that are served, and the discovery documents that tell clients of them.
public struct KindRegistry: Sendable {
    public static let standard = KindRegistry(kinds: [])

    /// In discovery order: of kinds with one name, clients take the first.
    public let kinds: [Kind]

    public init(kinds: [Kind]) { self.kinds = kinds }

    public func kind(for resource: Resource) -> Kind? { kinds.first { $0.resource == resource } }
    public func kind(group: String, version: String, kind: String) -> Kind? {
        kinds.first { $0.kind == kind && $0.group == group && $0.version == version }
    }
    public func kind(group: String, version: String, resource: String) -> Kind? {
        kinds.first { $0.resource.name == resource && $0.group == group && $0.version == version }
    }
    /// By a document's own `apiVersion` and `kind`.
    public func kind(apiVersion: String, kind: String) -> Kind? { kinds.first { $0.kind == kind && $0.apiVersion == apiVersion } }

    /// `GET /api`.
    public var apiVersions: JSON { ["kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []] }
    /// `GET /apis`.
    public var apiGroupList: JSON { .null }
    /// `GET /apis/GROUP`; nil for a group that is not served.
    public func apiGroup(_ name: String) -> JSON? { nil }
    /// `GET /api/v1`, `GET /apis/GROUP/VERSION`; nil for a group version that is not served.
    public func apiResourceList(_ groupVersion: String) -> JSON? { nil }

    /// The version of `apidiscovery.k8s.io` that a client asks for.
    public enum DiscoveryVersion: String, Sendable { case v2, v2beta1 }
    /// `GET /api` (`core`) or `GET /apis` in the aggregated form.
    public func aggregatedDiscovery(core: Bool, version: DiscoveryVersion) -> JSON { .null }
}
