import Pattern

/// The line filters of a query, made ready to run over a whole chunk's text.
struct LineMatcher: Sendable {
    private struct Check: Sendable {
        enum Kind: Sendable {
            case literal([UInt8])
            case pattern(Pattern)
        }
        var kind: Kind
        var isFolded: Bool
        /// Whether the line must have it, or must not.
        var wanted: Bool
    }
    /// A text that each matching line holds, the longest that is known: found by memmem over the chunk, line by line only then.
    private struct Driver: Sendable {
        var needle: [UInt8]
        var isFolded: Bool
    }

    private var checks: [Check] = []
    private var driver: Driver?
    private let needsFolded: Bool
    /// What the chunk's signature must have.
    let probe: GramSignature.Probe

    init(_ filters: [LineFilter]) {
        var needles: [[UInt8]] = []
        var best: Driver?
        func propose(_ needle: [UInt8], folded: Bool) {
            guard !needle.isEmpty else { return }
            needles.append(needle)
            if needle.count > best?.needle.count ?? 0 { best = Driver(needle: needle, isFolded: folded) }
        }
        for filter in filters {
            switch filter.condition {
            case .contains(let text):
                let needle = filter.ignoringCase ? TextSearch.folded(text) : text
                propose(needle, folded: filter.ignoringCase)
                checks.append(Check(kind: .literal(needle), isFolded: filter.ignoringCase, wanted: true))
            case .notContains(let text):
                let needle = filter.ignoringCase ? TextSearch.folded(text) : text
                checks.append(Check(kind: .literal(needle), isFolded: filter.ignoringCase, wanted: false))
            case .matches(let pattern):
                if let literal = pattern.requiredLiteral { propose(literal, folded: false) }
                checks.append(Check(kind: .pattern(pattern), isFolded: false, wanted: true))
            case .notMatches(let pattern):
                checks.append(Check(kind: .pattern(pattern), isFolded: false, wanted: false))
            }
        }
        driver = best
        probe = GramSignature.Probe(needles)
        needsFolded = best?.isFolded == true || checks.contains { $0.isFolded }
        // The driver has been found where it is looked for; do not look again.
        if let best {
            checks.removeAll { check in
                if case .literal(let needle) = check.kind { return check.wanted && check.isFolded == best.isFolded && needle == best.needle }
                return false
            }
        }
    }

    /// Whether every line matches.
    var isTrivial: Bool { driver == nil && checks.isEmpty }

    /// The rows of `candidates` (ascending) that match. Row r is `text[starts[r] ..< starts[r] + lengths[r]]`.
    func rows(of text: [UInt8], starts: [Int], lengths: [Int], candidates: [Int]) -> [Int] {
        guard !isTrivial, !candidates.isEmpty else { return candidates }
        let folded = needsFolded ? TextSearch.folded(text) : []
        guard let driver else {
            return candidates.filter { passes(text, folded, starts[$0]..<starts[$0] + lengths[$0]) }
        }
        var found: [Int] = []
        var next = 0
        let hay = driver.isFolded ? folded : text
        var from = starts[candidates[0]]
        while next < candidates.count, let hit = TextSearch.firstIndex(of: driver.needle, in: hay, from..<hay.count) {
            // The last candidate that starts at or before the hit.
            next = Self.lastIndex(in: candidates, starts: starts, notAfter: hit, from: next)
            let row = candidates[next]
            let range = starts[row]..<starts[row] + lengths[row]
            if hit >= range.lowerBound, hit + driver.needle.count <= range.upperBound {
                if passes(text, folded, range) { found.append(row) }
                next += 1
            } else if hit >= range.upperBound {
                next += 1
            } else {
                // The hit runs over the line's end (a needle with a line feed): look on from the next byte.
                from = hit + 1
                continue
            }
            guard next < candidates.count else { break }
            from = max(hit + 1, starts[candidates[next]])
        }
        return found
    }

    /// Whether one line matches.
    func matches(_ line: [UInt8]) -> Bool {
        !rows(of: line, starts: [0], lengths: [line.count], candidates: [0]).isEmpty
    }

    private func passes(_ text: [UInt8], _ folded: [UInt8], _ range: Range<Int>) -> Bool {
        for check in checks {
            let has =
                switch check.kind {
                case .literal(let needle): TextSearch.firstIndex(of: needle, in: check.isFolded ? folded : text, range) != nil
                case .pattern(let pattern): TextSearch.matches(pattern, text, range)
                }
            guard has == check.wanted else { return false }
        }
        return true
    }

    private static func lastIndex(in candidates: [Int], starts: [Int], notAfter hit: Int, from first: Int) -> Int {
        var low = first
        var high = candidates.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if starts[candidates[middle]] <= hit { low = middle } else { high = middle }
        }
        return low
    }
}
