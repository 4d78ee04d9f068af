import ChunkCodec
import Zstd

/// How a column is laid down: one byte for its codec, the count of the stored bytes, the bytes, and their CRC32C.
///
///     0 raw | 1 zstd   count (LEB128)   bytes   crc32c (4, low byte first)
enum ColumnFrame {
    private static let raw: UInt8 = 0
    private static let zstd: UInt8 = 1
    /// Below this a zstd frame's own header eats the gain.
    private static let worthwhileBytes = 32

    static func append(_ column: [UInt8], to writer: inout ByteWriter, compressor: ZstdCompressor) {
        var codec = raw
        var stored = column
        if column.count >= worthwhileBytes {
            let packed = compressor.compress(column)
            if packed.count < column.count { (codec, stored) = (zstd, packed) }
        }
        writer.byte(codec)
        writer.count(stored.count)
        writer.append(stored)
        writer.fixed32(CRC32C.checksum(stored))
    }

    /// - Parameter limit: the most bytes that the column may unpack to.
    static func read(from reader: inout ByteReader, limit: Int = 256 << 20) throws(CodingError) -> [UInt8] {
        let codec = try reader.byte()
        let stored = try reader.take(try reader.count(upTo: Int(Int32.max)))
        guard try reader.fixed32() == CRC32C.checksum(stored) else { throw CodingError("a checksum is wrong") }
        switch codec {
        case raw: return stored
        case zstd:
            return try Decompressors.lend { decompressor throws(CodingError) in
                do { return try decompressor.decompress(stored, limit: limit) } catch { throw CodingError("zstd refuses a column: \(error)") }
            }
        default: throw CodingError("codec \(codec) is unknown")
        }
    }
}
