import Testing

/// docs/logs-asks.md says for each wish of users which tests show it: these must exist.
@Suite struct AsksTests {
    @Test func `every test that the list of wishes names exists`() {
        let page = SourceTree.text("docs/logs-asks.md")
        let all = SourceTree.swiftFiles(under: "Tests").map { SourceTree.text($0) }.joined()
        var named = 0
        for row in page.split(separator: "\n") where row.hasPrefix("| ") {
            // Behind `test` or `tests` come names in backticks, up to the end of the sentence.
            for part in row.split(separator: "test").dropFirst() {
                let names = part.drop { $0 == "s" }
                guard names.hasPrefix(" `") else { continue }
                var rest = names.dropFirst(2)
                while let end = rest.firstIndex(of: "`") {
                    named += 1
                    #expect(all.contains("func `\(rest[..<end])`("), "no test has the name \(rest[..<end])")
                    rest = rest[rest.index(after: end)...]
                    guard rest.hasPrefix(", `") else { break }
                    rest = rest.dropFirst(3)
                }
            }
        }
        #expect(named >= 40)
        for number in 1...26 { #expect(page.contains("\n| \(number) | "), "wish \(number) is missing") }
    }
}
