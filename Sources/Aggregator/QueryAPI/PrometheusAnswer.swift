import HTTP
import JSON
import PromQL
import Telemetry

/// How long the parts of a query took, for `stats`.
struct QueryTimings: Sendable {
    var waited: Duration
    var total: Duration
}

/// A successful answer. Big ones are written straight to bytes: a range query can have a million points.
enum Answer: Sendable {
    case success(JSON)
    case strings([String], warnings: [String])
    case labelSets([Labels], warnings: [String])
    case query(QueryResult, QueryTimings?)
    /// 204.
    case empty

    func response() async -> HTTPResponse {
        if case .empty = self { return HTTPResponse(status: 204) }
        var writer = AnswerWriter()
        writer.put("{\"status\":\"success\",\"data\":")
        var warnings: [String] = []
        var infos: [String] = []
        switch self {
        case .success(let document): document.write(to: &writer.text)
        case .strings(let texts, let remarks):
            writer.list(texts) { JSON.write($1, to: &$0.text) }
            warnings = remarks
        case .labelSets(let sets, let remarks):
            writer.list(sets) { $0.labels($1) }
            warnings = remarks
        case .empty: break
        case .query(let result, let timings):
            await writer.query(result, timings)
            warnings = result.warnings
            infos = result.infos
        }
        for (name, remarks) in [("warnings", warnings), ("infos", infos)] where !remarks.isEmpty {
            writer.put(",\"\(name)\":")
            writer.list(remarks) { JSON.write($1, to: &$0.text) }
        }
        writer.put("}")
        return HTTPResponse(fields: ["Content-Type": "application/json"], body: .bytes(writer.text))
    }

    static func failure(_ error: QueryError) -> HTTPResponse {
        var response = HTTPResponse.json(
            ["status": "error", "errorType": .string(error.kind.rawValue), "error": .string(error.message)], status: error.kind.status)
        if error.kind == .unavailable { response.fields["Retry-After"] = "1" }
        return response
    }
}

extension QueryError.Kind {
    /// The HTTP status of an error. Prometheus answers `unavailable` with 500; ours means "too much at once", which is 503.
    var status: Int {
        switch self {
        case .badData: 400
        case .execution: 422
        case .canceled: 499
        case .timeout, .unavailable: 503
        case .internal: 500
        case .notFound: 404
        case .notAcceptable: 406
        }
    }
}

/// Writes results as JSON bytes.
struct AnswerWriter {
    var text: [UInt8] = []

    mutating func put(_ part: String) { text.append(contentsOf: part.utf8) }
    mutating func put(_ byte: Unicode.Scalar) { text.append(UInt8(ascii: byte)) }

    mutating func list<Element>(_ elements: [Element], _ write: (inout AnswerWriter, Element) -> Void) {
        put("[" as Unicode.Scalar)
        for (position, element) in elements.enumerated() {
            if position > 0 { put("," as Unicode.Scalar) }
            write(&self, element)
        }
        put("]" as Unicode.Scalar)
    }

    mutating func labels(_ labels: Labels) {
        put("{" as Unicode.Scalar)
        for (position, label) in labels.list.enumerated() {
            if position > 0 { put("," as Unicode.Scalar) }
            JSON.write(label.name, to: &text)
            put(":" as Unicode.Scalar)
            JSON.write(label.value, to: &text)
        }
        put("}" as Unicode.Scalar)
    }

    /// Seconds with up to three decimals, without zeros at the end.
    mutating func time(_ milliseconds: Int64) {
        if milliseconds < 0 { put("-" as Unicode.Scalar) }
        let magnitude = milliseconds.magnitude
        JSON.write(Int64(magnitude / 1000), to: &text)
        var fraction = magnitude % 1000
        guard fraction > 0 else { return }
        put("." as Unicode.Scalar)
        var scale: UInt64 = 100
        while fraction > 0 {
            text.append(UInt8(ascii: "0") + UInt8(fraction / scale))
            fraction %= scale
            scale /= 10
        }
    }

    /// `[time,"value"]`.
    mutating func sample(_ milliseconds: Int64, _ value: Double) {
        put("[" as Unicode.Scalar)
        time(milliseconds)
        put(",\"")
        NumberText.write(value, to: &text)
        put("\"]")
    }

    mutating func query(_ result: QueryResult, _ timings: QueryTimings?) async {
        put("{\"resultType\":\"\(result.value.typeName)\",\"result\":")
        switch result.value {
        case .scalar(let time, let value): sample(time.milliseconds, value)
        case .string(let time, let value):
            put("[" as Unicode.Scalar)
            self.time(time.milliseconds)
            put("," as Unicode.Scalar)
            JSON.write(value, to: &text)
            put("]" as Unicode.Scalar)
        case .vector(let samples):
            text.reserveCapacity(text.count + samples.count * 160)
            list(samples) { writer, sample in
                writer.put("{\"metric\":")
                writer.labels(sample.labels)
                writer.put(",\"value\":")
                writer.sample(sample.timestamp.milliseconds, sample.value)
                writer.put("}" as Unicode.Scalar)
            }
        case .matrix(let series):
            await MatrixWriter.write(series, to: &text)
        }
        if let timings { statistics(result.statistics, timings) }
        if !result.plan.isEmpty { plan(result) }
        put("}" as Unicode.Scalar)
    }

    /// What `explain=1` adds: what was read, and each node with its time.
    private mutating func plan(_ result: QueryResult) {
        let nodes = result.plan.map { step -> JSON in
            [
                "depth": JSON(step.depth), "expression": .string(step.expression), "seconds": JSON(Double(step.nanoseconds) / 1e9), "steps": JSON(step.steps),
                "series": JSON(step.series), "samples": JSON(step.samples), "chunks": JSON(step.chunks),
            ]
        }
        let document: JSON = [
            "seriesRead": JSON(result.statistics.seriesRead), "samplesRead": JSON(result.statistics.samplesRead),
            "chunksDecoded": JSON(result.statistics.chunksDecoded), "peakBytes": JSON(result.statistics.peakBytes), "nodes": .array(nodes),
        ]
        put(",\"explain\":")
        document.write(to: &text)
    }

    private mutating func statistics(_ statistics: QueryResult.Statistics, _ timings: QueryTimings) {
        let evaluation = timings.total - timings.waited
        var samples: JSON = [
            "totalQueryableSamples": JSON(statistics.samplesRead), "peakSamples": JSON(statistics.peakSamples),
            "samplesRead": JSON(statistics.samplesRead),
        ]
        let perStep = statistics.samplesPerStep
        if !perStep.isEmpty {
            samples["totalQueryableSamples"] = JSON(perStep.reduce(0) { $0 + $1.samples })
            samples["totalQueryableSamplesPerStep"] = .array(perStep.map { [JSON(Double($0.time.milliseconds) / 1000), JSON($0.samples)] })
        }
        let document: JSON = [
            "timings": [
                "evalTotalTime": JSON(evaluation.inSeconds), "resultSortTime": 0, "queryPreparationTime": 0, "innerEvalTime": JSON(evaluation.inSeconds),
                "execQueueTime": JSON(timings.waited.inSeconds), "execTotalTime": JSON(timings.total.inSeconds),
            ],
            "samples": samples,
        ]
        put(",\"stats\":")
        document.write(to: &text)
    }
}
