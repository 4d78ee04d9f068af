/// A parsed regular expression.
package indirect enum PatternNode: Sendable, Hashable {
    case empty
    /// One scalar of the set.
    case set(ScalarSet)
    case concatenation([PatternNode])
    case alternation([PatternNode])
    /// `max` nil is no limit.
    case repetition(PatternNode, min: Int, max: Int?, isGreedy: Bool)
    /// A capturing group; numbers start at 1.
    case group(PatternNode, number: Int)
    case assertion(Assertion)

    package enum Assertion: Sendable, Hashable {
        case textStart, textEnd, lineStart, lineEnd, wordBoundary, notWordBoundary
    }

    /// The children in sequence, groups and nested sequences opened.
    var sequence: [PatternNode] {
        switch self {
        case .empty: []
        case .concatenation(let nodes): nodes.flatMap(\.sequence)
        case .group(let node, _): node.sequence
        default: [self]
        }
    }

    /// Whether it is `.*` over all scalars that `set` has.
    func isRepeated(_ set: ScalarSet, atLeast least: Int) -> Bool {
        if case .repetition(.set(set), least, nil, _) = self { return true }
        return false
    }

    /// The one text that matches, in UTF-8; nil if there are others.
    var plainText: [UInt8]? {
        switch self {
        case .empty: return []
        case .set(let set):
            guard let single = set.single, let scalar = Unicode.Scalar(single) else { return nil }
            return Array(String(scalar).utf8)
        case .concatenation(let nodes):
            var text: [UInt8] = []
            for node in nodes {
                guard let part = node.plainText else { return nil }
                text += part
            }
            return text
        case .group(let node, _): return node.plainText
        case .repetition(let node, let min, let max, _):
            guard min == max, min <= 64, let part = node.plainText else { return nil }
            return Array(repeatElement(part, count: min).joined())
        case .alternation, .assertion: return nil
        }
    }

    /// All texts that match, if they are few and plain; the order is that of the expression.
    func plainTexts(limit: Int) -> [[UInt8]]? {
        switch self {
        case .alternation(let nodes):
            var texts: [[UInt8]] = []
            for node in nodes {
                guard let more = node.plainTexts(limit: limit - texts.count) else { return nil }
                texts += more
            }
            return texts.count <= limit ? texts : nil
        case .group(let node, _): return node.plainTexts(limit: limit)
        case .repetition(let node, 0, 1, _):
            guard let texts = node.plainTexts(limit: limit - 1) else { return nil }
            return texts + [[]]
        case .set(let set):
            guard set.ranges.reduce(0, { $0 + $1.count }) <= Swift.min(limit, 16) else { return nil }
            return set.ranges.flatMap { $0.compactMap { Unicode.Scalar($0).map { Array(String($0).utf8) } } }
        case .concatenation(let nodes):
            var texts: [[UInt8]] = [[]]
            for node in nodes {
                guard let more = node.plainTexts(limit: limit), texts.count * more.count <= limit else { return nil }
                texts = texts.flatMap { head in more.map { head + $0 } }
            }
            return texts
        default: return plainText.map { [$0] }
        }
    }

    /// The longest text that every match must hold.
    var requiredText: [UInt8] {
        if let plainText { return plainText }
        switch self {
        case .empty, .assertion, .alternation: return []
        case .set: return plainText ?? []
        case .group(let node, _): return node.requiredText
        case .repetition(let node, let min, _, _): return min == 0 ? [] : node.requiredText
        case .concatenation:
            var best: [UInt8] = []
            var run: [UInt8] = []
            for node in sequence {
                if let text = node.plainText {
                    run += text
                } else {
                    if run.count > best.count { best = run }
                    run = []
                    // An assertion takes no room, so the run could go on; keep it simple and sound.
                    let inner = node.requiredText
                    if inner.count > best.count { best = inner }
                }
            }
            return run.count > best.count ? run : best
        }
    }
}
