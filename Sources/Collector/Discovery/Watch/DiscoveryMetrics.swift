import Runtime

/// What an owner counts about itself.
struct DiscoveryMetrics: Sendable {
    let requests: Counter
    let events: Counter
    let reconnects: Counter
    private let errors: [DiscoveryError.Reason: Counter]
    let leftOutContainers: Counter
    let leftOutUnknown: Counter
    let leftOutEvents: Counter

    init(_ registry: MetricRegistry, owner: String) {
        let labels = ["owner": owner]
        requests = registry.counter("binnacle_discovery_requests_total", "Requests to a container runtime.", labels)
        events = registry.counter("binnacle_discovery_events_total", "Changes that a container runtime told of.", labels)
        reconnects = registry.counter("binnacle_discovery_connects_total", "Times a container runtime was found answering.", labels)
        errors = Dictionary(
            uniqueKeysWithValues: DiscoveryError.Reason.allCases.map {
                let counter = registry.counter(
                    "binnacle_discovery_errors_total", "Requests to a container runtime that failed.", labels.merging(["reason": $0.rawValue]) { $1 })
                return ($0, counter)
            })
        func dropped(_ what: String) -> Counter {
            registry.counter(
                "binnacle_discovery_dropped_total", "What a container runtime told, or was to be asked, beyond a bound.",
                labels.merging(["what": what]) { $1 })
        }
        leftOutContainers = dropped("container")
        leftOutUnknown = dropped("unknown_cgroup")
        leftOutEvents = dropped("event")
    }

    func count(_ error: DiscoveryError) { errors[error.reason]?.increment() }
}
