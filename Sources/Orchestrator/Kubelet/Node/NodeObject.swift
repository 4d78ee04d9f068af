import ContainerRuntime
import JSON
import Objects

/// What a Node object says of this node: functions of the configuration, the machine and the runtime.
struct NodeObject: Sendable {
    static let podLimit = 110
    static let leaseSeconds = 40

    var name: String
    var address: String
    var extraLabels: [String: String]
    var version: String
    var kubeletPort: Int
    var podCIDR: String?
    var facts: MachineFacts
    var abilities: RuntimeAbilities

    var labels: [String: String] {
        let own = [
            "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": facts.architecture,
            "beta.kubernetes.io/os": "linux", "beta.kubernetes.io/arch": facts.architecture,
        ]
        return own.merging(extraLabels) { _, extra in extra }
    }

    /// The object to create.
    var object: JSON {
        var node: JSON = [
            "apiVersion": "v1", "kind": "Node", "metadata": ["name": .string(name), "labels": .strings(labels)], "spec": [:],
        ]
        if let podCIDR {
            node["spec"]["podCIDR"] = .string(podCIDR)
            node["spec"]["podCIDRs"] = [.string(podCIDR)]
        }
        return node
    }

    /// Adds our labels to those that are there; nil if nothing is missing.
    func labelled(_ node: JSON) -> JSON? {
        var labels = node.labels
        labels.merge(self.labels) { _, ours in ours }
        guard labels != node.labels else { return nil }
        var node = node
        node["metadata"]["labels"] = .strings(labels)
        return node
    }

    /// The node with its present status. Conditions that others set (`NetworkUnavailable`) stay.
    ///
    /// - Parameter now: seconds since 1970.
    func withStatus(_ node: JSON, now: Int64) -> JSON {
        var node = node
        let capacity: JSON = [
            "cpu": .string("\(facts.cpuCount)"), "ephemeral-storage": .string("\(facts.diskBytes / 1024)Ki"),
            "memory": .string("\(facts.memoryBytes / 1024)Ki"), "pods": .string("\(Self.podLimit)"),
        ]
        node["status"]["capacity"] = capacity
        node["status"]["allocatable"] = capacity
        node["status"]["addresses"] = [
            ["type": "InternalIP", "address": .string(address)], ["type": "Hostname", "address": .string(name)],
        ]
        node["status"]["daemonEndpoints"] = ["kubeletEndpoint": ["Port": JSON(kubeletPort)]]
        node["status"]["nodeInfo"] = [
            "machineID": .string(facts.machineID), "systemUUID": .string(facts.machineID), "bootID": .string(facts.bootID),
            "kernelVersion": .string(facts.kernelVersion), "osImage": .string(facts.osImage),
            "containerRuntimeVersion": .string("\(abilities.name)://\(abilities.version)"), "kubeletVersion": .string(version),
            "kubeProxyVersion": .string(version), "operatingSystem": "linux", "architecture": .string(facts.architecture),
        ]
        node["status"]["images"] = [["names": ["host"], "sizeBytes": 0]]
        let beat: JSON = ["lastHeartbeatTime": .string(RFC3339.format(now))]
        let isMemoryShort = facts.memoryAvailableBytes < 100 << 20
        node.setCondition(
            "MemoryPressure", status: isMemoryShort ? "True" : "False",
            reason: isMemoryShort ? "KubeletHasInsufficientMemory" : "KubeletHasSufficientMemory",
            message: isMemoryShort ? "kubelet has insufficient memory available" : "kubelet has sufficient memory available", now: now, extra: beat)
        let isDiskShort = facts.diskAvailableBytes < facts.diskBytes / 10
        node.setCondition(
            "DiskPressure", status: isDiskShort ? "True" : "False", reason: isDiskShort ? "KubeletHasDiskPressure" : "KubeletHasNoDiskPressure",
            message: isDiskShort ? "kubelet has disk pressure" : "kubelet has no disk pressure", now: now, extra: beat)
        node.setCondition(
            "PIDPressure", status: "False", reason: "KubeletHasSufficientPID", message: "kubelet has sufficient PID available", now: now, extra: beat)
        if !abilities.missing.isEmpty {
            node.setCondition(
                "RuntimeLimited", status: "True", reason: "MissingRights", message: abilities.missing.joined(separator: " "), now: now, extra: beat)
        } else {
            node.removeCondition("RuntimeLimited")
        }
        node.setCondition(
            "Ready", status: "True", reason: "KubeletReady", message: "kubelet is posting ready status", now: now, extra: beat)
        return node
    }

    /// Whether two statuses differ in more than the time of their last heartbeat and the free memory's last digits.
    static func isSameStatus(_ left: JSON, _ right: JSON) -> Bool {
        func bare(_ node: JSON) -> JSON {
            var status = node["status"]
            status["conditions"] = .array(
                status["conditions"].elements.map {
                    var condition = $0
                    condition.remove("lastHeartbeatTime")
                    return condition
                })
            return status
        }
        return bare(left) == bare(right)
    }

    func lease(now: Int64, microseconds: Int) -> JSON {
        [
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": ["name": .string(name), "namespace": "kube-node-lease"],
            "spec": [
                "holderIdentity": .string(name), "leaseDurationSeconds": JSON(Self.leaseSeconds),
                "renewTime": .string(RFC3339.format(now, microseconds: microseconds)),
            ],
        ]
    }
}
