import JSON
import Objects
import Testing

@Suite struct RegistryTests {
    let registry = KindRegistry.standard

    @Test func `kinds are found by resource and by name`() throws {
        #expect(registry.kind(for: .pods)?.kind == "Pod")
        #expect(registry.kind(for: .deployments)?.apiVersion == "apps/v1")
        #expect(registry.kind(group: "apps", version: "v1", resource: "replicasets")?.kind == "ReplicaSet")
        #expect(registry.kind(group: "apps", version: "v2", resource: "replicasets") == nil)
        #expect(registry.kind(apiVersion: "autoscaling/v1", kind: "Scale") != nil)
        #expect(registry.kind(for: Resource("scales", group: "autoscaling")) == nil)
        for resource: Resource in [.services, .endpoints, .nodes, .namespaces, .events, .configMaps, .secrets, .serviceAccounts, .endpointSlices, .leases] {
            #expect(registry.kind(for: resource) != nil, "\(resource)")
        }
    }

    @Test func `discovery lists what drain and scale look for`() throws {
        let core = try #require(registry.apiResourceList("v1"))["resources"].elements
        #expect(core.contains { $0["name"] == "pods/eviction" && $0["group"] == "policy" && $0["kind"] == "Eviction" })
        #expect(core.contains { $0["name"] == "pods" && $0["shortNames"] == ["po"] && $0["categories"] == ["all"] })
        let apps = try #require(registry.apiResourceList("apps/v1"))["resources"].elements
        #expect(apps.contains { $0["name"] == "deployments/scale" && $0["group"] == "autoscaling" && $0["version"] == "v1" && $0["kind"] == "Scale" })
        #expect(apps.contains { $0["name"] == "deployments/status" && $0["group"].isNull })
        #expect(registry.apiResourceList("nothing/v1") == nil)
        #expect(
            registry.apiGroupList["groups"].elements.map { $0["name"].string } == [
                "apps", "batch", "coordination.k8s.io", "discovery.k8s.io", "autoscaling", "policy",
            ])
        #expect(registry.apiGroup("apps")?["preferredVersion"]["groupVersion"] == "apps/v1")
        #expect(registry.apiGroup("nothing") == nil)
    }

    @Test func `aggregated discovery`() throws {
        let document = registry.aggregatedDiscovery(core: false, version: .v2beta1)
        #expect(document["apiVersion"] == "apidiscovery.k8s.io/v2beta1")
        let apps = document["items"][0]
        #expect(apps["metadata"]["name"] == "apps")
        let deployments = try #require(apps["versions"][0]["resources"].elements.first { $0["resource"] == "deployments" })
        #expect(deployments["responseKind"] == ["group": "apps", "version": "v1", "kind": "Deployment"])
        #expect(deployments["subresources"].elements.map { $0["subresource"].string } == ["scale", "status"])
        #expect(registry.aggregatedDiscovery(core: true, version: .v2)["items"].elements.count == 1)
    }

    @Test func `the scale of a workload`() throws {
        let deployment = webDeployment.setting("spec.replicas", 3).setting("status", ["replicas": 2])
        let scale = Scale.of(deployment)
        #expect(scale["spec"] == ["replicas": 3])
        #expect(scale["status"] == ["replicas": 2, "selector": "app=web"])
        #expect(Scale.apply(["spec": ["replicas": 5]], to: deployment)["spec"]["replicas"] == 5)
        #expect(Scale.of(["spec": ["replicas": 1, "selector": ["app": "rc"]]])["status"]["selector"] == "app=rc")
    }
}
