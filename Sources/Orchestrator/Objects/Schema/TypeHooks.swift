import JSON

/// Defaults and checks of single API types that the schema language cannot say, because they look at several fields.
enum TypeHooks {
    /// Returns whether it changed anything.
    typealias Default = @Sendable (inout JSONObject) -> Bool
    typealias Check = @Sendable (JSON, inout FieldErrors) -> Void

    static let defaults: [String: Default] = [
        "core.v1.Container": PodDefaults.container,
        "core.v1.EphemeralContainer": PodDefaults.container,
        "core.v1.Volume": PodDefaults.volume,
        "core.v1.PodSpec": PodDefaults.podSpec,
        "core.v1.ServicePort": ServiceDefaults.port,
        "core.v1.ServiceSpec": ServiceDefaults.spec,
        "apps.v1.DeploymentStrategy": WorkloadDefaults.rollingUpdate,
        "apps.v1.DaemonSetUpdateStrategy": WorkloadDefaults.rollingUpdate,
        "apps.v1.StatefulSetUpdateStrategy": WorkloadDefaults.rollingUpdate,
        "batch.v1.JobSpec": WorkloadDefaults.job,
    ]

    static let checks: [String: Check] = [
        "meta.v1.LabelSelector": SelectorValidator.check,
        "core.v1.PodSpec": PodValidator.spec,
        "core.v1.Container": ContainerValidator.check,
        "core.v1.EphemeralContainer": ContainerValidator.check,
        "core.v1.Probe": ContainerValidator.probe,
        "core.v1.ResourceRequirements": ResourceValidator.check,
        "core.v1.Volume": VolumeValidator.check,
        "core.v1.Toleration": PodValidator.toleration,
        "core.v1.NodeSelectorRequirement": PodValidator.nodeRequirement,
        "core.v1.ServiceSpec": ServiceValidator.spec,
        "core.v1.EndpointAddress": ServiceValidator.endpointAddress,
        "core.v1.Taint": NodeValidator.taint,
        "apps.v1.DeploymentStrategy": WorkloadValidator.deploymentStrategy,
    ]
}
