import HTTP
import JSON
import ProtoWire
import SeriesStore

/// What senders are told, in the words of their protocols.
enum IngestAnswer {
    /// The store's refusal as a status: what may be sent again later is 429, 503 or 507, with a time after which.
    static func failure(_ error: SeriesStoreError) -> IngestError {
        switch error {
        case .overloaded, .headFull: IngestError(429, "\(error)", retryAfter: 1)
        case .seriesLimit: IngestError(422, "\(error)")
        case .closed: IngestError(503, "\(error)", retryAfter: 5)
        case .diskFull: IngestError(507, "\(error)", retryAfter: 30)
        default: IngestError(500, "\(error)", retryAfter: 5)
        }
    }

    /// A whole request refused.
    static func refusal(_ error: IngestError, to request: HTTPRequest, way: String) -> HTTPResponse {
        var response: HTTPResponse
        switch way {
        case "influx" where request.path.hasSuffix("/api/v2/write"):
            response = .json(["code": .string(code(error.status)), "message": .string(error.reason)], status: error.status)
        case "influx":
            response = .json(["error": .string(error.reason)], status: error.status)
            response.fields["X-Influxdb-Error"] = header(error.reason)
        case "otlp" where MediaType(request.fields["Content-Type"]).type == "application/json":
            response = .json(["message": .string(error.reason)], status: error.status)
        case "otlp":
            // google.rpc.Status: message 2.
            var status = WireWriter()
            status.string(2, error.reason)
            response = HTTPResponse(status: error.status, fields: ["Content-Type": "application/x-protobuf"], body: .bytes(status.bytes))
        default: response = .text(error.reason + "\n", status: error.status)
        }
        if let seconds = error.retryAfter { response.fields["Retry-After"] = "\(seconds)" }
        return response
    }

    private static func code(_ status: Int) -> String {
        switch status {
        case 413: "request too large"
        case 429: "too many requests"
        case 500...: "internal error"
        default: "invalid"
        }
    }

    /// A header's value may hold no line feeds.
    private static func header(_ text: String) -> String { String(text.unicodeScalars.map { $0.value < 0x20 || $0.value > 0x7E ? "?" : Character($0) }) }

    // MARK: Answers to what was stored, in whole or in part

    private struct Verdict {
        var refused: Int
        var status: Int
        var text: String
    }

    /// Nil if everything was stored. 400 tells a sender to drop what was refused: sending it again changes nothing. 422 says
    /// that only a limit stood in the way.
    private static func verdict(_ batch: IngestBatch, _ summary: WriteSummary) -> Verdict? {
        let total = summary.total
        let refused = batch.invalid + total.refused
        guard refused > 0 else { return nil }
        var counts: [String] = []
        for (count, word) in [
            (batch.invalid + total.invalid, "invalid"), (total.tooOld, "too old"), (total.tooNew, "too far in the future"),
            (total.overLimit, "over a limit of series"),
        ] where count > 0 { counts.append("\(count) \(word)") }
        let reasons = (batch.reasons + summary.reasons).filter { !$0.isEmpty }
        let text = "\(refused) samples refused (\(counts.joined(separator: ", ")))" + (reasons.isEmpty ? "" : ": " + reasons.joined(separator: "; "))
        return Verdict(refused: refused, status: total.overLimit == refused ? 422 : 400, text: text)
    }

    static func plain(_ batch: IngestBatch, _ summary: WriteSummary) -> HTTPResponse {
        guard let verdict = verdict(batch, summary) else { return HTTPResponse(status: 204) }
        return .text(verdict.text + "\n", status: verdict.status)
    }

    static func remoteWrite(_ batch: IngestBatch, _ summary: WriteSummary) -> HTTPResponse { plain(batch, summary) }

    /// What remote write 2.0 wants to know in any case.
    static func addCounts(_ batch: IngestBatch, _ summary: WriteSummary, to response: inout HTTPResponse) {
        let histograms = min(batch.histograms, summary.total.accepted)
        response.fields["X-Prometheus-Remote-Write-Samples-Written"] = "\(summary.total.accepted - histograms)"
        response.fields["X-Prometheus-Remote-Write-Histograms-Written"] = "\(histograms)"
        response.fields["X-Prometheus-Remote-Write-Exemplars-Written"] = "\(summary.total.exemplars)"
    }

    static func influx(_ batch: IngestBatch, _ summary: WriteSummary, isSecond: Bool) -> HTTPResponse {
        guard let verdict = verdict(batch, summary) else { return HTTPResponse(status: 204) }
        let text = "partial write: \(verdict.text) dropped=\(verdict.refused)"
        if isSecond { return .json(["code": "invalid", "message": .string(text)], status: verdict.status) }
        var response = HTTPResponse.json(["error": .string(text)], status: verdict.status)
        response.fields["X-Influxdb-Error"] = header(text)
        return response
    }

    /// 200 with what was rejected: OTLP's partial success.
    static func otlp(_ batch: IngestBatch, _ summary: WriteSummary, isJSON: Bool) -> HTTPResponse {
        let verdict = verdict(batch, summary)
        if isJSON {
            guard let verdict else { return .json([:]) }
            return .json(["partialSuccess": ["rejectedDataPoints": .string("\(verdict.refused)"), "errorMessage": .string(verdict.text)]])
        }
        var message = WireWriter()
        if let verdict {
            message.message(1) {
                $0.int64(1, Int64(verdict.refused))
                $0.string(2, verdict.text)
            }
        }
        return HTTPResponse(status: 200, fields: ["Content-Type": "application/x-protobuf"], body: .bytes(message.bytes))
    }
}
