import TestKit
import Testing

@testable import ChunkCodec

@Suite struct BytesTests {
    @Test func `CRC-32C gives the values of RFC 3720 and does not depend on the split`() {
        #expect(CRC32C.checksum(Array("123456789".utf8)) == 0xE306_9283)
        #expect(CRC32C.checksum(Array(repeating: 0, count: 32)) == 0x8A91_36AA)
        #expect(CRC32C.checksum(Array(repeating: 0xFF, count: 32)) == 0x62A8_AB43)
        #expect(CRC32C.checksum(Array(0..<32)) == 0x46DD_794E)
        #expect(CRC32C.checksum(Array("x123456789x".utf8), in: 1..<10) == 0xE306_9283)
    }

    @Test func `varints and zigzag survive at every width`() throws {
        var bytes: [UInt8] = []
        let values = (0..<64).flatMap { [UInt64(1) << UInt64($0), (UInt64(1) << UInt64($0)) &- 1] } + [.max]
        for value in values { bytes.appendVarint(value) }
        let signed: [Int64] = [0, 1, -1, .max, .min]
        for value in signed { bytes.appendZigzag(value) }
        var reader = ByteReader(bytes)
        for value in values { #expect(try reader.varint() == value) }
        for value in signed { #expect(try reader.zigzag() == value) }
        #expect(reader.isAtEnd)
    }

    @Test func `a varint that ends early or is too long is refused`() {
        var short = ByteReader([0x80, 0x80])
        #expect(throws: ChunkError.truncated(offset: 0)) { try short.varint() }
        var long = ByteReader(Array(repeating: 0xFF, count: 11))
        #expect(throws: ChunkError.overlong(offset: 0)) { try long.varint() }
        var tenth = ByteReader(Array(repeating: 0xFF, count: 9) + [2])
        #expect(throws: ChunkError.overlong(offset: 0)) { try tenth.varint() }
        var section = ByteReader([5, 1, 2])
        #expect(throws: ChunkError.self) { try section.section() }
    }

    @Test(arguments: 0...64) func `bits of each width survive`(width: Int) throws {
        var random = SeededGenerator(seed: UInt64(width))
        let mask: UInt64 = width == 0 ? 0 : ~0 >> UInt64(64 - width)
        let values = (0..<37).map { _ in random.next() & mask }
        var writer = BitWriter()
        // A few odd bits first, so that the values straddle bytes.
        writer.write(5, width: 3)
        for value in values { writer.write(value, width: width) }
        let bytes = writer.finish()
        unsafe bytes.withUnsafeBufferPointer { buffer in
            var reader = unsafe BitReader(buffer, 0..<buffer.count)
            #expect(reader.read(width: 3) == 5)
            for value in values { #expect(reader.read(width: width) == value) }
            #expect(!reader.isOverrun)
            _ = reader.read(width: 64)
            #expect(reader.isOverrun)
        }
    }

    @Test func `magnitude classes cover each number once`() {
        var random = SeededGenerator(seed: 7)
        for index in 0..<20_000 {
            let value = index < 5000 ? UInt64(index) : random.next() >> UInt64(index % 64)
            let kind = MagnitudeClass.of(value)
            let base = MagnitudeClass.base(kind)
            #expect(value >= base && value - base < 1 << UInt64(MagnitudeClass.extraBits(kind)) && kind < MagnitudeClass.count)
        }
        #expect(MagnitudeClass.of(.max) == MagnitudeClass.count - 1)
    }
}
