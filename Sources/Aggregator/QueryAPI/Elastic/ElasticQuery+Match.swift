import LogQL
import Pattern
import Telemetry

extension ElasticQuery {
    /// Whether the document is one that the query asks for.
    func matches(_ document: ElasticDocument) -> Bool {
        switch self {
        case .all: return true
        case .none: return false
        case .terms(let field, let wanted):
            if document.values(of: field).contains(where: { wanted.contains($0) }) { return true }
            return field == "message" && wanted.contains { document.words.contains(Array($0.utf8)) }
        case .words(let field, let words, let minimum) where field.map({ ElasticDocument.plain($0) }) == "message":
            // The line itself, which need not be cut into words for this.
            var found = 0
            for word in words where ElasticWords.stands(word, in: document.body) {
                found += 1
                if found >= minimum { return true }
            }
            return minimum <= 0
        case .words(let field, let words, let minimum):
            return texts(field, document).contains { text in
                var found = 0
                for word in words where text.contains(word) {
                    found += 1
                    if found >= minimum { return true }
                }
                return minimum <= 0
            }
        case .phrase(let field, let words, let isPrefix):
            guard isPrefix, let last = words.last else { return texts(field, document).contains { ElasticWords.contains(words, in: $0) } }
            return texts(field, document).contains { text in
                text.indices.contains { end in
                    end >= words.count - 1 && text[end].starts(with: last)
                        && text[(end - words.count + 1)..<end].elementsEqual(words.dropLast())
                }
            }
        case .fits(let field, let pattern):
            if let field, field != "message" { return document.values(of: field).contains { pattern.matches($0) } }
            return document.words.contains { pattern.matches($0) } || pattern.matches(document.message)
        case .exists(let field): return !document.values(of: field).isEmpty
        case .ids(let ids): return ids.contains(document.id)
        case .range("@timestamp", let range): return range.accepts(time: document.cursor.time)
        case .range(let field, let range): return document.values(of: field).contains { range.accepts($0) }
        case .bool(let must, let should, let mustNot, let minimumShould):
            guard must.allSatisfy({ $0.matches(document) }), !mustNot.contains(where: { $0.matches(document) }) else { return false }
            guard minimumShould > 0 else { return true }
            var found = 0
            for query in should where query.matches(document) {
                found += 1
                if found >= minimumShould { return true }
            }
            return false
        }
    }

    /// The words of the field's values, each value by itself; without a field those of the message and of all other fields.
    private func texts(_ field: String?, _ document: ElasticDocument) -> [[[UInt8]]] {
        switch field.map({ ElasticDocument.plain($0) }) {
        case nil: [document.words] + (document.stream.list + document.fields.list).map { ElasticWords.split($0.value) }
        case "message": [document.words]
        case let name?: document.values(of: name).map { ElasticWords.split($0) }
        }
    }
}
