import JSON
import NodeStats

/// Turns the statuses of the CRI into what the Collector is told.
enum CRIContainer {
    static func container(_ status: CRIMessages.Status, labels: AllowList, environment: AllowList) -> RuntimeContainer {
        let info = document(status.info)
        var container = common(status, info, labels)
        // Through CRI an image is often told by its digest; the name that somebody wrote says more.
        let images = [
            status.userImage, status.image, info["config"]["image"]["user_specified_image"].string ?? "", info["config"]["image"]["image"].string ?? "",
        ]
        container.reference.image = images.first { !$0.isEmpty && !$0.hasPrefix("sha256:") && !CgroupIdentity.isContainerID($0) } ?? status.image
        container.reference.container = status.name
        container.reference.restarts = status.attempt
        container.reference.started = time(status.started)
        if let slash = status.logPath.lastIndex(of: "/"), status.logPath.hasPrefix("/") {
            container.reference.logDirectory = String(status.logPath[..<slash])
        }
        container.reference.environment = environment.select(environment: info["runtimeSpec"]["process"]["env"].elements.compactMap(\.string))
        limits(status.resources, info["runtimeSpec"], &container.reference)
        Kubernetes.apply(status.labels, to: &container)
        return container
    }

    static func sandbox(_ status: CRIMessages.Status, labels: AllowList) -> RuntimeContainer {
        let info = document(status.info)
        var container = common(status, info, labels)
        container.isSandbox = true
        container.reference.image = AllowList.cut(info["image"].string ?? "", to: 1024)
        container.reference.started = time(status.created)
        container.reference.pod = status.name
        container.reference.namespace = status.namespace
        container.reference.podUID = status.podUID
        container.reference.sharesNodeNetwork = status.sharesNodeNetwork
        return container
    }

    private static func common(_ status: CRIMessages.Status, _ info: JSON, _ labels: AllowList) -> RuntimeContainer {
        var reference = ContainerReference(cgroupPath: "", name: status.id)
        reference.containerID = status.id
        reference.created = time(status.created)
        reference.containerLabels = labels.select(status.labels.map { ($0.key, $0.value) })
        var container = RuntimeContainer(reference: reference)
        container.pid = info["pid"].int.flatMap { Int32(exactly: $0) } ?? 0
        container.declaredPath = OCISpec.cgroupPath(info["runtimeSpec"]["linux"]["cgroupsPath"].string ?? "") ?? ""
        return container
    }

    private static func document(_ info: [String: String]) -> JSON { info["info"].flatMap { try? JSON.parse($0) } ?? .null }

    /// The runtime's status has the resources since CRI 1.26; before that only the container's specification has them.
    private static func limits(_ resources: CRIMessages.Resources, _ spec: JSON, _ reference: inout ContainerReference) {
        var resources = resources
        if resources.cpuShares == 0, resources.memoryLimit == 0, resources.cpuQuota == 0 { resources = OCISpec.resources(spec) }
        reference.cpuLimit = Kubernetes.cpuLimit(quota: resources.cpuQuota, period: resources.cpuPeriod)
        reference.cpuRequest = UInt64(exactly: resources.cpuShares).flatMap(Kubernetes.cpuRequest)
        if resources.memoryLimit > 0, resources.memoryLimit < 1 << 60 { reference.memoryLimit = UInt64(resources.memoryLimit) }
    }

    private static func time(_ nanoseconds: Int64) -> Int64 { max(0, nanoseconds) }
}

/// What is read of a container's specification (opencontainers/runtime-spec, config-linux).
enum OCISpec {
    /// The path for a `cgroupsPath`: it is one, or for systemd `SLICE:PREFIX:NAME`; nil if it is neither.
    static func cgroupPath(_ text: String) -> String? {
        guard text.utf8.count <= 4096, !text.utf8.contains(0) else { return nil }
        if text.hasPrefix("/") { return text }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, !parts[2].isEmpty else { return nil }
        let slice = parts[0].isEmpty ? "system.slice" : parts[0]
        guard slice.hasSuffix(".slice") else { return nil }
        return expanded(slice) + "/" + (parts[1].isEmpty ? "" : parts[1] + "-") + parts[2] + ".scope"
    }

    /// A slice lies in those whose names its own begins with: `a-b.slice` is `/a.slice/a-b.slice`.
    private static func expanded(_ slice: Substring) -> String {
        guard slice != "-.slice" else { return "" }
        var (path, prefix) = ("", "")
        for part in slice.dropLast(6).split(separator: "-") {
            prefix += prefix.isEmpty ? String(part) : "-\(part)"
            path += "/\(prefix).slice"
        }
        return path
    }

    static func resources(_ spec: JSON) -> CRIMessages.Resources {
        let (cpu, memory) = (spec["linux"]["resources"]["cpu"], spec["linux"]["resources"]["memory"])
        return CRIMessages.Resources(
            cpuPeriod: Int64(cpu["period"].int ?? 0), cpuQuota: Int64(cpu["quota"].int ?? 0), cpuShares: Int64(cpu["shares"].int ?? 0),
            memoryLimit: Int64(memory["limit"].int ?? 0))
    }
}
