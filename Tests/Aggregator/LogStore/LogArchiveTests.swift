import Glibc
import LogQL
import Runtime
import Telemetry
import TestKit
import Testing

@testable import LogStore

/// A stream's labels for tests.
func stream(_ pod: String, container: String = "app", stream: String = "stdout") -> Labels {
    ["namespace": "shop", "pod": pod, "pod_uid": "uid-\(pod)", "container": container, "stream": stream, "restart": "0", "node": "n1"]
}

/// 2026-03-01T00:00:00Z.
let march: Int64 = 1_772_323_200_000_000_000
let second: Int64 = 1_000_000_000

func record(_ text: String, at time: Int64, _ severity: LogRecord.Severity = .info) -> LogRecord {
    LogRecord(time: time, severity: severity, body: Array(text.utf8))
}

func options(_ directory: TemporaryDirectory) -> LogArchive.Options {
    var options = LogArchive.Options(directory: directory.file("logs"))
    options.clock = ManualClock(startingAt: Timestamp(milliseconds: march / 1_000_000 + 3_600_000))
    return options
}

@Suite struct LogArchiveTests {
    @Test func `finds a line in memory, in the day file, and after a restart`() async throws {
        let directory = TemporaryDirectory("logs")
        var archive = try LogArchive(options(directory), metrics: MetricRegistry())
        try await archive.append([LogBatch(stream: stream("a"), records: [record("hello needle-17", at: march)], origin: nil)])
        let query = LogQuery(lines: [.contains("needle-17")])
        #expect(try await archive.read(query).lines.map(\.body) == [Array("hello needle-17".utf8)])
        try await archive.flush()
        #expect(archive.view.blockCount == 0)
        #expect(try await archive.read(query).lines.first?.stream == stream("a"))
        try await archive.close()
        archive = try LogArchive(options(directory), metrics: MetricRegistry())
        #expect(try await archive.read(query).lines.map(\.position) == [LogCursor(time: march, sequence: 1)])
        try await archive.close()
    }

    @Test func `pages through equal stamps without repeat or gap, both ways`() async throws {
        let directory = TemporaryDirectory("logs")
        let archive = try LogArchive(options(directory), metrics: MetricRegistry())
        for round in 0..<5 {
            let records = (0..<7).map { record("line \(round * 7 + $0)", at: march + Int64($0 / 3) * second) }
            try await archive.append([LogBatch(stream: stream("p\(round % 2)"), records: records, origin: nil)])
            if round == 2 { try await archive.flush() }
        }
        for direction in LogQuery.Direction.allCases {
            var query = LogQuery(limit: 4, direction: direction)
            var seen: [LogCursor] = []
            repeat {
                let page = try await archive.read(query)
                #expect(page.lines.count <= 4)
                seen += page.lines.map(\.position)
                query.cursor = page.next
            } while query.cursor != nil
            #expect(seen.count == 35)
            #expect(seen == (direction == .oldest ? Set(seen).sorted() : Set(seen).sorted().reversed()))
        }
        try await archive.close()
    }

    @Test func `shows the lines around a hit from the same container only, stderr among stdout`() async throws {
        let directory = TemporaryDirectory("logs")
        let archive = try LogArchive(options(directory), metrics: MetricRegistry())
        for number in 0..<20 {
            let name = number % 4 == 0 ? "stderr" : "stdout"
            try await archive.append([
                LogBatch(stream: stream("a", stream: name), records: [record("a \(number)", at: march + Int64(number))], origin: nil),
                LogBatch(stream: stream("b"), records: [record("b \(number)", at: march + Int64(number))], origin: nil),
            ])
            if number == 9 { try await archive.flush() }
        }
        let hit = try #require(try await archive.read(LogQuery(lines: [.contains("a 10")])).lines.first)
        let lines = try await archive.context(of: hit.position, before: 3, after: 2)
        #expect(lines.map { String(decoding: $0.body, as: UTF8.self) } == ["a 7", "a 8", "a 9", "a 10", "a 11", "a 12"])
        #expect(try await archive.context(of: LogCursor(time: march, sequence: 999), before: 1, after: 1).isEmpty)
        try await archive.close()
    }

    @Test func `counts by minute and severity alike from minute counts and from rows`() async throws {
        let directory = TemporaryDirectory("logs")
        let archive = try LogArchive(options(directory), metrics: MetricRegistry())
        let records = (0..<300).map { record("x \($0)", at: march + Int64($0) * second, $0 % 10 == 0 ? .error : .info) }
        try await archive.append([LogBatch(stream: stream("a"), records: records, origin: nil)])
        let query = LogQuery(from: march, through: march + 299 * second)
        let grouping = LogGrouping(step: 60 * second, bySeverity: true)
        let fromHead = try await archive.count(query, by: grouping).counts
        try await archive.flush()
        let fromMinutes = try await archive.count(query, by: grouping).counts
        let fromText = try await archive.count(LogQuery(lines: [.contains("x")]), by: grouping).counts
        #expect(fromHead == fromMinutes && fromHead == fromText)
        #expect(fromHead.count == 10 && fromHead.map(\.count).reduce(0, +) == 300)
        // A span that cuts minutes is exact too.
        let cut = LogQuery(from: march + 30 * second, through: march + 89 * second)
        #expect(try await archive.count(cut, by: LogGrouping(step: 60 * second)).counts.map(\.count) == [30, 30])
        try await archive.close()
    }

