import LogQL
import Runtime
import Telemetry
import TestKit
import Testing

@testable import LogStore

/// The store as LogQL's evaluator sees it.
@Suite struct SourceTests {
    /// 900 lines of three pods over 15 minutes, half of them in the day's file.
    private static func filled(_ directory: TemporaryDirectory) async throws -> LogArchive {
        var options = options(directory)
        options.chunkBytes = 3000
        let archive = try LogArchive(options, metrics: MetricRegistry())
        for start in stride(from: 0, to: 900, by: 100) {
            for pod in 0..<3 {
                let records = (start..<start + 100).filter { $0 % 3 == pod }.map {
                    record("line \($0) of many", at: march + Int64($0) * second, $0 % 10 == 0 ? .error : .info)
                }
                try await archive.append([LogBatch(stream: stream("p\(pod)"), records: records, origin: nil)])
            }
            if start == 400 { try await archive.flush() }
        }
        return archive
    }

    private static func lines(_ rows: LogRows) throws -> [String] {
        let text = try rows.text()
        return (0..<rows.count).map { String(decoding: text.bytes[text.starts[$0]..<text.ends[$0]], as: UTF8.self) }
    }

    @Test func `gives pages in both directions, each row once, with its stream`() async throws {
        let directory = TemporaryDirectory("source")
        let archive = try await Self.filled(directory)
        let selection = LogSelection([Matcher("pod", equals: "p1")], in: march + 10 * second..<march + 700 * second)
        for direction in [LogDirection.forward, .backward] {
            var numbers: [Int] = []
            var cursor: LogCursor?
            repeat {
                let page = try await archive.page(selection, direction: direction, after: cursor, limit: 37)
                #expect(page.rows.count <= 37)
                #expect(page.rows.stream.allSatisfy { page.rows.streams[Int($0)] == stream("p1") })
                numbers += try Self.lines(page.rows).compactMap { Int($0.split(separator: " ")[1]) }
                cursor = page.next
            } while cursor != nil
            let expected = (10..<700).filter { $0 % 3 == 1 }
            #expect(numbers == (direction == .forward ? expected : expected.reversed()))
        }
        let none = try await archive.page(LogSelection([], in: march..<march), direction: .forward, after: nil, limit: 5)
        #expect(none.rows.count == 0 && none.next == nil)
        try await archive.close()
    }

    @Test func `scans each row once, with filters and severities`() async throws {
        let directory = TemporaryDirectory("source")
        let archive = try await Self.filled(directory)
        var selection = LogSelection([], in: march..<march + 900 * second, filters: [.contains("line 1")])
        selection.minimumSeverity = .error
        let (partials, statistics) = try await archive.scan(selection, into: { [String]() }) { $0 += try Self.lines($1) }
        let expected = (0..<900).filter { $0 % 10 == 0 }.map { "line \($0) of many" }.filter { $0.hasPrefix("line 1") }
        #expect(partials.flatMap { $0 }.sorted() == expected.sorted())
        #expect(statistics.damaged == [] && statistics.chunks > 0)
        try await archive.close()
    }

    @Test(arguments: [0, 30, 61]) func `counts by minute what the rows would, also where a range cuts minutes`(offset: Int64) async throws {
        let directory = TemporaryDirectory("source")
        let archive = try await Self.filled(directory)
        let range = march + offset * second..<march + (offset + 600) * second
        let counts = try #require(try await archive.counts(LogSelection([Matcher("pod", equals: "p0")], in: range)))
        let numbers = (0..<900).filter { $0 % 3 == 0 && range.contains(march + Int64($0) * second) }
        #expect(counts.entries.reduce(0) { $0 + $1.lines } == Int64(numbers.count))
        #expect(counts.entries.reduce(0) { $0 + $1.bytes } == Int64(numbers.reduce(0) { $0 + "line \($1) of many".utf8.count }))
        #expect(counts.streams == [stream("p0")])
        let minute = (march + 120 * second) / (60 * second)
        let wanted = numbers.filter { $0 >= 120 && $0 < 180 && $0 % 10 == 0 }.count
        #expect(counts.entries.filter { $0.minute == minute && $0.severity == .error }.map(\.lines) == [Int64(wanted)])
        #expect(try await archive.counts(LogSelection([], in: range, filters: [.contains("x")])) == nil)
        try await archive.close()
    }

    @Test func `lists the streams that may have lines in a range`() async throws {
        let directory = TemporaryDirectory("source")
        let archive = try await Self.filled(directory)
        #expect(try await archive.streams([], in: march..<march + second).contains(stream("p0")))
        #expect(try await archive.streams([Matcher("pod", equals: "p2")], in: .min ..< .max) == [stream("p2")])
        #expect(try await archive.streams([], in: march - 5 * second..<march).isEmpty)
        try await archive.close()
    }
}
