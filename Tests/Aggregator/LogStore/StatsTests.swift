import LogQL
import Runtime
import SQLite
import Telemetry
import TestKit
import Testing

@testable import LogStore

/// What `binnacle store check` and `store stats` say of logs, by reading only.
@Suite struct StatsTests {
    private static func fill(_ directory: TemporaryDirectory) async throws -> LogArchive {
        var options = options(directory)
        options.chunkBytes = 200_000
        let archive = try LogArchive(options, metrics: MetricRegistry())
        var random = SeededGenerator(seed: 8)
        let records = (0..<6000).map { number -> LogRecord in
            let identifier = String(random.next() | 1 << 63, radix: 16)
            return record(number % 3 == 0 ? "GET /p/\(number) took \(number % 90)ms" : "user=\(number) id=\(identifier)", at: march + Int64(number))
        }
        try await archive.append([LogBatch(stream: stream("a"), records: records, origin: nil)])
        try await archive.flush()
        try await archive.append([LogBatch(stream: stream("a"), records: [record("in the log", at: march)], origin: nil)])
        return archive
    }

    @Test func `a store that is open is told by kinds of columns and by templates`() async throws {
        let directory = TemporaryDirectory("stats")
        let archive = try await Self.fill(directory)
        let stats = try LogStoreStats.read(directory.file("logs"))
        #expect(stats.unreadable == [] && stats.days == 1 && stats.lines == 6000)
        #expect(stats.kinds["hexadecimal"].map { $0.bytes >= 4000 * 7 } == true)
        let template = try #require(stats.templates.first { $0.key.contains("id=<") })
        #expect(template.value.lines == 4000 && template.value.bytes >= 4000 * 7)
        #expect(stats.templates.filter { $0.key.hasPrefix("GET /p/<n> took <n>ms") }.map(\.value.lines) == [2000])
        #expect(stats.tables["segments"].map { $0.bytes > 25_000 && $0.bytes < stats.fileBytes } == true)
        try await archive.close()
    }

    @Test func `a check reads a store that is open, and names what is damaged`() async throws {
        let directory = TemporaryDirectory("checked")
        let archive = try await Self.fill(directory)
        let path = directory.file("logs")
        var reports = try LogStoreCheck(directory: path).run()
        #expect(reports.map(\.name) == ["logs-2026-03-01.db", "wal.db"])
        #expect(reports.map(\.lines) == [6000, 1])
        #expect(reports.allSatisfy { $0.problems.isEmpty })
        try await archive.close()
        try Database(path: "\(path)/logs-2026-03-01.db", durability: .full).execute("UPDATE segments SET body=zeroblob(length(body)) WHERE chunk=1")
        reports = try LogStoreCheck(directory: path).run()
        #expect(reports[0].problems.count == 1 && reports[0].problems.first?.hasPrefix("chunk 1: ") == true)
        #expect(try LogStoreStats.read(path).lines <= 6001)
    }
}
