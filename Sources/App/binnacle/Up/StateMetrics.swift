import JSON
import Objects
import Telemetry

/// What the cluster's objects say, as samples under kube-state-metrics' names, so that the dashboards and
/// reports that everybody has find what they ask for.
struct StateMetrics {
    private struct Known {
        var series: SeriesSet
        var keys: [Labels]
        var round: Int
    }
    private var known: [String: Known] = [:]
    private var round = 0

    /// One frame an object. The last frame of an object that has gone ends its series.
    mutating func frames(pods: [JSON], deployments: [JSON], node: JSON?, at timestamp: Timestamp) -> [SampleFrame] {
        round += 1
        var frames: [SampleFrame] = []
        for pod in pods { frames.append(frame("pod/\(pod.uid)", Self.samples(pod: pod), timestamp)) }
        for deployment in deployments { frames.append(frame("deployment/\(deployment.uid)", Self.samples(deployment: deployment), timestamp)) }
        if let node { frames.append(frame("node-object/\(node.metadataName)", Self.samples(node: node), timestamp)) }
        for (source, last) in known where last.round != round {
            known[source] = nil
            frames.append(
                SampleFrame(source: source, timestamp: timestamp, series: last.series, values: Array(repeating: .stale, count: last.keys.count)))
        }
        return frames
    }

    /// Series that an object no longer has get a stale marker in the round in which they went.
    private mutating func frame(_ source: String, _ samples: [(Labels, Double)], _ timestamp: Timestamp) -> SampleFrame {
        let keys = samples.map(\.0)
        if let last = known[source], last.keys == keys {
            known[source]?.round = round
            return SampleFrame(source: source, timestamp: timestamp, series: last.series, values: samples.map(\.1))
        }
        let fresh = Set(keys)
        let ended = (known[source]?.keys ?? []).filter { !fresh.contains($0) }
        known[source] = Known(series: SeriesSet(keys), keys: keys, round: round)
        return SampleFrame(
            source: source, timestamp: timestamp, series: SeriesSet(keys + ended),
            values: samples.map(\.1) + Array(repeating: .stale, count: ended.count))
    }

    private static func labels(_ name: String, _ more: [(String, String)]) -> Labels { Labels([(Labels.metricName, name)] + more) }

    private static let phases = ["Pending", "Running", "Succeeded", "Failed", "Unknown"]

    static func samples(pod: JSON) -> [(Labels, Double)] {
        let identity = [("namespace", pod.namespace), ("pod", pod.metadataName), ("uid", pod.uid)]
        let owner = pod["metadata"]["ownerReferences"].elements.first { $0["controller"] == true }
        let ownerKind = owner?["kind"].string ?? ""
        let status = pod["status"]
        var samples: [(Labels, Double)] = [
            (
                labels(
                    "kube_pod_info",
                    identity + [
                        ("node", pod["spec"]["nodeName"].string ?? ""), ("pod_ip", status["podIP"].string ?? ""), ("created_by_kind", ownerKind),
                        ("created_by_name", owner?["name"].string ?? ""),
                    ]), 1
            )
        ]
        for phase in phases { samples.append((labels("kube_pod_status_phase", identity + [("phase", phase)]), status["phase"].string == phase ? 1 : 0)) }
        let ready = status["conditions"].elements.first { $0["type"] == "Ready" }?["status"].string ?? "Unknown"
        for condition in ["true", "false", "unknown"] {
            samples.append((labels("kube_pod_status_ready", identity + [("condition", condition)]), ready.lowercased() == condition ? 1 : 0))
        }
        for container in status["containerStatuses"].elements { samples += self.samples(container: container, identity) }
        for container in pod["spec"]["containers"].elements { samples += resources(container, identity, pod["spec"]["nodeName"].string ?? "") }
        return samples
    }

    private static func samples(container: JSON, _ identity: [(String, String)]) -> [(Labels, Double)] {
        let identity = identity + [("container", container["name"].string ?? "")]
        var samples: [(Labels, Double)] = [
            (labels("kube_pod_container_status_restarts_total", identity), Double(container["restartCount"].int ?? 0)),
            (labels("kube_pod_container_status_ready", identity), container["ready"] == true ? 1 : 0),
            (labels("kube_pod_container_status_running", identity), container["state"]["running"].isNull ? 0 : 1),
        ]
        if let reason = container["state"]["waiting"]["reason"].string {
            samples.append((labels("kube_pod_container_status_waiting_reason", identity + [("reason", reason)]), 1))
        }
        let last = container["lastState"]["terminated"]
        if let reason = last["reason"].string {
            samples.append((labels("kube_pod_container_status_last_terminated_reason", identity + [("reason", reason)]), 1))
            samples.append((labels("kube_pod_container_status_last_terminated_exitcode", identity), Double(last["exitCode"].int ?? 0)))
        }
        return samples
    }

    /// Cores and bytes.
    private static func resources(_ container: JSON, _ identity: [(String, String)], _ node: String) -> [(Labels, Double)] {
        var samples: [(Labels, Double)] = []
        for (kind, metric) in [("requests", "kube_pod_container_resource_requests"), ("limits", "kube_pod_container_resource_limits")] {
            for (resource, unit) in [("cpu", "core"), ("memory", "byte")] {
                guard let text = container["resources"][kind][resource].string, let quantity = Quantity(text) else { continue }
                let more = [("container", container["name"].string ?? ""), ("node", node), ("resource", resource), ("unit", unit)]
                samples.append((labels(metric, identity + more), quantity.double))
            }
        }
        return samples
    }

    static func samples(deployment: JSON) -> [(Labels, Double)] {
        let identity = [("namespace", deployment.namespace), ("deployment", deployment.metadataName)]
        let status = deployment["status"]
        return [
            (labels("kube_deployment_spec_replicas", identity), Double(deployment["spec"]["replicas"].int ?? 0)),
            (labels("kube_deployment_status_replicas", identity), Double(status["replicas"].int ?? 0)),
            (labels("kube_deployment_status_replicas_ready", identity), Double(status["readyReplicas"].int ?? 0)),
            (labels("kube_deployment_status_replicas_available", identity), Double(status["availableReplicas"].int ?? 0)),
            (labels("kube_deployment_status_replicas_updated", identity), Double(status["updatedReplicas"].int ?? 0)),
        ]
    }

    static func samples(node: JSON) -> [(Labels, Double)] {
        let identity = [("node", node.metadataName)]
        var samples: [(Labels, Double)] = [
            (labels("kube_node_info", identity + [("kernel_version", node["status"]["nodeInfo"]["kernelVersion"].string ?? "")]), 1)
        ]
        for condition in node["status"]["conditions"].elements {
            let kind = condition["type"].string ?? ""
            for status in ["true", "false", "unknown"] {
                let value = condition["status"].string?.lowercased() == status ? 1.0 : 0
                samples.append((labels("kube_node_status_condition", identity + [("condition", kind), ("status", status)]), value))
            }
        }
        for (resource, unit) in [("cpu", "core"), ("memory", "byte"), ("pods", "integer")] {
            guard let text = node["status"]["allocatable"][resource].string, let quantity = Quantity(text) else { continue }
            samples.append((labels("kube_node_status_allocatable", identity + [("resource", resource), ("unit", unit)]), quantity.double))
        }
        return samples
    }
}
