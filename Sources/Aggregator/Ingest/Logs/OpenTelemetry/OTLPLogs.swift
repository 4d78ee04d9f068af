import HTTP
import JSON
import LogParsing
import ProtoWire
import Telemetry

/// Reads OpenTelemetry's log export requests, in binary form and in JSON.
///
/// What the resource says of the service and its place becomes the stream's labels, all else a record's fields; dots become
/// underscores, as in Loki, so that every name can be asked for. (opentelemetry-proto, logs/v1/logs.proto.)
struct OTLPLogs {
    private(set) var gatherer = BatchGatherer()
    /// Records that were too long.
    private(set) var refused = 0
    private let limits: LogIngestLimits
    private let now: Int64

    /// Resource attributes that are labels.
    static let streamAttributes: Set<String> = [
        "service.name", "service.namespace", "service.instance.id", "deployment.environment", "deployment.environment.name", "k8s.namespace.name",
        "k8s.pod.name", "k8s.container.name", "k8s.deployment.name", "k8s.statefulset.name", "k8s.daemonset.name", "k8s.job.name", "k8s.cronjob.name",
        "k8s.replicaset.name", "cloud.region", "host.name", "container.name",
    ]

    /// One record as either form has it.
    private struct Record {
        var time: UInt64 = 0
        var observed: UInt64 = 0
        var severity = 0
        var severityText = ""
        var body: [UInt8] = []
        var pairs: [(String, String)] = []
        var flags: UInt64 = 0
        var traceID = ""
        var spanID = ""
        var event = ""
    }

    init(limits: LogIngestLimits, now: Int64) {
        self.limits = limits
        self.now = now
    }

    // MARK: Binary

    mutating func read(protobuf bytes: Span<UInt8>) throws(IngestError) {
        do throws(WireError) {
            var reader = WireReader(bytes)
            while try reader.next(bytes) {
                if reader.number == 1 { try resource(bytes, try OTLPProtobuf.message(&reader, bytes)) } else { try reader.skip(bytes) }
            }
        } catch {
            throw IngestError(400, "the body is no ExportLogsServiceRequest: \(error)")
        }
    }

    private mutating func resource(_ bytes: Span<UInt8>, _ message: WireReader) throws(WireError) {
        var attributes: [OTLPAttribute] = []
        var reader = message
        while try reader.next(bytes) {
            guard reader.number == 1 else {
                try reader.skip(bytes)
                continue
            }
            var inner = try OTLPProtobuf.message(&reader, bytes)
            while try inner.next(bytes) {
                if inner.number == 1 { attributes.append(try OTLPProtobuf.attribute(&inner, bytes)) } else { try inner.skip(bytes) }
            }
        }
        let (stream, pairs) = begin(attributes)
        reader = message
        while try reader.next(bytes) {
            if reader.number == 2 {
                try scope(bytes, try OTLPProtobuf.message(&reader, bytes), stream, pairs)
            } else {
                try reader.skip(bytes)
            }
        }
    }

    private mutating func scope(_ bytes: Span<UInt8>, _ message: WireReader, _ stream: Int, _ pairs: [(String, String)]) throws(WireError) {
        var pairs = pairs
        var reader = message
        while try reader.next(bytes) {
            guard reader.number == 1 else {
                try reader.skip(bytes)
                continue
            }
            var inner = try OTLPProtobuf.message(&reader, bytes)
            while try inner.next(bytes) {
                switch inner.number {
                case 1: pairs.append(("scope_name", try inner.string(bytes)))
                case 2: pairs.append(("scope_version", try inner.string(bytes)))
                case 3: pairs.append(Self.pair(try OTLPProtobuf.attribute(&inner, bytes)))
                default: try inner.skip(bytes)
                }
            }
        }
        reader = message
        while try reader.next(bytes) {
            if reader.number == 2 {
                add(try Self.record(bytes, try OTLPProtobuf.message(&reader, bytes)), stream, pairs)
            } else {
                try reader.skip(bytes)
            }
        }
    }

    private static func record(_ bytes: Span<UInt8>, _ message: WireReader) throws(WireError) -> Record {
        var reader = message
        var record = Record()
        while try reader.next(bytes) {
            switch reader.number {
            case 1: record.time = try reader.fixed64(bytes)
            case 2: record.severity = Int(truncatingIfNeeded: try reader.varint(bytes))
            case 3: record.severityText = try reader.string(bytes)
            case 5: record.body = try body(bytes, try OTLPProtobuf.message(&reader, bytes))
            case 6: record.pairs.append(pair(try OTLPProtobuf.attribute(&reader, bytes)))
            case 8: record.flags = UInt64(try reader.fixed32(bytes))
            case 9: record.traceID = OTLPProtobuf.hexadecimal(bytes, try reader.range(bytes))
            case 10: record.spanID = OTLPProtobuf.hexadecimal(bytes, try reader.range(bytes))
            case 11: record.observed = try reader.fixed64(bytes)
            case 12: record.event = try reader.string(bytes)
            default: try reader.skip(bytes)
            }
        }
        return record
    }

