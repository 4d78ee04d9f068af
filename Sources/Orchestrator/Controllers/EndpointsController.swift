import JSON
import Objects

/// Keeps Endpoints and EndpointSlices of each Service in step with its pods: a pod that turns ready is found at once.
package struct EndpointsController: Controller {
    private let world: World

    package init(_ world: World) { self.world = world }

    package var name: String { "endpoints" }
    package var sources: [Resource] { [.services, .pods, .endpoints, .endpointSlices] }

    private static let serviceLabel = "kubernetes.io/service-name"
    private static let managerLabel = "endpointslice.kubernetes.io/managed-by"
    private static let manager = "endpointslice-controller.k8s.io"
    private static let mirror = "endpointslicemirroring-controller.k8s.io"
    private static let triggerTime = "endpoints.kubernetes.io/last-change-trigger-time"

    package func keys(touchedBy change: Change) -> [ObjectKey] {
        let object = change.object
        switch change.resource {
        case .services, .endpoints: return [object.key]
        case .endpointSlices: return object.labels[Self.serviceLabel].map { [ObjectKey(object.key.namespace, $0)] } ?? []
        default:
            guard Self.matters(change) else { return [] }
            return world[.services].all(namespace: object.key.namespace).filter { service in
                let selector = service.json["spec"]["selector"].stringMap
                guard !selector.isEmpty else { return false }
                return [change.old, change.new].contains { pod in pod.map { pod in selector.allSatisfy { pod.labels[$0.key] == $0.value } } ?? false }
            }.map(\.key)
        }
    }

    /// Most changes of a pod (restart counts, probes' times) say nothing about who serves.
    private static func matters(_ change: Change) -> Bool {
        guard let old = change.old, let new = change.new else { return true }
        return old.uid != new.uid || old.labels != new.labels || old.isTerminating != new.isTerminating || old.node != new.node
            || old.json.isReady != new.json.isReady || old.json.isTerminal != new.json.isTerminal || old.json["status"]["podIP"] != new.json["status"]["podIP"]
    }

    package func reconcile(_ key: ObjectKey) async throws -> Duration? {
        let endpoints = world[.endpoints][key]
        let slices = world[.endpointSlices].matching(namespace: key.namespace, labels: [Self.serviceLabel: key.name])
            .filter { [Self.manager, Self.mirror].contains($0.labels[Self.managerLabel] ?? "") }
        guard let service = world[.services][key], !service.isTerminating else {
            // Somebody may write Endpoints before their Service: only what we made for a selector goes with it.
            if let endpoints, !endpoints.isTerminating, endpoints.json.annotations[Self.triggerTime] != nil {
                try await world.delete(.endpoints, endpoints)
            }
            for slice in slices where !slice.isTerminating { try await world.delete(.endpointSlices, slice) }
            return nil
        }
        if service.json["spec"]["type"].string == "ExternalName" { return nil }
        let selector = service.json["spec"]["selector"].stringMap
        if selector.isEmpty {
            let isSkipped = endpoints?.labels["endpointslice.kubernetes.io/skip-mirror"] == "true"
            let plan = EndpointsPlan(mirroring: isSkipped ? .null : endpoints?.json ?? .null)
            try await write(plan, service: service.json, slices: slices, manager: Self.mirror)
            return nil
        }
        let plan = EndpointsPlan(service: service.json, pods: world[.pods].matching(namespace: key.namespace, labels: selector))
        // Endpoints first: it is what the proxy follows.
        try await write(plan, service: service.json, endpoints: endpoints)
        try await write(plan, service: service.json, slices: slices, manager: Self.manager)
        return nil
    }

    private func write(_ plan: EndpointsPlan, service: JSON, endpoints: CachedObject?) async throws {
        var labels = service.labels
        if service["spec"]["clusterIP"].string == "None" { labels["service.kubernetes.io/headless"] = "" }
        let subsets = plan.subsets
        if let endpoints {
            guard endpoints.json["subsets"].elements != subsets || endpoints.labels != labels else { return }
            var json = endpoints.json
            if labels.isEmpty { json["metadata"].remove("labels") } else { json["metadata"]["labels"] = .strings(labels) }
            json["metadata"]["annotations"][Self.triggerTime] = .string(RFC3339.format(world.now))
            if subsets.isEmpty { json.remove("subsets") } else { json["subsets"] = .array(subsets) }
            try await world.update(.endpoints, json)
            return
        }
        var metadata: JSON = ["name": .string(service.metadataName), "namespace": .string(service.namespace)]
        if !labels.isEmpty { metadata["labels"] = .strings(labels) }
        metadata["annotations"] = .strings([Self.triggerTime: RFC3339.format(world.now)])
        var json: JSON = ["apiVersion": "v1", "kind": "Endpoints", "metadata": metadata]
        if !subsets.isEmpty { json["subsets"] = .array(subsets) }
        do {
            try await world.create(.endpoints, json)
        } catch {
            guard error.details["causes"][0]["reason"].string == "NamespaceTerminating" else { throw error }
            return
        }
    }

    private func write(_ plan: EndpointsPlan, service: JSON, slices: [CachedObject], manager: String) async throws {
        let changes = plan.sliceChanges(service: service, slices: slices, manager: manager)
        for slice in changes.create {
            do {
                try await world.create(.endpointSlices, slice)
            } catch {
                guard error.details["causes"][0]["reason"].string == "NamespaceTerminating" else { throw error }
                return
            }
        }
        for slice in changes.update { try await world.update(.endpointSlices, slice) }
        for slice in changes.delete { try await world.delete(.endpointSlices, slice) }
    }
}
