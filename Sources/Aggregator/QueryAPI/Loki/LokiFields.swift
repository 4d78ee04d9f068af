import HTTP
import JSON
import LogQL
import LogStore
import Telemetry

/// What lines hold: fields that parsers would find, and patterns.
extension LokiAPI {
    /// Fields of the newest lines, of JSON and logfmt, and what is known beside the lines.
    private struct Field {
        var values: Set<String> = []
        var parsers: Set<String> = []
        var jsonPath: [String]?
    }

    private func detected(_ parameters: LokiParameters) async throws -> [String: Field] {
        let range = try parameters.range()
        guard case .lines(let pipeline) = try Self.parse(parameters.request.parameter("query").flatMap { $0.isEmpty ? nil : $0 } ?? "{}") else {
            throw LokiError.bad("query", "a metric query has no fields")
        }
        let wanted = try parameters.limit(100, maximum: options.maximumLines, "line_limit")
        let result = try await run { engine async throws(LogQLError) in try await engine.lines(pipeline, LogLinesRequest(range, limit: wanted)) }
        var fields: [String: Field] = [:]
        for entry in result.entries {
            for label in entry.categories.metadata.list { fields[label.name, default: Field()].values.insert(label.value) }
            for label in entry.categories.parsed.list { fields[label.name, default: Field()].values.insert(label.value) }
            if let document = try? JSON.parse(entry.line), document.object != nil {
                Self.walk(document, [], &fields)
            } else {
                for (name, value) in Self.logfmt(entry.line) {
                    fields[name, default: Field()].values.insert(value)
                    fields[name]?.parsers.insert("logfmt")
                }
            }
        }
        return fields
    }

    private static func walk(_ value: JSON, _ path: [String], _ fields: inout [String: Field]) {
        for (name, member) in value.members {
            let place = path + [name]
            if member.object != nil {
                walk(member, place, &fields)
            } else if member.array == nil, !member.isNull {
                let label = labelName(place.joined(separator: "_"))
                fields[label, default: Field()].values.insert(member.string ?? member.description)
                fields[label]?.parsers.insert("json")
                fields[label]?.jsonPath = place
            }
        }
    }

    private static func labelName(_ text: String) -> String {
        let name = String(text.map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") ? $0 : "_" })
        return name.first?.isNumber == true ? "_" + name : name
    }

    /// At least two pairs make a line logfmt.
    private static func logfmt(_ line: [UInt8]) -> [(String, String)] {
        var pairs: [(String, String)] = []
        var rest = line[...]
        while let equals = rest.firstIndex(of: UInt8(ascii: "=")) {
            let before = rest[..<equals]
            let key = before.lastIndex(of: 0x20).map { before[(before.index(after: $0))...] } ?? before
            rest = rest[(equals + 1)...]
            let value: ArraySlice<UInt8>
            if rest.first == UInt8(ascii: "\"") {
                let inner = rest.dropFirst()
                let end = inner.firstIndex(of: UInt8(ascii: "\"")) ?? inner.endIndex
                value = inner[..<end]
                rest = inner[min(end + 1, inner.endIndex)...]
            } else {
                let end = rest.firstIndex(of: 0x20) ?? rest.endIndex
                value = rest[..<end]
                rest = rest[end...]
            }
            let name = labelName(String(decoding: key, as: UTF8.self))
            if !name.isEmpty, !value.isEmpty { pairs.append((name, String(decoding: value, as: UTF8.self))) }
        }
        return pairs.count < 2 ? [] : pairs
    }

    private static func type(of values: Set<String>) -> String {
        func all(_ test: (String) -> Bool) -> Bool { !values.isEmpty && values.allSatisfy(test) }
        if all({ $0 == "true" || $0 == "false" }) { return "boolean" }
        if all({ Int64($0) != nil }) { return "int" }
        if all({ Double($0) != nil }) { return "float" }
        if all({ LokiParameters.parseDuration($0) != nil }) { return "duration" }
        if all({ $0.first?.isNumber == true && ["B", "KB", "MB", "GB", "TB", "KiB", "MiB", "GiB", "TiB"].contains(String($0.drop { $0.isNumber || $0 == "." || $0 == " " })) }) {
            return "bytes"
        }
        return "string"
    }

    func detectedFields(_ parameters: LokiParameters) async throws -> HTTPResponse {
        let limit = try fieldLimit(parameters)
        let fields = try await detected(parameters)
        let rows = fields.sorted { $0.key < $1.key }.prefix(limit).map { name, field -> JSON in
            var row = JSONObject([
                ("label", JSON(name)), ("type", JSON(Self.type(of: field.values))), ("cardinality", JSON(field.values.count)),
                ("parsers", field.parsers.isEmpty ? .null : .array(field.parsers.sorted().map { JSON($0) })),
            ])
            if let path = field.jsonPath { row["jsonPath"] = .array(path.map { JSON($0) }) }
            return .object(row)
        }
        return .json(["fields": .array(rows), "limit": JSON(limit)])
    }

    private func fieldLimit(_ parameters: LokiParameters) throws(LokiError) -> Int {
        try parameters.limit(1000, maximum: 10_000, parameters.request.parameter("field_limit") == nil ? "limit" : "field_limit")
    }

    func detectedFieldValues(_ parameters: LokiParameters, _ name: String) async throws -> HTTPResponse {
        let limit = try fieldLimit(parameters)
        let values = try await detected(parameters)[name]?.values ?? []
        return .json(["values": .array(values.sorted().prefix(limit).map { JSON($0) }), "limit": JSON(limit)])
    }

    /// Lines by template, with counts by step; `<_>` stands for what varies, as in pattern filters.
    func patterns(_ parameters: LokiParameters) async throws -> HTTPResponse {
        let range = try parameters.range()
        let step = max(try parameters.step(range), 1_000_000_000)
        guard case .lines(let pipeline) = try Self.parse(try parameters.query()) else { throw LokiError.bad("query", "a metric query has no patterns") }
        let runner = try LogPipelineRunner(pipeline, now: parameters.now)
        let query = LogsQuery(selection: runner.selection(range), runner: runner.isTrivial ? nil : runner)
        let counts = try await LogPatternCounts.read(query, step: step, from: source)
        let rows = counts.best(300).map { template, entry -> JSON in
            let samples = entry.steps.sorted { $0.key < $1.key }.map { JSON.array([.integer($0.key / 1_000_000_000), .integer($0.value)]) }
            return ["pattern": JSON(Self.openPattern(template)), "samples": .array(samples), "level": JSON(entry.severity.levelName)]
        }
        return Self.success(.array(rows))
    }

    /// Marks such as `<n>` and `<duration>` as Loki's `<_>`.
    static func openPattern(_ template: String) -> String {
        var result = ""
        var rest = template[...]
        while let open = rest.firstIndex(of: "<") {
            result += rest[..<open]
            let inner = rest[rest.index(after: open)...]
            guard let close = inner.firstIndex(of: ">"), close != inner.startIndex, inner[..<close].allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" }) else {
                result.append("<")
                rest = inner
                continue
            }
            // Two marks with nothing between them are one.
            if !result.hasSuffix("<_>") { result += "<_>" }
            rest = inner[inner.index(after: close)...]
        }
        return result + rest
    }
}
