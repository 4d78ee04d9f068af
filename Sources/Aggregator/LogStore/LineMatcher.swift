import LogQL
import Pattern

/// The line filters of a query, made ready to run over a whole chunk's text.
struct LineMatcher: Sendable {
    private enum Test: Sendable {
        case literal([UInt8])
        /// Against the text in lower case; the needle is.
        case foldedLiteral([UInt8])
        case pattern(Pattern)
        case pieces([[UInt8]], isOpenAtStart: Bool, isOpenAtEnd: Bool)
        case function(@Sendable (Span<UInt8>) -> Bool)
    }
    private struct Check: Sendable {
        var tests: [Test]
        /// Whether one of the tests must hold, or none may.
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
        var bestCheck: Int?
        for filter in filters {
            let tests = filter.alternatives.map(Self.test)
            guard !filter.isNegated, tests.count == 1 else {
                checks.append(Check(tests: tests, wanted: !filter.isNegated))
                continue
            }
            let (needle, isFolded, isWhole) = Self.required(tests[0])
            if !needle.isEmpty {
                needles.append(needle)
                if needle.count > best?.needle.count ?? 0 {
                    best = Driver(needle: needle, isFolded: isFolded)
                    bestCheck = isWhole ? checks.count : nil
                }
            }
            checks.append(Check(tests: tests, wanted: true))
        }
        driver = best
        probe = GramSignature.Probe(needles)
        // The driver has been found where it is looked for; do not look again.
        if let bestCheck { checks.remove(at: bestCheck) }
        needsFolded =
            best?.isFolded == true
            || checks.contains { $0.tests.contains { if case .foldedLiteral = $0 { true } else { false } } }
    }

    private static func test(_ alternative: LineFilter.Alternative) -> Test {
        switch alternative {
        case .contains(let text, let ignoringCase): ignoringCase ? .foldedLiteral(TextSearch.folded(text)) : .literal(text)
        case .matches(let pattern): .pattern(pattern)
        case .pieces(let pieces, let isOpenAtStart, let isOpenAtEnd):
            .pieces(pieces, isOpenAtStart: isOpenAtStart, isOpenAtEnd: isOpenAtEnd)
        case .test(let function): .function(function)
        }
    }

    /// A text that a line must hold to pass, and whether holding it is all that is asked.
    private static func required(_ test: Test) -> (needle: [UInt8], isFolded: Bool, isWhole: Bool) {
        switch test {
        case .literal(let needle): (needle, false, true)
        case .foldedLiteral(let needle): (needle, true, true)
        case .pattern(let pattern): (pattern.requiredLiteral ?? [], false, false)
        case .pieces(let pieces, _, _): (pieces.max { $0.count < $1.count } ?? [], false, false)
        case .function: ([], false, false)
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
        checks.allSatisfy { check in
            check.tests.contains { test in
                switch test {
                case .literal(let needle): TextSearch.firstIndex(of: needle, in: text, range) != nil
                case .foldedLiteral(let needle): TextSearch.firstIndex(of: needle, in: folded, range) != nil
                case .pattern(let pattern): TextSearch.matches(pattern, text, range)
                case .pieces(let pieces, let isOpenAtStart, let isOpenAtEnd):
                    Self.has(pieces, isOpenAtStart, isOpenAtEnd, text, range)
                case .function(let function): function(text.span.extracting(range))
                }
            } == check.wanted
        }
    }

    /// The pieces one after another; each as early as can be, the last as late as can be if the line must end with it.
    private static func has(
        _ pieces: [[UInt8]], _ isOpenAtStart: Bool, _ isOpenAtEnd: Bool, _ text: [UInt8], _ range: Range<Int>
    ) -> Bool {
        guard !pieces.isEmpty else { return isOpenAtStart || isOpenAtEnd || range.isEmpty }
        var from = range.lowerBound
        for (index, piece) in pieces.enumerated() {
            let isLast = index == pieces.count - 1
            let place: Int
            if isLast, !isOpenAtEnd {
                place = range.upperBound - piece.count
                guard place >= from, TextSearch.firstIndex(of: piece, in: text, place..<range.upperBound) == place else { return false }
            } else {
                guard let hit = TextSearch.firstIndex(of: piece, in: text, from..<range.upperBound) else { return false }
                place = hit
            }
            if index == 0, !isOpenAtStart, place != range.lowerBound { return false }
            from = place + piece.count
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
