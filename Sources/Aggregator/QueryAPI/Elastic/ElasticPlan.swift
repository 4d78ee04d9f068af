import LogQL
import Pattern
import Telemetry

/// What the source is asked for, and what is left to ask of each document.
struct ElasticPlan: Sendable {
    var selection: LogSelection
    /// nil if the source answers all of it.
    var remainder: ElasticQuery?
    /// Go on behind this row.
    var after: LogCursor?

    /// - Parameters:
    ///   - indices: an index pattern; nil for all.
    init(_ query: ElasticQuery, indices: ElasticIndices) throws(ElasticError) {
        selection = LogSelection(try indices.matchers(), in: Int64.min..<Int64.max)
        remainder = query
        if gather(query) { remainder = nil }
    }

    func accepts(_ document: ElasticDocument) -> Bool { remainder?.matches(document) ?? true }

    /// Takes over the necessary conditions that a source knows. Returns whether they are the whole query.
    private mutating func gather(_ query: ElasticQuery) -> Bool {
        switch query {
        case .all: return true
        case .bool(let must, let should, let mustNot, let minimum):
            var isWhole = mustNot.isEmpty && (should.isEmpty || minimum == 0)
            for part in must where !gather(part) { isWhole = false }
            // One alternative only is a condition too.
            if should.count == 1, minimum == 1 { isWhole = gather(should[0]) && mustNot.isEmpty && isWhole }
            return isWhole
        case .range("@timestamp", let range):
            var (lower, upper) = (selection.range.lowerBound, selection.range.upperBound)
            if let bound = range.lower?.time, let isIncluded = range.lower?.isIncluded { lower = max(lower, isIncluded || bound == .max ? bound : bound + 1) }
            if let bound = range.upper?.time, let isIncluded = range.upper?.isIncluded { upper = min(upper, isIncluded && bound < .max ? bound + 1 : bound) }
            selection.range = lower..<max(lower, upper)
            return true
        case .words(let field, let words, let minimum) where field == "message" && minimum >= words.count && !words.isEmpty:
            // The word is a part of the line; whether it is a word of its own is asked later.
            for word in words { selection.filters.append(LineFilter([.contains(word, ignoringCase: true)])) }
            return false
        case .words(let field, let words, let minimum) where field == "message" && minimum == 1 && !words.isEmpty:
            selection.filters.append(LineFilter(words.map { .contains($0, ignoringCase: true) }))
            return false
        case .phrase(let field, let words, _) where field == "message":
            for word in words { selection.filters.append(LineFilter([.contains(word, ignoringCase: true)])) }
            return false
        case .terms(let field, let values):
            return gatherTerms(ElasticDocument.plain(field), values)
        default: return false
        }
    }

    /// A label of the stream is known by the name that it has there. A field of the same name in a line would hide behind it,
    /// so only names that streams of containers have can be told in full.
    private mutating func gatherTerms(_ field: String, _ values: [String]) -> Bool {
        let name = ElasticDocument.aliases[field] ?? field
        guard ["namespace", "pod", "container", "node", "stream"].contains(name), !values.isEmpty, values.allSatisfy({ !$0.isEmpty }) else { return false }
        // Documents from elsewhere may have the name as a field of theirs, in a stream that has no such label.
        let alternatives = (values.map { Self.quoted($0) } + [""]).joined(separator: "|")
        guard let matcher = try? Matcher(name, .matches, alternatives) else { return false }
        selection.matchers.append(matcher)
        return false
    }

    static func quoted(_ text: String) -> String {
        String(text.flatMap { "\\.+*?()|[]{}^$".contains($0) ? ["\\", $0] : [$0] })
    }
}

/// The part of a path that names indices: names, wildcards, exclusions, separated by commas.
struct ElasticIndices: Sendable, Hashable {
    let text: String

    init(_ text: String?) { self.text = text ?? "" }

    private var parts: [Substring] { text.split(separator: ",") }
    var isAll: Bool { text.isEmpty || text == "_all" || text == "*" }

    /// Names without wildcards, which must exist.
    var exactNames: [String] { isAll ? [] : parts.filter { !$0.contains("*") && !$0.hasPrefix("-") }.map { String($0) } }

    func matchers() throws(ElasticError) -> [Matcher] {
        guard !isAll else { return [] }
        var matchers: [Matcher] = []
        func expression(_ part: Substring) -> String { ElasticPlan.quoted(String(part)).replacing("\\*", with: ".*") }
        func add(_ parts: [Substring], _ operation: Matcher.Operation) throws(ElasticError) {
            guard !parts.isEmpty else { return }
            var alternatives = parts.map { expression($0) }
            let plain = try ElasticQuery.pattern(alternatives.joined(separator: "|"))
            // Streams without the label are those of the plain index.
            if plain.matches(ElasticDocument.plainIndex) { alternatives.append("") }
            do {
                matchers.append(try Matcher("_index", operation, alternatives.joined(separator: "|")))
            } catch {
                throw .illegal("index pattern [\(text)] is not understood")
            }
        }
        try add(parts.filter { !$0.hasPrefix("-") }, .matches)
        try add(parts.filter { $0.hasPrefix("-") }.map { $0.dropFirst() }, .notMatches)
        return matchers
    }
}
