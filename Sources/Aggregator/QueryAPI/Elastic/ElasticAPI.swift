public import HTTP
import JSON
public import LogQL
import PromQL
public import Runtime
import Telemetry

/// The reading half of Elasticsearch's HTTP API over a source of lines (docs/api/elasticsearch.md): enough for the official
/// clients to search, count, aggregate and page.
///
/// Nothing is kept between requests: a scroll or a point in time is all in its id.
public struct ElasticAPI: Sendable {
    let source: any LogSource
    private(set) var deletion: LogDeletionAccess?
    /// Indices that exist without a document: those that a client has made on the way in.
    private(set) var made: @Sendable () -> [String] = { [] }
    /// Then the ingest API greets.
    private var isBesideIngest = false
    let clock: any WallClock
    private let durations: Histogram
    private let failures: Counter

    public init(source: any LogSource, deletion: LogDeletionAccess? = nil, clock: any WallClock, metrics: MetricRegistry) {
        self.source = source
        self.deletion = deletion
        self.clock = clock
        durations = metrics.histogram("binnacle_elastic_duration_seconds", "Time that searches over Elasticsearch's API took.")
        failures = metrics.counter("binnacle_elastic_failures_total", "Requests to Elasticsearch's API that ended in an error.")
    }

    /// The same for the ingest port, where documents come in beside it and others may delete.
    ///
    /// - Parameter made: the indices that are known there, with documents or without.
    public func besideIngest(deleting access: LogDeletionAccess, made: @escaping @Sendable () -> [String]) -> ElasticAPI {
        var api = self
        api.deletion = access
        api.made = made
        api.isBesideIngest = true
        return api
    }

    typealias Action = @Sendable (ElasticAPI, ElasticRequest) async throws -> JSON

    /// - Parameter prefix: what stands before every path, such as `/elastic`; empty for none.
    public func register(on router: inout HTTPRouter, under prefix: String = "") {
        let api = self
        func on(_ methods: String, _ paths: [String], _ action: @escaping Action) {
            for path in paths {
                router.on(methods, prefix + path) { request, segments in await api.answer(request, segments, action) }
            }
        }
        if !isBesideIngest { on("GET", ["/"]) { _, request in Self.greeting(request) } }
        on("GET POST", ["/_search", "/{index}/_search"]) { try await $0.search($1) }
        on("GET POST", ["/_async_search", "/{index}/_async_search"]) { api, request in
            ["id": nil, "is_partial": false, "is_running": false, "response": try await api.search(request)]
        }
        on("GET POST", ["/_count", "/{index}/_count"]) { try await $0.count($1) }
        on("GET POST", ["/_msearch", "/{index}/_msearch"]) { try await $0.multiSearch($1) }
        on("GET POST", ["/_search/scroll", "/_search/scroll/{id}"]) { try await $0.scroll($1) }
        on("DELETE", ["/_search/scroll", "/_search/scroll/{id}"]) { _, _ in ["succeeded": true, "num_freed": 1] }
        on("POST", ["/{index}/_pit"]) { try await $0.openPointInTime($1) }
        on("DELETE", ["/_pit"]) { _, _ in ["succeeded": true, "num_freed": 1] }
        on("GET", ["/{index}/_doc/{id}", "/{index}/_source/{id}"]) { try await $0.document($1) }
        on("GET POST", ["/_field_caps", "/{index}/_field_caps"]) { try await $0.fieldCapabilities($1) }
        on("GET", ["/_mapping", "/{index}/_mapping"]) { try await $0.mapping($1) }
        on("GET", ["/_resolve/index/{index}"]) { try await $0.resolve($1) }
        on("GET", ["/{index}"]) { try await $0.index($1) }
        on("POST", ["/{index}/_delete_by_query"]) { try await $0.deleteByQuery($1) }
        on("DELETE", ["/{index}"]) { try await $0.deleteIndex($1) }
        for (path, action) in [
            ("indices", ElasticAPI.catIndices), ("count", ElasticAPI.catCount), ("health", ElasticAPI.catHealth), ("nodes", ElasticAPI.catNodes),
        ] {
            for path in ["/_cat/\(path)", "/_cat/\(path)/{index}"] {
                router.on("GET", prefix + path) { request, segments in await api.answerTable(request, segments, action) }
            }
        }
    }

