import HTTP
import JSON
import PromQL
import Runtime
import Telemetry

/// Prometheus' HTTP API, version 1 (contracts/metrics.md 4.1), over a source of samples.
///
/// Each query runs under a limit of time and takes one of a bounded number of places; past a bounded queue it is
/// refused with 503. What Binnacle has nothing for (exemplars, alert managers) is answered by the empty shape, so
/// that Grafana and promtool find what they look for.
public struct PrometheusAPI: Sendable {
    public struct Options: Sendable {
        /// The longest that a query may run; a request's `timeout` can only shorten it.
        public var timeout: Duration = .seconds(120)
        /// Queries that run at once.
        public var concurrency = 20
        /// Queries that may wait for a place.
        public var queueLength = 200
        /// What `Access-Control-Allow-Origin` says. Nil, the default, says nothing: an open answer on a loopback
        /// port would let any web page that a person visits read their metrics.
        public var allowedOrigin: String?
        /// Grafana chooses endpoints by it.
        public var prometheusVersion = "2.53.0"
        public var engine = Engine.Options()
        /// Labels that `/federate` adds to series without them.
        public var externalLabels: [String: String] = [:]
        public init() {}
    }

    /// What is known of a metric besides its series.
    public struct MetricMetadata: Sendable {
        public var name: String
        /// `counter`, `gauge`, `histogram`, `summary` or `unknown`.
        public var type: String
        public var help: String
        public var unit: String
        public init(name: String, type: String, help: String, unit: String = "") {
            self.name = name
            self.type = type
            self.help = help
            self.unit = unit
        }
    }

    let source: any SampleSource
    let clock: any WallClock
    let options: Options
    let engine: Engine
    let gate: QueryGate
    let started: Timestamp
    let metadata: @Sendable () async -> [MetricMetadata]
    let providers: PrometheusProviders
    private let durations: Histogram
    private let failures: Counter
    private let samplesRead: Counter

    public init(
        source: any SampleSource, clock: any WallClock, options: Options = Options(), metrics: MetricRegistry = MetricRegistry(),
        providers: PrometheusProviders = PrometheusProviders(), metadata: @escaping @Sendable () async -> [MetricMetadata] = { [] }
    ) {
        self.source = source
        self.clock = clock
        self.options = options
        self.metadata = metadata
        self.providers = providers
        engine = Engine(source: source, options: options.engine)
        started = clock.now
        gate = QueryGate(
            places: options.concurrency, queueLength: options.queueLength,
            refused: metrics.counter("binnacle_promql_refused_total", "PromQL queries refused because too many were waiting."))
        durations = metrics.histogram("binnacle_promql_duration_seconds", "Time that PromQL queries took, with their waiting.")
        failures = metrics.counter("binnacle_promql_failures_total", "PromQL queries that ended in an error.")
        samplesRead = metrics.counter("binnacle_promql_samples_read_total", "Samples that PromQL queries read from the store.")
    }

    /// Adds the API's routes.
    public func register(on router: inout HTTPRouter) {
        on(&router, "GET POST", "query") { request, _ async throws(QueryError) in try await query(request) }
        on(&router, "GET POST", "query_range") { request, _ async throws(QueryError) in try await queryRange(request) }
        on(&router, "GET POST", "format_query") { request, _ async throws(QueryError) in
            .success(.string(try parsedQuery(request).pretty))
        }
        on(&router, "GET POST", "parse_query") { request, _ async throws(QueryError) in .success(SyntaxTree.json(try parsedQuery(request))) }
        on(&router, "GET POST", "labels") { request, _ async throws(QueryError) in try await labelNames(request) }
        on(&router, "GET", "label/{name}/values") { request, parameters async throws(QueryError) in
            try await labelValues(request, parameters["name"] ?? "")
        }
        on(&router, "GET POST", "series") { request, _ async throws(QueryError) in try await series(request) }
        on(&router, "GET", "metadata") { request, _ async throws(QueryError) in .success(try await metadataDocument(request)) }
        registerTargets(on: &router)
        registerRules(on: &router)
        registerAdmin(on: &router)
        registerFederation(on: &router)
        registerRemoteRead(on: &router)
        registerStatus(on: &router)
        router.on("GET", "/-/healthy") { _, _ in .text("Binnacle is healthy.\n") }
        router.on("GET", "/-/ready") { _, _ in
            await providers.isReady() ? .text("Binnacle is ready.\n") : .text("Binnacle is not ready yet; it is starting.\n", status: 503)
        }
    }