    @Test func `stores a batch that is sent again once, and of one that overlaps only the new lines`() async throws {
        let directory = TemporaryDirectory("logs")
        let archive = try LogArchive(options(directory), metrics: MetricRegistry())
        func batch(_ numbers: Range<Int>) -> LogBatch {
            LogBatch(
                stream: stream("a"), records: numbers.map { record("line \($0)", at: march + Int64($0)) },
                origin: .init(node: "n", file: "f", start: Int64(numbers.lowerBound) * 10, end: Int64(numbers.upperBound) * 10),
                ends: numbers.map { Int64($0 + 1) * 10 })
        }
        for numbers in [0..<5, 0..<5, 3..<8, 0..<9, 9..<10, 2..<10] { try await archive.append([batch(numbers)]) }
        // A gap, which is remembered and then filled.
        for numbers in [20..<22, 10..<25] { try await archive.append([batch(numbers)]) }
        let lines = try await archive.read(LogQuery(direction: .oldest)).lines
        #expect(lines.map { String(decoding: $0.body, as: UTF8.self) } == (0..<25).map { "line \($0)" })
        try await archive.close()
    }

    @Test func `refuses a batch that overlaps without saying where its records end`() async throws {
        let directory = TemporaryDirectory("logs")
        let archive = try LogArchive(options(directory), metrics: MetricRegistry())
        func batch(_ start: Int64, _ end: Int64) -> LogBatch {
            LogBatch(stream: stream("a"), records: [record("x", at: march)], origin: .init(node: "n", file: "f", start: start, end: end))
        }
        try await archive.append([batch(0, 10)])
        try await archive.append([batch(0, 10)])
        await #expect(throws: LogStoreError.self) { try await archive.append([batch(5, 15)]) }
        #expect(try await archive.read(LogQuery()).lines.count == 1)
        try await archive.close()
    }

    @Test func `follows new lines after the stored ones, and counts what a slow reader missed`() async throws {
        let directory = TemporaryDirectory("logs")
        let archive = try LogArchive(options(directory), metrics: MetricRegistry())
        try await archive.append([LogBatch(stream: stream("a"), records: (0..<3).map { record("keep \($0)", at: march + $0) }, origin: nil)])
        let tail = LogTailSequence(archive: archive, query: LogQuery(lines: [.contains("keep")]), maximumBlocks: 2).makeAsyncIterator()
        for number in 3..<8 {
            try await archive.append([
                LogBatch(
                    stream: stream("b"), records: [record("keep \(number)", at: march + Int64(number)), record("other", at: march)], origin: nil)
            ])
        }
        var texts: [String] = []
        for _ in 0..<6 {
            switch try await tail.next() {
            case .line(let line): texts.append(String(decoding: line.body, as: UTF8.self))
            case .dropped(let count): texts.append("dropped \(count)")
            case nil: texts.append("end")
            }
        }
        #expect(texts == ["keep 0", "keep 1", "keep 2", "dropped 6", "keep 3", "keep 4"])
        try await archive.close()
        #expect(try await tail.next() == nil)
    }

    @Test func `removes whole days by age and forgets their streams`() async throws {
        let directory = TemporaryDirectory("logs")
        var options = options(directory)
        options.retention = 2
        let clock = ManualClock(startingAt: Timestamp(milliseconds: march / 1_000_000 + 3_600_000))
        options.clock = clock
        let archive = try LogArchive(options, metrics: MetricRegistry())
        try await archive.append([
            LogBatch(stream: stream("old"), records: [record("old", at: march)], origin: nil),
            LogBatch(stream: stream("ancient"), records: [record("ancient", at: march - 5 * DayFile.nanosecondsPerDay)], origin: nil),
        ])
        #expect(try await archive.read(LogQuery()).lines.count == 1)
        try await archive.flush()
        clock.advance(by: .seconds(3 * 86_400))
        try await archive.append([LogBatch(stream: stream("new"), records: [record("new", at: clock.nanoseconds)], origin: nil)])
        try await archive.maintain()
        #expect(try await archive.read(LogQuery()).lines.map(\.stream) == [stream("new")])
        #expect(archive.streams == [stream("new")])
        #expect(try HostFileSystem().list(options.directory).filter { $0.hasPrefix("logs-2026-03-01") } == [])
        try await archive.close()
    }

    @Test func `says why it does not open`() async throws {
        let directory = TemporaryDirectory("logs")
        let archive = try LogArchive(options(directory), metrics: MetricRegistry())
        let error = #expect(throws: LogStoreError.self) { try LogArchive(options(directory), metrics: MetricRegistry()) }
        #expect(error?.description.contains("in use by another process") == true)
        try await archive.close()
        try HostFileSystem().replace(directory.file("logs/wal.db"), Array("not a database at all, but long enough to be looked at".utf8), mode: 0o600)
        let damage = #expect(throws: LogStoreError.self) { try LogArchive(options(directory), metrics: MetricRegistry()) }
        #expect(damage?.description.contains("cannot open the log store") == true)
    }
}
