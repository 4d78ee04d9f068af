import HTTP
import JSON
import Runtime
import Synchronization

/// Elasticsearch's ways in: `_bulk`, single documents, and what clients ask first.
public struct ElasticIngest: Sendable {
    /// Identifiers and sequence numbers that are given out.
    private final class Numbers: Sendable {
        let next = Atomic<Int>(0)
        let start: Int64
        init(start: Int64) { self.start = start }
    }

    /// Where the same is served: alone, as VictoriaLogs has it, and beside the searches of the query port.
    static let prefixes = ["", "/insert/elasticsearch", "/elastic"]

    public let cluster: ElasticCluster
    private let intake: LogIntake
    private let known: RecentKeys
    private let numbers: Numbers
    private let metrics: LogIngestMetrics

    init(_ intake: LogIntake, version: String) {
        self.intake = intake
        let limits = intake.limits
        cluster = ElasticCluster(version: version, maximumSettings: limits.keptSettings, maximumBytes: limits.keptSettingsBytes)
        known = RecentKeys(capacity: limits.rememberedDocuments, window: limits.documentMemory, what: "document", metrics: intake.registry)
        numbers = Numbers(start: intake.clock.nanoseconds)
        metrics = LogIngestMetrics(intake.registry, way: "elasticsearch")
    }

    func register(on router: inout HTTPRouter) {
        for prefix in Self.prefixes {
            cluster.register(on: &router, prefix: prefix)
            for path in ["/_bulk", "/{index}/_bulk"] {
                router.on("POST PUT", prefix + path) { request, parameters in
                    await answer(request) { () throws(IngestError) in try await bulk(request, parameters["index"]) }
                }
            }
            for path in ["/{index}/_doc", "/{index}/_doc/{id}", "/{index}/_create/{id}"] {
                router.on("POST PUT", prefix + path) { request, parameters in
                    let isCreate = path.contains("_create") || request.parameter("op_type") == "create"
                    return await answer(request) { () throws(IngestError) in
                        try await single(request, index: parameters["index"] ?? "", id: parameters["id"], isCreate: isCreate)
                    }
                }
            }
        }
    }

    private func answer(_ request: HTTPRequest, _ body: () async throws(IngestError) -> HTTPResponse) async -> HTTPResponse {
        metrics.requests.increment()
        do throws(IngestError) {
            return ElasticAnswer.dressed(try await intake.holding(request.body.count, body), for: request)
        } catch {
            metrics.refuse(status: error.status)
            return ElasticAnswer.dressed(ElasticAnswer.refusal(error), for: request)
        }
    }

    private func bulk(_ request: HTTPRequest, _ index: String?) async throws(IngestError) -> HTTPResponse {
        // VictoriaLogs' parameters work here too.
        let mapping = try JSONLineParameters(request, over: BulkRequest.mapping).mapping
        let source = try RequestBody.unpacked(request, limit: intake.limits.unpackedBytes)
        let (items, text) = try await store(source, index, mapping)
        _ = items
        guard request.parameter("filter_path") != nil, let document = try? JSON.parse(text) else {
            return HTTPResponse(fields: ["Content-Type": "application/json"], body: .bytes(text))
        }
        return .json(ElasticAnswer.filtered(document, request))
    }

    private func single(_ request: HTTPRequest, index: String, id: String?, isCreate: Bool) async throws(IngestError) -> HTTPResponse {
        let document = try RequestBody.unpacked(request, limit: intake.limits.unpackedBytes)
        var head = JSONObject()
        head["_index"] = .string(index)
        if let id { head["_id"] = .string(id) }
        // One line, whatever the document's own line ends.
        let line = document.map { $0 == 0x0A || $0 == 0x0D ? 0x20 : $0 }
        let source = JSON.object([(isCreate ? "create" : "index", .object(head))]).bytes() + [0x0A] + line + [0x0A]
        let (items, text) = try await store(source, nil, BulkRequest.mapping)
        guard let item = items.first, let answer = (try? JSON.parse(text))?["items"][0][item.action.rawValue] else { throw IngestError(400, "no document") }
        let status = answer["status"].int ?? 500
        guard item.outcome.isError else { return .json(answer, status: status) }
        return ElasticAnswer.error(status, answer["error"]["type"].string ?? "", answer["error"]["reason"].string ?? "")
    }

    private func store(_ source: [UInt8], _ index: String?, _ mapping: RecordMapping) async throws(IngestError) -> ([BulkRequest.Item], [UInt8]) {
        let start = intake.clock.nanoseconds
        let numbers = numbers
        var bulk = BulkRequest(
            limits: intake.limits, mapping: mapping, known: known, now: start, defaultIndex: index,
            nextID: {
                let number = numbers.next.wrappingAdd(1, ordering: .relaxed).newValue
                return "\(String(numbers.start, radix: 36))-\(String(number, radix: 36))"
            })
        var isStored = false
        defer { for key in bulk.keys { known.finish(key, isStored: isStored) } }
        try bulk.read(source)
        metrics.unreadTimes.increment(by: UInt64(bulk.reader.unreadTimes))
        metrics.repeated.increment(by: UInt64(bulk.repeated))
        metrics.refuse("malformed", records: bulk.items.count { if case .refused = $0.outcome { true } else { false } })
        try await intake.store(bulk.gatherer.finished(), metrics)
        isStored = true
        for name in Set(bulk.items.lazy.map(\.index)) { cluster.note(index: name) }
        let sequence = numbers.next.load(ordering: .relaxed)
        return (bulk.items, bulk.answer(took: max(0, intake.clock.nanoseconds - start) / 1_000_000, sequence: sequence))
    }
}