    typealias Action = @Sendable (HTTPRequest, HTTPRouter.Parameters) async throws(QueryError) -> Answer

    /// Adds a route below `/api/v1/` whose errors are answered in Prometheus' form.
    func on(_ router: inout HTTPRouter, _ methods: String, _ path: String, _ action: @escaping Action) {
        let origin = options.allowedOrigin
        router.on(methods, "/api/v1/\(path)") { request, parameters in
            var response: HTTPResponse
            do throws(QueryError) {
                response = await (try await action(request, parameters)).response()
            } catch {
                response = Answer.failure(error)
            }
            if let origin {
                response.fields["Access-Control-Allow-Origin"] = origin
                response.fields["Access-Control-Expose-Headers"] = "Date"
            }
            return response
        }
        guard let origin else { return }
        router.on("OPTIONS", "/api/v1/\(path)") { _, _ in
            HTTPResponse(
                status: 204,
                fields: [
                    "Access-Control-Allow-Origin": origin, "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
                    "Access-Control-Allow-Headers": "Accept, Authorization, Content-Type, Origin",
                ])
        }
    }

    // MARK: Queries

    private func query(_ request: HTTPRequest) async throws(QueryError) -> Answer {
        let text = try required(request, "query")
        let time = try time(request, "time") ?? clock.now
        let lookback = try duration(request, "lookback_delta")
        return try await run(request) { engine async throws(QueryError) in try await engine.instant(text, at: time, lookback: lookback) }
    }

    private func queryRange(_ request: HTTPRequest) async throws(QueryError) -> Answer {
        let text = try required(request, "query")
        guard let start = try time(request, "start") else { throw QueryError(.badData, "invalid parameter \"start\": it is missing") }
        guard let end = try time(request, "end") else { throw QueryError(.badData, "invalid parameter \"end\": it is missing") }
        guard end >= start else { throw QueryError(.badData, "invalid parameter \"end\": end timestamp must not be before start time") }
        guard let step = try duration(request, "step") else { throw QueryError(.badData, "invalid parameter \"step\": it is missing") }
        guard step.wholeMilliseconds > 0 else {
            throw QueryError(.badData, "invalid parameter \"step\": zero or negative query resolution step widths are not accepted. Try a positive integer")
        }
        let lookback = try duration(request, "lookback_delta")
        return try await run(request) { engine async throws(QueryError) in
            try await engine.range(text, from: start, through: end, step: step, lookback: lookback)
        }
    }

    private func run(
        _ request: HTTPRequest, _ work: @escaping @Sendable (Engine) async throws(QueryError) -> QueryResult
    ) async throws(QueryError) -> Answer {
        let most = try limit(request)
        let timeout = min(options.timeout, try duration(request, "timeout") ?? options.timeout)
        let begin = ContinuousClock.now
        defer { durations.observe(begin.duration(to: .now)) }
        do throws(QueryError) {
            try await gate.enter()
            let waited = begin.duration(to: .now)
            let engine = engine(for: request)
            let outcome = await Deadline.run(timeout) { () async throws(QueryError) in try await work(engine) }
            await gate.leave()
            var result = try outcome.get()
            samplesRead.increment(by: UInt64(result.statistics.samplesRead))
            if most > 0, result.truncate(to: most) { result.warnings.append("results truncated due to limit") }
            let timings = request.parameter("stats").map { $0.isEmpty ? nil : QueryTimings(waited: waited, total: begin.duration(to: .now)) } ?? nil
            return .query(result, timings)
        } catch {
            failures.increment()
            throw error.position == nil ? error : QueryError(error.kind, "invalid parameter \"query\": \(error.message)", at: error.position)
        }
    }

    private func isExplained(_ request: HTTPRequest) -> Bool { ["1", "true"].contains(request.parameter("explain")) }

    /// The engine, with a clock by which it notes what each node takes if that is asked for, and with a count for each step if it is.
    private func engine(for request: HTTPRequest) -> Engine {
        var options = engine.options
        options.countsSamplesPerStep = request.parameter("stats") == "all"
        if isExplained(request) {
            let begin = ContinuousClock.now
            options.explainClock = { Int64(begin.duration(to: .now).inSeconds * 1e9) }
        }
        return Engine(source: engine.source, options: options)
    }

