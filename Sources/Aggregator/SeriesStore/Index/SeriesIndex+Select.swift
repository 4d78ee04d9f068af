import Telemetry

extension SeriesIndex {
    /// The series that satisfy all matchers and may have samples in the span, ascending.
    func select(_ matchers: [Matcher], hours: ClosedRange<Int32>) -> [SeriesID] {
        var candidates: [SeriesID]?
        var exclusions: [Set<SeriesID>] = []
        // Conditions that an absent label fails are found by postings; the rarest decides how much is looked at.
        let positive = matchers.filter { !$0.accepts("") }.map(ids).sorted { $0.count < $1.count }
        for list in positive { candidates = candidates.map { intersection($0, list) } ?? list }
        // Conditions that an absent label satisfies only take away those with a label that fails.
        for matcher in matchers where matcher.accepts("") {
            guard let name = symbols.number(of: matcher.name) else { continue }
            var refused = Set<SeriesID>()
            for value in values(of: name) where !matcher.accepts(symbols[value]) { refused.formUnion(series(name, value)) }
            if !refused.isEmpty { exclusions.append(refused) }
        }
        return (candidates ?? all).filter { id in isWithin(id, hours) && !exclusions.contains { $0.contains(id) } }
    }

    /// The names of all labels in the span, sorted.
    func labelNames(_ matchers: [Matcher], hours: ClosedRange<Int32>) -> [String] {
        if matchers.isEmpty {
            return labelNames.filter { name in values(of: name).contains { value in series(name, value).contains { isWithin($0, hours) } } }
                .map { symbols[$0] }.sorted()
        }
        var found = Set<UInt32>()
        for id in select(matchers, hours: hours) { found.formUnion(names(of: id)) }
        return found.map { symbols[$0] }.sorted()
    }

    /// The values of one label in the span, sorted.
    func labelValues(_ name: String, _ matchers: [Matcher], hours: ClosedRange<Int32>) -> [String] {
        guard let number = symbols.number(of: name) else { return [] }
        if matchers.isEmpty {
            return values(of: number).filter { value in series(number, value).contains { isWithin($0, hours) } }.map { symbols[$0] }.sorted()
        }
        var found = Set<String>()
        for id in select(matchers, hours: hours) { if let value = value(of: name, of: id) { found.insert(value) } }
        return found.sorted()
    }

    /// The series with a value that the matcher accepts, ascending.
    private func ids(_ matcher: Matcher) -> [SeriesID] {
        guard let name = symbols.number(of: matcher.name) else { return [] }
        if let literals = matcher.literalValues {
            let numbers = Set(literals).compactMap { symbols.number(of: $0) }
            if numbers.count == 1 { return series(name, numbers[0]) }
            return numbers.flatMap { series(name, $0) }.sorted()
        }
        let accepted = values(of: name).filter { matcher.accepts(symbols[$0]) }
        return accepted.count == 1 ? series(name, accepted[0]) : accepted.flatMap { series(name, $0) }.sorted()
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
