public import HTTP
import ProtoWire
import Runtime
import Telemetry

/// The ways in for log lines over HTTP: each request is read into batches, made durable, and answered as its protocol says.
///
/// | path | protocol |
/// |---|---|
/// | `/loki/api/v1/push`, `/api/prom/push`, `/insert/loki/api/v1/push` | Loki's push, JSON and protobuf |
/// | `/insert/jsonline` | JSON lines |
/// | `/v1/logs`, `/otlp/v1/logs`, `/insert/opentelemetry/v1/logs` | OTLP/HTTP, binary and JSON |
/// | `/_bulk`, `/{index}/_bulk`, `/insert/elasticsearch/_bulk` and what its clients ask first | Elasticsearch |
/// | `/insert/journald/upload` | the journal's export format |
/// | `/insert/binnacle` | another Binnacle's batches |
///
/// An answer of success means that all that it counts is durable.
public struct LogIngestAPI: Sendable {
    let intake: LogIntake
    private let pushes: RecentKeys
    private let entries: RecentKeys
    public let elastic: ElasticIngest

    public init(_ intake: LogIntake, elasticVersion: String = "8.15.0") {
        self.intake = intake
        pushes = RecentKeys(capacity: intake.limits.rememberedPushes, window: intake.limits.pushMemory, what: "push", metrics: intake.registry)
        entries = RecentKeys(capacity: intake.limits.rememberedDocuments, window: intake.limits.documentMemory, what: "journal entry", metrics: intake.registry)
        elastic = ElasticIngest(intake, version: elasticVersion)
    }

    public func register(on router: inout HTTPRouter) {
        for path in ["/loki/api/v1/push", "/api/prom/push", "/insert/loki/api/v1/push"] { on(&router, path, "loki", loki) }
        on(&router, "/insert/jsonline", "jsonline", jsonLines)
        for path in ["/v1/logs", "/otlp/v1/logs", "/insert/opentelemetry/v1/logs", "/api/v1/otlp/v1/logs"] { on(&router, path, "otlp_logs", otlp) }
        on(&router, "/insert/journald/upload", "journald", journal)
        on(&router, "/insert/binnacle", "binnacle", batches)
        for path in ["/insert/ready", "/insert/loki/ready"] { router.on("GET", path) { _, _ in .text("ok\n") } }
        elastic.register(on: &router)
    }

    private func on(
        _ router: inout HTTPRouter, _ path: String, _ way: String,
        _ handle: @escaping @Sendable (HTTPRequest, LogIngestMetrics) async throws(IngestError) -> HTTPResponse
    ) {
        let metrics = LogIngestMetrics(intake.registry, way: way)
        router.on("POST", path) { request, _ in
            metrics.requests.increment()
            do throws(IngestError) {
                return try await intake.holding(request.body.count) { () throws(IngestError) in try await handle(request, metrics) }
            } catch {
                metrics.refuse(status: error.status)
                return IngestAnswer.refusal(error, to: request, way: way == "otlp_logs" ? "otlp" : way)
            }
        }
    }

    // MARK: Ways in

    private func loki(_ request: HTTPRequest, _ metrics: LogIngestMetrics) async throws(IngestError) -> HTTPResponse {
        let isJSON = MediaType(request.fields["Content-Type"]).type == "application/json"
        // A retry is the same bytes again.
        let key = BodyHash(request.body.span)
        switch pushes.begin(key, now: intake.clock.nanoseconds) {
        case .new: break
        case .underway: throw IngestError(429, "the same request is being stored at this moment", retryAfter: 1)
        case .stored:
            metrics.repeated.increment()
            return HTTPResponse(status: 204)
        }
        var isStored = false
        defer { pushes.finish(key, isStored: isStored) }
        let bytes = try RequestBody.unpacked(request, limit: intake.limits.unpackedBytes, otherwise: isJSON ? "identity" : "snappy")
        let gatherer: BatchGatherer
        if isJSON {
            var reader = LokiJSON(limits: intake.limits)
            try reader.read(bytes.span)
            gatherer = reader.gatherer
        } else {
            var reader = LokiProtobuf(limits: intake.limits)
            try reader.read(bytes.span)
            gatherer = reader.gatherer
        }
        // The store knows it by its origin, also if the answer was lost with this process.
        try await intake.store(gatherer.finished(node: "loki-push", request: key.text), metrics)
        isStored = true
        return HTTPResponse(status: 204)
    }

