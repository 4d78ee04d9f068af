import LogQL
import Runtime
import Telemetry
import TestKit
import Testing

@testable import LogStore

/// A store that another process has, read beside it.
@Suite struct ReadOnlyTests {
    private static func append(_ archive: LogArchive, _ numbers: Range<Int>) async throws {
        let records = numbers.map { LogRecord(time: march + Int64($0) * second, severity: .info, body: Array("number \($0)".utf8)) }
        try await archive.append([LogBatch(stream: stream("a"), records: records, origin: nil)])
    }

    private static func count(_ archive: LogArchive) async throws -> Int { try await archive.read(LogQuery(limit: 10_000)).lines.count }

    @Test func `a reader sees what is on the disk and in the log, and changes nothing`() async throws {
        let directory = TemporaryDirectory("reader")
        let owner = try LogArchive(options(directory), metrics: MetricRegistry())
        try await Self.append(owner, 0..<100)
        try await owner.flush()
        try await Self.append(owner, 100..<150)
        _ = try await owner.delete(LogDeletion([], filters: [.init(.contains, "number 7")], in: .min ..< .max))
        var options = options(directory)
        options.isReadOnly = true
        let reader = try LogArchive(options, metrics: MetricRegistry())
        #expect(try await Self.count(reader) == 139)
        // What comes later is not there, and what was there stays readable while the owner moves it.
        try await Self.append(owner, 150..<160)
        try await owner.flush()
        try await owner.maintain()
        #expect(try await Self.count(reader) == 139)
        await #expect(throws: LogStoreError.self) { try await Self.append(reader, 0..<1) }
        await #expect(throws: LogStoreError.self) { try await reader.delete(LogDeletion([], in: .min ..< .max)) }
        await #expect(throws: LogStoreError.self) { try await reader.flush() }
        try await reader.close()
        #expect(try await Self.count(owner) == 149)
        try await owner.close()
        let next = try LogArchive(options, metrics: MetricRegistry())
        #expect(try await Self.count(next) == 149)
        try await next.close()
    }

    @Test func `a file that cannot be read is named and left where it is`() async throws {
        let directory = TemporaryDirectory("damaged-reader")
        let owner = try LogArchive(options(directory), metrics: MetricRegistry())
        try await Self.append(owner, 0..<100)
        try await owner.close()
        var options = options(directory)
        options.isReadOnly = true
        let path = options.path(DayFile.day(of: march))
        try HostFileSystem().write(path, Array("no database at all, for certain".utf8) + [UInt8](repeating: 7, count: 8192))
        let reader = try LogArchive(options, metrics: MetricRegistry())
        #expect(reader.damagedFiles.map(\.path) == [path])
        #expect(HostFileSystem().exists(path))
        try await reader.close()
    }

    @Test func `where there is no store nothing is made`() throws {
        let directory = TemporaryDirectory("no-store")
        var options = options(directory)
        options.directory = directory.file("nothing")
        options.isReadOnly = true
        #expect(throws: LogStoreError.self) { try LogArchive(options, metrics: MetricRegistry()) }
        #expect(!HostFileSystem().exists(options.directory))
    }
}