    // MARK: Answering

    private func answer(_ request: HTTPRequest, _ segments: HTTPRouter.Parameters, _ action: Action) async -> HTTPResponse {
        let start = ContinuousClock.now
        defer { durations.observe(.now - start) }
        do {
            let request = try ElasticRequest(request, segments, now: clock.nanoseconds)
            return Self.reply(try await action(self, request), to: request.request)
        } catch {
            return refuse(error, request)
        }
    }

    private func answerTable(
        _ request: HTTPRequest, _ segments: HTTPRouter.Parameters, _ action: (ElasticAPI) -> (ElasticRequest) async throws -> ElasticTable
    ) async -> HTTPResponse {
        do {
            let table = try await action(self)(try ElasticRequest(request, segments, now: clock.nanoseconds))
            let columns = request.parameter("h")?.split(separator: ",").map { String($0) } ?? table.columns
            if request.parameter("format") == "json" || request.fields["Accept"]?.contains("json") == true {
                return Self.reply(table.document(columns), to: request)
            }
            var response = HTTPResponse.text(table.text(columns, hasHead: request.query.contains { $0.name == "v" && $0.value != "false" }))
            response.fields["X-Elastic-Product"] = "Elasticsearch"
            return response
        } catch {
            return refuse(error, request)
        }
    }

    private func refuse(_ error: any Error, _ request: HTTPRequest) -> HTTPResponse {
        failures.increment()
        let isBusy = (error as? QueryError)?.kind == .unavailable
        let known =
            error as? ElasticError ?? (isBusy ? ElasticError(429, "es_rejected_execution_exception", "\(error)") : ElasticError(500, "exception", "\(error)"))
        return Self.reply(known.document, status: known.status, to: request)
    }

    /// Clients of 7.14 and later refuse a server without the header, those of 8 and 9 one that answers in another media type
    /// than they asked for.
    static func reply(_ document: JSON, status: Int = 200, to request: HTTPRequest) -> HTTPResponse {
        var response = HTTPResponse.json(document, status: status)
        let wanted = request.fields["Accept"] ?? request.fields["Content-Type"] ?? ""
        if let compatible = wanted.firstRange(of: "compatible-with="), wanted.contains("application/vnd.elasticsearch+") {
            let version = wanted[compatible.upperBound...].prefix { $0.isNumber }
            response.fields["Content-Type"] = "application/vnd.elasticsearch+json;compatible-with=\(version)"
        }
        response.fields["X-Elastic-Product"] = "Elasticsearch"
        return response
    }

    /// What clients look at before anything else. Those of version 7 want a 7.
    private static func greeting(_ request: ElasticRequest) -> JSON {
        let agent = request.request.fields["User-Agent"] ?? ""
        let number = agent.contains("elasticsearch-py/7.") ? "7.17.0" : "8.15.0"
        return [
            "name": "binnacle", "cluster_name": "binnacle", "cluster_uuid": "binnacle",
            "version": [
                "number": JSON(number), "build_flavor": "default", "build_type": "docker", "build_hash": "binnacle", "build_date": "2026-01-01T00:00:00Z",
                "build_snapshot": false, "lucene_version": "9.11.1", "minimum_wire_compatibility_version": "7.17.0",
                "minimum_index_compatibility_version": "7.0.0",
            ],
            "tagline": "You Know, for Search",
        ]
    }

    // MARK: Searching

    func search(_ request: ElasticRequest) async throws -> JSON {
        var request = request
        let pit = request.body["pit"]["id"].string
        if let pit {
            let state = try ElasticState(pit)
            request.indices = state.indices
            request.until = state.until
        }
        let scrolls = request.parameters["scroll"] != nil && request.parameters["scroll"] != ""
        if scrolls { request.until = request.now }
        var answer = try await run(request.body, request)
        if let pit { answer.document["pit_id"] = JSON(pit) }
        if scrolls {
            let state = ElasticState(indices: request.indices, until: request.now, body: Self.scrollable(request), cursor: answer.last)
            answer.document["_scroll_id"] = JSON(state.text)
        }
        return .object(answer.document)
    }

