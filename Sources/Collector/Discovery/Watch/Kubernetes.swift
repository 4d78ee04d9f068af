import NodeStats

/// The labels by which a kubelet says, on whatever runtime it uses, which pod a container is of.
enum Kubernetes {
    /// Fills in the pod from the labels, if they tell of one.
    static func apply(_ labels: [String: String], to container: inout RuntimeContainer) {
        guard let pod = labels["io.kubernetes.pod.name"], let namespace = labels["io.kubernetes.pod.namespace"] else { return }
        container.reference.pod = AllowList.cut(pod, to: 256)
        container.reference.namespace = AllowList.cut(namespace, to: 256)
        container.reference.podUID = AllowList.cut(labels["io.kubernetes.pod.uid"] ?? "", to: 64)
        let name = labels["io.kubernetes.container.name"] ?? ""
        // The kubelet of Docker's days called a pod's sandbox POD.
        if name == "POD" || labels["io.kubernetes.docker.type"] == "podsandbox" { container.isSandbox = true }
        container.reference.container = container.isSandbox ? "" : AllowList.cut(name, to: 256)
        if let text = labels["annotation.io.kubernetes.container.restartCount"], let restarts = UInt64(text) { container.reference.restarts = restarts }
        // The network belongs to the pod's own row.
        container.reference.networkPID = 0
    }

    /// Thousandths of a core that the kubelet turned into these shares; nil for the least there can be, which is none.
    /// (pkg/kubelet/cm: shares = thousandths * 1024 / 1000, at least 2.)
    static func cpuRequest(shares: UInt64) -> UInt64? { shares > 2 && shares < 1 << 40 ? (shares * 1000 + 512) / 1024 : nil }

    static func cpuLimit(quota: Int64, period: Int64) -> UInt64? {
        guard quota > 0, period > 0, quota < 1 << 40 else { return nil }
        return UInt64(quota * 1000 / period)
    }
}
