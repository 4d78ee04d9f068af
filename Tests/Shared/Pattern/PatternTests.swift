import TestKit
import Pattern
import Testing

@Suite struct PatternTests {
    @Test(arguments: [
        ("abc", "abc", true), ("abc", "xabc", false), ("a.c", "a\nc", true), (".*", "", true), (".+", "", false), (".+", "x\ny", true),
        ("a|bc", "bc", true), ("a|bc", "b", false), ("foo.*", "foobar", true), ("foo.*", "fo", false), (".*bar", "foobar", true),
        (".*oo.*", "foobar", true), (".*oo.*", "fobar", false), ("5..", "503", true), ("5..", "5030", false),
        ("[^a-c]+", "xyz", true), ("[^a-c]+", "xaz", false), ("(?i)GeT", "gEt", true), (#"\d{2,3}"#, "12", true), (#"\d{2,3}"#, "1234", false),
        ("", "", true), ("", "x", false), ("a{0}", "", true), ("(?:a{2}){2}", "aaaa", true), ("é+", "éé", true), (".", "é", true), ("..", "é", false),
        ("[à-ü]", "é", true), ("[à-ü]", "e", false), (#"\pL+"#, "aéЖ漢", true), (#"\p{Lu}"#, "a", false), ("(?i)éΣ", "Éσ", true),
        ("(?i)[^a]", "A", false), ("(?i)k", "\u{212A}", true), (#"\x41\x{1F600}"#, "A😀", true), (#"\Qa.b\E"#, "a.b", true), (#"\Qa.b\E"#, "axb", false),
        ("[[:alpha:]_]+", "ab_", true), ("[]a]+", "]a", true), ("[a-]+", "a-", true), ("a{,2}", "a{,2}", true), ("x{2", "x{2", true),
        ("(?s)a.b", "a\nb", true), ("^a$", "a", true), ("(?:a|b)*c", "ababc", true), ("prod|(?:test|dev)-[0-9]", "dev-1", true),
        (".*(.+)(.+)", "é", false), ("(a*)*b", "aaab", true),
    ])
    func `anchored, matches the whole text`(expression: String, text: String, expected: Bool) throws {
        let pattern = try Pattern(expression, anchored: true)
        #expect(pattern.matches(text) == expected)
        #expect(pattern.matches(Array(text.utf8)) == expected)
        #expect((pattern.firstMatch(in: Array(text.utf8)) != nil) == expected)
    }

    @Test(arguments: [
        ("b+", "abbbc", 1..<4), ("b+?", "abbbc", 1..<2), ("^b", "ab", nil), ("(?m)^b", "a\nb", 2..<3), ("a$", "a\n", nil), ("(?m)a$", "a\n", 0..<1),
        (#"\bcat\b"#, "concat cat", 7..<10), (#"\Bcat"#, "cat concat", 7..<10), ("a.c", "a\nc abc", 4..<7), ("a|ab", "ab", 0..<1),
        ("(?:ab|a)(?:c|bcd)", "abcd", 0..<3), ("x*", "aaa", 0..<0), ("error|warn", "a warning", 2..<6), ("refused", "dial: refused", 6..<13),
        (".*refused", "dial: refused", 0..<13), ("", "x", 0..<0), ("(?U)b+", "abbb", 1..<2), ("(?i)ERROR", "an Error", 3..<8), ("é", "café", 3..<5),
        ("[^ ]+$", "a bc", 2..<4),
    ])
    func `finds the leftmost match`(expression: String, text: String, expected: Range<Int>?) throws {
        let pattern = try Pattern(expression)
        #expect(pattern.firstMatch(in: Array(text.utf8)) == expected)
        #expect(pattern.matches(text) == (expected != nil))
    }

    @Test func `finds matches after an offset`() throws {
        let text = Array("one two three".utf8)
        #expect(try Pattern(#"\bt"#).firstMatch(in: text, from: 5) == 8..<9)
        #expect(try Pattern("^t").firstMatch(in: text, from: 4) == nil)
        #expect(try Pattern("two").firstMatch(in: text, from: 5) == nil)
        #expect(try Pattern("x*").firstMatch(in: text, from: 13) == 13..<13)
    }

    @Test func `tells groups by number and name`() throws {
        let pattern = try Pattern(#"(?P<host>[^:]+):(\d+)(x)?"#, anchored: true)
        #expect(pattern.groupNames == [nil, "host", nil, nil])
        #expect(pattern.groups(in: Array("node1:9100".utf8)) == [0..<10, 0..<5, 6..<10, nil])
        #expect(pattern.groups(in: Array("node1".utf8)) == nil)
        #expect(try Pattern("(a+)(a*)").groups(in: Array("baaa".utf8)) == [1..<4, 1..<4, 4..<4])
    }

    @Test(arguments: [
        ("a|b|c", ["a", "b", "c"]), ("pod-[12]", ["pod-1", "pod-2"]), ("a(b|c)?", ["ab", "ac", "a"]), ("", [""]), ("a.*", nil), ("[a-z]", nil),
        ("(?i)a", ["A", "a"]), (#"10\.0\.0\.1"#, ["10.0.0.1"]), ("a|", ["a", ""]),
    ])
    func `lists the texts that alone match`(expression: String, expected: [String]?) throws {
        #expect(try Pattern(expression, anchored: true).literals == expected)
        #expect(try Pattern(expression).literals == nil)
    }

    @Test(arguments: [
        ("foo.*barbaz", "barbaz"), ("a|b", nil), ("x(?:abc)+y", "abc"), ("(?i)abc", nil), ("(?i)1234", "1234"), ("a?bc", "bc"), (".*", nil),
        ("connect(ion)? refused", " refused"), (#"\berr"#, "err"),
    ])
    func `knows a text that every match holds`(expression: String, expected: String?) throws {
        #expect(try Pattern(expression).requiredLiteral == expected.map { Array($0.utf8) })
    }

    @Test(arguments: [
        ("(", 0, "not closed"), ("a)", 1, "no group is open"), ("[a", 0, "not closed"), ("*a", 0, "nothing before"), ("a**", 2, "two repetition"),
        ("a{1001}", 1, "at most 1000"), ("a{3,2}", 1, "wrong way round"), ("[z-a]", 1, "wrong way round"), (#"\"#, 0, "single \\"),
        (#"é\k"#, 2, "unknown escape"), ("(?=a)", 0, "look-ahead"), (#"\1"#, 0, "back-references"), ("(?P<a>x)(?P<a>y)", 8, "two groups"),
        (#"\p{Greek}"#, 0, "scripts"), ("((((a{100}){100}){100}){100})", 0, "too large"), ("[[:nope:]]", 7, "no class"),
        (String(repeating: "(", count: 5000), 200, "nested"),
    ])
    func `refuses with the place and the reason`(expression: String, offset: Int, message: String) {
        let error = #expect(throws: PatternError.self) { try Pattern(expression) }
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
        if !expression.hasPrefix("[[") { #expect(error?.offset == offset) }
    }

    @Test func `empty loops end`() throws {
        #expect(try Pattern("(?:(?:(?:){1000}){1000}){1000}", anchored: true).matches(""))
        #expect(try Pattern("(?:(?:a?)*?)*b", anchored: true).matches("aaab"))
    }

    @Test func `stays linear where backtracking explodes`() throws {
        let text = Array(repeating: UInt8(ascii: "a"), count: 20_000)
        #expect(try !Pattern("(?:a*)*(?:a|aa)+b", anchored: true).matches(text))
        #expect(try Pattern("(?:a?){200}a{200}", anchored: true).matches(Array(repeating: UInt8(ascii: "a"), count: 300)))
    }

    @Test func `bytes that are no UTF-8 do not stop a dot's loop`() throws {
        #expect(try Pattern("a.*b").matches([0x61, 0xFF, 0xC3, 0x62]))
    }

    @Test func `many tasks share one pattern`() async throws {
        let pattern = try Pattern("[a-f]+[0-9]{3}x*")
        let wrong = await withTaskGroup(of: Int.self) { group in
            for seed in 0..<8 {
                group.addTask {
                    (0..<500).count { number in
                        let text = "zz" + String(repeating: "abc", count: (number + seed) % 5) + String(number)
                        return pattern.matches(text) != ((number + seed) % 5 > 0 && number >= 100)
                    }
                }
            }
            return await group.reduce(0, +)
        }
        #expect(wrong == 0)
    }
}

/// A slow matcher that is plainly right: every way to match, in order of preference, by continuation.
struct NaiveMatcher {
    let text: [Unicode.Scalar]

    func match(_ node: PatternNode, at position: Int, _ next: (Int) -> Int?) -> Int? {
        switch node {
        case .empty: return next(position)
        case .set(let set): return position < text.count && set.contains(text[position].value) ? next(position + 1) : nil
        case .concatenation(let nodes):
            guard let first = nodes.first else { return next(position) }
            return match(first, at: position) { match(.concatenation(Array(nodes.dropFirst())), at: $0, next) }
        case .alternation(let nodes):
            for node in nodes { if let end = match(node, at: position, next) { return end } }
            return nil
        case .group(let node, _): return match(node, at: position, next)
        case .assertion(let assertion): return holds(assertion, position) ? next(position) : nil
        case .repetition(let node, let least, let most, let isGreedy):
            func more() -> Int? {
                guard most != 0 else { return nil }
                let rest = PatternNode.repetition(node, min: max(0, least - 1), max: most.map { $0 - 1 }, isGreedy: isGreedy)
                // A turn of an endless loop that takes nothing would never end.
                return match(node, at: position) { $0 == position && least == 0 ? nil : match(rest, at: $0, next) }
            }
            if least > 0 { return more() }
            return isGreedy ? more() ?? next(position) : next(position) ?? more()
        }
    }

    private func holds(_ assertion: PatternNode.Assertion, _ position: Int) -> Bool {
        func isWord(_ index: Int) -> Bool {
            text.indices.contains(index)
                && (text[index].properties.isAlphabetic && text[index].isASCII || text[index] == "_" || ("0"..."9").contains(text[index]))
        }
        switch assertion {
        case .textStart: return position == 0
        case .textEnd: return position == text.count
        case .lineStart: return position == 0 || text[position - 1] == "\n"
        case .lineEnd: return position == text.count || text[position] == "\n"
        case .wordBoundary: return isWord(position - 1) != isWord(position)
        case .notWordBoundary: return isWord(position - 1) == isWord(position)
        }
    }

    /// The leftmost match in scalars.
    func search(_ node: PatternNode) -> Range<Int>? {
        for start in 0...text.count { if let end = match(node, at: start, { $0 }) { return start..<end } }
        return nil
    }
}

@Suite struct PatternPropertyTests {

    func expression(_ depth: Int, _ random: inout SeededGenerator) -> String {
        if depth == 0 { return ["a", "b", "é", ".", "[ab]", "[^a]", #"\w"#, "^", "$", #"\b"#, "\n", "", "(?m:^)", "漢"].randomElement(using: &random) ?? "" }
        switch Int.random(in: 0..<6, using: &random) {
        case 0: return expression(depth - 1, &random) + expression(depth - 1, &random)
        case 1: return "(?:" + expression(depth - 1, &random) + "|" + expression(depth - 1, &random) + ")"
        case 2: return "(" + expression(depth - 1, &random) + ")"
        case 3:
            return "(?:" + expression(depth - 1, &random) + ")"
                + (["*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{0,2}?"].randomElement(using: &random) ?? "")
        case 4: return "(?i:" + expression(depth - 1, &random) + ")"
        default: return expression(depth - 1, &random)
        }
    }

    @Test(arguments: [UInt64(1), 2, 3, 4])
    func `agrees with a naive matcher`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<400 {
            let source = expression(4, &random)
            var parser = PatternParser(source, flags: .init())
            let node = try parser.parse()
            let search = try Pattern(source)
            let whole = try Pattern(source, anchored: true)
            var wholeParser = PatternParser(source, flags: .init(dotMatchesNewline: true))
            let wholeNode = try wholeParser.parse()
            for _ in 0..<6 {
                let scalars = (0..<Int.random(in: 0..<7, using: &random)).compactMap { _ in ["a", "b", "A", "é", "\n", " ", "漢"].randomElement(using: &random) }
                let text = scalars.joined()
                let naive = NaiveMatcher(text: Array(text.unicodeScalars))
                let found = naive.search(node)
                let bytes = found.map { range in
                    let widths = naive.text.map { UTF8.width($0) }
                    let start = widths[..<range.lowerBound].reduce(0, +)
                    return start..<(start + widths[range].reduce(0, +))
                }
                #expect(search.matches(text) == (found != nil), "seed \(seed), \(source.debugDescription) on \(text.debugDescription)")
                #expect(
                    search.firstMatch(in: Array(text.utf8))?.lowerBound == bytes?.lowerBound,
                    "seed \(seed), \(source.debugDescription) on \(text.debugDescription)")
                // Where a loop's turn may be empty, preference among matches of one start is a matter of convention.
                if !source.contains("*"), !source.contains("+"), !source.contains("{"), !source.contains("?)") {
                    #expect(search.firstMatch(in: Array(text.utf8)) == bytes, "seed \(seed), \(source.debugDescription) on \(text.debugDescription)")
                }
                let isWhole = naive.match(wholeNode, at: 0) { $0 == naive.text.count ? $0 : nil } != nil
                #expect(whole.matches(text) == isWhole, "seed \(seed), anchored \(source.debugDescription) on \(text.debugDescription)")
                if let required = search.requiredLiteral, found != nil {
                    #expect(text.utf8.indices.count >= required.count && contains(Array(text.utf8), required))
                }
            }
        }
    }

    private func contains(_ text: [UInt8], _ part: [UInt8]) -> Bool {
        (0...(text.count - part.count)).contains { text[$0...].starts(with: part) }
    }
}
