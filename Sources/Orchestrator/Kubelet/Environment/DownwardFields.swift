import JSON
import Objects

/// What a pod may learn of itself: `fieldRef` and `resourceFieldRef`.
struct DownwardFields: Sendable {
    var pod: PodSpec
    var podAddress: String
    var hostAddress: String
    /// What a container without limits may use.
    var nodeMilliCPU: Int64
    var nodeMemoryBytes: Int64

    /// Nil if there is no such field.
    func field(_ path: String) -> String? {
        switch path {
        case "metadata.name": return pod.name
        case "metadata.namespace": return pod.namespace
        case "metadata.uid": return pod.uid
        case "metadata.labels": return list(pod.labels)
        case "metadata.annotations": return list(pod.annotations)
        case "spec.nodeName": return pod.nodeName
        case "spec.serviceAccountName": return pod.serviceAccountName
        case "status.hostIP", "status.hostIPs": return hostAddress
        case "status.podIP", "status.podIPs": return pod.usesHostNetwork ? hostAddress : podAddress
        default:
            if let key = subscripted(path, "metadata.labels") { return pod.labels[key] ?? "" }
            if let key = subscripted(path, "metadata.annotations") { return pod.annotations[key] ?? "" }
            return nil
        }
    }

    /// `container` is whose resources are meant unless the reference names another. Rounded up to whole divisors.
    func resource(_ reference: JSON, of container: ContainerSpec?) -> String? {
        guard let subject = reference["containerName"].string.flatMap({ $0.isEmpty ? nil : pod.container($0) }) ?? container else { return nil }
        let divisor = ContainerResources.quantity(reference["divisor"]).flatMap { $0 > .zero ? $0 : nil } ?? Quantity(1)
        let name = reference["resource"].string ?? ""
        let list = subject.resources[name.hasPrefix("limits.") ? "limits" : "requests"]
        switch name {
        case "limits.cpu", "requests.cpu":
            let amount = ContainerResources.milliCPU(list) ?? (name.hasPrefix("limits") ? nodeMilliCPU : 0)
            return "\(quotient(amount, max(1, divisor.milliValue)))"
        case "limits.memory", "requests.memory", "limits.ephemeral-storage", "requests.ephemeral-storage":
            let key = name.hasSuffix("memory") ? "memory" : "ephemeral-storage"
            let node = key == "memory" && name.hasPrefix("limits") ? nodeMemoryBytes : 0
            return "\(quotient(ContainerResources.quantity(list[key])?.value ?? node, max(1, divisor.value)))"
        default: return nil
        }
    }

    private func quotient(_ amount: Int64, _ divisor: Int64) -> Int64 { (amount + divisor - 1) / divisor }

    /// `key="value"` lines, sorted, as a downward API file has them.
    private func list(_ map: [String: String]) -> String {
        map.sorted { $0.key < $1.key }.map { "\($0.key)=\(JSON.string($0.value).description)" }.joined(separator: "\n")
    }

    private func subscripted(_ path: String, _ map: String) -> String? {
        guard path.hasPrefix("\(map)['"), path.hasSuffix("']") else { return nil }
        return String(path.dropFirst(map.count + 2).dropLast(2))
    }
}
