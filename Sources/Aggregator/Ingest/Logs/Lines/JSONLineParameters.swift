import HTTP

/// What a request to `/insert/...` says of its fields, as VictoriaLogs has it: by parameters, or by header fields, over which
/// parameters win.
struct JSONLineParameters {
    var mapping = RecordMapping()
    /// Read and answer, store nothing.
    var isDebug = false

    /// Times that are looked for if the request names none.
    static let timeFields = ["_time", "@timestamp", "time", "timestamp", "date", "ts"]

    /// - Parameter mapping: what holds unless the request says otherwise.
    init(_ request: HTTPRequest, over mapping: RecordMapping) throws(IngestError) {
        self.mapping = mapping
        func value(_ parameter: String, _ field: String) -> String? { request.parameter(parameter) ?? request.fields[field] }
        func list(_ parameter: String, _ field: String) -> [String]? {
            value(parameter, field)?.split(separator: ",").map { String($0.drop { $0 == " " }) }.filter { !$0.isEmpty }
        }
        if let names = list("_time_field", "VL-Time-Field"), !names.isEmpty { self.mapping.timeFields = names }
        if let names = list("_msg_field", "VL-Msg-Field"), !names.isEmpty { self.mapping.messageFields = names }
        if let names = list("_stream_fields", "VL-Stream-Fields"), !names.isEmpty {
            guard names.count <= 32 else { throw IngestError(400, "_stream_fields has \(names.count) names, the limit is 32") }
            self.mapping.streamFields = names.map { ($0, MetricName.label($0)) }
        }
        if let names = list("ignore_fields", "VL-Ignore-Fields") { self.mapping.ignored = names }
        if let names = list("decolorize_fields", "VL-Decolorize-Fields") { self.mapping.decolored = names }
        for pair in list("extra_fields", "VL-Extra-Fields") ?? [] {
            guard let equals = pair.firstIndex(of: "="), equals > pair.startIndex else {
                throw IngestError(400, "extra_fields has \"\(IngestLimits.short(pair))\", expected NAME=VALUE")
            }
            self.mapping.extra.append((String(pair[..<equals]), String(pair[pair.index(after: equals)...])))
        }
        isDebug = value("debug", "VL-Debug") == "1"
    }

    /// Of JSON lines.
    static var lines: RecordMapping {
        var mapping = RecordMapping()
        mapping.timeFields = timeFields
        mapping.messageFields = ["_msg"]
        mapping.job = "jsonline"
        return mapping
    }
}
