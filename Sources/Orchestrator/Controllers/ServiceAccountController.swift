import JSON
import Objects

/// Gives every namespace its `default` ServiceAccount, and the cluster's certificate authority if there is one.
package struct ServiceAccountController: Controller {
    private let world: World
    /// PEM; pods read it as `ca.crt`.
    private let rootCertificate: String?

    package init(_ world: World, rootCertificate: String?) {
        self.world = world
        self.rootCertificate = rootCertificate
    }

    package var name: String { "serviceaccount" }
    package var sources: [Resource] { [.namespaces, .serviceAccounts, .configMaps] }

    private static let certificateMap = "kube-root-ca.crt"

    package func keys(touchedBy change: Change) -> [ObjectKey] {
        let key = change.object.key
        switch change.resource {
        case .namespaces: return [key]
        case .serviceAccounts: return key.name == "default" && change.new == nil ? [ObjectKey(nil, key.namespace)] : []
        default: return key.name == Self.certificateMap && rootCertificate != nil ? [ObjectKey(nil, key.namespace)] : []
        }
    }

    package func reconcile(_ key: ObjectKey) async throws -> Duration? {
        guard let namespace = world[.namespaces][key], !namespace.isTerminating else { return nil }
        do {
            if world[.serviceAccounts][ObjectKey(key.name, "default")] == nil {
                try await world.create(
                    .serviceAccounts,
                    ["apiVersion": "v1", "kind": "ServiceAccount", "metadata": ["name": "default", "namespace": .string(key.name)]])
            }
            if let rootCertificate { try await publish(rootCertificate, in: key.name) }
        } catch let error as StatusError where error.reason == .alreadyExists || error.reason == .forbidden || error.reason == .notFound {
            // It is there already, or the namespace is going.
            return nil
        }
        return nil
    }

    private func publish(_ certificate: String, in namespace: String) async throws {
        let data: JSON = ["ca.crt": .string(certificate)]
        if let existing = world[.configMaps][ObjectKey(namespace, Self.certificateMap)] {
            guard existing.json["data"] != data else { return }
            var json = existing.json
            json["data"] = data
            try await world.update(.configMaps, json)
        } else {
            try await world.create(
                .configMaps,
                [
                    "apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": .string(Self.certificateMap), "namespace": .string(namespace)], "data": data,
                ])
        }
    }
}
