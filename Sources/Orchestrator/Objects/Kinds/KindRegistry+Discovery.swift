import JSON

// The documents from which clients learn what is served (contracts/kubernetes.md 1.3).
extension KindRegistry {
    /// Groups beside the core group, each with its version, in order.
    private var groups: [(name: String, version: String)] {
        var seen = Set<String>()
        var groups: [(String, String)] = []
        for kind in kinds + bodies where !kind.group.isEmpty && seen.insert(kind.group).inserted { groups.append((kind.group, kind.version)) }
        return groups
    }

    /// `GET /api`.
    public var apiVersions: JSON { ["kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []] }

    /// `GET /apis`.
    public var apiGroupList: JSON {
        ["kind": "APIGroupList", "apiVersion": "v1", "groups": .array(groups.map { group($0.name, $0.version) })]
    }

    /// `GET /apis/GROUP`; nil for a group that is not served.
    public func apiGroup(_ name: String) -> JSON? {
        guard let found = groups.first(where: { $0.name == name }) else { return nil }
        var document: JSON = ["kind": "APIGroup", "apiVersion": "v1"]
        for (key, value) in group(found.name, found.version).members { document[key] = value }
        return document
    }

    private func group(_ name: String, _ version: String) -> JSON {
        let entry: JSON = ["groupVersion": .string("\(name)/\(version)"), "version": .string(version)]
        return ["name": .string(name), "versions": [entry], "preferredVersion": entry]
    }

    /// `GET /api/v1`, `GET /apis/GROUP/VERSION`; nil for a group version that is not served.
    public func apiResourceList(_ groupVersion: String) -> JSON? {
        guard groupVersion == "v1" || groups.contains(where: { "\($0.name)/\($0.version)" == groupVersion }) else { return nil }
        var resources: [JSON] = []
        for kind in (kinds + bodies) where kind.apiVersion == groupVersion && !kind.verbs.isEmpty {
            var entry: JSON = [
                "name": .string(kind.resource.name), "singularName": .string(kind.singular), "namespaced": .bool(kind.isNamespaced),
                "kind": .string(kind.kind), "verbs": .array(kind.verbs.map { .string($0) }),
            ]
            if !kind.shortNames.isEmpty { entry["shortNames"] = .array(kind.shortNames.map { .string($0) }) }
            if !kind.categories.isEmpty { entry["categories"] = .array(kind.categories.map { .string($0) }) }
            resources.append(entry)
            for subresource in kind.subresources {
                var entry: JSON = [
                    "name": .string("\(kind.resource.name)/\(subresource.name)"), "singularName": "", "namespaced": .bool(kind.isNamespaced),
                ]
                if subresource.group != kind.group || subresource.version != kind.version {
                    entry["group"] = .string(subresource.group)
                    entry["version"] = .string(subresource.version)
                }
                entry["kind"] = .string(subresource.kind)
                entry["verbs"] = .array(subresource.verbs.map { .string($0) })
                resources.append(entry)
            }
        }
        return ["kind": "APIResourceList", "apiVersion": "v1", "groupVersion": .string(groupVersion), "resources": .array(resources)]
    }

    /// The version of `apidiscovery.k8s.io` that a client asks for.
    public enum DiscoveryVersion: String, Sendable {
        case v2, v2beta1
        /// The Content-Type of the answer.
        public var contentType: String { "application/json;g=apidiscovery.k8s.io;v=\(rawValue);as=APIGroupDiscoveryList" }
    }

    /// `GET /api` (`core`) or `GET /apis` in the aggregated form.
    public func aggregatedDiscovery(core: Bool, version: DiscoveryVersion) -> JSON {
        let wanted = core ? [(name: "", version: "v1")] : groups
        let items = wanted.map { group -> JSON in
            let resources = (kinds + bodies).filter { $0.group == group.name && !$0.verbs.isEmpty }.map(aggregated)
            return [
                "metadata": group.name.isEmpty ? ["creationTimestamp": nil] : ["name": .string(group.name), "creationTimestamp": nil],
                "versions": [["version": .string(group.version), "resources": .array(resources), "freshness": "Current"]],
            ]
        }
        return [
            "kind": "APIGroupDiscoveryList", "apiVersion": .string("apidiscovery.k8s.io/\(version.rawValue)"), "metadata": [:],
            "items": .array(items),
        ]
    }

    private func aggregated(_ kind: Kind) -> JSON {
        func responseKind(_ group: String, _ version: String, _ name: String) -> JSON {
            ["group": .string(group), "version": .string(version), "kind": .string(name)]
        }
        var entry: JSON = [
            "resource": .string(kind.resource.name), "responseKind": responseKind(kind.group, kind.version, kind.kind),
            "scope": kind.isNamespaced ? "Namespaced" : "Cluster", "singularResource": .string(kind.singular),
            "verbs": .array(kind.verbs.map { .string($0) }),
        ]
        if !kind.shortNames.isEmpty { entry["shortNames"] = .array(kind.shortNames.map { .string($0) }) }
        if !kind.categories.isEmpty { entry["categories"] = .array(kind.categories.map { .string($0) }) }
        if !kind.subresources.isEmpty {
            entry["subresources"] = .array(
                kind.subresources.map {
                    [
                        "subresource": .string($0.name), "responseKind": responseKind($0.group, $0.version, $0.kind),
                        "verbs": .array($0.verbs.map { .string($0) }),
                    ]
                })
        }
        return entry
    }
}
