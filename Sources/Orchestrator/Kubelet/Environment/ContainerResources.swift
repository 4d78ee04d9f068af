import ContainerRuntime
import JSON
import Objects

/// What requests and limits mean in the kernel's terms. All functions of the spec.
enum ContainerResources {
    /// CFS period, in microseconds.
    static let period = 100_000

    /// Thousandths of a CPU, or bytes, of one entry of `requests` or `limits`.
    static func milliCPU(_ list: JSON) -> Int64? { quantity(list["cpu"])?.milliValue }
    static func memoryBytes(_ list: JSON) -> Int64? { quantity(list["memory"])?.value }

    static func quantity(_ value: JSON) -> Quantity? {
        if let text = value.string { return Quantity(text) }
        return value.int.map { Quantity(Int64($0)) }
    }

    /// cpu.shares for a CPU request: 1024 a CPU, at least 2, at most 262,144.
    static func shares(milliCPU: Int64) -> Int { Int(min(262_144, max(2, milliCPU * 1024 / 1000))) }

    /// cpu.cfs_quota_us for a CPU limit; the kernel refuses less than a millisecond.
    static func quota(milliCPU: Int64) -> Int? { milliCPU <= 0 ? nil : max(1000, Int(milliCPU) * period / 1000) }

    static func limits(of container: ContainerSpec, pids: Int?) -> ResourceLimits {
        let requests = container.resources["requests"]
        let limits = container.resources["limits"]
        return ResourceLimits(
            cpuShares: shares(milliCPU: milliCPU(requests) ?? milliCPU(limits) ?? 0),
            cpuQuotaMicroseconds: milliCPU(limits).flatMap(quota), memoryBytes: memoryBytes(limits).flatMap { $0 > 0 ? $0 : nil }, pids: pids)
    }

    /// The pod's own cgroup: the containers' sum, limited only if each of them is.
    static func limits(of pod: PodSpec, pids: Int?) -> ResourceLimits {
        func total(_ amount: (ContainerSpec) -> Int64?) -> Int64? {
            // Sidecars run beside the pod's containers and beside every init container after them.
            var beside: Int64 = 0
            var initial: Int64 = 0
            for container in pod.initContainers {
                guard let value = amount(container) else { return nil }
                if container.isSidecar { beside += value }
                initial = max(initial, container.isSidecar ? beside : beside + value)
            }
            var sum = beside
            for container in pod.containers {
                guard let value = amount(container) else { return nil }
                sum += value
            }
            return max(sum, initial)
        }
        let request = total { milliCPU($0.resources["requests"]) ?? milliCPU($0.resources["limits"]) ?? 0 } ?? 0
        func limit(_ amount: (JSON) -> Int64?) -> Int64? {
            total { container in amount(container.resources["limits"]).flatMap { $0 > 0 ? $0 : nil } }
        }
        let shares = pod.qosClass == .bestEffort ? 2 : shares(milliCPU: request)
        return ResourceLimits(
            cpuShares: shares, cpuQuotaMicroseconds: limit(milliCPU).flatMap(quota), memoryBytes: limit(memoryBytes), pids: pids)
    }

    /// The smaller its request, the sooner a burstable container is killed when memory runs out.
    static func oomScoreAdjustment(of container: ContainerSpec, qosClass: QoSClass, nodeMemoryBytes: Int64) -> Int {
        switch qosClass {
        case .guaranteed: return -997
        case .bestEffort: return 1000
        case .burstable:
            let request = memoryBytes(container.resources["requests"]) ?? 0
            let score = 1000 - 1000 * request / max(1, nodeMemoryBytes)
            return Int(min(999, max(3, score)))
        }
    }

    /// `/kubepods/burstable/podUID`, relative to each controller's root.
    static func cgroupPath(qosClass: QoSClass, uid: String) -> String {
        switch qosClass {
        case .guaranteed: "/kubepods/pod\(uid)"
        case .burstable: "/kubepods/burstable/pod\(uid)"
        case .bestEffort: "/kubepods/besteffort/pod\(uid)"
        }
    }
}
