import Exposition
import HTTP
import JSON
import ProtoWire
import Runtime
import SeriesStore
import Synchronization
import Telemetry

/// All ways in over HTTP: each request is read into batches, made durable, and answered as its protocol says.
///
/// | path | protocol |
/// |---|---|
/// | `/api/v1/write` | Prometheus remote write 1.0 and 2.0 |
/// | `/api/v1/otlp/v1/metrics`, `/v1/metrics` | OTLP/HTTP, binary and JSON |
/// | `/write`, `/api/v2/write` | InfluxDB line protocol |
/// | `/api/v1/import/prometheus` | text, OpenMetrics, binary exposition |
/// | `/api/v1/import` | JSON lines |
/// | `/api/v1/import/csv` | CSV: by `format`, or without one the table of `/api/v1/export` |
///
/// An answer of success means that all is durable. What a request holds is stored as far as it may be; what may not is
/// counted, and the answer says why.
public struct IngestAPI: Sendable {
    /// What each way in remembers of its senders' series.
    final class Memory: Sendable {
        let first: Mutex<SeriesCache>
        let second: Mutex<RemoteWriteV2>
        let text: Mutex<TextImport>
        let influx: Mutex<InfluxImport>
        let waiting = Atomic<Int>(0)
        let bytes = Atomic<Int>(0)

        init(limits: IngestLimits, seed: UInt64) {
            first = Mutex(SeriesCache(limits: limits, seed: seed))
            second = Mutex(RemoteWriteV2(limits: limits, seed: seed))
            text = Mutex(TextImport(limits: limits, seed: seed))
            influx = Mutex(InfluxImport(limits: limits, seed: seed))
        }
    }

    let writer: any SampleWriter
    let clock: any WallClock
    let limits: IngestLimits
    let memory: Memory
    private let registry: MetricRegistry
    private let sleep: @Sendable (Duration) async -> Void

    /// - Parameters:
    ///   - seed: any number that senders do not know, so that they cannot slow the tables down.
    ///   - sleep: how it waits for room in the store.
    public init(
        writer: any SampleWriter, clock: any WallClock, metrics: MetricRegistry, limits: IngestLimits = .init(), seed: UInt64,
        sleep: @escaping @Sendable (Duration) async -> Void = { try? await Task.sleep(for: $0) }
    ) {
        self.writer = writer
        self.clock = clock
        self.limits = limits
        self.sleep = sleep
        registry = metrics
        memory = Memory(limits: limits, seed: seed)
        let memory = memory
        metrics.gauge("binnacle_ingest_waiting_requests", "Requests that wait for room in the store.") { Double(memory.waiting.load(ordering: .relaxed)) }
        metrics.gauge("binnacle_ingest_waiting_requests_limit", "The bound of that.") { Double(limits.patientRequests) }
        metrics.gauge("binnacle_ingest_bytes", "Of requests that are being read and written, unpacked, by estimate.") {
            Double(memory.bytes.load(ordering: .relaxed))
        }
        metrics.gauge("binnacle_ingest_bytes_limit", "The bound of that.") { Double(limits.bytesAtOnce) }
        metrics.gauge("binnacle_ingest_remembered_series", "Series that remote write 1.0 remembers by their bytes.") {
            Double(memory.first.withLock { $0.count })
        }
    }

    public func register(on router: inout HTTPRouter) {
        on(&router, "/api/v1/write", "remote_write", remoteWrite)
        for path in ["/api/v1/otlp/v1/metrics", "/otlp/v1/metrics", "/v1/metrics"] { on(&router, path, "otlp", otlp) }
        for path in ["/write", "/api/v2/write", "/influx/write", "/influx/api/v2/write"] { on(&router, path, "influx", influx) }
        on(&router, "/api/v1/import/prometheus", "text", text)
        on(&router, "/api/v1/import", "json_lines", jsonLines)
        on(&router, "/api/v1/import/csv", "csv", csv)
        // What clients of InfluxDB ask before they write.
        router.on("GET HEAD", "/ping") { _, _ in HTTPResponse(status: 204, fields: ["X-Influxdb-Version": "1.8.10"]) }
        router.on("GET POST", "/query") { _, _ in .json(["results": [["statement_id": 0]]]) }
    }

