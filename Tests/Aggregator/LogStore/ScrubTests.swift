import LogQL
import Runtime
import Telemetry
import TestKit
import Testing

@testable import LogStore

/// What becomes of bytes on the disk.
@Suite struct ScrubTests {
    private static func holds(_ directory: String, _ needle: [UInt8]) throws -> [String] {
        let files = HostFileSystem()
        return try files.list(directory).filter { name in
            let bytes = try files.read("\(directory)/\(name)")
            return TextSearch.firstIndex(of: needle, in: bytes, 0..<bytes.count) != nil
        }
    }

    @Test func `deleted lines are in no file after the second purge`() async throws {
        let directory = TemporaryDirectory("scrub")
        var random = SeededGenerator(seed: 5)
        let archive = try LogArchive(options(directory), metrics: MetricRegistry())
        // Bytes that no compressor shrinks, so that they stand in the files as they are.
        let secret = (0..<400).map { _ in UInt8(128 + random.below(128)) ^ UInt8(random.below(2) * 128) | 0x10 }
        let needle = Array(secret[100..<130])
        let path = directory.file("logs")
        try await archive.append([
            LogBatch(stream: stream("a"), records: [LogRecord(time: march, severity: .info, body: secret), record("to be kept", at: march + 1)], origin: nil)
        ])
        #expect(try !Self.holds(path, needle).isEmpty)
        try await archive.flush()
        #expect(try !Self.holds(path, needle).isEmpty)
        _ = try await archive.delete(LogDeletion([], in: march..<march + 1))
        try await archive.maintain()
        try await archive.writer.purge(now: march)
        try await archive.writer.purge(now: march)
        #expect(try Self.holds(path, needle) == [])
        #expect(try await archive.read(LogQuery()).lines.map(\.body) == [Array("to be kept".utf8)])
        try await archive.close()
    }

    @Test func `what was written in haste is written again when its day is over, and the file gives the space back`() async throws {
        let directory = TemporaryDirectory("again")
        var options = options(directory)
        options.chunkBytes = 20_000
        options.flushBytes = 20_000
        let clock = ManualClock(startingAt: Timestamp(milliseconds: march / 1_000_000 + 3_600_000))
        options.clock = clock
        let archive = try LogArchive(options, metrics: MetricRegistry())
        var random = SeededGenerator(seed: 6)
        let records = (0..<2000).map { record("GET /p/\($0) id=\(String(random.next(), radix: 16)) took \($0 % 90)ms", at: march + Int64($0)) }
        for start in stride(from: 0, to: 2000, by: 100) {
            try await archive.append([LogBatch(stream: stream("a"), records: Array(records[start..<start + 100]), origin: nil)])
        }
        try await archive.flush()
        let reader = try archive.cache.reader(DayFile.day(of: march))
        #expect(try reader.living().contains { $0.level < CompactionPlan.level })
        try await archive.maintain()
        #expect(try reader.living().contains { $0.level < CompactionPlan.level })
        clock.advance(by: .seconds(86_400))
        while try await archive.writer.compactOnce(now: clock.nanoseconds) {}
        #expect(try reader.living().allSatisfy { $0.level == CompactionPlan.level })
        #expect(try await archive.read(LogQuery(limit: 5000, direction: .oldest)).lines.map(\.body) == records.map(\.body))
        let file = directory.file("logs/logs-2026-03-01.db")
        try await archive.flush()
        let before = try HostFileSystem().status(file).size + HostFileSystem().status(file + "-wal").size
        try await archive.writer.purge(now: clock.nanoseconds)
        try await archive.writer.purge(now: clock.nanoseconds)
        let after = try HostFileSystem().status(file).size + HostFileSystem().status(file + "-wal").size
        #expect(after * 3 < before * 2, "\(before) bytes before, \(after) after")
        #expect(try await archive.check().damaged == [])
        try await archive.close()
    }
}
