import Telemetry

/// The number of a series, for ever: rows of the catalog. Ascending in the order in which they were first seen.
typealias SeriesID = UInt32
/// The number of a source, likewise.
typealias SourceID = UInt32

/// All series within the retention, found by their labels: postings of ascending numbers by name and value.
struct SeriesIndex {
    struct Entry {
        var labels: Labels
        /// The sources that sent it: one, but for a series that moved.
        var sources: [SourceID]
        /// Hours since 1970 in which it has samples: between these two, both included.
        var firstHour: Int64
        var lastHour: Int64
    }

    private(set) var entries: [SeriesID: Entry] = [:]
    private var byLabels: [Labels: SeriesID] = [:]
    private var postings: [String: [String: [SeriesID]]] = [:]

    var count: Int { entries.count }
    func id(of labels: Labels) -> SeriesID? { byLabels[labels] }

    /// Ids come in ascending order, which keeps the postings sorted.
    mutating func insert(_ id: SeriesID, _ entry: Entry) {
        entries[id] = entry
        byLabels[entry.labels] = id
        for label in entry.labels.list { postings[label.name, default: [:]][label.value, default: []].append(id) }
    }

    /// Widens the span of hours and notes the source; returns whether anything changed.
    mutating func touch(_ id: SeriesID, source: SourceID, hours: ClosedRange<Int64>) -> Bool {
        guard let entry = entries[id] else { return false }
        let isKnown = entry.sources.contains(source) && entry.firstHour <= hours.lowerBound && entry.lastHour >= hours.upperBound
        guard !isKnown else { return false }
        entries[id]!.firstHour = min(entry.firstHour, hours.lowerBound)
        entries[id]!.lastHour = max(entry.lastHour, hours.upperBound)
        if !entry.sources.contains(source) { entries[id]!.sources.append(source) }
        return true
    }

    /// Forgets series. Rebuilds the postings that they were in.
    mutating func remove(_ ids: Set<SeriesID>) {
        var touched: [String: Set<String>] = [:]
        for id in ids {
            guard let entry = entries.removeValue(forKey: id) else { continue }
            byLabels[entry.labels] = nil
            for label in entry.labels.list { touched[label.name, default: []].insert(label.value) }
        }
        for (name, values) in touched {
            for value in values {
                postings[name]?[value]?.removeAll { ids.contains($0) }
                if postings[name]?[value]?.isEmpty == true { postings[name]?[value] = nil }
            }
            if postings[name]?.isEmpty == true { postings[name] = nil }
        }
    }

    // MARK: Looking up

    /// The series that satisfy all matchers and may have samples in the span, ascending.
    func select(_ matchers: [Matcher], hours: ClosedRange<Int64>) -> [SeriesID] {
        var candidates: [SeriesID]?
        var exclusions: [Set<SeriesID>] = []
        // Conditions that an absent label fails are found by postings; the rarest decides how much is looked at.
        let positive = matchers.filter { !$0.accepts("") }.map(ids).sorted { $0.count < $1.count }
        for list in positive { candidates = candidates.map { intersection($0, list) } ?? list }
        // Conditions that an absent label satisfies only take away those with a label that fails.
        for matcher in matchers where matcher.accepts("") {
            var refused = Set<SeriesID>()
            for (value, list) in postings[matcher.name] ?? [:] where !matcher.accepts(value) { refused.formUnion(list) }
            if !refused.isEmpty { exclusions.append(refused) }
        }
        let all = candidates ?? entries.keys.sorted()
        return all.filter { id in
            guard let entry = entries[id], entry.firstHour <= hours.upperBound, entry.lastHour >= hours.lowerBound else { return false }
            return !exclusions.contains { $0.contains(id) }
        }
    }

    /// The names of all labels in the span, sorted.
    func labelNames(_ matchers: [Matcher], hours: ClosedRange<Int64>) -> [String] {
        var names = Set<String>()
        for id in select(matchers, hours: hours) { for label in entries[id]!.labels.list { names.insert(label.name) } }
        return names.sorted()
    }

    /// The values of one label in the span, sorted.
    func labelValues(_ name: String, _ matchers: [Matcher], hours: ClosedRange<Int64>) -> [String] {
        var values = Set<String>()
        for id in select(matchers, hours: hours) {
            let value = entries[id]!.labels[name]
            if !value.isEmpty { values.insert(value) }
        }
        return values.sorted()
    }

    /// The series with a value that the matcher accepts, ascending.
    private func ids(_ matcher: Matcher) -> [SeriesID] {
        guard let values = postings[matcher.name] else { return [] }
        if let literals = matcher.literalValues {
            if literals.count == 1 { return values[literals[0]] ?? [] }
            return Set(literals).flatMap { values[$0] ?? [] }.sorted()
        }
        let accepted = values.filter { matcher.accepts($0.key) }
        return accepted.count == 1 ? accepted.first!.value : accepted.flatMap(\.value).sorted()
    }

    private func intersection(_ left: [SeriesID], _ right: [SeriesID]) -> [SeriesID] {
        var result: [SeriesID] = []
        var i = 0
        var j = 0
        while i < left.count, j < right.count {
            if left[i] == right[j] {
                result.append(left[i])
                i += 1
                j += 1
            } else if left[i] < right[j] {
                i += 1
            } else {
                j += 1
            }
        }
        return result
    }
}

/// The hours since 1970 that a span of milliseconds touches.
func hours(_ from: Int64, _ through: Int64) -> ClosedRange<Int64> {
    let first = from.floorDivided(by: 3_600_000)
    return first...max(first, through.floorDivided(by: 3_600_000))
}
