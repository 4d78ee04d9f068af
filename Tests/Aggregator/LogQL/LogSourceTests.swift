import Testing

@testable import LogQL

@Suite struct LogCursorTests {
    @Test func `cursors are ordered by time, then by arrival`() {
        #expect(LogCursor(time: 1, sequence: 9) < LogCursor(time: 2, sequence: 0))
        #expect(LogCursor(time: 2, sequence: 0) < LogCursor(time: 2, sequence: 1))
    }
}
