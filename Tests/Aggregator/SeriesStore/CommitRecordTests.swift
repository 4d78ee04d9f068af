import TestKit
import ChunkCodec
import Telemetry
import Testing
import Zstd

@testable import SeriesStore

@Suite struct CommitRecordTests {
    private static let values: [Double] = [
        0, -0.0, 1, 0.1, 1e15, -1e15, 9_007_199_254_740_991, 9_007_199_254_740_992, 1e300, .nan, .infinity, -.infinity, .stale,
        123_456.789, 4096, 1.0 / 3, Double(bitPattern: 0x7ff8_0000_0000_0001),
    ]

    private func record(_ random: inout SeededGenerator) -> CommitRecord {
        var record = CommitRecord()
        for number in 0..<(random.next() % 3) { record.series.append((SeriesID(number), ["__name__": "m\(number)", "ü\0": "\(random.next())"])) }
        for _ in 0..<(random.next() % 100) {
            record.ids.append(SeriesID(truncatingIfNeeded: random.next()))
            record.times.append(Int64(bitPattern: random.next()) >> Int64(random.next() % 60))
            record.values.append(random.next() % 2 == 0 ? Self.values.randomElement(using: &random)! : Double(bitPattern: random.next()))
        }
        return record
    }

    @Test func `a record comes back bit for bit`() throws {
        for seed in UInt64(1)...80 {
            var random = SeededGenerator(seed: seed)
            let record = record(&random)
            let back = try CommitRecord(record.encoded(ZstdCompressor(level: 1)), ZstdDecompressor())
            #expect(back.ids == record.ids && back.times == record.times, "seed \(seed)")
            #expect(back.values.map(\.bitPattern) == record.values.map(\.bitPattern), "seed \(seed)")
            #expect(back.series.map(\.id) == record.series.map(\.id) && back.series.map(\.labels) == record.series.map(\.labels))
        }
    }

    @Test func `a scrape of whole numbers costs a few bytes a sample`() {
        var record = CommitRecord()
        for number in 0..<1000 {
            record.ids.append(SeriesID(5000 + number))
            record.times.append(1_790_000_000_000)
            record.values.append(Double(number * 977 % 100_000))
        }
        #expect(record.encoded(ZstdCompressor(level: 1)).count < 4000)
    }

    @Test func `damaged records throw and never trap`() {
        var random = SeededGenerator(seed: 4)
        let decompressor = ZstdDecompressor()
        let bytes = record(&random).encoded(ZstdCompressor(level: 1))
        for _ in 0..<3000 {
            var damaged = Array(bytes.dropLast(4))
            damaged[Int(random.next() % UInt64(damaged.count))] = UInt8(truncatingIfNeeded: random.next())
            if damaged != Array(bytes.dropLast(4)) {
                #expect(throws: ChunkError.self) { try CommitRecord(damaged + bytes.suffix(4), decompressor) }
            }
            damaged.appendFixed(CRC32C.checksum(damaged))
            _ = try? CommitRecord(damaged, decompressor)
        }
    }
}
