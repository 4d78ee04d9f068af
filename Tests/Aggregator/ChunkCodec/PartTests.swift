import Testing

@testable import ChunkCodec

@Suite struct PartTests {
    private func randomPart(_ random: inout SeededGenerator) -> (times: [Int64], columns: [Part.Column]) {
        let rows = 1 + Int(random.next() % 300)
        var time = Int64(1_790_000_000_000)
        let jitter = random.next() % 3 == 0
        let times = (0..<rows).map { _ in
            time += 1000 + (jitter ? Int64(random.next() % 9) : 0)
            return time
        }
        var id = UInt64(random.next() % 1000)
        var columns: [Part.Column] = []
        for _ in 0..<(1 + random.next() % 20) {
            id += 1 + random.next() % 3
            let shape = ColumnShape.allCases.randomElement(using: &random)!
            let copied = columns.isEmpty || random.next() % 4 > 0 ? nil : columns.randomElement(using: &random)
            columns.append(Part.Column(id: id, values: copied?.values ?? shape.values(rows, &random)))
        }
        return (times, columns)
    }

    @Test func `a part gives back its times and columns`() throws {
        for seed in UInt64(1)...60 {
            var random = SeededGenerator(seed: seed)
            let part = randomPart(&random)
            let reader = try PartReader(Part.encode(times: part.times, columns: part.columns))
            #expect(reader.times == part.times)
            #expect(reader.ids == part.columns.map(\.id))
            for (position, column) in part.columns.enumerated() {
                #expect(try reader.values(at: position).map(\.bitPattern) == column.values.map(\.bitPattern), "seed \(seed) column \(position)")
                #expect(reader.position(of: column.id) == position)
                #expect(reader.sampleCount(at: position) == column.values.count { $0.bitPattern != Presence.absentBits })
            }
            #expect(reader.position(of: 5000) == nil)
        }
    }

    @Test func `an injected compressor is used where it helps and undone`() throws {
        // Run-length of bytes: enough to shrink zeros.
        let finish = Finish(
            compress: { bytes in bytes.allSatisfy { $0 == bytes[0] } ? [bytes[0], UInt8(bytes.count)] : Array(bytes.prefix(2)) },
            decompress: { bytes, limit in Array(repeating: bytes[0], count: min(limit, Int(bytes[1]))) })
        var random = SeededGenerator(seed: 2)
        let columns = [Part.Column(id: 1, values: ColumnShape.wildBits.values(100, &random))]
        let times = (0..<100).map { Int64($0) }
        let plain = try PartReader(Part.encode(times: times, columns: columns, finish: finish), finish: finish)
        // A compressor that loses data is found out and not used.
        #expect(try plain.values(at: 0).map(\.bitPattern) == columns[0].values.map(\.bitPattern))
    }

    @Test func `equal columns cost a few bytes`() {
        var random = SeededGenerator(seed: 9)
        let values = ColumnShape.doubles.values(300, &random)
        let times = (0..<300).map { Int64($0) * 1000 }
        let one = Part.encode(times: times, columns: [.init(id: 1, values: values)])
        let three = Part.encode(times: times, columns: (1...3).map { .init(id: $0, values: values) })
        #expect(three.count <= one.count + 10)
    }

    @Test func `a flipped bit anywhere is found`() {
        var random = SeededGenerator(seed: 11)
        let part = randomPart(&random)
        let bytes = Part.encode(times: part.times, columns: part.columns)
        for _ in 0..<400 {
            var damaged = bytes
            damaged[Int(random.next() % UInt64(bytes.count))] ^= 1 << UInt8(random.next() % 8)
            #expect(throws: ChunkError.self) { try PartReader(damaged) }
        }
        #expect(throws: ChunkError.self) { try PartReader(Array(bytes.dropLast())) }
        #expect(throws: ChunkError.self) { try PartReader([]) }
    }

    /// Even with a right checksum, bytes must not trap: a bug elsewhere may have written them.
    @Test func `damaged bytes behind a right checksum throw or decode, and never trap`() {
        for seed in UInt64(1)...25 {
            var random = SeededGenerator(seed: seed)
            let part = randomPart(&random)
            let bytes = Part.encode(times: part.times, columns: part.columns)
            for _ in 0..<60 {
                var damaged = Array(bytes.dropLast(4))
                for _ in 0..<(1 + random.next() % 4) {
                    damaged[Int(random.next() % UInt64(damaged.count))] = UInt8(truncatingIfNeeded: random.next())
                }
                if random.next() % 4 == 0 { damaged.removeLast(Int(random.next() % UInt64(damaged.count))) }
                guard let reader = try? PartReader(checked: ByteReader(damaged)) else { continue }
                for position in reader.ids.indices where reader.times.count < 100_000 {
                    let values = try? reader.values(at: position)
                    #expect(values == nil || values!.count == reader.times.count)
                }
            }
        }
    }

    @Test func `a newer version is refused by name`() {
        var bytes = Array(Part.encode(times: [1], columns: []).dropLast(4))
        bytes[0] = 9
        bytes.appendFixed(CRC32C.checksum(bytes))
        #expect(throws: ChunkError.newerVersion(9)) { try PartReader(bytes) }
    }

    /// docs/formats/series.md explains these bytes one by one.
    @Test func `the bytes of the documented example`() {
        let stale = Double(bitPattern: Presence.staleBits)
        let bytes = Part.encode(
            times: [1000, 2000, 3000, 4000],
            columns: [.init(id: 7, values: [0.5, 0.5, 0.5, 0.5]), .init(id: 8, values: [4096, 8192, 12288, stale])])
        let hex = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
        #expect(hex == PartTests.golden)
    }

    private static let golden = "01 04 02 09 00 d0 0f e8 07 01 00 02 e4 01 02 0d 06 07 07 01 02 01 25 00 0b 01 0a 00 00 00 80 40 80 20 01 00 02 24 e5 dc 84 6a"
}
