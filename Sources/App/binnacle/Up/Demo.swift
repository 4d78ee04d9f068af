import JSON
import Objects
import YAML

/// The demo's objects, created where they are not there yet.
enum Demo {
    static let namespace = "shop"

    static func apply(with client: any ObjectClient) async throws {
        for object in try YAMLParser.documents(PackageResources.shop_yaml, file: "demo/shop.yaml") {
            guard let kind = KindRegistry.standard.kind(apiVersion: object["apiVersion"].string ?? "", kind: object["kind"].string ?? "") else {
                throw CommandFailure(message: "demo/shop.yaml: unknown kind \(object["kind"])")
            }
            do {
                _ = try await client.create(kind.resource, namespace: kind.isNamespaced ? object.namespace : nil, object)
            } catch  where error.reason == .alreadyExists {
                // From an earlier run; what the user changed since stays.
            }
        }
    }

    /// Whether all of the demo's pods are ready.
    static func isReady(_ client: any ObjectClient) async -> Bool {
        guard let pods = try? await client.list(.pods, namespace: namespace, labelSelector: nil, fieldSelector: nil).items, pods.count >= 4 else {
            return false
        }
        return pods.allSatisfy { pod in pod["status"]["conditions"].elements.contains { $0["type"] == "Ready" && $0["status"] == "True" } }
    }
}
