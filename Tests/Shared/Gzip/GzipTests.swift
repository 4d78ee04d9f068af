import Gzip
import Testing

@Suite struct GzipTests {
    @Test(arguments: [
        [], Array("abc".utf8), Array(repeating: UInt8(7), count: 300_000), (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 7) },
    ])
    func `unpacks what it packed`(bytes: [UInt8]) throws {
        let packer = GzipCompressor()
        #expect(try Gzip.decompress(packer.compress(bytes)) == bytes)
        #expect(try Gzip.decompress(packer.compress(bytes)) == bytes, "the state is used again")
    }

    @Test func `a stream can be read as far as it was written`() throws {
        let (packer, unpacker) = (GzipCompressor(), GzipDecompressor())
        for piece in ["first\n", "second\n"] {
            #expect(try unpacker.write(packer.write(Array(piece.utf8)), limit: 100) == Array(piece.utf8))
        }
        #expect(!unpacker.isAtEnd)
        #expect(try unpacker.write(packer.finish(), limit: 100) == [])
        #expect(unpacker.isAtEnd)
    }

    @Test func `members may follow one another`() throws {
        let packer = GzipCompressor()
        #expect(try Gzip.decompress(packer.compress([1]) + packer.compress([2, 3])) == [1, 2, 3])
    }

    @Test func `refuses a bomb, a stump and garbage`() {
        let bomb = GzipCompressor(level: 9).compress(Array(repeating: 0, count: 1 << 24))
        #expect(throws: GzipError.tooLarge(limit: 100_000)) { try Gzip.decompress(bomb, limit: 100_000) }
        #expect(throws: GzipError.truncated) { try Gzip.decompress(Array(bomb.dropLast(20))) }
        #expect(throws: GzipError.truncated) { try Gzip.decompress([]) }
        #expect(throws: GzipError.self) { try Gzip.decompress([1, 2, 3, 4]) }
    }
}
