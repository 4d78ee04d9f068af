import Glibc
import TestKit
import Testing

@testable import ChunkCodec

@Suite struct ColumnTests {
    @Test(arguments: ColumnShape.allCases) func `a column keeps every bit`(shape: ColumnShape) throws {
        for seed in UInt64(1)...12 {
            var random = SeededGenerator(seed: seed)
            for count in [1, 2, 3, 5, 63, 64, 127, 128, 129, 300, 1000] {
                let values = shape.values(count, &random)
                let (codec, payload) = ValueColumn.encode(values)
                var reader = ByteReader(payload)
                let back = try ValueColumn.decode(codec, &reader, count: count)
                #expect(
                    back.map(\.bitPattern) == values.map(\.bitPattern) && reader.isAtEnd, "shape \(shape) seed \(seed) count \(count) codec \(codec)")
                #expect(payload.count <= count * 8 + 1)
            }
        }
    }

    @Test func `integers keep every bit whatever their differences`() throws {
        for seed in UInt64(1)...40 {
            var random = SeededGenerator(seed: seed)
            let count = Int(random.next() % 400)
            let shift = random.next() % 64
            let step = Int64(bitPattern: random.next() >> (random.next() % 64)) | 1
            let values = (0..<count).map { index in Int64(bitPattern: random.next() >> shift) &* step &+ Int64(index) &* step }
            let bytes = IntegerColumn.encode(values)
            var reader = ByteReader(bytes)
            #expect(try IntegerColumn.decode(&reader, count: count) == values, "seed \(seed)")
            #expect(reader.isAtEnd)
        }
        for values: [Int64] in [[.min, .max], [.max, .min, .max], [.min, 0], [0, .min], [.min], [-1, .max]] {
            var reader = ByteReader(IntegerColumn.encode(values))
            #expect(try IntegerColumn.decode(&reader, count: values.count) == values)
        }
    }

    /// Upper bounds in bytes for 300 rows: a change that makes a shape larger shows here.
    @Test(arguments: [
        (ColumnShape.constant, ValueColumn.Codec.constant, 9), (.steps, .decimal, 16), (.counterMicroseconds, .decimal, 470),
        (.pages, .decimal, 200), (.decimals, .decimal, 560), (.fewValues, .dictionary, 115), (.doubles, .bits, 2000), (.runs, .bits, 160),
        (.wildBits, .raw, 2400), (.milliProducts, .decimal, 240), (.microQuotients, .decimal, 505),
    ])
    func `each shape gets the codec made for it`(shape: ColumnShape, codec: ValueColumn.Codec, limit: Int) {
        var random = SeededGenerator(seed: 3)
        let encoded = ValueColumn.encode(shape.values(300, &random))
        #expect(encoded.codec == codec, "\(shape)")
        #expect(encoded.payload.count <= limit, "\(shape): \(encoded.payload.count) bytes")
    }

    @Test func `entropy tables fill their scale, come back as written, and code what they were made for`() throws {
        for counts in [[1: 1_000_000, 2: 1], [0: 1], [3: 5, 250: 5], [0: 1, 255: 1], Dictionary(uniqueKeysWithValues: (0..<256).map { ($0, 1 + $0 * $0) })] {
            var column = [Int](repeating: 0, count: MagnitudeClass.count)
            for (kind, count) in counts { column[kind] = count }
            let table = FrequencyTable(counts: column).scaled(total: 2000)
            #expect(table.frequencies.reduce(0, +) == 1 << UInt32(table.scaleBits))
            var bits = BitWriter()
            table.write(to: &bits)
            let written = bits.finish()
            try unsafe written.withUnsafeBufferPointer { buffer in
                var reader = unsafe BitReader(buffer, 0..<buffer.count)
                let back = try FrequencyTable(from: &reader, total: 2000)
                #expect(back.frequencies == table.frequencies)
            }
            var random = SeededGenerator(seed: 5)
            let kinds = (0..<2000).map { _ in UInt8(counts.keys.sorted()[Int(random.next() % UInt64(counts.count))]) }
            let coded = EntropyCoder.encode(kinds, [table, table])
            var back: [UInt8] = []
            try unsafe coded.withUnsafeBufferPointer { buffer in
                try unsafe EntropyCoder.decode(buffer, 0..<buffer.count, count: kinds.count, [table, table]) { kind, _ in back.append(UInt8(kind)) }
            }
            #expect(back == kinds)
        }
    }

    @Test(arguments: [ShapeTable.Fall.root, .linear, .square]) func `a shape's table fills its scale and comes back as written`(fall: ShapeTable.Fall) throws {
        for scale in [0, 7, 40, 163, 300, 504] {
            for (first, last) in [(0, 0), (0, 1), (0, 255), (3, 90), (200, 255)] {
                for zeroShare in [0, 1, 128, 255] {
                    let shape = ShapeTable(fall: fall, scale: scale, first: first, last: last, zeroShare: zeroShare)
                    let table = shape.table
                    #expect(table.frequencies.reduce(0, +) == 1 << UInt32(ShapeTable.scaleBits), "\(shape)")
                    #expect((first...last).allSatisfy { table.frequencies[$0] > 0 }, "\(shape)")
                    var bytes: [UInt8] = []
                    shape.write(to: &bytes)
                    var reader = ByteReader(bytes)
                    #expect(try ShapeTable(from: &reader) == shape)
                }
            }
        }
    }

    /// The frequencies are part of the format: another rounding would make files unreadable.
    @Test func `a shape's frequencies are the same for ever`() {
        let table = ShapeTable(fall: .square, scale: 80, first: 0, last: 50, zeroShare: 40).table
        #expect(Array(table.frequencies[0...50]) == ColumnTests.goldenFrequencies)
    }

    private static let goldenFrequencies: [UInt32] = [
        671, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 8, 8, 8, 8, 16, 16, 16, 16, 30, 30, 30, 30, 60, 60, 60, 60, 118, 117, 116, 114, 222, 214, 204, 193,
        351, 300, 249, 200, 274, 148, 71, 30, 15, 2, 1,
    ]

    @Test func `noise is coded by its shape, in little more than its entropy`() throws {
        var random = SeededGenerator(seed: 12)
        func normal() -> Double {
            (-2 * log(Double.random(in: 1e-12..<1, using: &random))).squareRoot() * cos(2 * .pi * Double.random(in: 0..<1, using: &random))
        }
        let values = (0..<1440).map { _ in Int64((1e6 * normal()).rounded()) }
        let bytes = IntegerStream.encode(values)
        #expect(bytes[0] == IntegerStream.Kind.entropyByShape.rawValue)
        // log2(sigma * sqrt(2 pi e)) bits a value, and some thirty bytes.
        #expect(Double(bytes.count) < 1440 * log2(1e6 * 4.1327) / 8 + 60, "\(bytes.count)")
        var reader = ByteReader(bytes)
        #expect(try IntegerStream.decode(&reader, count: 1440) == values)
    }
}