    private func jsonLines(_ request: HTTPRequest, _ metrics: LogIngestMetrics) async throws(IngestError) -> HTTPResponse {
        let parameters = try JSONLineParameters(request, over: JSONLineParameters.lines)
        var lines = LogLines(mapping: parameters.mapping, limits: intake.limits)
        lines.read(try RequestBody.unpacked(request, limit: intake.limits.unpackedBytes), now: intake.clock.nanoseconds)
        metrics.refuse("malformed", records: lines.refused)
        metrics.unreadTimes.increment(by: UInt64(lines.reader.unreadTimes))
        let text =
            lines.refused == 0 ? "" : "\(lines.refused) of \(lines.refused + lines.gatherer.records) lines refused: \(lines.reasons.joined(separator: "; "))\n"
        guard lines.refused == 0 || lines.gatherer.records > 0 else { throw IngestError(400, String(text.dropLast())) }
        if !parameters.isDebug { try await intake.store(lines.gatherer.finished(), metrics) }
        return .text(text)
    }

    private func otlp(_ request: HTTPRequest, _ metrics: LogIngestMetrics) async throws(IngestError) -> HTTPResponse {
        let media = MediaType(request.fields["Content-Type"]).type
        guard media == "application/json" || media == "application/x-protobuf" else {
            throw IngestError(415, "Content-Type \(IngestLimits.short(media)) is not known here, expected application/x-protobuf or application/json")
        }
        let bytes = try RequestBody.unpacked(request, limit: intake.limits.unpackedBytes)
        var reader = OTLPLogs(limits: intake.limits, now: intake.clock.nanoseconds)
        if media == "application/json" { try reader.read(json: bytes) } else { try reader.read(protobuf: bytes.span) }
        metrics.refuse("too_long", records: reader.refused)
        try await intake.store(reader.gatherer.finished(), metrics)
        return reader.answer(isJSON: media == "application/json")
    }

    private func batches(_ request: HTTPRequest, _ metrics: LogIngestMetrics) async throws(IngestError) -> HTTPResponse {
        let media = MediaType(request.fields["Content-Type"]).type
        guard media == BatchUpload.contentType else {
            throw IngestError(415, "Content-Type \(IngestLimits.short(media)) is not known here, expected \(BatchUpload.contentType)")
        }
        let bytes = try RequestBody.unpacked(request, limit: intake.limits.unpackedBytes)
        try await intake.store(try BatchUpload.read(bytes, limits: intake.limits), metrics)
        return HTTPResponse(status: 204)
    }

    private func journal(_ request: HTTPRequest, _ metrics: LogIngestMetrics) async throws(IngestError) -> HTTPResponse {
        let bytes = try RequestBody.unpacked(request, limit: intake.limits.unpackedBytes)
        var reader = JournalExport(limits: intake.limits, now: intake.clock.nanoseconds)
        try reader.read(bytes.span)
        // An upload that was broken off begins again with entries that are stored already: their cursors tell.
        var gatherer = BatchGatherer()
        var keys: [BodyHash] = []
        var isStored = false
        defer { for key in keys { entries.finish(key, isStored: isStored) } }
        for entry in reader.entries {
            if !entry.cursor.isEmpty {
                let key = BodyHash(entry.cursor)
                switch entries.begin(key, now: intake.clock.nanoseconds) {
                case .new: keys.append(key)
                case .underway: throw IngestError(429, "the same entry is being stored at this moment", retryAfter: 1)
                case .stored:
                    metrics.repeated.increment()
                    continue
                }
            }
            gatherer.add(entry.record, to: gatherer.stream(entry.stream))
        }
        try await intake.store(gatherer.finished(), metrics)
        isStored = true
        return HTTPResponse(status: 200)
    }
}
