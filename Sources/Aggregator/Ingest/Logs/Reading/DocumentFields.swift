/// Names by which shippers call what are labels here.
enum DocumentFields {
    /// Of Fluentd's and Fluent Bit's Kubernetes filters, and of the Elastic Common Schema.
    static let streamFields: [(field: String, label: String)] = [
        ("kubernetes.namespace_name", "namespace"), ("kubernetes.namespace", "namespace"),
        ("kubernetes.pod_name", "pod"), ("kubernetes.pod.name", "pod"),
        ("kubernetes.container_name", "container"), ("kubernetes.container.name", "container"),
        ("kubernetes.pod_id", "pod_uid"), ("kubernetes.pod.uid", "pod_uid"),
        ("kubernetes.host", "node"), ("kubernetes.node.name", "node"),
        ("host.name", "host"), ("service.name", "service_name"), ("log.file.path", "filename"), ("stream", "stream"),
    ]
}
