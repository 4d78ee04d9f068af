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
}
