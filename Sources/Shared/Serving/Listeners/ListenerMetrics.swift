import Runtime

/// The metrics of one listener.
struct ListenerMetrics: Sendable {
    let open: Gauge
    let refused: Counter
    let failed: Counter
    let idle: Counter
    let bytes: Counter
    let datagrams: Counter
    private let count = OpenCount()

    init(_ registry: MetricRegistry, name: String, maximumConnections: Int?) {
        let labels = ["listener": name]
        open = registry.gauge("binnacle_listener_connections", "Open connections.", labels)
        refused = registry.counter("binnacle_listener_connections_refused_total", "Connections closed at once, over the limit.", labels)
        failed = registry.counter("binnacle_listener_connections_failed_total", "Connections that ended by an error.", labels)
        idle = registry.counter("binnacle_listener_connections_idle_total", "Connections closed because nothing came for too long.", labels)
        bytes = registry.counter("binnacle_listener_received_bytes_total", "Bytes that came in.", labels)
        datagrams = registry.counter("binnacle_listener_datagrams_total", "Datagrams that came in.", labels)
        if let maximumConnections {
            registry.gauge("binnacle_listener_connections_limit", "The bound of open connections.", labels).value = Double(maximumConnections)
        }
    }

    func opened() { open.value = Double(count.change(by: 1)) }
    func closed() { open.value = Double(count.change(by: -1)) }
}
