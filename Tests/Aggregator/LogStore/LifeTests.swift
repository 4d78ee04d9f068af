import LogQL
import Runtime
import SQLite
import Telemetry
import TestKit
import Testing

@testable import LogStore

/// Compaction, deletion and retention: what is kept stays exact, what goes is gone.
@Suite struct LifeTests {
    private static func lines(_ archive: LogArchive, _ filters: [LineFilter] = []) async throws -> [String] {
        try await archive.read(LogQuery(lines: filters, limit: 100_000, direction: .oldest)).lines.map { String(decoding: $0.body, as: UTF8.self) }
    }

    private static func append(_ archive: LogArchive, _ pod: String, _ numbers: Range<Int>, day: Int64 = 0) async throws {
        let records = numbers.map {
            LogRecord(
                time: march + day * DayFile.nanosecondsPerDay + Int64($0) * second, severity: .info, body: Array("\(pod) number \($0) took \($0 % 7)ms".utf8),
                fields: $0 % 3 == 0 ? ["trace": "t\($0)"] : [:])
        }
        try await archive.append([LogBatch(stream: stream(pod), records: records, origin: nil)])
    }

    @Test func `small chunks become one, and every line is as it was, with its fields`() async throws {
        let directory = TemporaryDirectory("compact")
        let archive = try LogArchive(options(directory), metrics: MetricRegistry())
        for start in stride(from: 0, to: 400, by: 20) {
            try await Self.append(archive, "p\(start / 20 % 3)", start..<start + 20)
            try await archive.flush()
        }
        let before = try await archive.read(LogQuery(limit: 1000)).lines
        let snapshot = archive.view.snapshot()
        let day = DayFile.day(of: march)
        #expect(try archive.cache.reader(day).chunks(from: .min, through: .max, newest: snapshot[day]?.newestChunk ?? 0).count == 20)
        while try await archive.writer.compactOnce(now: .max) {}
        let now = archive.view.snapshot()
        #expect(try archive.cache.reader(day).chunks(from: .min, through: .max, newest: now[day]?.newestChunk ?? 0).count == 1)
        #expect(try await archive.read(LogQuery(limit: 1000)).lines == before)
        #expect(before.count == 400)
        let traced = before.filter { !$0.fields.isEmpty }
        #expect(traced.count == 134)
        for line in traced { #expect(line.fields == ["trace": "t\((line.time - march) / second)"]) }
        // Who began before still sees each line once.
        let query = LogQuery(limit: 1000)
        #expect(try archive.page(query, archive.plan(query, streams: nil), snapshot).lines == before)
        try await archive.compact()
        #expect(try await archive.read(LogQuery(limit: 1000)).lines == before)
        try await archive.close()
        let again = try LogArchive(options(directory), metrics: MetricRegistry())
        #expect(try await again.read(LogQuery(limit: 1000)).lines == before)
        try await again.close()
    }

    @Test func `a deletion hides its lines at once, survives a restart, and then takes them from the disk`() async throws {
        let directory = TemporaryDirectory("delete")
        var archive = try LogArchive(options(directory), metrics: MetricRegistry())
        try await Self.append(archive, "a", 0..<50)
        try await Self.append(archive, "b", 0..<50)
        try await archive.flush()
        try await Self.append(archive, "a", 50..<60)
        let deletion = LogDeletion(
            [Matcher("pod", equals: "a")], filters: [.init(.contains, "TOOK 3MS", ignoringCase: true)], in: march..<march + 1000 * second)
        #expect(try await archive.preview(deletion) == 9)
        let id = try await archive.delete(deletion)
        var kept: [String] = []
        for number in 0..<60 {
            let text = "number \(number) took \(number % 7)ms"
            if number % 7 != 3 { kept.append("a \(text)") }
            if number < 50 { kept.append("b \(text)") }
        }
        #expect(try await Self.lines(archive) == kept)
        #expect(try await archive.count(LogQuery(), by: LogGrouping()).counts.map(\.count) == [kept.count])
        let counts = try #require(try await archive.counts(LogSelection([], in: march..<march + 1000 * second)))
        #expect(counts.entries.reduce(0) { $0 + $1.lines } == Int64(kept.count))
        // What comes later is not meant.
        try await Self.append(archive, "a", 66..<67)
        #expect(try await Self.lines(archive, [.contains("number 66")]).count == 1)
        await archive.abandon()
        archive = try LogArchive(options(directory), metrics: MetricRegistry())
        #expect(try await Self.lines(archive).count == kept.count + 1)
        #expect(try await archive.deletions().map(\.isDone) == [false])
        try await archive.maintain()
        #expect(try await archive.deletions().map(\.id) == [id])
        #expect(try await archive.deletions().map(\.isDone) == [true])
        #expect(try await archive.deletions().map(\.lines) == [9])
        #expect(archive.tombstones.all.isEmpty)
        #expect(try await Self.lines(archive).count == kept.count + 1)
        #expect(try await archive.cancelDeletion(id) == false)
        try await archive.close()
    }

    @Test func `a deletion that is cancelled gives its lines back`() async throws {
        let directory = TemporaryDirectory("cancel")
        let archive = try LogArchive(options(directory), metrics: MetricRegistry())
        try await Self.append(archive, "a", 0..<10)
        let id = try await archive.delete(LogDeletion([], in: .min ..< .max))
        #expect(try await Self.lines(archive).isEmpty)
        #expect(try await archive.cancelDeletion(id))
        #expect(try await Self.lines(archive).count == 10)
        await #expect(throws: LogStoreError.self) { try await archive.delete(LogDeletion([], filters: [.init(.matches, "(")], in: .min ..< .max)) }
        #expect(
            try LogDeletion(encoded: LogDeletion([try Matcher("a", .matches, "b.*")], filters: [.init(.notMatches, "x")], in: -5..<9).encoded).range == -5..<9)
        try await archive.close()
    }

