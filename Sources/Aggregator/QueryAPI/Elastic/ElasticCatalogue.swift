import HTTP
import JSON
import LogQL
import Telemetry

/// What there is: indices with their sizes, fields with their types.
extension ElasticAPI {
    /// Documents that are looked at to learn the fields: the newest.
    private static let sampleRows = 1000

    private func types(_ indices: ElasticIndices) async throws -> [(name: String, type: String)] {
        let selection = LogSelection(try indices.matchers(), in: Int64.min..<Int64.max)
        let page = try await source.page(selection, direction: .backward, after: nil, limit: Self.sampleRows)
        let text = try page.rows.text()
        var types: [String: String] = ["@timestamp": "date", "message": "text", "level": "keyword"]
        for row in 0..<page.rows.count {
            let document = ElasticDocument(page.rows, text, row)
            for name in document.fieldNames where name != "@timestamp" && name != "message" {
                for value in document.values(of: name) {
                    let type = Self.type(of: value)
                    types[name] = types[name].map { $0 == type ? type : Self.joined($0, type) } ?? type
                }
            }
        }
        for stream in try await source.streams(try indices.matchers(), in: Int64.min..<Int64.max) {
            for label in stream.list where label.name != "_index" { types[label.name] = "keyword" }
        }
        return types.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    private static func type(of value: String) -> String {
        if value == "true" || value == "false" { return "boolean" }
        if Int64(value) != nil { return "long" }
        return Double(value) != nil ? "double" : "keyword"
    }

    private static func joined(_ left: String, _ right: String) -> String { Set([left, right]) == ["long", "double"] ? "double" : "keyword" }

    private func names(_ indices: ElasticIndices) async throws -> [String] {
        let streams = try await source.streams(try indices.matchers(), in: Int64.min..<Int64.max)
        return Set(streams.map { $0["_index"].isEmpty ? ElasticDocument.plainIndex : $0["_index"] }).sorted()
    }

    func fieldCapabilities(_ request: ElasticRequest) async throws -> JSON {
        let wanted = (request.parameters["fields"]?.split(separator: ",").map { String($0) } ?? request.body["fields"].elements.compactMap(\.string))
        let fields = try await types(request.indices).filter { field in wanted.isEmpty || wanted.contains { ElasticSearch.fits(field.name, $0) } }
        let rows = fields.map { field -> (String, JSON) in
            let capabilities: JSON = ["type": JSON(field.type), "metadata_field": false, "searchable": true, "aggregatable": JSON(field.type != "text")]
            return (field.name, .object([(field.type, capabilities)]))
        }
        return ["indices": .array(try await names(request.indices).map { JSON($0) }), "fields": .object(rows)]
    }

    func mapping(_ request: ElasticRequest) async throws -> JSON {
        var properties = JSONObject()
        for field in try await types(request.indices) { Self.put(field.type, at: field.name.split(separator: ".")[...], in: &properties) }
        let mappings: JSON = ["mappings": ["properties": .object(properties)]]
        return .object(try await names(request.indices).map { ($0, mappings) })
    }

    /// Names with points are objects within objects.
    private static func put(_ type: String, at path: ArraySlice<Substring>, in properties: inout JSONObject) {
        guard let first = path.first else { return }
        guard path.count > 1 else {
            if properties[String(first)] == nil {
                properties[String(first)] =
                    type == "keyword" ? ["type": "text", "fields": ["keyword": ["type": "keyword", "ignore_above": 256]]] : ["type": JSON(type)]
            }
            return
        }
        var inner = properties[String(first)]?["properties"].members ?? JSONObject()
        put(type, at: path.dropFirst(), in: &inner)
        properties[String(first)] = ["properties": .object(inner)]
    }

    /// An index as it is: 404 if there is none, which is what a HEAD asks.
    func index(_ request: ElasticRequest) async throws -> JSON {
        try await checkExistence(request)
        let mappings = try await mapping(request)
        let names = request.indices.exactNames + mappings.members.keys.filter { !request.indices.exactNames.contains($0) }
        return .object(
            names.map { name in
                let known = mappings[name]["mappings"]
                let settings: JSON = ["index": ["number_of_shards": "1", "number_of_replicas": "0", "provided_name": JSON(name)]]
                return (name, ["aliases": [:], "mappings": known.isNull ? [:] : known, "settings": settings])
            })
    }

    func resolve(_ request: ElasticRequest) async throws -> JSON {
        let indices = try await names(request.indices).map { name -> JSON in ["name": JSON(name), "attributes": ["open"]] }
        return ["indices": .array(indices), "aliases": [], "data_streams": []]
    }

    // MARK: Tables

    func catIndices(_ request: ElasticRequest) async throws -> ElasticTable {
        let volume = try await LogVolume.read(LogSelection(try request.indices.matchers(), in: Int64.min..<Int64.max), step: nil, from: source)
        var sums: [String: LogVolume.Amount] = [:]
        for (stream, amount) in volume.byStream { sums[stream["_index"].isEmpty ? ElasticDocument.plainIndex : stream["_index"], default: .init()] += amount }
        let columns = ["health", "status", "index", "uuid", "pri", "rep", "docs.count", "docs.deleted", "store.size", "pri.store.size"]
        let rows = sums.sorted { $0.key < $1.key }.map { name, amount in
            ["green", "open", name, name, "1", "0", "\(amount.lines)", "0", "\(amount.bytes)b", "\(amount.bytes)b"]
        }
        return ElasticTable(columns: columns, rows: rows)
    }

    func catHealth(_ request: ElasticRequest) async throws -> ElasticTable {
        ElasticTable(
            columns: ["epoch", "timestamp", "cluster", "status", "node.total", "node.data", "shards", "pri", "relo", "init", "unassign"],
            rows: [["\(request.now / 1_000_000_000)", Self.timeOfDay(request.now), "binnacle", "green", "1", "1", "1", "1", "0", "0", "0"]])
    }

    func catNodes(_ request: ElasticRequest) async throws -> ElasticTable {
        ElasticTable(columns: ["ip", "node.role", "master", "name"], rows: [["127.0.0.1", "dim", "*", "binnacle"]])
    }

    private static func timeOfDay(_ now: Int64) -> String { String(CivilTime(nanosecondsSinceEpoch: now).rfc3339().dropFirst(11).prefix(8)) }

    func catCount(_ request: ElasticRequest) async throws -> ElasticTable {
        let volume = try await LogVolume.read(LogSelection(try request.indices.matchers(), in: Int64.min..<Int64.max), step: nil, from: source)
        let seconds = request.now / 1_000_000_000
        return ElasticTable(columns: ["epoch", "timestamp", "count"], rows: [["\(seconds)", Self.timeOfDay(request.now), "\(volume.total.lines)"]])
    }
}

/// What `_cat` answers, as text or as JSON.
struct ElasticTable: Sendable {
    var columns: [String]
    var rows: [[String]]

    private func cells(_ wanted: [String]) -> [[String]] {
        let positions = wanted.map { columns.firstIndex(of: $0) }
        return rows.map { row in positions.map { $0.map { row[$0] } ?? "" } }
    }

    func document(_ wanted: [String]) -> JSON {
        .array(cells(wanted).map { row in .object(zip(wanted, row).map { ($0, JSON($1)) }) })
    }

    func text(_ wanted: [String], hasHead: Bool) -> String {
        let lines = (hasHead ? [wanted] : []) + cells(wanted)
        let widths = wanted.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
        return lines.map { line in
            line.enumerated().map { column, cell in
                column == line.count - 1 ? cell : cell + String(repeating: " ", count: widths[column] - cell.count)
            }.joined(separator: " ") + "\n"
        }.joined()
    }
}
