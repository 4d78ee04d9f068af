import JSON
import LogQL
import Telemetry

/// A row as a document: its stream's labels, the fields beside the line, the line as `message`, and the members of a line that
/// is a JSON object, nested names joined by points.
final class ElasticDocument {
    /// The index of what did not come in through `_bulk`.
    static let plainIndex = "logs-binnacle"
    /// Names by which shippers know a stream's labels.
    static let aliases: [String: String] = [
        "kubernetes.namespace": "namespace", "kubernetes.namespace_name": "namespace", "kubernetes.pod.name": "pod", "kubernetes.pod_name": "pod",
        "kubernetes.container.name": "container", "kubernetes.container_name": "container", "kubernetes.node.name": "node", "host.name": "host",
        "service.name": "service_name", "log.file.path": "filename",
        "kubernetes.host": "node", "kubernetes.pod.uid": "pod_uid", "kubernetes.pod_id": "pod_uid",
    ]
    static let levelNames: Set<String> = ["level", "log.level", "severity"]

    let stream: Labels
    let fields: Labels
    let cursor: LogCursor
    let severity: LogRecord.Severity
    let body: ArraySlice<UInt8>
    private(set) lazy var words = ElasticWords.split(body)
    private(set) lazy var message = String(decoding: body, as: UTF8.self)
    private(set) lazy var parsed: JSON = {
        guard body.first(where: { $0 != 0x20 }) == UInt8(ascii: "{"), let document = try? JSON.parse(Array(body)), document.object != nil else {
            return .null
        }
        return document
    }()

    init(_ rows: LogRows, _ text: LogText, _ row: Int) {
        stream = rows.streams[Int(rows.stream[row])]
        fields = rows.fields.isEmpty ? Labels() : rows.fields[row]
        cursor = LogCursor(time: rows.times[row], sequence: rows.sequences[row])
        severity = rows.severities[row]
        body = text.bytes[text.starts[row]..<text.ends[row]]
    }

    var id: String { "\(cursor.time)-\(cursor.sequence)" }

    var index: String {
        let name = stream["_index"]
        return name.isEmpty ? Self.plainIndex : name
    }

    /// The field's values as text; several for an array, none where it is absent.
    func values(of name: String) -> [String] {
        let name = Self.plain(name)
        switch name {
        case "message": return [message]
        case "_id": return [id]
        case "_index": return [index]
        case "@timestamp": return [ElasticTime.text(cursor.time)]
        default: break
        }
        for candidate in [name, Self.aliases[name] ?? name] {
            let label = stream[candidate]
            if !label.isEmpty { return [label] }
            let field = fields[candidate]
            if !field.isEmpty { return [field] }
        }
        let found = Self.scalars(lookup(name.split(separator: ".")[...], in: parsed))
        if found.isEmpty, Self.levelNames.contains(name), severity != .unknown { return ["\(severity)"] }
        return found
    }

    /// The first value as a number; of `@timestamp` its milliseconds.
    func number(of name: String) -> Double? {
        if name == "@timestamp" { return Double(cursor.time) / 1e6 }
        return values(of: name).first.flatMap { Double($0) }
    }

    static func plain(_ name: String) -> String { name.hasSuffix(".keyword") ? String(name.dropLast(8)) : name }

    /// A path of members; a member's own name may hold points too.
    private func lookup(_ path: ArraySlice<Substring>, in document: JSON) -> JSON {
        guard !path.isEmpty else { return document }
        guard let object = document.object else { return .null }
        for length in 1...path.count {
            guard let member = object[path.prefix(length).joined(separator: ".")] else { continue }
            let found = lookup(path.dropFirst(length), in: member)
            if !found.isNull { return found }
        }
        return .null
    }

    private static func scalars(_ value: JSON) -> [String] {
        switch value {
        case .null, .object: []
        case .array(let elements): elements.flatMap { scalars($0) }
        case .string(let text): [text]
        case .bool(let flag): [flag ? "true" : "false"]
        default: [value.description]
        }
    }

    /// The whole document.
    var source: JSON {
        var document = JSONObject([("@timestamp", JSON(ElasticTime.text(cursor.time))), ("message", JSON(message))])
        for label in stream.list where label.name != "_index" { document[label.name] = JSON(label.value) }
        for field in fields.list { document[field.name] = JSON(field.value) }
        for (name, value) in parsed.members where document[name] == nil { document[name] = value }
        // A line's own word for its level comes first.
        if severity != .unknown, document["level"] == nil { document["level"] = JSON("\(severity)") }
        return .object(document)
    }

    /// All names of fields with values, nested ones joined by points.
    var fieldNames: [String] {
        var names = ["@timestamp", "message"]
        if severity != .unknown { names.append("level") }
        names += stream.list.map(\.name).filter { $0 != "_index" } + fields.list.map(\.name)
        func walk(_ prefix: String, _ value: JSON) {
            for (name, member) in value.members {
                if member.object != nil { walk("\(prefix)\(name).", member) } else { names.append(prefix + name) }
            }
        }
        walk("", parsed)
        return names
    }
}