    func parsedQuery(_ request: HTTPRequest) throws(QueryError) -> Expression {
        do throws(QueryError) {
            return try Parser.parse(try required(request, "query"))
        } catch {
            throw error.position == nil ? error : QueryError(error.kind, "invalid parameter \"query\": \(error.message)", at: error.position)
        }
    }

    // MARK: Series

    private func labelNames(_ request: HTTPRequest) async throws(QueryError) -> Answer {
        let (from, through) = try span(request)
        var names = Set<String>()
        for matchers in try selectors(request, isRequired: false) {
            names.formUnion(try await reading { () async throws in try await source.labelNames(matchers: matchers, from: from, through: through) })
        }
        return try list(names.sorted(), request)
    }

    private func labelValues(_ request: HTTPRequest, _ escapedName: String) async throws(QueryError) -> Answer {
        guard let name = LabelEscape.decoded(escapedName), !name.isEmpty else { throw QueryError(.badData, "invalid label name: \"\(escapedName)\"") }
        let (from, through) = try span(request)
        var values = Set<String>()
        for matchers in try selectors(request, isRequired: false) {
            values.formUnion(try await reading { () async throws in try await source.labelValues(name, matchers: matchers, from: from, through: through) })
        }
        return try list(values.sorted(), request)
    }

    private func list(_ texts: [String], _ request: HTTPRequest) throws(QueryError) -> Answer {
        let most = try limit(request)
        let isCut = most > 0 && texts.count > most
        return .strings(isCut ? Array(texts.prefix(most)) : texts, warnings: isCut ? ["results truncated due to limit"] : [])
    }

    private func series(_ request: HTTPRequest) async throws(QueryError) -> Answer {
        let (from, through) = try span(request)
        let most = try limit(request)
        var sets: [Labels] = []
        for matchers in try selectors(request, isRequired: true) {
            sets += try await reading { () async throws in try await source.series(matchers: matchers, from: from, through: through) }
        }
        let sorted = Self.sortedUnique(sets)
        let isCut = most > 0 && sorted.count > most
        return .labelSets(isCut ? Array(sorted.prefix(most)) : sorted, warnings: isCut ? ["results truncated due to limit"] : [])
    }

    /// Sources mostly give them in order already, which a look at neighbours tells without sorting or hashing.
    private static func sortedUnique(_ sets: [Labels]) -> [Labels] {
        zip(sets, sets.dropFirst()).allSatisfy { $0 < $1 } ? sets : Set(sets).sorted()
    }

    /// Errors of the source become ours.
    func reading<Value: Sendable>(_ work: () async throws -> Value) async throws(QueryError) -> Value {
        do {
            return try await work()
        } catch let error as QueryError {
            throw error
        } catch is CancellationError {
            throw QueryError(.canceled, "the request was canceled")
        } catch let error as TooManySamples {
            throw QueryError(.execution, "more than \(error.limit) samples are asked for (--query-max-samples); ask for fewer series or a shorter time")
        } catch {
            throw QueryError(.internal, "reading the store failed: \(error)")
        }
    }

    private func metadataDocument(_ request: HTTPRequest) async throws(QueryError) -> JSON {
        let most = try limit(request)
        let perMetric = try limit(request, "limit_per_metric")
        let wanted = request.parameter("metric").flatMap { $0.isEmpty ? nil : $0 }
        var document = JSONObject()
        for entry in await metadata().sorted(by: { $0.name < $1.name }) where wanted == nil || entry.name == wanted {
            var entries = document[entry.name]?.elements ?? []
            if entries.isEmpty, most > 0, document.count >= most { break }
            if perMetric > 0, entries.count >= perMetric { continue }
            entries.append(["type": .string(entry.type), "help": .string(entry.help), "unit": .string(entry.unit)])
            document[entry.name] = .array(entries)
        }
        return .object(document)
    }
}

extension QueryResult {
    /// Keeps the first `limit` elements; says whether any were lost.
    mutating func truncate(to limit: Int) -> Bool {
        switch value {
        case .vector(let samples) where samples.count > limit:
            value = .vector(Array(samples.prefix(limit)))
            return true
        case .matrix(let series) where series.count > limit:
            value = .matrix(Array(series.prefix(limit)))
            return true
        default: return false
        }
    }
}
