import JSON
import Kubelet
import Objects
import Runtime
import SeriesStore
import Telemetry

/// Samples the state of the cluster's objects each five seconds, aligned to them.
struct StateSampler {
    let client: any ObjectClient
    let kubelet: KubeletService
    let nodeName: String
    let store: SeriesStore

    static let interval: Int64 = 5000

    func run() async throws {
        let clock = SystemClock()
        var metrics = StateMetrics()
        while !Task.isCancelled {
            let now = clock.now.milliseconds
            let due = (now / Self.interval + 1) * Self.interval
            try await Task.sleep(for: .milliseconds(due - now))
            // What cannot be read or stored now is missing from the report, which says how much was measured.
            guard let deployments = try? await client.list(.deployments, namespace: nil, labelSelector: nil, fieldSelector: nil) else { continue }
            let pods = await kubelet.podList()["items"].elements
            let node = try? await client.get(.nodes, namespace: nil, name: nodeName)
            _ = try? await store.append(metrics.frames(pods: pods, deployments: deployments.items, node: node, at: Timestamp(milliseconds: due)))
        }
    }
}
