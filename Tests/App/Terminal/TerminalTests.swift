import Terminal
import Testing

@Suite struct TerminalTests {
    @Test func `aligns columns and shortens names in the middle`() {
        var table = TextTable([.init("pod", mayShrink: true), .init("value", .right)])
        table.rows = [["web-7d4b9c6f5-x2k9q", "0.5"], ["a", "12"]]
        #expect(table.render() == "POD                   VALUE\nweb-7d4b9c6f5-x2k9q     0.5\na                        12\n")
        #expect(table.render(width: 20).split(separator: "\n")[1] == "web-7d…-x2k9q".prefix(6) + "…x2k9q     0.5")
    }

    @Test(arguments: [
        (0.0, "0"), (0.0341, "0.0341"), (1.5, "1.5"), (12.34, "12.3"), (1_500_000, "1.5M"), (0.00002, "20µ"), (-3, "-3"), (999.6, "1000"),
        (.infinity, "+Inf"),
    ])
    func `prints numbers for people`(value: Double, text: String) { #expect(HumanNumber.text(value) == text) }

    @Test(arguments: [(45.0, "45s"), (330, "5m30s"), (7500, "2h5m"), (273_600, "3d4h")])
    func `prints durations for people`(seconds: Double, text: String) { #expect(HumanNumber.duration(seconds: seconds) == text) }

    @Test func `makes control characters visible`() {
        #expect(TerminalText.escaped("a\u{202E}b\u{2066}") == "a\\u{202E}b\\u{2066}")
        #expect(TerminalText.escaped("a\u{1B}]0;x\u{7}\tb") == "a\\u{1B}]0;x\\u{07}\tb")
    }

    @Test func `draws a rising line from the lower left to the upper right`() {
        let graph = BrailleGraph(width: 8, height: 2).render([.init(name: "a", values: (0..<16).map { Double($0) })])
        #expect(graph.count == 2)
        #expect(graph[1].last == "⠀" && graph[0].last != "⠀")
        #expect(graph[1].hasPrefix(" 0 ┤") && graph[0].hasPrefix("15 ┤"))
        #expect(BrailleGraph(width: 8, height: 2).render([]) == ["no data"])
    }
}
