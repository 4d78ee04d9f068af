import ChunkCodec
import Telemetry
import Testing

@testable import SeriesStore

@Suite struct LogRecordTests {
    private static let values: [Double] = [
        0, -0.0, 1, 0.1, 1e15, -1e15, 9_007_199_254_740_991, 1e300, .nan, .infinity, -.infinity, .stale, .absent, 123_456.789, 4096, 1.0 / 3,
        Double(bitPattern: 0x7ff8_0000_0000_0001),
    ]

    @Test func `frames survive whatever their values do`() throws {
        for seed in UInt64(1)...50 {
            var random = SeededGenerator(seed: seed)
            let ids = (0..<(1 + random.next() % 20)).map { _ in SeriesID(truncatingIfNeeded: random.next()) }
            var writing = FrameChain(ids: ids)
            var reading: FrameChain?
            var values = [Double](repeating: 0, count: ids.count)
            for step in 0..<30 {
                for index in values.indices {
                    switch random.next() % 4 {
                    case 0: values[index] = Self.values.randomElement(using: &random)!
                    case 1: values[index] += 0.25
                    default: break
                    }
                }
                let time = Int64(bitPattern: random.next()) >> 20
                var record = LogRecord(base: time &- 5, count: 1)
                record.add(source: 77, time: time, values: values, chain: &writing, isFull: step == 0)
                let frames = try LogRecord.read(record.finish())
                #expect(frames.count == 1 && frames[0].source == 77 && frames[0].time == time)
                if let ids = frames[0].ids { reading = FrameChain(ids: ids) }
                #expect(reading?.ids == ids)
                var reader = frames[0].values
                let back = try reading!.decode(&reader)
                #expect(back.map(\.bitPattern) == values.map(\.bitPattern) && reader.isAtEnd, "seed \(seed) step \(step)")
            }
        }
    }

    @Test func `a frame in which nothing changed costs its bitmap`() {
        var chain = FrameChain(ids: Array(1...80))
        let values = (0..<80).map { Double($0) }
        var first = LogRecord(base: 1000, count: 1)
        first.add(source: 1, time: 1000, values: values, chain: &chain, isFull: true)
        var second = LogRecord(base: 2000, count: 1)
        second.add(source: 1, time: 2000, values: values, chain: &chain, isFull: false)
        #expect(second.finish().count < 26)
    }

    @Test func `damaged records throw and never trap`() {
        var random = SeededGenerator(seed: 4)
        var chain = FrameChain(ids: [1, 2, 3])
        var record = LogRecord(base: 0, count: 1)
        record.add(source: 1, time: 0, values: [1, .nan, 0.1], chain: &chain, isFull: true)
        let bytes = record.finish()
        for _ in 0..<3000 {
            var damaged = Array(bytes.dropLast(4))
            damaged[Int(random.next() % UInt64(damaged.count))] = UInt8(truncatingIfNeeded: random.next())
            if damaged != Array(bytes.dropLast(4)) { #expect(throws: ChunkError.self) { try LogRecord.read(damaged + bytes.suffix(4)) } }
            damaged.appendFixed(CRC32C.checksum(damaged))
            guard let frames = try? LogRecord.read(damaged) else { continue }
            for frame in frames {
                var chain = FrameChain(ids: frame.ids ?? [])
                var reader = frame.values
                _ = try? chain.decode(&reader)
            }
        }
    }
}
