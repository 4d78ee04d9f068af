import ChunkCodec
import LogQL
import Runtime
import SQLite
import Telemetry
import TestKit
import Testing
import Zstd

@testable import LogStore

@Suite struct RecoveryTests {
    /// A sender with numbered lines, a store that is dropped at random points, retries cut anew: each number exactly once.
    @Test(arguments: 0..<10) func `keeps each acknowledged line exactly once through crashes and retries`(seed: Int) async throws {
        var random = SeededGenerator(seed: UInt64(seed) + 1)
        let directory = TemporaryDirectory("crash")
        var options = options(directory)
        options.chunkBytes = 700
        options.flushBytes = 3000
        var archive = try LogArchive(options, metrics: MetricRegistry())
        // For each of two senders: how many lines exist, and how many it knows to be stored.
        var written = [0, 0]
        var known = [0, 0]
        func batch(_ sender: Int, _ numbers: Range<Int>) -> LogBatch {
            LogBatch(
                // Days change as the numbers rise.
                stream: stream("p\(sender)"), records: numbers.map { record("s\(sender) n\($0)", at: march + Int64($0) * 300 * second) },
                origin: .init(node: "n", file: "f\(sender)", start: Int64(numbers.lowerBound) * 8, end: Int64(numbers.upperBound) * 8),
                ends: numbers.map { Int64($0 + 1) * 8 })
        }
        for _ in 0..<80 {
            let sender = random.below(2)
            switch random.below(10) {
            case 0..<6:
                written[sender] += random.below(9)
                guard written[sender] > known[sender] else { continue }
                try await archive.append([batch(sender, known[sender]..<written[sender])])
                // Now and then the answer is lost, and the sender does not know.
                if random.below(3) > 0 { known[sender] = written[sender] }
            case 6: try await archive.flush()
            case 7:
                // Killed between the flush and the trim of the log: the rows are there twice.
                try await archive.flush()
                fallthrough
            default:
                let isMidFlush = random.below(2) == 0
                let dying = archive
                // The flush loses the race at one point or another; what it threw does not matter.
                let flush = isMidFlush ? Task { try await dying.flush() } : nil
                await dying.abandon()
                _ = await flush?.result
                archive = try LogArchive(options, metrics: MetricRegistry())
            }
        }
        for sender in 0..<2 where written[sender] > 0 { try await archive.append([batch(sender, known[sender]..<max(known[sender] + 1, written[sender]))]) }
        for sender in 0..<2 {
            let lines = try await archive.read(LogQuery(streams: [Matcher("pod", equals: "p\(sender)")], limit: 10_000, direction: .oldest)).lines
            let count = max(written[sender], lines.count)
            #expect(lines.map { String(decoding: $0.body, as: UTF8.self) } == (0..<count).map { "s\(sender) n\($0)" }, "seed \(seed)")
            #expect(lines.count - written[sender] <= 1)
        }
        try await archive.close()
    }

    @Test func `passes over rows of the log that a day file has already`() async throws {
        let directory = TemporaryDirectory("trim")
        var archive = try LogArchive(options(directory), metrics: MetricRegistry())
        try await archive.append([LogBatch(stream: stream("a"), records: (0..<5).map { record("\($0)", at: march) }, origin: nil)])
        // What a crash between the two transactions leaves: the day file is written, the log is not trimmed.
        try {
            let wal = try Database(path: directory.file("logs/wal.db"), durability: .full)
            try wal.execute("CREATE TRIGGER keep BEFORE DELETE ON row BEGIN SELECT RAISE(ABORT, 'crash'); END")
        }()
        await #expect(throws: LogStoreError.self) { try await archive.flush() }
        #expect(try await archive.read(LogQuery()).lines.count == 5)
        await archive.abandon()
        try { try Database(path: directory.file("logs/wal.db"), durability: .full).execute("DROP TRIGGER keep") }()
        archive = try LogArchive(options(directory), metrics: MetricRegistry())
        #expect(try await archive.read(LogQuery()).lines.count == 5)
        #expect(archive.view.blockCount == 0)
        try await archive.close()
    }

    @Test func `acknowledges nothing that it could not write, and takes it when it can`() async throws {
        let directory = TemporaryDirectory("full")
        let archive = try LogArchive(options(directory), metrics: MetricRegistry())
        try await archive.append([LogBatch(stream: stream("a"), records: [record("first", at: march)], origin: nil)])
        let wal = directory.file("logs/wal.db")
        try { try Database(path: wal, durability: .full).execute("CREATE TRIGGER full BEFORE INSERT ON mark BEGIN SELECT RAISE(ABORT, 'disk is full'); END") }()
        let batch = LogBatch(
            stream: stream("b"), records: [record("second", at: march)], origin: .init(node: "n", file: "f", start: 0, end: 10), ends: [10])
        for _ in 0..<2 {
            let error = await #expect(throws: LogStoreError.self) { try await archive.append([batch]) }
            #expect(error?.isTransient == true && error?.description.contains("disk is full") == true)
        }
        #expect(try await archive.read(LogQuery()).lines.count == 1)
        #expect(archive.streams == [stream("a")])
        try { try Database(path: wal, durability: .full).execute("DROP TRIGGER full") }()
        try await archive.append([batch])
        try await archive.append([batch])
        #expect(try await archive.read(LogQuery()).lines.map { String(decoding: $0.body, as: UTF8.self) } == ["second", "first"])
        try await archive.close()
    }

