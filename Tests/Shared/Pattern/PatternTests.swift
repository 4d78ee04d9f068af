import Pattern
import Testing

@Suite struct PatternTests {
    @Test func `refuses an unclosed group`() {
        #expect(throws: PatternError.self) { try Pattern("(") }
    }
}