    @Test func `the oldest days go when the store is too large, and some streams before others`() async throws {
        let directory = TemporaryDirectory("size")
        var options = options(directory)
        options.rules = [LogArchive.Rule([Matcher("pod", equals: "noisy")], days: 1)]
        let clock = ManualClock(startingAt: Timestamp(milliseconds: march / 1_000_000 + 4 * 86_400_000))
        options.clock = clock
        var archive = try LogArchive(options, metrics: MetricRegistry())
        for day: Int64 in 0..<4 {
            try await Self.append(archive, "noisy", 0..<30, day: day)
            try await Self.append(archive, "calm", 0..<30, day: day)
        }
        try await archive.flush()
        try await archive.maintain()
        let pods = try await archive.read(LogQuery(limit: 1000)).lines.map { $0.stream["pod"] }
        #expect(pods.filter { $0 == "calm" }.count == 120 && pods.filter { $0 == "noisy" }.count == 30)
        try await archive.close()
        options.maximumBytes = 1
        archive = try LogArchive(options, metrics: MetricRegistry())
        try await archive.maintain()
        #expect(archive.view.snapshot().keys.sorted() == [DayFile.day(of: march) + 3])
        #expect(try await archive.read(LogQuery(limit: 1000)).lines.count == 60)
        try await archive.close()
    }

    @Test func `a snapshot that is taken while lines come in opens with all that was there before`() async throws {
        let directory = TemporaryDirectory("snapshot")
        let archive = try LogArchive(options(directory), metrics: MetricRegistry())
        try await Self.append(archive, "a", 0..<50)
        try await archive.flush()
        try await Self.append(archive, "b", 50..<80)
        async let more: Void = Self.append(archive, "c", 80..<90)
        #expect(try await archive.snapshot(to: directory.file("copy")) > 0)
        try await more
        await #expect(throws: LogStoreError.self) { try await archive.snapshot(to: directory.file("copy")) }
        try await archive.close()
        try LogArchive.restore(directory.file("copy"), to: directory.file("again"))
        var options = options(directory)
        options.directory = directory.file("again")
        let again = try LogArchive(options, metrics: MetricRegistry())
        let found = try await Self.lines(again)
        #expect(found.filter { !$0.hasPrefix("c") }.count == 80)
        #expect(try await again.check().damaged == [])
        try await again.close()
    }
}
