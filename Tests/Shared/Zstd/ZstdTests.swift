import Testing
import Zstd

@Suite struct ZstdTests {
    @Test(arguments: [[], Array("abc".utf8), Array(repeating: UInt8(7), count: 100_000)])
    func `unpacks what it packed`(bytes: [UInt8]) throws {
        #expect(try ZstdDecompressor().decompress(ZstdCompressor(level: 3).compress(bytes)) == bytes)
    }

    @Test func `refuses a bomb before it allocates, and garbage`() {
        let bomb = ZstdCompressor(level: 3).compress(Array(repeating: 0, count: 1 << 20))
        #expect(throws: ZstdError.tooLarge(limit: 1000)) { try ZstdDecompressor().decompress(bomb, limit: 1000) }
        #expect(throws: ZstdError.self) { try ZstdDecompressor().decompress([1, 2, 3]) }
    }

    @Test func `frames that follow one another are unpacked, cut ones and bombs are refused`() throws {
        let packed = ZstdCompressor(level: 1).compress(Array("one ".utf8)) + ZstdCompressor(level: 3).compress(Array("two".utf8))
        #expect(try ZstdDecompressor().decompressFrames(packed, limit: 100) == Array("one two".utf8))
        #expect(try ZstdDecompressor().decompressFrames([], limit: 100).isEmpty)
        #expect(throws: ZstdError.self) { try ZstdDecompressor().decompressFrames(Array(packed.dropLast()), limit: 100) }
        #expect(throws: ZstdError.tooLarge(limit: 6)) { try ZstdDecompressor().decompressFrames(packed, limit: 6) }
        let bomb = ZstdCompressor(level: 1).compress([UInt8](repeating: 0, count: 8 << 20))
        #expect(throws: ZstdError.tooLarge(limit: 1 << 20)) { try ZstdDecompressor().decompressFrames(bomb, limit: 1 << 20) }
        #expect(throws: ZstdError.self) { try ZstdDecompressor().decompressFrames([1, 2, 3, 4, 5], limit: 100) }
    }
}
