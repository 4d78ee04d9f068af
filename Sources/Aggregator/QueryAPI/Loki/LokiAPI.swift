public import HTTP
import JSON
public import LogQL
import PromQL
public import Runtime
import Telemetry

/// Loki's HTTP API over a source of lines (docs/api/loki.md): what Grafana's data source, its Explore and logcli ask for.
///
/// Errors are a status and a line of text, as Loki's are. An answer that lacks something says so in `warnings`.
public struct LokiAPI: Sendable {
    public struct Options: Sendable {
        /// The most lines of one answer, and how many come if the request does not say.
        public var maximumLines = 5000
        public var defaultLines = 100
        /// The most series of a metric query.
        public var maximumSeries = 500
        public var timeout: Duration = .seconds(60)
        /// Queries that run at once, and that may wait for a place.
        public var concurrency = 8
        public var queueLength = 100
        /// Live tails at once.
        public var maximumTails = 10
        /// What Grafana reads to know what it may ask for.
        public var version = "3.5.0"
        public init() {}
    }

    let source: any LogSource
    /// Without one there are no live tails.
    let feed: (any LogFeed)?
    /// Without one nothing can be deleted.
    private(set) var deletion: LogDeletionAccess?
    let clock: any WallClock
    let options: Options
    let metrics: LokiMetrics
    let gate: QueryGate
    let tails = TailCount()

    public init(
        source: any LogSource, feed: (any LogFeed)? = nil, deletion: LogDeletionAccess? = nil, clock: any WallClock, options: Options = Options(),
        metrics: MetricRegistry
    ) {
        self.source = source
        self.feed = feed
        self.deletion = deletion
        self.clock = clock
        self.options = options
        self.metrics = LokiMetrics(metrics)
        gate = QueryGate(places: options.concurrency, queueLength: options.queueLength, refused: self.metrics.refused)
    }

    typealias Action = @Sendable (LokiAPI, LokiParameters, HTTPRouter.Parameters) async throws -> HTTPResponse

    public func register(on router: inout HTTPRouter) {
        on(&router, "GET POST", "query") { api, parameters, _ in try await api.query(parameters) }
        on(&router, "GET POST", "query_range") { api, parameters, _ in try await api.queryRange(parameters) }
        for path in ["labels", "label"] { on(&router, "GET POST", path) { api, parameters, _ in try await api.labelNames(parameters) } }
        on(&router, "GET POST", "label/{name}/values") { try await $0.labelValues($1, $2["name"] ?? "") }
        on(&router, "GET POST", "series") { api, parameters, _ in try await api.series(parameters) }
        on(&router, "GET POST", "index/stats") { api, parameters, _ in try await api.indexStatistics(parameters) }
        on(&router, "GET POST", "index/volume") { api, parameters, _ in try await api.volume(parameters) }
        on(&router, "GET POST", "index/volume_range") { api, parameters, _ in try await api.volumeRange(parameters) }
        on(&router, "GET POST", "detected_labels") { api, parameters, _ in try await api.detectedLabels(parameters) }
        on(&router, "GET POST", "detected_fields") { api, parameters, _ in try await api.detectedFields(parameters) }
        on(&router, "GET POST", "detected_field/{name}/values") { try await $0.detectedFieldValues($1, $2["name"] ?? "") }
        on(&router, "GET POST", "patterns") { api, parameters, _ in try await api.patterns(parameters) }
        on(&router, "GET", "tail") { api, parameters, _ in try await api.tail(parameters) }
        on(&router, "GET POST", "format_query") { api, parameters, _ in Self.success(JSON("\(try Self.parse(try parameters.query()))")) }
        registerDeletion(on: &router)
        registerStatus(on: &router)
    }

    /// The same, with its places for queries, for a port where others may delete.
    public func deleting(_ access: LogDeletionAccess) -> LokiAPI {
        var api = self
        api.deletion = access
        return api
    }

    func on(_ router: inout HTTPRouter, _ methods: String, _ path: String, _ action: @escaping Action) {
        let api = self
        router.on(methods, "/loki/api/v1/\(path)") { request, segments in
            let start = ContinuousClock.now
            defer { api.metrics.durations.observe(.now - start) }
            do {
                return try await action(api, LokiParameters(request: request, now: api.clock.nanoseconds), segments)
            } catch {
                api.metrics.failures.increment()
                return Self.failure(error)
            }
        }
    }

    static func failure(_ error: any Error) -> HTTPResponse {
        switch error {
        case let error as LokiError: error.response
        case let error as LogQLError: .text(error.message + "\n", status: error.kind == .limit ? 400 : error.kind.status)
        case let error as LogDeletionError: .text(error.message + "\n", status: error.status)
        case let error as QueryError: .text(error.message + "\n", status: error.kind == .unavailable ? 429 : error.kind.status)
        case is CancellationError: .text("the query was cancelled\n", status: 499)
        default: .text("\(error)\n", status: 500)
        }
    }

    static func parse(_ text: String) throws(LokiError) -> LogExpression {
        do throws(LogQLError) {
            return try LogExpression.parse(text)
        } catch {
            throw LokiError(error.kind.status, error.message)
        }
    }

    static func success(_ data: JSON) -> HTTPResponse { .json(["status": "success", "data": data]) }

    static func labels(_ labels: Labels) -> JSON { .object(labels.list.map { ($0.name, JSON($0.value)) }) }

    /// A time as the first half of a sample: seconds, to the millisecond.
    static func seconds(_ nanoseconds: Int64) -> JSON { JSON(Double(nanoseconds / 1_000_000) / 1000) }
}

struct LokiMetrics: Sendable {
    let durations: Histogram
    let failures: Counter
    let refused: Counter
    let tails: Gauge
    let tailDropped: Counter

    init(_ registry: MetricRegistry) {
        durations = registry.histogram("binnacle_loki_duration_seconds", "Time that requests to Loki's API took, with their waiting.")
        failures = registry.counter("binnacle_loki_failures_total", "Requests to Loki's API that ended in an error.")
        refused = registry.counter("binnacle_loki_refused_total", "LogQL queries refused because too many were waiting.")
        tails = registry.gauge("binnacle_loki_tails", "Live tails over Loki's API.")
        tailDropped = registry.counter("binnacle_loki_tail_dropped_total", "Lines that live tails did not get because they read too slowly.")
    }
}
