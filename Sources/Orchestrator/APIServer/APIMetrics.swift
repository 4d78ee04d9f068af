import HTTP
import Objects
import Runtime
import Synchronization

/// What the API server counts of its requests. Labels come from the registry alone, so their number is bounded.
struct APIMetrics: Sendable {
    private let registry: MetricRegistry
    private final class Count: Sendable {
        let value = Atomic<Int>(0)
    }
    private let open = Count()

    init(_ registry: MetricRegistry) {
        self.registry = registry
        registry.gauge("apiserver_longrunning_requests", "Watches and logs that are open.") { [open] in
            Double(open.value.load(ordering: .relaxed))
        }
    }

    /// A streamed body that is counted while it runs.
    func longRunning(_ body: @escaping @Sendable (any HTTPBodyWriter) async throws -> Void) -> HTTPResponse.Body {
        .stream { [open] writer in
            open.value.wrappingAdd(1, ordering: .relaxed)
            defer { open.value.wrappingSubtract(1, ordering: .relaxed) }
            try await body(writer)
        }
    }

    func note(_ target: RequestInfo.Target, registry kinds: KindRegistry, code: Int, duration: Duration) {
        var verb = "other"
        var resource = ""
        if case .object(let info) = target, let kind = kinds.kind(group: info.group, version: info.version, resource: info.resource) {
            verb = info.verb.rawValue
            resource = kind.resource.description
            // A subresource that does not exist must not make a label.
            if let name = info.subresource { resource += kind.subresource(name) == nil ? "/other" : "/\(name)" }
        }
        registry.counter(
            "apiserver_request_total", "Requests by verb, resource and HTTP code.",
            ["verb": verb, "resource": resource, "code": String(code)]
        ).increment()
        registry.histogram(
            "apiserver_request_duration_seconds", "Time until a request's answer was ready; a watch's until it began.", ["verb": verb]
        ).observe(duration)
    }
}
