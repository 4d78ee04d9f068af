import Synchronization

/// A regular expression of RE2's syntax, matched in time linear in the text.
///
/// Texts are UTF-8. Most expressions that people write in selectors are plain words, alternatives of words, or
/// a word with `.*` around it; these are answered without an automaton. The rest runs through a lazily built
/// DFA; only the place of a match and its groups need the slower machine that follows all threads.
public struct Pattern: Sendable {
    /// The ways to answer `matches`, cheapest first.
    private enum Plan: Sendable {
        case always
        case nonEmpty
        case oneOf(Set<String>)
        case prefix([UInt8])
        case suffix([UInt8])
        case contains(ByteSearch)
        case automaton
    }

    /// The expression as it was written.
    public let expression: String
    /// Whether a match must take in the whole text; then a dot matches a line feed too, as in PromQL.
    public let isAnchored: Bool
    public let ignoresCase: Bool
    /// If only finitely many plain texts match (`a|b|c`), these; only when anchored and case matters.
    public let literals: [String]?
    /// Bytes that every match holds; nil if none are known. A text without them cannot match.
    public let requiredLiteral: [UInt8]?
    /// Names of the groups in order of their opening parenthesis; index 0 is the whole match. Nil for unnamed ones.
    public let groupNames: [String?]

    private let plan: Plan
    private let required: ByteSearch?
    /// Whether a match is `requiredLiteral` and nothing more, anywhere.
    private let isPlain: Bool
    private let engine: PatternEngine

    /// The most alternatives that `literals` lists.
    public static let maximumLiterals = 1000

    /// Throws with the offset of the place that is wrong.
    public init(_ expression: String, anchored: Bool = false, ignoringCase: Bool = false) throws(PatternError) {
        self.expression = expression
        isAnchored = anchored
        ignoresCase = ignoringCase
        let flags = PatternParser.Flags(ignoresCase: ignoringCase, dotMatchesNewline: anchored)
        var parser = PatternParser(expression, flags: flags)
        let node = try parser.parse()
        groupNames = parser.groupNames
        engine = PatternEngine(try PatternProgram(node), isAnchored: anchored)
        isPlain = !anchored && node.plainText != nil
        let texts = anchored ? node.plainTexts(limit: Pattern.maximumLiterals) : nil
        literals = texts?.map { String(decoding: $0, as: UTF8.self) }
        let requiredText = node.requiredText
        requiredLiteral = requiredText.isEmpty ? nil : requiredText
        required = requiredLiteral.map(ByteSearch.init)
        plan = literals.map { .oneOf(Set($0)) } ?? Pattern.plan(node, anchored)
    }

    private static func plan(_ node: PatternNode, _ isAnchored: Bool) -> Plan {
        var parts = node.sequence[...]
        guard isAnchored else {
            // A search need not look at what `.*` at either end takes.
            while let first = parts.first, first.isRepeated(.any, atLeast: 0) || first.isRepeated(.anyButNewline, atLeast: 0) { parts.removeFirst() }
            while let last = parts.last, last.isRepeated(.any, atLeast: 0) || last.isRepeated(.anyButNewline, atLeast: 0) { parts.removeLast() }
            guard let text = PatternNode.concatenation(Array(parts)).plainText else { return .automaton }
            return text.isEmpty ? .always : .contains(ByteSearch(text))
        }
        if parts.count == 1, parts.first?.isRepeated(.any, atLeast: 1) == true { return .nonEmpty }
        let opens = parts.first?.isRepeated(.any, atLeast: 0) == true
        if opens { parts.removeFirst() }
        let closes = parts.last?.isRepeated(.any, atLeast: 0) == true
        if closes { parts.removeLast() }
        guard let text = PatternNode.concatenation(Array(parts)).plainText else { return .automaton }
        switch (opens, closes) {
        case (true, true): return text.isEmpty ? .always : .contains(ByteSearch(text))
        case (true, false): return text.isEmpty ? .always : .suffix(text)
        case (false, true): return .prefix(text)
        case (false, false): return .automaton
        }
    }