    private func on(
        _ router: inout HTTPRouter, _ path: String, _ way: String,
        _ handle: @escaping @Sendable (HTTPRequest, IngestMetrics) async throws(IngestError) -> HTTPResponse
    ) {
        let metrics = IngestMetrics(registry, way: way)
        router.on("POST", path) { request, _ in
            metrics.requests.increment()
            do throws(IngestError) {
                // Bodies unpack to about four times their size, at most to the limit.
                let weight = request.body.count + min(request.body.count * 4, limits.unpackedBytes)
                let sum = memory.bytes.wrappingAdd(weight, ordering: .relaxed).newValue
                defer { memory.bytes.wrappingSubtract(weight, ordering: .relaxed) }
                // One request is always let in, however large, or it could never be.
                guard sum <= limits.bytesAtOnce || sum == weight else {
                    throw IngestError(429, "requests of \(sum) bytes are being read, the limit is \(limits.bytesAtOnce): send less at once", retryAfter: 1)
                }
                return try await handle(request, metrics)
            } catch {
                metrics.refuse(status: error.status)
                return IngestAnswer.refusal(error, to: request, way: way)
            }
        }
    }

    // MARK: Ways in

    private func remoteWrite(_ request: HTTPRequest, _ metrics: IngestMetrics) async throws(IngestError) -> HTTPResponse {
        let media = MediaType(request.fields["Content-Type"])
        guard media.type.isEmpty || media.type == "application/x-protobuf" else {
            throw IngestError(415, "Content-Type \(IngestLimits.short(media.type)) is not known here, expected application/x-protobuf")
        }
        switch media.parameters["proto"] ?? "prometheus.WriteRequest" {
        case "prometheus.WriteRequest":
            let bytes = try RequestBody.unpacked(request, limit: limits.unpackedBytes, otherwise: "snappy")
            let batch = try memory.first.withLock { [limits] cache throws(IngestError) in
                do {
                    return try RemoteWriteV1.read(bytes.span, &cache, limits: limits)
                } catch {
                    throw IngestError(400, "the body is no prometheus.WriteRequest: \(error)")
                }
            }
            let summary = try await write(batch, metrics)
            return IngestAnswer.remoteWrite(batch, summary)
        case "io.prometheus.write.v2.Request":
            let bytes = try RequestBody.unpacked(request, limit: limits.unpackedBytes, otherwise: "snappy")
            let batch = try memory.second.withLock { (reader: inout RemoteWriteV2) throws(IngestError) in
                do throws(IngestError) {
                    return try reader.read(bytes.span)
                } catch {
                    throw IngestError(400, "the body is no io.prometheus.write.v2.Request: \(error.reason)")
                }
            }
            let summary = try await write(batch, metrics)
            var response = IngestAnswer.remoteWrite(batch, summary)
            IngestAnswer.addCounts(batch, summary, to: &response)
            return response
        case let other:
            throw IngestError(
                415, "the message \(IngestLimits.short(other)) is not known; known are prometheus.WriteRequest and io.prometheus.write.v2.Request")
        }
    }

    private func otlp(_ request: HTTPRequest, _ metrics: IngestMetrics) async throws(IngestError) -> HTTPResponse {
        let media = MediaType(request.fields["Content-Type"]).type
        guard media == "application/json" || media == "application/x-protobuf" else {
            throw IngestError(415, "Content-Type \(IngestLimits.short(media)) is not known here, expected application/x-protobuf or application/json")
        }
        let bytes = try RequestBody.unpacked(request, limit: limits.unpackedBytes)
        var translator = OTLPTranslator(limits: limits)
        do {
            translator.add(media == "application/json" ? try OTLPJSON.read(try JSON.parse(bytes)) : try OTLPProtobuf.read(bytes.span))
        } catch {
            throw .malformed(error)
        }
        let batch = translator.batch
        let summary = try await write(batch, metrics)
        return IngestAnswer.otlp(batch, summary, isJSON: media == "application/json")
    }

    private func influx(_ request: HTTPRequest, _ metrics: IngestMetrics) async throws(IngestError) -> HTTPResponse {
        let precisionName = request.parameter("precision") ?? ""
        guard let precision = InfluxImport.Precision(precisionName) else {
            throw IngestError(400, "invalid precision \"\(IngestLimits.short(precisionName))\", expected ns, us, ms, s, m or h")
        }
        let bytes = try RequestBody.unpacked(request, limit: limits.unpackedBytes)
        var database = request.parameter("db") ?? request.parameter("bucket") ?? ""
        var policy = request.parameter("rp") ?? ""
        // InfluxDB 2 maps `database/policy` to a bucket's name.
        if request.parameter("db") == nil, let slash = database.firstIndex(of: "/") {
            policy = String(database[database.index(after: slash)...])
            database = String(database[..<slash])
        }
        var extra = try extraLabels(request)
        if !database.isEmpty { extra.append(("db", database)) }
        if !policy.isEmpty, policy != "autogen" { extra.append(("rp", policy)) }
        let now = clock.now.milliseconds
        let batch = memory.influx.withLock { $0.read(bytes.span, precision: precision, now: now, extra: extra) }
        let summary = try await write(batch, metrics)
        return IngestAnswer.influx(batch, summary, isSecond: request.path.hasSuffix("/api/v2/write"))
    }