    /// A text keeps its bytes; anything else is written as JSON.
    private static func body(_ bytes: Span<UInt8>, _ message: WireReader) throws(WireError) -> [UInt8] {
        var ahead = message
        if try ahead.next(bytes), ahead.number == 1, ahead.kind == .bytes {
            let range = try ahead.range(bytes)
            if ahead.offset == ahead.end { return [UInt8](copying: bytes, range) }
        }
        return Array(OTLPJSON.text(of: try OTLPProtobuf.any(message, bytes, depth: 0)).utf8)
    }

    // MARK: JSON

    mutating func read(json bytes: [UInt8]) throws(IngestError) {
        let document: JSON
        do { document = try JSON.parse(bytes) } catch { throw IngestError(400, "the body is no JSON: \(error)") }
        guard document.object != nil else { throw IngestError(400, "the request is no JSON object") }
        for resource in document["resourceLogs"].elements {
            let (stream, common) = begin(OTLPJSON.attributes(resource["resource"]["attributes"]))
            for scope in resource["scopeLogs"].elements {
                var pairs = common
                if let name = scope["scope"]["name"].string { pairs.append(("scope_name", name)) }
                if let version = scope["scope"]["version"].string { pairs.append(("scope_version", version)) }
                pairs += OTLPJSON.attributes(scope["scope"]["attributes"]).map(Self.pair)
                for element in scope["logRecords"].elements {
                    var record = Record()
                    record.time = try OTLPJSON.whole(element["timeUnixNano"], "timeUnixNano")
                    record.observed = try OTLPJSON.whole(element["observedTimeUnixNano"], "observedTimeUnixNano")
                    record.severity = element["severityNumber"].int ?? 0
                    record.severityText = element["severityText"].string ?? ""
                    record.body = Array(OTLPJSON.text(of: OTLPJSON.plain(element["body"], depth: 0)).utf8)
                    record.pairs = OTLPJSON.attributes(element["attributes"]).map(Self.pair)
                    record.flags = UInt64(clamping: element["flags"].int ?? 0)
                    record.traceID = element["traceId"].string ?? ""
                    record.spanID = element["spanId"].string ?? ""
                    record.event = element["eventName"].string ?? ""
                    add(record, stream, pairs)
                }
            }
        }
    }

    // MARK: Records

    private static func pair(_ attribute: OTLPAttribute) -> (String, String) { (MetricName.label(attribute.key), attribute.value) }

    /// The stream of a resource, and what else it says.
    private mutating func begin(_ attributes: [OTLPAttribute]) -> (stream: Int, pairs: [(String, String)]) {
        var labels = attributes.filter { Self.streamAttributes.contains($0.key) && $0.value.utf8.count <= limits.labelBytes }.map(Self.pair)
        if !labels.contains(where: { $0.0 == "service_name" && !$0.1.isEmpty }) { labels.append(("service_name", "unknown_service")) }
        return (gatherer.stream(Labels(labels)), attributes.filter { !Self.streamAttributes.contains($0.key) }.map(Self.pair))
    }

    private mutating func add(_ record: Record, _ stream: Int, _ common: [(String, String)]) {
        guard record.body.count <= limits.lineBytes else {
            refused += 1
            return
        }
        var pairs = common + record.pairs
        if pairs.count > limits.fieldsPerRecord { pairs.removeLast(pairs.count - limits.fieldsPerRecord) }
        if !record.traceID.isEmpty { pairs.append(("trace_id", record.traceID)) }
        if !record.spanID.isEmpty { pairs.append(("span_id", record.spanID)) }
        if record.flags != 0 { pairs.append(("flags", "\(record.flags)")) }
        if !record.event.isEmpty { pairs.append(("event_name", record.event)) }
        if !record.severityText.isEmpty { pairs.append(("severity_text", record.severityText)) }
        let given = record.time != 0 ? record.time : record.observed
        let severity =
            RecordSeverity.ofNumber(record.severity) ?? SeverityDetector.value(Array(record.severityText.utf8)[...])
            ?? SeverityDetector.detect(record.body[...])
        gatherer.add(
            LogRecord(
                time: given == 0 ? now : Int64(clamping: given), severity: severity, body: record.body, fields: pairs.isEmpty ? Labels() : Labels(pairs)),
            to: stream)
    }

    /// 200 with what was rejected: OTLP's partial success.
    func answer(isJSON: Bool) -> HTTPResponse {
        let text = "lines longer than \(limits.lineBytes) bytes"
        if isJSON {
            return .json(refused == 0 ? [:] : ["partialSuccess": ["rejectedLogRecords": .string("\(refused)"), "errorMessage": .string(text)]])
        }
        var message = WireWriter()
        if refused > 0 {
            message.message(1) {
                $0.int64(1, Int64(refused))
                $0.string(2, text)
            }
        }
        return HTTPResponse(status: 200, fields: ["Content-Type": "application/x-protobuf"], body: .bytes(message.bytes))
    }
}
