import ContainerRuntime
import Objects
import Runtime

/// What all pod workers share.
struct KubeletServices: Sendable {
    let configuration: KubeletConfiguration
    let client: any ObjectClient
    let runtime: any ContainerRuntime
    let view: RuntimeView
    let transport: any ProbeTransport
    let recorder: EventRecorder
    let time: any Timekeeper
    let machine: MachineFacts
    let metrics: KubeletMetrics
    let probeMetrics: ProbeMetrics

    var surroundings: StatusSurroundings { StatusSurroundings(runtimeName: runtime.abilities.name, hostAddress: configuration.nodeAddress) }
}

/// The kubelet's figures of itself.
struct KubeletMetrics: Sendable {
    let podStart: Histogram
    let statusWrites: Counter
    let statusConflicts: Counter
    let apiFailures: Counter
    let runtimeFailures: Counter
    let restarts: Counter
    let workers: Gauge

    init(_ registry: MetricRegistry) {
        podStart = registry.histogram("binnacle_kubelet_pod_start_seconds", "From when the kubelet first saw a pod until all of its containers had started.")
        statusWrites = registry.counter("binnacle_kubelet_status_writes_total", "Pod statuses written to the API server.")
        statusConflicts = registry.counter("binnacle_kubelet_status_conflicts_total", "Pod status writes that met a newer object and were made again.")
        apiFailures = registry.counter("binnacle_kubelet_api_failures_total", "Calls to the API server that failed and were tried again.")
        runtimeFailures = registry.counter("binnacle_kubelet_runtime_failures_total", "Calls to the container runtime that failed and were tried again.")
        restarts = registry.counter("binnacle_kubelet_container_restarts_total", "Containers that were started again after an end.")
        workers = registry.gauge("binnacle_kubelet_pod_workers", "Pods that the kubelet looks after.")
    }
}