    /// Whether the text matches: the whole text if anchored, else any part of it.
    public func matches(_ text: String) -> Bool {
        if case .oneOf(let set) = plan { return set.contains(text) }
        // The copy is native UTF-8 already on Linux, so that the span is free.
        return matches(text.utf8Span.span)
    }

    public func matches(_ bytes: [UInt8]) -> Bool { matches(bytes.span) }
    public func matches(_ bytes: ArraySlice<UInt8>) -> Bool { matches(bytes.span) }

    /// Whether the UTF-8 text matches: all of it if anchored, else any part of it.
    public func matches(_ bytes: Span<UInt8>) -> Bool {
        switch plan {
        case .always: return true
        case .nonEmpty: return !bytes.isEmpty
        case .oneOf(let set):
            var text: [UInt8] = []
            for index in 0..<bytes.count { text.append(bytes[index]) }
            return set.contains(String(decoding: text, as: UTF8.self))
        case .prefix(let text): return bytes.count >= text.count && ByteSearch.equal(bytes, at: 0, text)
        case .suffix(let text): return bytes.count >= text.count && ByteSearch.equal(bytes, at: bytes.count - text.count, text)
        case .contains(let search): return search.first(in: bytes, from: 0) != nil
        case .automaton:
            if let required, required.first(in: bytes, from: 0) == nil { return false }
            return engine.matches(bytes)
        }
    }

    /// The leftmost match at or after `from`, the one that a backtracking matcher would prefer; nil if there is none.
    public func firstMatch(in bytes: [UInt8], from: Int = 0) -> Range<Int>? { firstMatch(in: bytes.span, from: from) }

    public func firstMatch(in bytes: Span<UInt8>, from: Int = 0) -> Range<Int>? {
        guard from <= bytes.count else { return nil }
        if isPlain, let required { return required.first(in: bytes, from: from).map { $0..<($0 + required.text.count) } }
        if let required, required.first(in: bytes, from: from) == nil { return nil }
        if !isAnchored, from == 0, !engine.matches(bytes) { return nil }
        return engine.run(bytes, from: from, groupCount: 0).map { $0[0]..<$0[1] }
    }

    /// The ranges of the whole match and of each group in the leftmost match; nil if there is no match, and nil
    /// for a group that took no part.
    public func groups(in bytes: [UInt8], from: Int = 0) -> [Range<Int>?]? {
        guard from <= bytes.count, let slots = engine.run(bytes.span, from: from, groupCount: groupNames.count - 1) else { return nil }
        return (0..<groupNames.count).map { slots[2 * $0] >= 0 && slots[2 * $0 + 1] >= 0 ? slots[2 * $0]..<slots[2 * $0 + 1] : nil }
    }
}

extension Pattern: Hashable {
    public static func == (left: Pattern, right: Pattern) -> Bool {
        left.expression == right.expression && left.isAnchored == right.isAnchored && left.ignoresCase == right.ignoresCase
    }
    public func hash(into hasher: inout Hasher) { hasher.combine(expression) }
}

/// The automata of one expression, shared by all copies of its `Pattern`.
///
/// A DFA changes while it works, so each caller borrows one; at most `maximumIdle` wait for the next.
final class PatternEngine: Sendable {
    /// A DFA that only one caller at a time holds: it is either in the list below or on one caller's stack.
    private struct Lent: @unchecked Sendable { let dfa: LazyDFA }
    private static let maximumIdle = 4

    private let program: PatternProgram
    private let isAnchored: Bool
    private let idle = Mutex<[Lent]>([])

    init(_ program: PatternProgram, isAnchored: Bool) {
        self.program = program
        self.isAnchored = isAnchored
    }

    func matches(_ text: Span<UInt8>) -> Bool {
        let lent = idle.withLock { $0.popLast() } ?? Lent(dfa: LazyDFA(program, isAnchored: isAnchored))
        let answer = lent.dfa.matches(text)
        idle.withLock { if $0.count < PatternEngine.maximumIdle { $0.append(lent) } }
        return answer
    }

    func run(_ text: Span<UInt8>, from: Int, groupCount: Int) -> [Int]? {
        var machine = PikeMachine(program, groupCount: groupCount)
        return machine.run(text, from: from, isAnchored: isAnchored)
    }
}
