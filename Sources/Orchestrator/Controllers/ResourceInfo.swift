import Objects

/// What the garbage collector and the namespace controller know of a kind.
package struct ResourceInfo: Sendable {
    package let resource: Resource
    package let apiVersion: String
    package let kind: String
    package let isNamespaced: Bool

    package init(_ resource: Resource, apiVersion: String, kind: String, isNamespaced: Bool) {
        self.resource = resource
        self.apiVersion = apiVersion
        self.kind = kind
        self.isNamespaced = isNamespaced
    }

    /// The kinds that can be listed, watched and deleted.
    package static func all(of registry: KindRegistry) -> [ResourceInfo] {
        registry.kinds.filter { ["list", "watch", "delete"].allSatisfy($0.verbs.contains) }.map {
            ResourceInfo($0.resource, apiVersion: $0.apiVersion, kind: $0.kind, isNamespaced: $0.isNamespaced)
        }
    }
}
