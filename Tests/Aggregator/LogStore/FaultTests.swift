import Glibc
import LogQL
import Runtime
import SQLite
import Telemetry
import TestKit
import Testing

@testable import LogStore

/// What the world does to a store: bits flip, disks fill, clocks jump, senders overdo it.
@Suite struct FaultTests {
    @Test func `a flipped byte anywhere in a day file is named, costs at most its part, and never crashes`() async throws {
        let directory = TemporaryDirectory("flip")
        var options = options(directory)
        options.chunkBytes = 8000
        var archive = try LogArchive(options, metrics: MetricRegistry())
        var random = SeededGenerator(seed: 12)
        let records = (0..<1200).map { number -> LogRecord in
            let text = "GET /p/\(number) id=\(String(random.next(), radix: 16)) took \(number % 90)ms"
            return LogRecord(
                time: march + Int64(number) * second, severity: .info, body: Array(text.utf8), fields: number % 2 == 0 ? ["trace": "t\(number)"] : [:])
        }
        try await archive.append([LogBatch(stream: stream("a"), records: records, origin: nil)])
        try await archive.close()
        let file = directory.file("logs/logs-2026-03-01.db")
        let whole = try HostFileSystem().read(file)
        archive = try LogArchive(options, metrics: MetricRegistry())
        #expect(try await archive.check().damaged == [])
        #expect(try await archive.check().lines == 1200)
        try await archive.close()
        var named = 0
        for _ in 0..<60 {
            var damaged = whole
            damaged[random.below(damaged.count)] ^= UInt8(1 << random.below(8))
            for suffix in ["-wal", "-shm", ".damaged"] { try HostFileSystem().remove(file + suffix) }
            try HostFileSystem().replace(file, damaged, mode: 0o600)
            // A format or a stream that contradicts itself may be refused; it says why.
            guard let hurt = try? LogArchive(options, metrics: MetricRegistry()) else {
                named += 1
                continue
            }
            let page = try await hurt.read(LogQuery(limit: 10_000))
            let check = try await hurt.check()
            if page.lines.count < 1200 { #expect(!page.statistics.damaged.isEmpty || !hurt.damagedFiles.isEmpty || !check.damaged.isEmpty) }
            if !check.damaged.isEmpty { named += 1 }
            for line in page.lines {
                // What is given is what was written.
                let row = Int((line.time - march) / second)
                if records.indices.contains(row), line.position.sequence == Int64(row) + 1 { #expect(line.body == records[row].body) }
            }
            await hurt.abandon()
        }
        // Most bytes of so small a file are unused; a few hit something.
        #expect(named > 2)
    }

    @Test func `times of every century are kept in order, those far ahead at the present time`() async throws {
        let directory = TemporaryDirectory("times")
        let archive = try LogArchive(options(directory), metrics: MetricRegistry())
        let times: [Int64] = [march, .min, .min + 1, -1, 0, 1, march - 400 * 86_400 * second, .max, .max - 1, march + 3600 * second]
        try await archive.append([LogBatch(stream: stream("a"), records: times.map { record("t \($0)", at: $0) }, origin: nil)])
        for _ in 0..<2 {
            let lines = try await archive.read(LogQuery(limit: 100, direction: .oldest)).lines
            #expect(lines.count == times.count)
            #expect(lines.map(\.position) == lines.map(\.position).sorted())
            #expect(lines.first?.time == .min)
            #expect(lines.last.map { $0.time <= march + 3 * DayFile.nanosecondsPerDay } == true)
            try await archive.flush()
        }
        #expect(try await archive.streams([], in: .min..<0) == [stream("a")])
        try await archive.close()
    }

    @Test func `lines of megabytes and lines of nothing`() async throws {
        let directory = TemporaryDirectory("long")
        let archive = try LogArchive(options(directory), metrics: MetricRegistry())
        var random = SeededGenerator(seed: 3)
        let noise = (0..<(1 << 20) + 7).map { _ in UInt8(random.below(256)) }
        let bodies: [[UInt8]] = [[UInt8](repeating: 0x78, count: 5 << 20), [], noise, [0], [0x0A, 0x0D, 0x0A], Array("{\"a\":\"".utf8)]
        try await archive.append([LogBatch(stream: stream("a"), records: bodies.enumerated().map { LogRecord(time: march + Int64($0), body: $1) }, origin: nil)]
        )
        try await archive.flush()
        #expect(try await archive.read(LogQuery(limit: 100, direction: .oldest)).lines.map(\.body) == bodies)
        try await archive.compact()
        #expect(try await archive.read(LogQuery(limit: 100, direction: .oldest)).lines.map(\.body) == bodies)
        #expect(try await archive.check().damaged == [])
        try await archive.close()
    }

    /// BINNACLE_STREAMS says how many (10,000 if it is not set).
    @Test func `ten thousand streams share chunks, and one too many is refused whole`() async throws {
        let count = unsafe getenv("BINNACLE_STREAMS").flatMap { unsafe Int(String(cString: $0)) } ?? 10_000
        let directory = TemporaryDirectory("streams")
        var options = options(directory)
        options.maximumStreams = count
        let archive = try LogArchive(options, metrics: MetricRegistry())
        let batches = (0..<count).map { LogBatch(stream: ["pod": "p\($0)"], records: [record("line \($0)", at: march + Int64($0))], origin: nil) }
        for start in stride(from: 0, to: count, by: 1000) { try await archive.append(Array(batches[start..<start + 1000])) }
        await #expect(throws: LogStoreError.self) {
            try await archive.append([batches[0], LogBatch(stream: ["pod": "more"], records: [record("x", at: march)], origin: nil)])
        }
        try await archive.flush()
        #expect(try archive.cache.reader(DayFile.day(of: march)).chunks(from: .min, through: .max, newest: .max - 1).count < 5 + count / 10_000)
        #expect(
            try await archive.read(LogQuery(streams: [Matcher("pod", equals: "p777")])).lines.map { String(decoding: $0.body, as: UTF8.self) } == ["line 777"])
        #expect(try await archive.count(LogQuery(), by: LogGrouping()).counts.map(\.count) == [count])
        #expect(try await archive.counts(LogSelection([], in: 0..<(.max)))?.entries.count == count)
        try await archive.close()
    }

