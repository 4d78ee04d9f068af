import Testing

@testable import QuerySyntax

@Suite struct NearestNameTests {
    @Test(arguments: [
        ("qurey", ["query", "logs"], "query"), ("LOG", ["up", "logs"], "logs"), ("zzz", ["query", "logs"], nil),
        // A letter left off at the end is likelier than another letter.
        ("rat", ["rad", "rate"], "rate"), ("jsno", ["json", "logfmt"], "json"), ("count_ovr_tiem", ["count_over_time", "rate"], "count_over_time"),
        // Ties go by the alphabet, whatever the order.
        ("ab", ["ac", "aa"], "aa"), ("", ["a"], "a"), ("x", [], nil),
    ])
    func `finds the name that was meant`(word: String, names: [String], expected: String?) {
        #expect(NearestName.match(word, among: names) == expected)
    }

    @Test func `a long word costs nothing and is no name`() {
        #expect(NearestName.match(String(repeating: "a", count: 1 << 20), among: [String(repeating: "a", count: 1 << 20)]) == nil)
    }

    @Test func `the distance is that of the fewest edits`() {
        for (left, right, edits) in [("", "", 0), ("abc", "abc", 0), ("abc", "acb", 1), ("kitten", "sitting", 3), ("abc", "", 3), ("", "ab", 2)] {
            #expect(NearestName.distance(Array(left.utf8), Array(right.utf8)) == edits, "\(left) \(right)")
            #expect(NearestName.distance(Array(right.utf8), Array(left.utf8)) == edits, "\(right) \(left)")
        }
    }
}
