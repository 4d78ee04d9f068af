import InternetAddresses
import JSON
import ObjectStore
import Objects

extension APIServer {
    /// The namespaces that every cluster has.
    static let namespaces = ["default", "kube-system", "kube-public", "kube-node-lease"]

    /// Makes what every cluster has from its first moment, and reads which service addresses are taken.
    /// To be called once, before the first request.
    public func bootstrap() async throws(StatusError) {
        if let kind = registry.kind(for: .services) {
            service.services.adopt(try await service.list(kind, namespace: nil, ListOptions()).objects.map(\.json))
        }
        for name in Self.namespaces {
            try await ensure(.namespaces, namespace: nil, ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(name)]])
        }
        try await ensureOwnService()
    }

    /// The service `default/kubernetes`, by which pods reach this server. Its endpoints follow the configuration.
    private func ensureOwnService() async throws(StatusError) {
        let labels: JSON = ["component": "apiserver", "provider": "kubernetes"]
        try await ensure(
            .services, namespace: "default",
            [
                "apiVersion": "v1", "kind": "Service", "metadata": ["name": "kubernetes", "labels": labels],
                "spec": [
                    "clusterIP": .string("\(configuration.serviceNetwork.base + 1)"),
                    "ports": [["name": "https", "port": 443, "protocol": "TCP", "targetPort": JSON(configuration.securePort)]],
                ],
            ])
        let address = JSON.string(configuration.advertiseAddress)
        let port: JSON = ["name": "https", "port": JSON(configuration.securePort), "protocol": "TCP"]
        try await put(
            .endpoints, namespace: "default",
            [
                "apiVersion": "v1", "kind": "Endpoints",
                "metadata": ["name": "kubernetes", "labels": ["endpointslice.kubernetes.io/skip-mirror": "true"]],
                "subsets": [["addresses": [["ip": address]], "ports": [port]]],
            ])
        try await put(
            .endpointSlices, namespace: "default",
            [
                "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
                "metadata": ["name": "kubernetes", "labels": ["kubernetes.io/service-name": "kubernetes"]],
                "addressType": "IPv4", "endpoints": [["addresses": [address], "conditions": ["ready": true]]], "ports": [port],
            ])
    }

    private func ensure(_ resource: Resource, namespace: String?, _ object: JSON) async throws(StatusError) {
        guard registry.kind(for: resource) != nil else { return }
        // Looked for first: making a service that is there would ask for an address that it itself holds.
        if (try? await localClient.get(resource, namespace: namespace, name: object.metadataName)) != nil { return }
        do throws(StatusError) {
            _ = try await localClient.create(resource, namespace: namespace, object, .bootstrap)
        } catch {
            guard error.reason == .alreadyExists else { throw error }
        }
    }

    private func put(_ resource: Resource, namespace: String?, _ object: JSON) async throws(StatusError) {
        guard registry.kind(for: resource) != nil else { return }
        try await ensure(resource, namespace: namespace, object)
        _ = try await localClient.update(resource, namespace: namespace, object, subresource: nil, .bootstrap)
    }
}
