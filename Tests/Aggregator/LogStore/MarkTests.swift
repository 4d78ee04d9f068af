import LogQL
import Runtime
import Telemetry
import TestKit
import Testing

@testable import LogStore

/// What the store remembers of senders is bounded.
@Suite struct MarkTests {
    @Test func `requests are known again for a day, files for a month`() async throws {
        let directory = TemporaryDirectory("marks")
        var options = options(directory)
        let clock = ManualClock(startingAt: Timestamp(milliseconds: march / 1_000_000))
        options.clock = clock
        options.maximumRequestMarks = 50
        let archive = try LogArchive(options, metrics: MetricRegistry())
        func send(_ node: String, _ file: String) async throws {
            let origin = LogBatch.Origin(node: node, file: file, start: 0, end: 1)
            try await archive.append([LogBatch(stream: stream("a"), records: [record("\(node) \(file)", at: march)], origin: origin)])
        }
        func lines(_ text: String) async throws -> Int { try await archive.read(LogQuery(lines: [.contains(text)])).lines.count }
        for number in 0..<20 {
            try await send("loki-push", "\(number)")
            try await send("forward", "\(number)")
        }
        try await send("node-1", "file")
        // Within the day a repeat is known.
        clock.advance(by: .seconds(23 * 3600))
        try await archive.maintain()
        try await send("loki-push", "7")
        #expect(try await lines("loki-push 7") == 1)
        #expect(try await archive.writer.markCount() == 41)
        // After it only the file is; a pusher that never comes back leaves nothing.
        clock.advance(by: .seconds(2 * 3600))
        try await archive.maintain()
        #expect(try await archive.writer.markCount() == 1)
        try await send("node-1", "file")
        #expect(try await lines("node-1 file") == 1)
        try await send("forward", "3")
        #expect(try await lines("forward 3") == 2)
        // However many there are in a day.
        for number in 100..<200 { try await send("loki-push", "\(number)") }
        clock.advance(by: .seconds(3600))
        try await archive.maintain()
        #expect(try await archive.writer.markCount() == 52)
        clock.advance(by: .seconds(31 * 86_400))
        try await archive.maintain()
        #expect(try await archive.writer.markCount() == 0)
        try await archive.close()
    }
}

extension LogWriter {
    func markCount() throws -> Int { try wal.markCount() }
}