    private func text(_ request: HTTPRequest, _ metrics: IngestMetrics) async throws(IngestError) -> HTTPResponse {
        let bytes = try RequestBody.unpacked(request, limit: limits.unpackedBytes)
        var time = clock.now.milliseconds
        if let given = request.parameter("timestamp") {
            guard let number = Int64(given) else { throw IngestError(400, "timestamp is \"\(IngestLimits.short(given))\", expected milliseconds since 1970") }
            time = number
        }
        let extra = try extraLabels(request)
        let media = MediaType(request.fields["Content-Type"]).type
        let batch = try memory.text.withLock { (reader: inout TextImport) throws(IngestError) in
            do throws(ExpositionError) {
                if media == "application/vnd.google.protobuf" { return try reader.readProtobuf(bytes.span, timestamp: time, extra: extra) }
                return try reader.read(bytes.span, media == "application/openmetrics-text" ? .openMetrics : .prometheus, timestamp: time, extra: extra)
            } catch {
                throw IngestError(400, "\(error)")
            }
        }
        return IngestAnswer.plain(batch, try await write(batch, metrics))
    }

    private func jsonLines(_ request: HTTPRequest, _ metrics: IngestMetrics) async throws(IngestError) -> HTTPResponse {
        let bytes = try RequestBody.unpacked(request, limit: limits.unpackedBytes)
        let batch = try JSONLines.read(bytes.span, limits: limits, extra: try extraLabels(request))
        return IngestAnswer.plain(batch, try await write(batch, metrics))
    }

    private func csv(_ request: HTTPRequest, _ metrics: IngestMetrics) async throws(IngestError) -> HTTPResponse {
        let bytes = try RequestBody.unpacked(request, limit: limits.unpackedBytes)
        guard let format = request.parameter("format") else {
            let batch = try TableImport.read(bytes.span, limits: limits, extra: try extraLabels(request))
            return IngestAnswer.plain(batch, try await write(batch, metrics))
        }
        let batch = try CSVImport(format: format).read(bytes.span, now: clock.now.milliseconds, limits: limits, extra: try extraLabels(request))
        return IngestAnswer.plain(batch, try await write(batch, metrics))
    }

    /// `extra_label=name=value`, as often as wanted.
    private func extraLabels(_ request: HTTPRequest) throws(IngestError) -> [(String, String)] {
        var labels: [(String, String)] = []
        for text in request.parameters("extra_label") {
            guard let equals = text.firstIndex(of: "="), equals > text.startIndex else {
                throw IngestError(400, "extra_label is \"\(IngestLimits.short(text))\", expected NAME=VALUE")
            }
            labels.append((String(text[..<equals]), String(text[text.index(after: equals)...])))
        }
        return labels
    }

    // MARK: Writing

    /// Makes a batch durable. While the store has no room it waits a little, for many senders drop what they are told to keep.
    private func write(_ batch: IngestBatch, _ metrics: IngestMetrics) async throws(IngestError) -> WriteSummary {
        metrics.refuse("invalid", samples: batch.invalid)
        guard !batch.batches.isEmpty || !batch.metadata.isEmpty else { return WriteSummary() }
        let summary = try await patiently(batch)
        let total = summary.total
        metrics.samples.increment(by: UInt64(total.accepted - total.duplicates))
        metrics.duplicates.increment(by: UInt64(total.duplicates))
        metrics.histograms.increment(by: UInt64(batch.histograms))
        metrics.exemplars.increment(by: UInt64(total.exemplars))
        metrics.refuse("too_old", samples: total.tooOld)
        metrics.refuse("too_new", samples: total.tooNew)
        metrics.refuse("series_limit", samples: total.overLimit)
        metrics.refuse("invalid", samples: total.invalid)
        return summary
    }

    private func patiently(_ batch: IngestBatch) async throws(IngestError) -> WriteSummary {
        let step = Duration.milliseconds(50)
        var waited = Duration.zero
        while true {
            do throws(SeriesStoreError) {
                return try await writer.write(batch.batches, metadata: batch.metadata)
            } catch {
                let failure = IngestAnswer.failure(error)
                guard failure.status == 429, waited < limits.patience, !Task.isCancelled else { throw failure }
                guard memory.waiting.wrappingAdd(1, ordering: .relaxed).newValue <= limits.patientRequests else {
                    memory.waiting.wrappingSubtract(1, ordering: .relaxed)
                    throw failure
                }
                await sleep(step)
                memory.waiting.wrappingSubtract(1, ordering: .relaxed)
                waited += step
            }
        }
    }
}