    @Test func `a bad batch does not hurt the requests that share its commit`() async throws {
        let directory = TemporaryDirectory("shared")
        let archive = try LogArchive(options(directory), metrics: MetricRegistry())
        let bad = LogBatch(stream: stream("bad"), records: [record("x", at: march)], origin: .init(node: "n", file: "f", start: 0, end: 1), ends: [1, 2])
        await withTaskGroup(of: Bool.self) { group in
            for number in 0..<20 {
                group.addTask {
                    let good = LogBatch(stream: stream("p\(number)"), records: [record("good", at: march)], origin: nil)
                    do {
                        try await archive.append(number % 4 == 0 ? [good, bad] : [good])
                        return true
                    } catch {
                        return false
                    }
                }
            }
            var accepted = 0
            for await isAccepted in group where isAccepted { accepted += 1 }
            #expect(accepted == 15)
        }
        #expect(try await archive.read(LogQuery(lines: [.contains("good")])).lines.count == 15)
        #expect(archive.streams.count == 15)
        try await archive.close()
    }

    @Test func `refuses a newer format and names the file`() async throws {
        let directory = TemporaryDirectory("newer")
        let archive = try LogArchive(options(directory), metrics: MetricRegistry())
        try await archive.close()
        try { try Database(path: directory.file("logs/wal.db"), durability: .full).execute("UPDATE kv SET value=99 WHERE key='format'") }()
        let error = #expect(throws: LogStoreError.self) { try LogArchive(options(directory), metrics: MetricRegistry()) }
        #expect(error?.description.contains("wal.db has format 99, and this version reads up to 1") == true)
    }

    @Test func `columns read back as they were written, and damage never traps`() throws {
        var random = SeededGenerator(seed: 3)
        for _ in 0..<200 {
            var columns = LogColumns()
            for _ in 0..<random.below(40) {
                columns.append(
                    stream: random.below(3), time: Int64(bitPattern: random.next()), sequence: Int64(random.below(1000)),
                    severity: UInt8(random.below(7)), length: random.below(300))
            }
            let encoded = columns.encoded()
            #expect(try LogColumns(decoding: encoded) == columns)
            var damaged = encoded
            let column = random.below(5)
            if !damaged[column].isEmpty { damaged[column][random.below(damaged[column].count)] ^= UInt8(1 + random.below(255)) }
            _ = try? LogColumns(decoding: damaged)
            let counts = MinuteCounts(columns)
            #expect(try MinuteCounts(bytes: counts.bytes) == counts)
        }
        // RFC 3720 appendix B.4: 32 bytes of zeros, and 0 to 31.
        #expect(CRC32C.checksum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
        #expect(CRC32C.checksum((0..<32).map { UInt8($0) }) == 0x46DD_794E)
    }

    @Test func `a text comes back from its frame as it was, whatever it holds`() throws {
        var random = SeededGenerator(seed: 5)
        let pieces = ["4bf92f3577b34da6a3ce929d0e0e4736", "deadbeef", "12345678901", "\u{1}", "abc", "0a1b2c3d4", "F00F00F00F", "\n", "", "-", "00000000a"]
        let (compressor, decompressor) = (ZstdCompressor(level: 3), ZstdDecompressor())
        for _ in 0..<500 {
            let text = (0..<random.below(12)).flatMap { _ in
                random.below(25) == 0 ? [UInt8](repeating: 0x61, count: 300) + [0x31] : Array(pieces[random.below(pieces.count)].utf8)
            }
            let stored = TextFrame.encode(text, compressor: compressor)
            #expect(try TextFrame.decode(stored, expected: text.count, decompressor: decompressor) == text)
            #expect(throws: CodingError.self) { try TextFrame.decode(stored, expected: text.count + 1, decompressor: decompressor) }
            if let (marked, digits) = TextFrame.extract(text) {
                var damaged = marked
                if !damaged.isEmpty { damaged[random.below(damaged.count)] = 1 }
                _ = try? TextFrame.restore(damaged, digits, expected: text.count)
            }
        }
        #expect(TextFrame.extract(Array("id=4bf92f3577b34da6 x".utf8))?.digits.count == 8)
    }
}
