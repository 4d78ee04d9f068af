import JSON
import LogQL
import Pattern
import Telemetry

extension ElasticSearch {
    /// The answer's document.
    func document(_ outcome: Outcome, took: Duration) throws(ElasticError) -> JSON {
        var hits = JSONObject()
        if let limit = totalLimit, let total = outcome.total {
            hits["total"] = total > Int64(limit) ? ["value": JSON(limit), "relation": "gte"] : ["value": .integer(total), "relation": "eq"]
        }
        hits["max_score"] = sort.isEmpty && !outcome.hits.isEmpty ? 1.0 : .null
        hits["hits"] = .array(outcome.hits.map { hit($0.document) })
        var answer = JSONObject([
            ("took", .integer(took.wholeMilliseconds)), ("timed_out", false), ("_shards", Self.shards(outcome.statistics)), ("hits", .object(hits)),
        ])
        if !aggregations.isEmpty {
            var members: [(String, JSON)] = []
            for fold in outcome.folds { members.append((fold.aggregation.name, try fold.document())) }
            answer["aggregations"] = .object(members)
        }
        return .object(answer)
    }

    /// A part that could not be read is a shard that failed, which is how clients learn that an answer is not whole.
    static func shards(_ statistics: LogStatistics) -> JSON {
        var shards = JSONObject([
            ("total", JSON(1 + statistics.damaged.count)), ("successful", 1), ("skipped", 0), ("failed", JSON(statistics.damaged.count)),
        ])
        if !statistics.damaged.isEmpty {
            shards["failures"] = .array(
                statistics.damaged.map {
                    ["shard": 0, "index": JSON(ElasticDocument.plainIndex), "reason": ["type": "corrupt_index_exception", "reason": JSON($0)]]
                })
        }
        return .object(shards)
    }

    private func hit(_ document: ElasticDocument) -> JSON {
        var hit = JSONObject([("_index", JSON(document.index)), ("_id", JSON(document.id)), ("_score", sort.isEmpty ? 1.0 : .null)])
        if source != false { hit["_source"] = Self.chosen(source, of: document.source) }
        if !fields.isEmpty {
            let names = fields.flatMap { field in field.contains("*") ? document.fieldNames.filter { Self.fits($0, field) } : [field] }
            hit["fields"] = .object(
                names.compactMap { name in
                    let values = document.values(of: name)
                    return values.isEmpty ? nil : (name, .array(values.map { JSON($0) }))
                })
        }
        if !sort.isEmpty {
            hit["sort"] = .array(
                sort.map { part in
                    switch ElasticDocument.plain(part.field) {
                    case "@timestamp": .integer(document.cursor.time / 1_000_000)
                    case "_id", "_doc", "_seq_no", "_shard_doc": JSON(document.id)
                    default: document.values(of: part.field).first.map { value in Double(value).map { JSON($0) } ?? JSON(value) } ?? .null
                    }
                })
        }
        if !highlightFields.isEmpty, let words = highlighted(document) { hit["highlight"] = words }
        return .object(hit)
    }

    /// The message with the words that were looked for between tags.
    private func highlighted(_ document: ElasticDocument) -> JSON? {
        guard highlightFields.contains(where: { $0 == "message" || $0 == "*" }) else { return nil }
        var wanted: Set<[UInt8]> = []
        func gather(_ query: ElasticQuery) {
            switch query {
            case .words(_, let words, _), .phrase(_, let words, _): wanted.formUnion(words)
            case .bool(let must, let should, _, _): (must + should).forEach(gather)
            default: break
            }
        }
        gather(query)
        var text: [UInt8] = []
        var word: [UInt8] = []
        var isFound = false
        func flush() {
            if wanted.contains(word.map { ElasticWords.lowered($0) }) {
                text += Array("<em>".utf8) + word + Array("</em>".utf8)
                isFound = true
            } else {
                text += word
            }
            word = []
        }
        for byte in document.body {
            if ElasticWords.isLetter(byte) {
                word.append(byte)
            } else {
                flush()
                text.append(byte)
            }
        }
        flush()
        return isFound ? ["message": [JSON(String(decoding: text, as: UTF8.self))]] : nil
    }

    /// `_source`: all, nothing, names, or names to take and to leave.
    static func chosen(_ choice: JSON, of document: JSON) -> JSON {
        func names(_ value: JSON) -> [String] { value.array?.compactMap(\.string) ?? value.string.map { $0.split(separator: ",").map { String($0) } } ?? [] }
        if choice == true || choice == "true" { return document }
        if choice == "false" { return [:] }
        let isObject = choice.object != nil
        let includes = isObject ? names(choice["includes"]) + names(choice["include"]) : names(choice)
        let excludes = isObject ? names(choice["excludes"]) + names(choice["exclude"]) : []
        func filtered(_ value: JSON, _ prefix: String) -> JSON? {
            guard let object = value.object, prefix.isEmpty || !object.isEmpty else {
                let name = String(prefix.dropLast())
                let isIn = includes.isEmpty || includes.contains { fits(name, $0) || name.hasPrefix($0 + ".") }
                return isIn && !excludes.contains { fits(name, $0) || name.hasPrefix($0 + ".") } ? value : nil
            }
            let members = object.compactMap { name, member in filtered(member, prefix + name + ".").map { (name, $0) } }
            return members.isEmpty && !prefix.isEmpty ? nil : .object(members)
        }
        return filtered(document, "") ?? [:]
    }

    /// Whether a name fits one with stars.
    static func fits(_ name: String, _ pattern: String) -> Bool {
        guard pattern.contains("*") else { return name == pattern }
        guard let pattern = try? ElasticQuery.wildcard(pattern) else { return false }
        return pattern.matches(name)
    }
}
