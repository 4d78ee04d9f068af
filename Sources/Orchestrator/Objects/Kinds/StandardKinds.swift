import JSON

/// The kinds of `KindRegistry.standard`.
enum StandardKinds {
    private static let library = SchemaLibrary.standard
    private static let readWrite = ["get", "patch", "update"]

    private static func status(_ group: String, _ version: String, _ kind: String) -> Kind.Subresource {
        Kind.Subresource("status", group: group, version: version, kind: kind, verbs: readWrite)
    }
    private static let scale = Kind.Subresource("scale", group: "autoscaling", version: "v1", kind: "Scale", verbs: readWrite)

    private static let podSubresources = [
        Kind.Subresource("attach", group: "", version: "v1", kind: "PodAttachOptions", verbs: ["create", "get"]),
        Kind.Subresource("binding", group: "", version: "v1", kind: "Binding", verbs: ["create"]),
        Kind.Subresource("ephemeralcontainers", group: "", version: "v1", kind: "Pod", verbs: readWrite),
        Kind.Subresource("eviction", group: "policy", version: "v1", kind: "Eviction", verbs: ["create"]),
        Kind.Subresource("exec", group: "", version: "v1", kind: "PodExecOptions", verbs: ["create", "get"]),
        Kind.Subresource("log", group: "", version: "v1", kind: "Pod", verbs: ["get"]),
        Kind.Subresource("portforward", group: "", version: "v1", kind: "PodPortForwardOptions", verbs: ["create", "get"]),
        Kind.Subresource(
            "proxy", group: "", version: "v1", kind: "PodProxyOptions", verbs: ["create", "delete", "get", "patch", "update"]),
        status("", "v1", "Pod"),
    ]

    private static func core(
        _ kind: String, _ resource: String, shortNames: [String] = [], categories: [String] = [], isNamespaced: Bool = true,
        verbs: [String] = Kind.allVerbs, subresources: [Kind.Subresource] = [], _ behaviour: any KindBehaviour
    ) -> Kind {
        Kind(
            kind, Resource(resource), shortNames: shortNames, categories: categories, isNamespaced: isNamespaced, verbs: verbs,
            subresources: subresources, schema: library["core.v1.\(kind)"], behaviour: behaviour)
    }

    private static func workload(
        _ kind: String, _ resource: String, group: String, shortNames: [String], hasScale: Bool, _ behaviour: any KindBehaviour
    ) -> Kind {
        Kind(
            kind, Resource(resource, group: group), shortNames: shortNames, categories: ["all"],
            subresources: (hasScale ? [scale] : []) + [status(group, "v1", kind)], schema: library["\(group).v1.\(kind)"],
            behaviour: behaviour)
    }

    /// Core first, then groups by name: `kubectl get all` prints in this order.
    static let stored: [Kind] = [
        core("ComponentStatus", "componentstatuses", shortNames: ["cs"], isNamespaced: false, verbs: ["get", "list"], ComponentStatusKind()),
        core("ConfigMap", "configmaps", shortNames: ["cm"], ConfigMapKind()),
        core("Endpoints", "endpoints", shortNames: ["ep"], EndpointsKind()),
        core("Event", "events", shortNames: ["ev"], EventKind()),
        core(
            "Namespace", "namespaces", shortNames: ["ns"], isNamespaced: false,
            verbs: ["create", "delete", "get", "list", "patch", "update", "watch"],
            subresources: [
                Kind.Subresource("finalize", group: "", version: "v1", kind: "Namespace", verbs: ["update"]), status("", "v1", "Namespace"),
            ], NamespaceKind()),
        core(
            "Node", "nodes", shortNames: ["no"], isNamespaced: false,
            subresources: [
                Kind.Subresource(
                    "proxy", group: "", version: "v1", kind: "NodeProxyOptions", verbs: ["create", "delete", "get", "patch", "update"]),
                status("", "v1", "Node"),
            ], NodeKind()),
        core("Pod", "pods", shortNames: ["po"], categories: ["all"], subresources: podSubresources, PodKind()),
        core(
            "ReplicationController", "replicationcontrollers", shortNames: ["rc"], categories: ["all"],
            subresources: [scale, status("", "v1", "ReplicationController")], ReplicationControllerKind()),
        core("Secret", "secrets", SecretKind()),
        core("ServiceAccount", "serviceaccounts", shortNames: ["sa"], ServiceAccountKind()),
        core(
            "Service", "services", shortNames: ["svc"], categories: ["all"],
            subresources: [
                Kind.Subresource(
                    "proxy", group: "", version: "v1", kind: "ServiceProxyOptions", verbs: ["create", "delete", "get", "patch", "update"]),
                status("", "v1", "Service"),
            ], ServiceKind()),
        workload("DaemonSet", "daemonsets", group: "apps", shortNames: ["ds"], hasScale: false, DaemonSetKind()),
        workload("Deployment", "deployments", group: "apps", shortNames: ["deploy"], hasScale: true, DeploymentKind()),
        workload("ReplicaSet", "replicasets", group: "apps", shortNames: ["rs"], hasScale: true, ReplicaSetKind()),
        workload("StatefulSet", "statefulsets", group: "apps", shortNames: ["sts"], hasScale: true, StatefulSetKind()),
        workload("CronJob", "cronjobs", group: "batch", shortNames: ["cj"], hasScale: false, CronJobKind()),
        workload("Job", "jobs", group: "batch", shortNames: [], hasScale: false, JobKind()),
        Kind("Lease", .leases, schema: library["coordination.v1.Lease"], behaviour: LeaseKind()),
        Kind("EndpointSlice", .endpointSlices, schema: library["discovery.v1.EndpointSlice"], behaviour: EndpointSliceKind()),
    ]

    static let bodies: [Kind] = [
        core("Binding", "bindings", verbs: ["create"], PlainBehaviour()),
        Kind("Scale", Resource("scales", group: "autoscaling"), verbs: [], schema: library["autoscaling.v1.Scale"], behaviour: PlainBehaviour()),
        Kind("Eviction", Resource("evictions", group: "policy"), verbs: [], schema: library["policy.v1.Eviction"], behaviour: PlainBehaviour()),
    ]
}