    @Test func `a field of JSON lines comes from its column as a parser gives it, or not at all`() async throws {
        let directory = TemporaryDirectory("columns")
        let archive = try LogArchive(options(directory), metrics: MetricRegistry())
        let levels = ["info", "warn", "error"]
        let records = (0..<200).map { number -> LogRecord in
            let user = #"{"id":\#(number % 5),"name":"u \#(number)"}"#
            let start = #"{"level":"\#(levels[number % 3])","n":\#(number),"ok":\#(number % 2 == 0),"none":null,"user":"#
            return record(start + user + #","list":[1,"level"],"level":"second","esc":"a\"b"}"#, at: march + Int64(number))
        }
        try await archive.append([LogBatch(stream: stream("a"), records: records, origin: nil)])
        try await archive.flush()
        func column(_ field: String) async throws -> [String?]? {
            let (partials, _) = try await archive.scan(LogSelection([], in: .min ..< .max), into: { [[String?]?]() }) { found, rows in
                let column = try rows.column(.json, field)
                found.append(column.map { column in column.rows.map { $0 < 0 ? nil : column.values[Int($0)] } })
            }
            return partials.flatMap { $0 }.first ?? nil
        }
        #expect(try await column("level") == (0..<200).map { levels[$0 % 3] })
        #expect(try await column("n") == (0..<200).map { "\($0)" })
        #expect(try await column("ok") == (0..<200).map { $0 % 2 == 0 ? "true" : "false" })
        #expect(try await column("user_id") == (0..<200).map { "\($0 % 5)" })
        #expect(try await column("user_name") == (0..<200).map { "u \($0)" })
        #expect(try await column("none") == [String?](repeating: nil, count: 200))
        #expect(try await column("absent") == [String?](repeating: nil, count: 200))
        #expect(try await column("list") == [String?](repeating: nil, count: 200))
        #expect(try await column("esc") == nil)
        try await archive.close()
    }
}