    /// What later pages of a scroll are asked with: no totals or aggregations again.
    private static func scrollable(_ request: ElasticRequest) -> JSON {
        var body = request.body.members
        body["aggs"] = nil
        body["aggregations"] = nil
        body["track_total_hits"] = false
        if let size = request.parameters["size"].flatMap({ Int($0) }) { body["size"] = JSON(size) }
        if let sort = request.parameters["sort"], body["sort"] == nil { body["sort"] = JSON(sort) }
        return .object(body)
    }

    func run(_ body: JSON, _ request: ElasticRequest, after cursor: LogCursor? = nil) async throws -> (document: JSONObject, last: LogCursor?) {
        let start = ContinuousClock.now
        try await checkExistence(request)
        var search = try ElasticSearch(body, parameters: request.parameters, indices: request.indices, now: request.now)
        search.cursor = cursor
        if let until = request.until {
            search.query = .and([search.query, .range("@timestamp", ElasticRange(upper: .init(text: "", isIncluded: true, time: until)))])
        }
        let outcome = try await search.run(on: source)
        return (try search.document(outcome, took: .now - start).members, outcome.last)
    }

    /// An index that is named without wildcards has to exist.
    func checkExistence(_ request: ElasticRequest) async throws {
        guard request.parameters["ignore_unavailable"] != "true" else { return }
        let made = request.indices.exactNames.isEmpty ? [] : Set(self.made())
        for name in request.indices.exactNames where name != ElasticDocument.plainIndex && !made.contains(name) {
            guard try await source.streams([Matcher("_index", equals: name)], in: Int64.min..<Int64.max).isEmpty == false else {
                throw ElasticError.noIndex(name)
            }
        }
    }

    func count(_ request: ElasticRequest) async throws -> JSON {
        var body = request.body.members
        body["size"] = 0
        body["track_total_hits"] = true
        let answer = try await run(.object(body), request).document
        return ["count": answer["hits"]?["total"]["value"] ?? 0, "_shards": answer["_shards"] ?? .null]
    }

    /// Pairs of a header and a body, each answered or refused for itself.
    func multiSearch(_ request: ElasticRequest) async throws -> JSON {
        let lines = request.content.split(separator: 0x0A).filter { !$0.allSatisfy { $0 == 0x20 || $0 == 0x0D } }
        guard lines.count.isMultiple(of: 2), lines.count <= 2000 else { throw ElasticError.parsing("a multi search is pairs of lines, at most a thousand") }
        let start = ContinuousClock.now
        var responses: [JSON] = []
        for position in stride(from: 0, to: lines.count, by: 2) {
            do {
                guard let head = try? JSON.parse(Array(lines[position])), let body = try? JSON.parse(Array(lines[position + 1])) else {
                    throw ElasticError.parsing("line \(position + 1) or \(position + 2) is no JSON object")
                }
                var one = request
                if let name = head["index"].string ?? head["index"].array.map({ $0.compactMap(\.string).joined(separator: ",") }) {
                    one.indices = ElasticIndices(name)
                }
                if head["ignore_unavailable"] == true { one.parameters["ignore_unavailable"] = "true" }
                one.body = body
                var document = try await search(one).members
                document["status"] = 200
                responses.append(.object(document))
            } catch let error as ElasticError {
                responses.append(error.document)
            }
        }
        return ["took": .integer((ContinuousClock.now - start).wholeMilliseconds), "responses": .array(responses)]
    }

    func document(_ request: ElasticRequest) async throws -> JSON {
        let id = request.segments["id"] ?? ""
        let missing: JSON = ["_index": JSON(request.indices.text), "_id": JSON(id), "found": false]
        guard let cursor = LogCursor(id), cursor.time < .max else { throw ElasticError(404, "resource_not_found_exception", missing.description) }
        let before = LogCursor(time: cursor.time, sequence: cursor.sequence - 1)
        let selection = LogSelection([], in: cursor.time..<cursor.time + 1)
        let page = try await source.page(selection, direction: .forward, after: before, limit: 1)
        guard page.rows.count == 1, page.rows.sequences[0] == cursor.sequence else {
            throw ElasticError(404, "resource_not_found_exception", missing.description)
        }
        let document = ElasticDocument(page.rows, try page.rows.text(), 0)
        if request.request.path.contains("/_source/") { return document.source }
        return [
            "_index": JSON(document.index), "_id": JSON(id), "_version": 1, "_seq_no": .integer(cursor.sequence), "_primary_term": 1, "found": true,
            "_source": document.source,
        ]
    }
}
